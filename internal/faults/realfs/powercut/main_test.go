//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/faults/realfs/toy"
	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

func TestMain(m *testing.M) {
	toy.RunIfAsked()
	m.Run()
}

// F12: the sweep finds what a power cut shows, and nothing in a program without a mistake.
func TestF12PowerCutsFindSeededBugs(t *testing.T) {
	if missing := trial.Missing("/dev/fuse"); missing != "" {
		t.Skip(missing)
	}
	scenarios := []scenario{
		{"first-append", nil, appends(3, 1), trial.Program.Judge},
		{"append", []step{records(2)}, appends(2, 2), trial.Program.Judge},
		{"rotate", []step{records(2)}, append(one(command("rotate")), append(appends(1, 1), one(command("rotate"))...)...), trial.Program.Judge},
	}
	for bug, found := range map[toy.Mistake]bool{
		toy.Sound: false, toy.NoSync: true, toy.NoDirSync: true, toy.AckFirst: true, toy.RenamesOver: true,
	} {
		t.Run(string(bug), func(t *testing.T) {
			var out strings.Builder
			r, err := trial.Rehearse("powercut", toy.Program(bug), &out, func(s *trial.Sweep) error { return sweep(s, scenarios) })
			if (r.Lost > 0) != found || !found && r.Misjudged > 0 || (err != nil) != found {
				t.Errorf("%d of %d points lost records, %d were bad otherwise, want lost: %v; %v\n%s", r.Lost, r.Points, r.Misjudged, found, err, &out)
			}
			if r.Points < 30 {
				t.Errorf("%d points: a sweep this short shows little", r.Points)
			}
		})
	}
}

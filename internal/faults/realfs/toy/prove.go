//go:build linux

package toy

import (
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

// Prove runs a sweep on the toy, sound and with mistakes that it has to find.
func Prove(t *testing.T, name string, tools []string, least int, sweep func(*trial.Sweep) error, found ...Mistake) {
	t.Helper()
	if missing := trial.Missing(tools...); missing != "" {
		t.Skip(missing)
	}
	for _, bug := range append([]Mistake{Sound}, found...) {
		t.Run(string(bug), func(t *testing.T) {
			var out strings.Builder
			r, err := trial.Rehearse(name, Program(bug), &out, sweep)
			switch {
			case r.Points < least:
				t.Errorf("%d points, want %d at least: a sweep this short shows little", r.Points, least)
			case bug == Sound && err != nil:
				t.Errorf("found what is not there: %v\n%s", err, &out)
			case bug != Sound && (r.Lost+r.Misjudged == 0 || err == nil):
				t.Errorf("did not find it in %d points: %v\n%s", r.Points, err, &out)
			}
		})
	}
}

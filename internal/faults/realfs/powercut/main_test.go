//go:build linux

package main

import (
	"testing"

	"github.com/opscontext/opscontext/internal/faults/realfs/operation"
	"github.com/opscontext/opscontext/internal/faults/realfs/toy"
	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

func TestMain(m *testing.M) {
	toy.RunIfAsked()
	m.Run()
}

// F12: a power cut shows each missing sync, of directories, too.
func TestF12PowerCutFindsSeededBugs(t *testing.T) {
	toy.Prove(t, "powercut", []string{"/dev/fuse"}, 12, func(s *trial.Sweep) error {
		return sweep(s, operation.Simple)
	}, toy.NoSync, toy.NoDirSync, toy.AckFirst, toy.RenamesOver)
}

//go:build linux

package main

import (
	"testing"

	"github.com/opscontext/opscontext/internal/faults/realfs/mounts"
	"github.com/opscontext/opscontext/internal/faults/realfs/operation"
	"github.com/opscontext/opscontext/internal/faults/realfs/toy"
	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

func TestMain(m *testing.M) {
	toy.RunIfAsked()
	m.Run()
}

// F12: on a real file system, too. A directory that is not synced does not show there: the journal has it.
func TestF12BlockImagesFindSeededBugs(t *testing.T) {
	tools := []string{"/dev/fuse", "/dev/loop-control", "mkfs.ext4"}
	toy.Prove(t, "blockimage", tools, 12, func(s *trial.Sweep) error {
		return sweep(s, []mounts.Format{mounts.Ext4}, operation.Simple)
	}, toy.NoSync, toy.AckFirst, toy.RenamesOver)
}

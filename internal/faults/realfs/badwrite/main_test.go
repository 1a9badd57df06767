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

// F9: who believes a sync that failed, or the one after it, loses records.
func TestF9BadWritesFindSeededBugs(t *testing.T) {
	tools := []string{"/dev/fuse", "/dev/loop-control", "mkfs.ext4"}
	toy.Prove(t, "badwrite", tools, 12, func(s *trial.Sweep) error {
		return sweep(s, []mounts.Format{mounts.Ext4}, operation.Simple)
	}, toy.BlindSync, toy.SyncsAgain, toy.AckFirst)
}

//go:build linux

package main

import (
	"testing"

	"github.com/opscontext/opscontext/internal/faults/realfs/toy"
)

func TestMain(m *testing.M) {
	toy.RunIfAsked()
	m.Run()
}

// F7: a record that is torn at any byte shows who acknowledges too early, and who writes on behind it.
func TestF7FullDiskFindsSeededBugs(t *testing.T) {
	toy.Prove(t, "fulldisk", []string{"/dev/fuse"}, 100, everyByte, toy.AckFirst, toy.KeepsTorn)
}

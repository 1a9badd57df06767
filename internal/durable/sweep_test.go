package durable

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// The sweeps stop an operation at every point, draw disks from each, and look at what a process
// finds there: the way every protocol built on this package is to be tested.

func TestReplaceSweep(t *testing.T) {
	start := NewMem()
	must(t, start.Mkdir("d", 0o700))
	must(t, start.Replace("d/f", []byte("old bytes"), 0o600))
	start.SyncAll()
	states := sweep(t, start,
		func(m *Mem) error { return m.Replace("d/f", []byte("new bytes"), 0o600) },
		func(m *Mem, done bool) error {
			switch got := read(t, m, "d/f"); {
			case got == "new bytes" || got == "old bytes" && !done:
			default:
				return fmt.Errorf("the file holds %q", got)
			}
			entries, err := m.ReadDir("d")
			if err != nil {
				return err
			}
			for _, e := range entries {
				if e.Name() != "f" && (done || !Leftover(e.Name(), "f")) {
					return fmt.Errorf("%s is left", e.Name())
				}
			}
			return nil
		})
	if states < 150 {
		t.Errorf("only %d states", states)
	}
}

// Place promises nothing after a power cut, and a complete file or none after a kill.
func TestPlaceSweep(t *testing.T) {
	start := NewMem()
	for p, disk := range start.CrashPoints(func(m *Mem) { _ = m.Place("lock", []byte("pid 1"), 0o600) }) {
		m := disk.Crash(Loss{Kept: KeptCache})
		if _, err := m.Stat("lock"); err == nil {
			wantText(t, m, "lock", "pid 1")
		} else if p.During == (Op{}) {
			t.Errorf("%v: %v", p, err)
		}
		must(t, m.Mkdir("again", 0o700)) // the disk goes on
	}
}

// The sweep must find what it is there for: each of these writers leaves something out.
func TestSweepFindsBugs(t *testing.T) {
	for _, bug := range []string{"none", "no file sync", "no directory sync", "acknowledged first", "written in place"} {
		t.Run(bug, func(t *testing.T) {
			start := NewMem()
			must(t, start.Mkdir("d", 0o700))
			must(t, start.SyncDir("/"))
			var found error
			replace := func(m *Mem) error { return carelessReplace(m, bug) }
			check := func(m *Mem, done bool) error {
				f, err := m.OpenFile("d/f", os.O_RDONLY, 0)
				if err != nil {
					if done {
						found = err
					}
					return nil
				}
				p := make([]byte, 20)
				n, _ := f.ReadAt(p, 0)
				if got := string(p[:n]); got != "new bytes" {
					found = fmt.Errorf("the file holds %q", got)
				}
				return f.Close()
			}
			sweep(t, start, replace, check)
			if (found == nil) != (bug == "none") {
				t.Errorf("found: %v", found)
			}
		})
	}
}

func carelessReplace(m *Mem, bug string) (err error) {
	name := "d/tmp"
	if bug == "written in place" {
		name = "d/f"
	}
	f, err := m.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte("new bytes")); err != nil {
		return err
	}
	if bug != "no file sync" {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if name != "d/f" {
		if err := m.Rename(name, "d/f"); err != nil {
			return err
		}
	}
	switch bug {
	case "no directory sync":
		return nil
	case "acknowledged first":
		_ = m.SyncDir("d")
		return nil
	default:
		return m.SyncDir("d")
	}
}

// sweep runs run on start, stopped at every point, and checks every disk that a crash there may
// leave. done says that run had returned nil: what it promised must hold.
func sweep(t *testing.T, start *Mem, run func(*Mem) error, check func(m *Mem, done bool) error) (states int) {
	t.Helper()
	var runErr error
	for p, disk := range start.CrashPoints(func(m *Mem) { runErr = run(m) }) {
		if runErr != nil && !errors.Is(runErr, ErrCrashed) {
			t.Fatalf("%v: %v", p, runErr)
		}
		for _, l := range Losses(1, 10) {
			states++
			if err := check(disk.Crash(l), runErr == nil); err != nil {
				t.Errorf("%v, then %v: %v", p, l, err)
			}
		}
	}
	return states
}

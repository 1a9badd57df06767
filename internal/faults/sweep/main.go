//go:build linux && amd64

// Sweep proves that opscontext survives being killed. It plays a command once without a fault and notes
// the state-changing system calls that it makes in its home, its state directory and whatever else
// lies on the stage. Then it runs the command again and again under ptrace, each time from the same
// start, and lets one fault befall one of these calls: a kill before the call, a kill after it, a torn
// or a short write, an error. After each it restarts the program, untraced, which must succeed at
// once, and judges what is left:
//
//   - append and rotate: one more append; no acknowledged record is lost, none is stored twice;
//   - archive: at the moment of the fault no record is gone, and a segment without its plain file is
//     attested on the chain; after the same command again, the files are those of a run without a
//     fault, byte for byte where they do not depend on the time;
//   - import: after the same command again, every event of the file is a record, once and in order;
//   - adopt: after the same command again, the log begins with the bytes of the old one, which is as it
//     was, and the files are those of a run without a fault;
//   - backup: at the moment of the fault the copy has all that it had; after the same command again it
//     has the files of the home, byte for byte.
//
// In each case the log verifies, and nothing is left lying about.
//
//	sweep -bin bin/opscontext [-scenario REGEXP] [-mode REGEXP] [-j N] [-work DIR]
//
// A call is known by its kind, its target and the how manieth of these it is, over all threads of the
// program together, which run on as many processors as there are: strace's when= counts each thread by
// itself, which for a Go program names no point in particular. A kill leaves the page cache whole: what
// a power cut does to unsynced bytes is for the in-memory file system to show.
//
// It exits 0 if every point was good and at least -least of them were kills.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

// mode is a fault with the name it goes by in the output.
type mode struct {
	name  string
	fault fault
}

var modes = []mode{
	{"kill-before", fault{kind: killBefore}},
	{"kill-after", fault{kind: killAfter}},
	{"torn-0", fault{kind: torn}},
	{"torn-50", fault{kind: torn, share: 0.5}},
	{"torn-99", fault{kind: torn, share: 0.99}},
	{"short", fault{kind: short, share: 0.5}},
	{"EIO", fault{kind: fail, errno: syscall.EIO}},
	{"ENOSPC", fault{kind: fail, errno: syscall.ENOSPC}},
	{"EINTR", fault{kind: fail, errno: syscall.EINTR}},
}

// kills tells whether the program dies of the fault.
func (f fault) kills() bool { return f.kind == killBefore || f.kind == killAfter || f.kind == torn }

// harmless tells whether a program has to get over the fault by itself, as POSIX has it.
func (f fault) harmless() bool { return f.kind == short || f.kind == fail && f.errno == syscall.EINTR }

func main() {
	bin := flag.String("bin", "bin/opscontext", "the program under test")
	scenario := flag.String("scenario", "", "run only the scenarios that match this regular expression")
	only := flag.String("mode", "", "run only the modes that match this regular expression")
	work := flag.String("work", "", "directory for the points; bad ones stay there (default: a new temporary one)")
	j := flag.Int("j", runtime.NumCPU(), "points at a time")
	least := flag.Int("least", 0, "fail when fewer kill points than this were tried")
	flag.Parse()
	if err := run(*bin, *scenario, *only, *work, *j, *least); err != nil {
		fmt.Fprintln(os.Stderr, "sweep:", err)
		os.Exit(1)
	}
}

func run(bin, scenarioLike, modeLike, work string, j, least int) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	wantScenario, err := regexp.Compile(scenarioLike)
	if err != nil {
		return err
	}
	wantMode, err := regexp.Compile(modeLike)
	if err != nil {
		return err
	}
	if work == "" {
		if work, err = os.MkdirTemp("", "opscontext-sweep-"); err != nil {
			return err
		}
	}
	// What the system calls are about is given without links.
	if err := os.MkdirAll(work, 0o700); err != nil {
		return err
	}
	if work, err = filepath.EvalSymlinks(work); err != nil {
		return err
	}
	var kills, others, missed, bad int
	began := time.Now()
	app := program{bin}
	for _, s := range scenarios(app) {
		if !wantScenario.MatchString(s.name) {
			continue
		}
		dir := filepath.Join(work, s.name)
		r, err := rehearse(s, app, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for _, m := range modes {
			if !wantMode.MatchString(m.name) {
				continue
			}
			sum, err := sweep(r, m.fault, app, filepath.Join(dir, m.name), j)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", s.name, m.name, err)
			}
			fmt.Printf("%-20s %-12s %s\n", s.name, m.name, sum)
			bad += len(sum.bad)
			missed += sum.missed
			if m.fault.kills() {
				kills += sum.points
			} else {
				others += sum.points
			}
		}
	}
	fmt.Printf("kill points %d, error points %d, missed %d, bad %d, in %s\n", kills, others, missed, bad, time.Since(began).Round(time.Second))
	switch {
	case bad > 0:
		return fmt.Errorf("%d bad points; their files are kept in %s", bad, work)
	case kills < least:
		return fmt.Errorf("%d kill points tried, want at least %d: a sweep this short proves little", kills, least)
	}
	return os.RemoveAll(work)
}

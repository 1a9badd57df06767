//go:build linux && amd64

// Sweep proves that opscontext survives being killed. It plays a command a few times without a fault and
// notes the system calls that it makes in its home, its state directory and whatever else lies on the
// stage: those that change something, and those that open and read. Then it runs the command again and
// again under ptrace, each time from the same start, and lets one fault befall one of these calls: a kill
// before the call, a kill after it, a torn or a short write, a short read, an error, once or from then on.
// After each it restarts the program, untraced, which must succeed at once, and judges what is left:
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
// In each case the log verifies, and nothing is left lying about. The same is asked of pairs of kills: of
// the command, and then of the one that comes next and would recover.
//
//	sweep -bin bin/opscontext [-scenario REGEXP] [-mode REGEXP] [-errors N] [-pairs N] [-storm TIME] [-seed N] [-j N] [-work DIR]
//
// Without -errors and -pairs that is all there are. "pair" as a mode stands for the pairs. With -storm, 64
// processes then append at once, and writers are killed and stopped at random.
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
	"slices"
	"time"
)

func main() {
	var p plan
	bin := flag.String("bin", "bin/opscontext", "the program under test")
	scenario := flag.String("scenario", "", "run only the scenarios that match this regular expression")
	only := flag.String("mode", "", "run only the modes that match this regular expression")
	work := flag.String("work", "", "directory for the points; bad ones stay there (default: a new one in "+memory+", else a temporary one)")
	j := flag.Int("j", runtime.NumCPU(), "points at a time")
	least := flag.Int("least", 0, "fail when fewer kill points than this were tried")
	flag.IntVar(&p.errors, "errors", 0, "try so many of the points of errors and cut calls, evenly (0: all)")
	flag.IntVar(&p.pairs, "pairs", 0, "try so many pairs of kills, evenly (0: all)")
	flag.Uint64Var(&p.seed, "seed", 1, "says which of them, and when writers are killed in a storm")
	flag.DurationVar(&p.storm, "storm", 0, "kill writers at random for so long, among many others (0: not at all)")
	flag.Parse()
	if err := run(*bin, *scenario, *only, *work, *j, *least, p); err != nil {
		fmt.Fprintln(os.Stderr, "sweep:", err)
		os.Exit(1)
	}
}

// memory is where files cost least. What survives a kill is the same there.
const memory = "/dev/shm"

func run(bin, scenarioLike, modeLike, work string, j, least int, p plan) error {
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
	if work, err = workIn(work); err != nil {
		return err
	}
	began := time.Now()
	app := program{bin}
	var of []*rehearsed
	for _, s := range scenarios(app) {
		if !wantScenario.MatchString(s.name) {
			continue
		}
		r, err := rehearse(s, app, filepath.Join(work, s.name))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		of = append(of, r)
	}
	want := slices.DeleteFunc(modes(), func(m mode) bool { return !wantMode.MatchString(m.name) })
	s := newSweep(app, of, work, os.Stdout)
	err = s.points(p.points(of, want), j)
	if err == nil && wantMode.MatchString("pair") {
		err = s.pairs(p.firsts(of), p, j)
	}
	if err != nil {
		return err
	}
	for i, r := range of {
		fmt.Printf("%-20s %s\n", r.name, s.came[i])
	}
	if p.storm > 0 {
		said, err := storm(app, filepath.Join(work, "storm"), p.storm, p.seed)
		if err != nil {
			return err
		}
		fmt.Println(said)
	}
	all := sum(s.came)
	fmt.Printf("by fault:%s\n", counts(all.modes))
	fmt.Printf("kill points %d, error points %d, pairs of kills %d, missed %d, bad %d, seed %d, in %s\n",
		all.kills, all.errors, all.pairs, all.missed, len(all.bad), p.seed, time.Since(began).Round(time.Second))
	switch {
	case len(all.bad) > 0:
		return fmt.Errorf("%d bad points; their files are kept in %s", len(all.bad), work)
	case all.kills < least:
		return fmt.Errorf("%d kill points tried, want at least %d: a sweep this short proves little", all.kills, least)
	}
	return os.RemoveAll(work)
}

// workIn gives the directory to work in, without links: system calls are told apart by its name.
func workIn(dir string) (string, error) {
	var err error
	if dir != "" {
		err = os.MkdirAll(dir, 0o700)
	} else if dir, err = os.MkdirTemp(memory, "opscontext-sweep-"); err != nil {
		dir, err = os.MkdirTemp("", "opscontext-sweep-")
	}
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/opscontext/opscontext/internal/config"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

// shorts is what is measured of processes that append one record each, and what came of it so far.
type shorts struct {
	program
	dir   string
	empty string // the program that does nothing
	long  int64  // size of the large log; 0: there is none
	done  int    // rounds

	all []*short
}

// short is a short process. Its wall and CPU time are the medians of the processes of a round.
type short struct {
	name string
	cmd  func(context.Context) *exec.Cmd
	cost
}

// perRound is how many of each kind run in a round.
const perRound = 25

// emptyProgram is what every process costs that is built by Go.
const emptyProgram = "package main\n\nfunc main() {}\n"

// measureShorts does all of it and writes what came of it.
func measureShorts(ctx context.Context, out *report, p program, dir string, long, rounds int) error {
	if err := out.part("Append, one record a process"); err != nil {
		return err
	}
	s := &shorts{program: p, dir: filepath.Join(dir, "short")}
	if missing, err := s.build(ctx); err != nil || missing != "" {
		return errors.Join(err, out.skip(missing))
	}
	if err := s.makeLogs(ctx, long); err != nil {
		return err
	}
	err := errors.Join(out.field("processes", fmt.Sprintf("%d of each in a round, in turn; an empty one is an empty main, built by Go", perRound)), busy(out, "before"))
	if err != nil {
		return err
	}
	for range rounds {
		if err := s.round(ctx); err != nil {
			return err
		}
	}
	return s.print(out)
}

// build makes the empty program, and says why it does not if there is no compiler.
func (s *shorts) build(ctx context.Context) (missing string, err error) {
	compiler, err := yardstick("go")
	if err != nil {
		return "", err
	}
	if compiler == "" {
		return "go is not installed: there is no empty process to hold a short one against", nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", err
	}
	source := filepath.Join(s.dir, "empty.go")
	if err := os.WriteFile(source, []byte(emptyProgram), 0o600); err != nil {
		return "", err
	}
	s.empty = filepath.Join(s.dir, "empty")
	return "", run(exec.CommandContext(ctx, compiler, "build", "-trimpath", "-o", s.empty, source))
}

// makeLogs makes the logs that are appended to, and appends to each once: the first process to come to a
// log has more to look at than the others.
func (s *shorts) makeLogs(ctx context.Context, long int) error {
	s.add("empty process", func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, s.empty) })
	s.add("opscontext version", func(ctx context.Context) *exec.Cmd { return s.at(ctx, s.dir, "version") })
	for _, log := range []struct {
		name    string
		records int
	}{{"small", 1000}, {"large", long}} {
		if log.records == 0 {
			continue
		}
		dir := filepath.Join(s.dir, log.name)
		size, err := s.makeLog(dir, log.records)
		if err != nil {
			return err
		}
		s.long = size
		one := func(ctx context.Context) *exec.Cmd {
			return s.at(ctx, dir, "append", "--event", appended.Kind, "--actor", appended.Actor, "--payload", string(appended.Payload))
		}
		if err := run(one(ctx)); err != nil {
			return err
		}
		s.add("append to "+terminal.Bytes(size), one)
	}
	return nil
}

func (s *shorts) add(name string, cmd func(context.Context) *exec.Cmd) {
	s.all = append(s.all, &short{name: name, cmd: cmd})
}

// makeLog makes a live log of one file, whatever its size, on the medium.
func (s *shorts) makeLog(dir string, records int) (int64, error) {
	home := filepath.Join(dir, homeDir)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return 0, err
	}
	const settings = "[segment]\nmax_bytes = \"1TiB\"\nperiod = \"none\"\n"
	if err := os.WriteFile(filepath.Join(home, config.FileName), []byte(settings), 0o600); err != nil {
		return 0, err
	}
	name := filepath.Join(home, segment.LiveName)
	if err := writeRecords(name, records, oddities{}); err != nil {
		return 0, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// round runs the processes in turn and keeps the medians.
func (s *shorts) round(ctx context.Context) error {
	s.done++
	costs := make([]cost, len(s.all))
	for range perRound {
		for i, p := range s.all {
			if err := costs[i].run(p.cmd(ctx)); err != nil {
				return err
			}
		}
	}
	for i, p := range s.all {
		p.wall = append(p.wall, costs[i].wall.median())
		p.cpu = append(p.cpu, costs[i].cpu.median())
	}
	return nil
}

// print writes what was measured.
func (s *shorts) print(out *report) error {
	columns := []terminal.Column{{Title: "process"}, {Title: "wall ms", Align: terminal.Right}, {Title: "CPU ms", Align: terminal.Right}}
	var rows [][]string
	for _, p := range s.all {
		rows = append(rows, []string{p.name, p.wall.String(), p.cpu.String()})
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	empty := s.all[0]
	var compared []comparison
	for _, p := range s.all[2:] {
		compared = append(compared, comparison{p.name + ", ms over empty", figure{p.wall, millisWall}, figure{empty.wall, millisWall}, p.wall.less(empty.wall), goal{3, false}})
	}
	return out.compare(compared, s.done)
}

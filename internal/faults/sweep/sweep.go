//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// rehearsed is a scenario that was played without a fault.
type rehearsed struct {
	scenario
	dir          string
	before, done place   // as it was set up, and after the command had run
	points       []point // the calls that the command makes
	was, is      view    // of before and done
}

// played is a place where the command of a scenario met a fault.
type played struct {
	place
	rehearsed
	outcome
}

// rehearsals is how often a scenario is played without a fault. What only one of these runs did depends
// on how its threads met, and hardly another run would come to it.
const rehearsals = 3

// rehearse sets the scenario up and runs its command without a fault, which must succeed.
func rehearse(s scenario, app subject, dir string) (*rehearsed, error) {
	r := &rehearsed{scenario: s, dir: dir, before: place{filepath.Join(dir, "before")}, done: place{filepath.Join(dir, "done")}}
	if err := os.MkdirAll(r.before.stage(), 0o700); err != nil {
		return nil, err
	}
	for _, do := range s.setup {
		if err := do(r.before); err != nil {
			return nil, fmt.Errorf("setting up: %w", err)
		}
	}
	made := map[point]int{}
	for range rehearsals {
		if err := r.before.copyTo(r.done); err != nil {
			return nil, err
		}
		out, err := traceAt(s, fault{}, app, r.done, never)
		if err != nil {
			return nil, err
		}
		if out.exit != 0 {
			text, err := os.ReadFile(r.done.errors())
			return nil, errors.Join(fmt.Errorf("without a fault: exit %d: %s", out.exit, text), err)
		}
		for _, at := range out.calls {
			if made[at]++; made[at] == 2 {
				r.points = append(r.points, at)
			}
		}
	}
	return r, r.look()
}

func (r *rehearsed) look() (err error) {
	if r.was, err = viewOf(r.before); err == nil {
		r.is, err = viewOf(r.done)
	}
	return err
}

// sweep is several workers, each with a place of its own, and what they found.
type sweep struct {
	app  subject
	of   []*rehearsed
	work string
	mu   sync.Mutex
	came []tally   // of each scenario
	out  io.Writer // what is bad or missed is told at once
}

func newSweep(app subject, of []*rehearsed, work string, out io.Writer) *sweep {
	return &sweep{app: app, of: of, work: work, came: make([]tally, len(of)), out: out}
}

// each lets j workers do something for every task, each in a place of its own. After an error the tasks
// that are left are not done.
func (s *sweep) each(tasks []task, j int, do func(x task, p place) error) error {
	var (
		wg    sync.WaitGroup
		next  = make(chan task)
		fatal error
	)
	for w := range j {
		wg.Go(func() {
			for x := range next {
				s.mu.Lock()
				stop := fatal != nil
				s.mu.Unlock()
				if stop {
					continue
				}
				if err := do(x, place{filepath.Join(s.work, fmt.Sprintf("worker-%d", w))}); err != nil {
					s.mu.Lock()
					fatal = errors.Join(fatal, fmt.Errorf("%s, %v: %w", s.of[x.of].name, x, err))
					s.mu.Unlock()
				}
			}
		})
	}
	for _, x := range tasks {
		next <- x
	}
	close(next)
	wg.Wait()
	return fatal
}

// points tries each point. An error means that one could not be tried, not that it was bad.
func (s *sweep) points(tasks []task, j int) error {
	return s.each(tasks, j, func(x task, p place) error {
		began := time.Now()
		y := played{place: p, rehearsed: *s.of[x.of]}
		problem, err := y.try(x.mode.fault, s.app, x.at, y.before)
		if err != nil {
			return err
		}
		return s.note(x, y, problem, began)
	})
}

// note counts a point that was tried, and keeps its files if it was bad.
func (s *sweep) note(x task, y played, problem error, began time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.came[x.of]
	if problem != nil {
		kept := filepath.Join(y.rehearsed.dir, fmt.Sprintf("bad-%d", len(t.bad)+1))
		if err := os.Rename(y.place.dir, kept); err != nil {
			return err
		}
		t.bad = append(t.bad, fmt.Sprintf("%v, exit %d, in %s: %v", x, y.exit, kept, problem))
	}
	t.add(x, y.outcome, time.Since(began))
	var err error
	switch {
	case problem != nil:
		_, err = fmt.Fprintf(s.out, "BAD %s: %s\n", y.name, t.bad[len(t.bad)-1])
	case !y.hit:
		_, err = fmt.Fprintf(s.out, "MISSED %s: %v\n", y.name, x)
	}
	return err
}

// pairs kills the command at each of the points, and then the next command at points of its own.
func (s *sweep) pairs(firsts []task, p plan, j int) error {
	return s.each(firsts, j, func(x task, at place) error {
		began := time.Now()
		killed, next := place{at.dir + "-killed"}, *s.of[x.of]
		out, err := attempt(next.scenario, x.mode.fault, s.app, killed, x.at, next.before)
		if err != nil {
			return err
		}
		if !out.hit {
			return s.note(x, played{place: at, rehearsed: next, outcome: out}, nil, began)
		}
		next.scenario = next.next()
		// That the command may refuse to run, for all was done already, is for the judge to know.
		out, err = attempt(next.scenario, fault{}, s.app, at, never, killed)
		if err != nil {
			return err
		}
		for _, second := range p.seconds(x, out.calls) {
			y := played{place: at, rehearsed: next}
			problem, err := y.try(second.mode.fault, s.app, second.at, killed)
			if err != nil {
				return err
			}
			if err := s.note(second, y, problem, began); err != nil {
				return err
			}
			began = time.Now()
		}
		return nil
	})
}

// attempts is how many runs are given to a point: which calls append makes depends on how many records
// are there when it writes.
const attempts = 4

// try lets the fault happen at the point in a fresh place and judges what is left.
func (x *played) try(f fault, app subject, at point, start place) (problem, err error) {
	for range attempts {
		if x.outcome, err = attempt(x.scenario, f, app, x.place, at, start); err != nil {
			return nil, err
		}
		if x.hit {
			break
		}
	}
	if !x.hit {
		return nil, nil
	}
	if problem = x.judge(*x); problem == nil && x.exit != 0 && f.harmless() {
		problem = errors.New("the run failed at what it only had to try again")
	}
	return problem, nil
}

// attempt runs the scenario's command under trace in a copy of start.
func attempt(s scenario, f fault, app subject, p place, at point, start place) (outcome, error) {
	if err := start.copyTo(p); err != nil {
		return outcome{}, err
	}
	return traceAt(s, f, app, p, at)
}

// traceAt runs the scenario's command under trace. Its standard output is added to what is there.
func traceAt(s scenario, f fault, app subject, p place, at point) (outcome, error) {
	if err := os.WriteFile(p.input(), []byte(s.input()), 0o600); err != nil {
		return outcome{}, err
	}
	stdin, err := os.Open(p.input())
	if err != nil {
		return outcome{}, err
	}
	defer stdin.Close()
	stdout, err := os.OpenFile(s.output(p), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return outcome{}, err
	}
	defer stdout.Close()
	stderr, err := os.Create(p.errors())
	if err != nil {
		return outcome{}, err
	}
	defer stderr.Close()
	argv, env := app.command(p, s.args...)
	return trace(command{argv: argv, env: env, stdin: stdin, stdout: stdout, stderr: stderr}, p.stage(), f, at)
}

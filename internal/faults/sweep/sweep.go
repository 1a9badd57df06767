//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// summary is what a sweep of one scenario under one fault came to.
type summary struct {
	points int
	missed int            // points that no run came to, in the few that were given to each
	failed int            // runs that did not exit 0, as a killed one does not
	calls  map[string]int // points by system call
	bad    []string       // what was wrong, for each bad point
	took   time.Duration
}

// shownProblems bounds what a sweep prints: the first few bad points tell the story.
const shownProblems = 8

func (s summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "points %4d  bad %d  missed %d  runs failed %4d  %6s ", s.points, len(s.bad), s.missed, s.failed, s.took.Round(100*time.Millisecond))
	for _, name := range slices.Sorted(maps.Keys(s.calls)) {
		fmt.Fprintf(&b, " %s=%d", name, s.calls[name])
	}
	for i, problem := range s.bad {
		if i == shownProblems {
			fmt.Fprintf(&b, "\n  and %d more", len(s.bad)-i)
			break
		}
		b.WriteString("\n  BAD " + problem)
	}
	return b.String()
}

// rehearsed is a scenario that was played without a fault.
type rehearsed struct {
	scenario
	before, done place   // as it was set up, and after the command had run
	points       []point // the state-changing calls that the command makes
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
func rehearse(s scenario, app subject, dir string) (rehearsed, error) {
	r := rehearsed{scenario: s, before: place{filepath.Join(dir, "before")}, done: place{filepath.Join(dir, "done")}}
	if err := os.MkdirAll(r.before.stage(), 0o700); err != nil {
		return r, err
	}
	for _, do := range s.setup {
		if err := do(r.before); err != nil {
			return r, fmt.Errorf("setting up: %w", err)
		}
	}
	made := map[point]int{}
	for range rehearsals {
		if err := r.before.copyTo(r.done); err != nil {
			return r, err
		}
		out, err := traceAt(s, fault{}, app, r.done, never)
		if err != nil {
			return r, err
		}
		if out.exit != 0 {
			text, err := os.ReadFile(r.done.errors())
			return r, errors.Join(fmt.Errorf("without a fault: exit %d: %s", out.exit, text), err)
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

// attempts is how many runs are given to a point: which calls append makes depends on how many records
// are there when it writes.
const attempts = 4

// sweep tries every point of the scenario, j at a time. An error means that a point could not be
// tried, not that it was bad.
func sweep(r rehearsed, f fault, app subject, work string, j int) (summary, error) {
	sum := summary{calls: map[string]int{}}
	began := time.Now()
	points := make(chan point)
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		fatal error
	)
	for w := range j {
		wg.Go(func() {
			for at := range points {
				mu.Lock()
				stop := fatal != nil
				mu.Unlock()
				if stop {
					continue
				}
				x := played{place: place{filepath.Join(work, fmt.Sprintf("worker-%d", w))}, rehearsed: r}
				problem, err := x.try(f, app, at)
				mu.Lock()
				if err == nil && problem != nil {
					kept := filepath.Join(work, fmt.Sprintf("bad-%d", len(sum.bad)+1))
					err = os.Rename(x.dir, kept)
					sum.bad = append(sum.bad, fmt.Sprintf("%v, exit %d, in %s: %v", at, x.exit, kept, problem))
				}
				fatal = errors.Join(fatal, err)
				sum.add(at, x.outcome)
				mu.Unlock()
			}
		})
	}
	for _, at := range r.points {
		if f.applies(at) {
			points <- at
		}
	}
	close(points)
	wg.Wait()
	sum.took = time.Since(began)
	return sum, fatal
}

func (s *summary) add(at point, out outcome) {
	if !out.hit {
		s.missed++
		return
	}
	s.points++
	s.calls[at.call]++
	if out.exit != 0 {
		s.failed++
	}
}

// try lets the fault happen at the point in a fresh place and judges what is left.
func (x *played) try(f fault, app subject, at point) (problem, err error) {
	for range attempts {
		if err := x.before.copyTo(x.place); err != nil {
			return nil, err
		}
		if x.outcome, err = traceAt(x.scenario, f, app, x.place, at); err != nil {
			return nil, fmt.Errorf("%v: %w", at, err)
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

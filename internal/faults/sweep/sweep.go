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
	failed int            // runs that did not exit 0, as a killed one does not
	calls  map[string]int // points by system call
	bad    []string       // what was wrong, for each bad point
	took   time.Duration
}

// shownProblems bounds what a sweep prints: the first few bad points tell the story.
const shownProblems = 8

func (s summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "points %4d  bad %d  runs failed %4d  %6s ", s.points, len(s.bad), s.failed, s.took.Round(100*time.Millisecond))
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

// sweep tries every point of the scenario, j at a time. An error means that a point could not be
// tried, not that it was bad.
func sweep(s scenario, f fault, app subject, work string, j int) (summary, error) {
	sum := summary{calls: map[string]int{}}
	began := time.Now()
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		next  = 1
		over  bool
		fatal error
	)
	for range j {
		wg.Go(func() {
			for {
				mu.Lock()
				n := next
				next++
				stop := over
				mu.Unlock()
				if stop {
					return
				}
				out, problem, err := tryPoint(s, f, app, filepath.Join(work, fmt.Sprintf("point-%04d", n)), n)
				mu.Lock()
				switch {
				case err != nil:
					over, fatal = true, fmt.Errorf("point %d: %w", n, err)
				case !out.hit:
					over = true
				default:
					sum.points++
					sum.calls[out.call]++
					if out.exit != 0 {
						sum.failed++
					}
					if problem != nil {
						sum.bad = append(sum.bad, fmt.Sprintf("point %d, %s of %s, exit %d: %v", n, out.call, out.target, out.exit, problem))
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	sum.took = time.Since(began)
	return sum, fatal
}

// tryPoint lets the fault happen at the n-th call in a fresh place and judges what is left. The
// place of a good point is removed.
func tryPoint(s scenario, f fault, app subject, dir string, n int) (out outcome, problem, err error) {
	p := place{dir: dir}
	if err := os.RemoveAll(dir); err != nil {
		return out, nil, err
	}
	if err := os.MkdirAll(p.stage(), 0o700); err != nil {
		return out, nil, err
	}
	for _, do := range s.setup {
		if err := do(p); err != nil {
			return out, nil, fmt.Errorf("setting up: %w", err)
		}
	}
	if out, err = traceAt(s, f, app, p, n); err != nil {
		return out, nil, err
	}
	if out.hit {
		problem = app.judge(p)
	}
	if out.hit && problem == nil && out.exit != 0 && f.harmless() {
		problem = errors.New("the run failed at what it only had to try again")
	}
	if problem == nil {
		err = os.RemoveAll(dir)
	}
	return out, problem, err
}

// traceAt runs the scenario's command under trace.
func traceAt(s scenario, f fault, app subject, p place, n int) (outcome, error) {
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
	return trace(command{argv: argv, env: env, stdin: stdin, stdout: stdout, stderr: stderr}, p.stage(), f, n)
}

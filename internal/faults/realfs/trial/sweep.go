//go:build linux

package trial

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/opscontext/opscontext/internal/faults/realfs/mounts"
)

// Result is what a sweep came to. It is printed as the last line, behind [ResultMark], for whoever makes
// a table of several.
type Result struct {
	Sweep     string  `json:"sweep"`
	Points    int     `json:"points"`
	Least     int     `json:"least"`
	Lost      int     `json:"lost"`      // points at which acknowledged records were lost
	Misjudged int     `json:"misjudged"` // points at which anything else was wrong
	Skipped   int     `json:"skipped"`   // parts that could not be tried here
	Reasons   string  `json:"reasons"`   // why not
	Seed      uint64  `json:"seed"`
	Seconds   float64 `json:"seconds"`
}

// ResultMark begins the line that holds the result as JSON.
const ResultMark = "RESULT "

// Bad reports whether the result is not what it has to be. What is skipped is not bad here.
func (r Result) Bad() bool { return r.Lost+r.Misjudged > 0 || r.Points < r.Least && r.Skipped == 0 }

// Sweep is a sweep under way.
type Sweep struct {
	Program Program
	Seed    uint64
	Long    bool   // whether every point is to be tried, for hours
	Dir     string // a temporary directory of this sweep alone
	Share   int    // one of so many points of a short sweep is tried: 1, but in a rehearsal

	stopped context.Context // done when the sweep is to end
	point   string          // the only one wanted, if any
	only    *regexp.Regexp  // the operations that are wanted
	first   bool            // whether to end at the first bad point
	found   func()          // ends the sweep
	jobs    int
	out     io.Writer
	broken  error // why out took no more
	mu      sync.Mutex
	result  Result
	began   time.Time
	shown   int
}

// Main runs a sweep as a program: it reads the flags, skips the sweep where a tool is missing, and gives
// the exit code: 0 if every point was good, and enough of them were tried.
func Main(name string, tools []string, run func(*Sweep) error) int {
	s := Sweep{Share: 1, out: os.Stdout, result: Result{Sweep: name}}
	flag.StringVar(&s.Program.Bin, "bin", "bin/opscontext", "the program under test")
	flag.Uint64Var(&s.Seed, "seed", 1, "what is drawn by lot is drawn from this")
	flag.StringVar(&s.point, "point", "", "try this point alone")
	flag.BoolVar(&s.Long, "long", false, "try every point: hours")
	flag.BoolVar(&s.first, "first", false, "end at the first bad point")
	operations := flag.String("operation", "", "try only the operations that match this regular expression")
	flag.IntVar(&s.jobs, "j", jobs(), "points at a time")
	flag.IntVar(&s.result.Least, "least", 0, "fail when fewer points than this were tried")
	flag.Parse()
	var err error
	if s.only, err = regexp.Compile(*operations); err == nil {
		err = s.run(tools, run)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	if errors.Is(err, errInterrupted) {
		return 130
	}
	return 1
}

// Rehearse runs a sweep of another program within a test, with a few of the points of a short one.
func Rehearse(name string, a Program, out io.Writer, run func(*Sweep) error) (Result, error) {
	s := Sweep{Program: a, Seed: 1, Share: 10, only: regexp.MustCompile(""), jobs: jobs(), out: out, result: Result{Sweep: name}}
	err := s.run(nil, run)
	return s.result, err
}

func (s *Sweep) run(tools []string, run func(*Sweep) error) (err error) {
	if s.Program.Bin, err = filepath.EvalSymlinks(s.Program.Bin); err != nil {
		return err
	}
	if s.Program.Bin, err = filepath.Abs(s.Program.Bin); err != nil {
		return err
	}
	if s.Dir, err = os.MkdirTemp("", "opscontext-"+s.result.Sweep+"-"); err != nil {
		return err
	}
	if s.Dir, err = filepath.EvalSymlinks(s.Dir); err != nil {
		return err
	}
	told, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s.stopped, s.found = context.WithCancel(told)
	defer s.found()
	s.began, s.result.Seed = time.Now(), s.Seed
	if missing := Missing(tools...); missing != "" {
		s.Skip(missing)
	} else {
		err = mounts.Alone(func() error { return run(s) })
	}
	if errors.Is(err, errInterrupted) && told.Err() == nil {
		err = nil // it found what it was to find
	}
	s.result.Seconds = time.Since(s.began).Round(100 * time.Millisecond).Seconds()
	line, jsonErr := json.Marshal(s.result)
	s.print("%s%s", ResultMark, line)
	err = errors.Join(err, jsonErr, s.broken, os.RemoveAll(s.Dir))
	if err == nil && s.result.Bad() {
		err = fmt.Errorf("%d points, wanted %d; at %d acknowledged records were lost, at %d something else was wrong", s.result.Points, s.result.Least, s.result.Lost, s.result.Misjudged)
	}
	if err == nil && s.point != "" && s.result.Points == 0 {
		err = fmt.Errorf("there is no point %s", s.point)
	}
	return err
}

// errInterrupted ends a sweep that was told to.
var errInterrupted = errors.New("interrupted")

// Stopped is an error once the sweep has been told to end. The points under way are played to their end: a
// file system that is served by this very process has to be unmounted before the process may go, or the
// kernel waits for an answer that nobody is left to give.
func (s *Sweep) Stopped() error {
	if s.stopped.Err() != nil {
		return errInterrupted
	}
	return nil
}

// Missing says what a sweep lacks here: root, /dev/fuse, or one of the named programs and devices. It
// is empty if nothing is missing.
func Missing(tools ...string) string {
	if os.Geteuid() != 0 {
		return "needs root"
	}
	for _, tool := range tools {
		if filepath.IsAbs(tool) {
			f, err := os.OpenFile(tool, os.O_RDWR, 0)
			if err != nil {
				return err.Error()
			}
			if err := f.Close(); err != nil {
				return err.Error()
			}
		} else if _, err := exec.LookPath(tool); err != nil {
			return "needs " + tool
		}
	}
	return ""
}

// Skip notes that a part of the sweep cannot be tried here.
func (s *Sweep) Skip(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Skipped++
	if s.result.Reasons != "" {
		s.result.Reasons += "; "
	}
	s.result.Reasons += reason
	s.print("SKIPPED %s: %s", s.result.Sweep, reason)
}

// Wants reports whether an operation is to be swept.
func (s *Sweep) Wants(operation string) bool { return s.only.MatchString(operation) }

// Only is the one point that is to be tried, "" if all are.
func (s *Sweep) Only() string { return s.point }

// Spread takes about so many points of a part of the sweep, evenly, or all if the sweep is long.
func Spread[T any](s *Sweep, all []T, about int) []T {
	step := max(1, len(all)*s.Share/about)
	if s.Long {
		step = 1
	}
	var some []T
	for i := s.Chance("spread").IntN(step); i < len(all); i += step {
		some = append(some, all[i])
	}
	return some
}

// Chance is the source of what is drawn by lot at a point: the same for the same seed.
func (s *Sweep) Chance(point string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(point))
	return rand.New(rand.NewPCG(s.Seed, h.Sum64()))
}

// Say prints a line.
func (s *Sweep) Say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print(format, args...)
}

// print prints a line. The caller holds the mutex, or is alone.
func (s *Sweep) print(format string, args ...any) {
	_, err := fmt.Fprintf(s.out, format+"\n", args...)
	s.broken = errors.Join(s.broken, err)
}

// Judged counts a point. A bad one is printed with what tries it again.
func (s *Sweep) Judged(point string, j Judgement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Points++
	switch {
	case len(j.Lost) > 0:
		s.result.Lost++
	case len(j.Wrong) > 0:
		s.result.Misjudged++
	default:
		return
	}
	if s.first {
		s.found()
	}
	const shown = 12
	if s.shown++; s.shown <= shown {
		s.print("BAD %s: %v (again: %s -seed %d -point %s)", point, j, s.result.Sweep, s.Seed, point)
	}
}

// Each does something with every item, several at a time. Each of them is done in a mount namespace of
// its own, so that all can use one path. The first error ends it: it means that a point could not be
// tried, not that it was bad.
func Each[T any](s *Sweep, items []T, do func(T) error) error {
	next := make(chan T)
	failed := make(chan error, s.jobs)
	var wg sync.WaitGroup
	for range s.jobs {
		wg.Go(func() {
			failed <- mounts.Alone(func() error {
				for item := range next {
					if err := do(item); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	var err error
	for _, item := range items {
		select {
		case next <- item:
			continue
		case err = <-failed:
		case <-s.stopped.Done():
			err = errInterrupted
		}
		break
	}
	close(next)
	wg.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	return err
}

// Stage is the directory at which every point is mounted.
func (s *Sweep) Stage() (Place, error) {
	stage := filepath.Join(s.Dir, "stage")
	return Place(stage), os.MkdirAll(stage, 0o700)
}

// jobs is how many points are tried at a time: mounting is mostly waiting for the kernel.
func jobs() int { return 2 * runtime.NumCPU() }

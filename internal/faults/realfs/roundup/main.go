//go:build linux

// Roundup runs every fault sweep and makes one table of what they came to. The sweep of kills goes on beside
// the others: those wait for the kernel much of the time, and no judgement depends on how long a thing
// takes. Then each sweep has to find mistakes that were built into the program, which a second table tells.
//
//	roundup -root DIR [-long] [-seed N] [-kill FLAGS] [-no-skips]
//
// It exits 0 if no acknowledged record was lost, nothing was misjudged, enough points were tried and every
// mistake was found. What the machine has no tool, device or kernel for is skipped, which the tables say; with
// -no-skips it is bad.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

// sweeps are those of this module, with the number of points below which one shows too little.
var sweeps = []struct {
	name  string
	least int
}{
	{"powercut", 600},
	{"blockimage", 1500},
	{"badwrite", 60},
	{"fulldisk", 900},
	{"limits", 11},
}

// options are how the sweeps are to be run.
type options struct {
	root string
	long bool
	seed uint64
	kill string

	noSkips bool
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", "../../..", "the repository, with the program in bin")
	flag.BoolVar(&o.long, "long", false, "try every point: hours")
	flag.Uint64Var(&o.seed, "seed", 1, "what is drawn by lot is drawn from this")
	flag.StringVar(&o.kill, "kill", "", "flags of the sweep of kills")
	flag.BoolVar(&o.noSkips, "no-skips", false, "what is skipped is bad")
	flag.Parse()
	if err := o.run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "roundup:", err)
		os.Exit(1)
	}
}

func (o options) run(w io.Writer) (err error) {
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	tools, err := os.MkdirTemp("", "opscontext-roundup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tools)) }()
	if err := o.build(tools); err != nil {
		return err
	}
	stopped, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var kills, others []row
	var lanes sync.WaitGroup
	out := &shared{w: w}
	lanes.Go(func() { kills = o.kills(stopped, tools, out) })
	lanes.Go(func() {
		for _, s := range sweeps {
			args := []string{"-bin", o.program(), "-least", strconv.Itoa(s.least), "-seed", strconv.FormatUint(o.seed, 10)}
			if o.long {
				args = append(args, "-long")
			}
			others = append(others, sweep(out, s.name, command(stopped, filepath.Join(tools, s.name), args...)))
		}
	})
	lanes.Wait()
	bugs, err := o.selftest(stopped, tools, out)
	return errors.Join(out.err, err, o.selftestTable(w, bugs), o.table(w, append(kills, others...)))
}

func (o options) program() string { return filepath.Join(o.root, "bin", "opscontext") }

// build makes the programs of all sweeps.
func (o options) build(tools string) error {
	here := exec.Command("go", "build", "-o", tools+"/", "./...")
	here.Dir = filepath.Join(o.root, "internal", "faults", "realfs")
	kill := exec.Command("go", "build", "-o", filepath.Join(tools, "kill"), "./internal/faults/sweep")
	kill.Dir = o.root
	builds := []*exec.Cmd{here}
	if runtime.GOARCH == killsOn {
		builds = append(builds, kill)
	}
	for _, cmd := range builds {
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", cmd.Args, err, text)
		}
	}
	return nil
}

// row is a line of the table.
type row struct {
	trial.Result
	failed error // how the sweep ended, if not well
}

// shared lets two sweeps print one after the other.
type shared struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

func (s *shared) print(text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.w.Write(text)
	s.err = errors.Join(s.err, err)
}

// command is a sweep, to be told to end when this process is: it has to clean up.
func command(stopped context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(stopped, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return cmd
}

// run runs a sweep and prints what it says once it has ended.
func run(out *shared, cmd *exec.Cmd) (text []byte, seconds float64, err error) {
	began := time.Now()
	runtime.LockOSThread() // the sweep is to end with this process, not with a thread of it
	defer runtime.UnlockOSThread()
	text, err = cmd.CombinedOutput()
	out.print(text)
	return text, time.Since(began).Round(100 * time.Millisecond).Seconds(), err
}

// errSilent is a sweep that ends without a word of its points.
var errSilent = errors.New("it does not say what it came to")

// sweep runs one that prints its result.
func sweep(out *shared, name string, cmd *exec.Cmd) row {
	text, _, err := run(out, cmd)
	r := row{trial.Result{Sweep: name}, errors.Join(err, errSilent)}
	for line := range bytes.Lines(text) {
		if result, ok := bytes.CutPrefix(line, []byte(trial.ResultMark)); ok {
			r.failed = errors.Join(err, json.Unmarshal(result, &r.Result))
		}
	}
	return r
}

// killsOn is where the sweep of kills can trace a program.
const killsOn = "amd64"

// kills runs the sweep of kills, which says what it came to in its last line but does not tell a lost record
// from another bad end.
func (o options) kills(stopped context.Context, tools string, out *shared) []row {
	r := row{Result: trial.Result{Sweep: "kill"}}
	if runtime.GOARCH != killsOn {
		r.Skipped, r.Reasons = 1, "traces on "+killsOn+" alone"
		return []row{r}
	}
	cmd := command(stopped, filepath.Join(tools, "kill"), append([]string{"-bin", o.program()}, strings.Fields(o.kill)...)...)
	cmd.Dir = o.root
	text, seconds, failed := run(out, cmd)
	r.failed, r.Seconds = errors.Join(failed, errSilent), seconds
	for line := range strings.Lines(string(text)) {
		var kills, errs, pairs, missed, bad int
		if n, err := fmt.Sscanf(line, "kill points %d, error points %d, pairs of kills %d, missed %d, bad %d", &kills, &errs, &pairs, &missed, &bad); n == 5 && err == nil {
			r.failed, r.Points, r.Misjudged = failed, kills+errs+pairs, bad
			r.Reasons = fmt.Sprintf("%d kills, %d errors, %d pairs of kills; %d not come to", kills, errs, pairs, missed)
		}
	}
	return []row{r}
}

// table prints what the sweeps came to, and is an error if that is not good.
func (o options) table(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells ...any) error {
		_, err := fmt.Fprintln(t, fmt.Sprintf(strings.Repeat("%v\t", len(cells)), cells...))
		return err
	}
	err := line("sweep", "points", "wanted", "lost", "misjudged", "skipped", "seconds", "verdict", " ")
	var bad []string
	for _, r := range rows {
		verdict := "good"
		switch {
		case r.failed != nil || r.Bad():
			verdict = "BAD"
			bad = append(bad, r.Sweep)
		case r.Skipped > 0:
			verdict = "SKIPPED"
			if o.noSkips {
				bad = append(bad, r.Sweep+" (skipped)")
			}
		}
		remark := r.Reasons
		if r.failed != nil {
			remark = strings.TrimPrefix(remark+"; "+r.failed.Error(), "; ")
		}
		err = errors.Join(err, line(r.Sweep, r.Points, r.Least, r.Lost, r.Misjudged, r.Skipped, r.Seconds, verdict, " "+remark))
	}
	if err := errors.Join(err, t.Flush()); err != nil {
		return err
	}
	if len(bad) > 0 {
		return fmt.Errorf("not as it has to be: %s", strings.Join(bad, ", "))
	}
	return nil
}

//go:build linux && amd64

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A tool that misses its bug is worse than none, so it is proven here on a toy: the test program
// run again as a writer of lines, sound or with one mistake in it.
const toyVar = "SWEEP_TEST_TOY"

func TestMain(m *testing.M) {
	for name, run := range map[string]func(bug, home string) error{toyVar: writeToyLog, archiverVar: archiveToyLog} {
		bug, ok := os.LookupEnv(name)
		if !ok {
			continue
		}
		if err := run(bug, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeToyLog appends each line of standard input to audit.log and acknowledges it.
func writeToyLog(bug, home string) error {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	name := filepath.Join(home, "audit.log")
	text, err := readToyLog(bug, name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if whole := bytes.LastIndexByte(text, '\n') + 1; whole < len(text) && bug != "keeps torn tails" {
		if err := cutToyTail(bug, name, whole); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if bug == "leaves a file" {
		if err := os.WriteFile(filepath.Join(home, "audit.tmp"), nil, 0o600); err != nil {
			return err
		}
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		ack := func() { fmt.Println(in.Text()) }
		if bug == "acknowledges first" {
			ack()
		}
		_, err := fmt.Fprintln(f, in.Text())
		if err == nil {
			err = f.Sync()
		}
		if err != nil && bug == "retries blindly" {
			_, err = fmt.Fprintln(f, in.Text())
		}
		if err != nil {
			return err
		}
		if bug != "acknowledges first" {
			ack()
		}
	}
	return in.Err()
}

// readToyLog reads the log, and with one of the bugs only what a single read gives.
func readToyLog(bug, name string) ([]byte, error) {
	if bug != "gives up reading" {
		return os.ReadFile(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := make([]byte, 1<<20)
	n, err := f.Read(text)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return text[:n], err
}

// cutToyTail cuts a torn tail. The note that another run is at it is believed for ever by one of the bugs.
func cutToyTail(bug, name string, whole int) error {
	note := filepath.Join(filepath.Dir(name), "audit.torn-1.partial")
	if bug == "recovers once" {
		if _, err := os.Stat(note); err == nil {
			return nil
		}
		if err := os.WriteFile(note, nil, 0o600); err != nil {
			return err
		}
	}
	return os.Truncate(name, int64(whole))
}

type toy struct {
	bug string
}

func (a toy) command(p place, _ ...string) (argv, env []string) {
	// A program under the race detector lingers for a second unless told not to.
	return []string{"/proc/self/exe", p.home()}, append(os.Environ(), toyVar+"="+a.bug, "GORACE=atexit_sleep_ms=0")
}

// write stores a few lines and keeps the acknowledgements.
func (a toy) write(p place) error {
	acks, err := os.OpenFile(p.acks(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	argv, env := a.command(p)
	next := exec.Command(argv[0], argv[1:]...)
	next.Env, next.Stdin, next.Stdout = env, strings.NewReader(toyLines(2)()), acks
	return errors.Join(untraced(next), acks.Close())
}

func (a toy) judge(x played) error {
	if err := a.write(x.place); err != nil {
		return fmt.Errorf("the next append: %w", err)
	}
	return errors.Join(judgeAcks(x.place), judgeLeftovers(x.place))
}

// toyLines are events that carry their hash already, so that storing one is writing it.
func toyLines(n int) func() string {
	return func() string {
		var b strings.Builder
		for line := range strings.Lines(events(n)()) {
			fmt.Fprintf(&b, `{"hash":%q,%s`, rand.Text(), line[1:])
		}
		return b.String()
	}
}

func TestSweepFindsSeededBugs(t *testing.T) {
	for _, c := range []struct {
		bug   string
		fault fault
		bad   bool
	}{
		{"", fault{kind: killBefore}, false},
		{"", fault{kind: killAfter}, false},
		{"", fault{kind: torn, share: 0.5}, false},
		{"", fault{kind: short, share: 0.5}, false},
		{"", fault{kind: fail, errno: syscall.EINTR}, false},
		{"acknowledges first", fault{kind: killBefore}, true},
		{"keeps torn tails", fault{kind: torn, share: 0.5}, true},
		{"leaves a file", fault{kind: killAfter}, true},
		{"retries blindly", fault{kind: fail, errno: syscall.EIO}, true},
		{"gives up reading", fault{kind: shortRead}, true},
	} {
		name := c.bug
		if name == "" {
			name = "sound"
		}
		t.Run(name, func(t *testing.T) {
			app := toy{c.bug}
			sum := sweepToy(t, scenario{name: name, setup: []step{app.write}, input: toyLines(3), output: place.acks, judge: app.judge}, c.fault, app)
			if n := sum.kills + sum.errors; n < 1 || c.fault.kind != shortRead && n < 3 {
				t.Errorf("%d points tried, want one for each write, or for a read: %s", n, sum)
			}
			if bad := len(sum.bad) > 0; bad != c.bad {
				t.Errorf("fault %+v: bad %v, want %v: %s", c.fault, bad, c.bad, sum)
			}
		})
	}
}

// What is wrong only when recovery itself is killed, pairs of kills find, and single ones do not.
func TestPairsFindSeededBugs(t *testing.T) {
	for _, bug := range []string{"", "recovers once"} {
		t.Run("bug "+bug, func(t *testing.T) {
			app := toy{bug}
			s := scenario{name: "toy", args: []string{"write"}, input: toyLines(1), output: place.acks, judge: app.judge}
			r, dir := rehearseToy(t, s, app)
			all := newSweep(app, []*rehearsed{r}, dir, t.Output())
			if err := all.points(plan{}.points(all.of, modes()[:6]), 2); err != nil {
				t.Fatal(err)
			}
			if came := all.came[0]; len(came.bad) > 0 {
				t.Errorf("single kills: %s", came)
			}
			if err := all.pairs(plan{}.firsts(all.of), plan{}, 2); err != nil {
				t.Fatal(err)
			}
			came := all.came[0]
			if came.pairs < 10 {
				t.Errorf("%d pairs tried, want a few for each write at least: %s", came.pairs, came)
			}
			if found := len(came.bad) > 0; found != (bug != "") {
				t.Errorf("bad pairs: %v, want %v: %s", found, bug != "", came)
			}
		})
	}
}

// A sample is as large as was asked, even, without repetitions, and another for another seed.
func TestSample(t *testing.T) {
	var all []int
	for i := range 1000 {
		all = append(all, i)
	}
	if got := sample(all, 0, 1); len(got) != 1000 {
		t.Errorf("all: %d", len(got))
	}
	one, two := sample(all, 70, 1), sample(all, 70, 2)
	for i, n := range one {
		if n < i*1000/70 || n > (i+1)*1000/70 {
			t.Errorf("number %d of the sample is %d", i, n)
		}
	}
	if len(one) != 70 || slices.Equal(one, two) || !slices.Equal(one, sample(all, 70, 1)) {
		t.Errorf("%v\n%v", one, two)
	}
}

// sweepToy sweeps a scenario of the test program itself.
func sweepToy(t *testing.T, s scenario, f fault, app subject) tally {
	t.Helper()
	r, dir := rehearseToy(t, s, app)
	all := newSweep(app, []*rehearsed{r}, dir, t.Output())
	if err := all.points(plan{errors: 30}.points(all.of, []mode{{"seeded", f}}), 2); err != nil {
		t.Fatal(err)
	}
	return all.came[0]
}

func rehearseToy(t *testing.T, s scenario, app subject) (r *rehearsed, dir string) {
	t.Helper()
	dir = t.TempDir()
	r, err := rehearse(s, app, dir)
	if errors.Is(err, syscall.EPERM) {
		t.Skip("ptrace is not permitted here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func TestTornAcknowledgementIsNone(t *testing.T) {
	for acks, want := range map[string]string{"": "", "a": "", "a\n": "a\n", "a\nb": "a\n", "a\nb\nc": "a\nb\n"} {
		if got := string(wholeLines([]byte(acks))); got != want {
			t.Errorf("wholeLines(%q) = %q, want %q", acks, got, want)
		}
	}
}

//go:build linux && amd64

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if whole := bytes.LastIndexByte(text, '\n') + 1; whole < len(text) && bug != "keeps torn tails" {
		if err := os.Truncate(name, int64(whole)); err != nil {
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

type toy struct {
	bug string
}

func (a toy) command(p place, _ ...string) (argv, env []string) {
	// A program under the race detector lingers for a second unless told not to.
	return []string{"/proc/self/exe", p.home()}, append(os.Environ(), toyVar+"="+a.bug, "GORACE=atexit_sleep_ms=0")
}

func (a toy) judge(x played) error {
	argv, env := a.command(x.place)
	next := exec.Command(argv[0], argv[1:]...)
	next.Env, next.Stdin = env, strings.NewReader(toyLines(1)())
	if err := untraced(next); err != nil {
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
	} {
		name := c.bug
		if name == "" {
			name = "sound"
		}
		t.Run(name, func(t *testing.T) {
			app := toy{c.bug}
			sum := sweepToy(t, scenario{name: name, input: toyLines(3), output: place.acks, judge: app.judge}, c.fault, app)
			if sum.points < 3 {
				t.Errorf("%d points tried, want one for each write at least: %s", sum.points, sum)
			}
			if bad := len(sum.bad) > 0; bad != c.bad {
				t.Errorf("fault %+v: bad %v, want %v: %s", c.fault, bad, c.bad, sum)
			}
		})
	}
}

// sweepToy sweeps a scenario of the test program itself.
func sweepToy(t *testing.T, s scenario, f fault, app subject) summary {
	t.Helper()
	dir := t.TempDir()
	r, err := rehearse(s, app, dir)
	if errors.Is(err, syscall.EPERM) {
		t.Skip("ptrace is not permitted here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	sum, err := sweep(r, f, app, filepath.Join(dir, "points"), 2)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestTornAcknowledgementIsNone(t *testing.T) {
	for acks, want := range map[string]string{"": "", "a": "", "a\n": "a\n", "a\nb": "a\n", "a\nb\nc": "a\nb\n"} {
		if got := string(wholeLines([]byte(acks))); got != want {
			t.Errorf("wholeLines(%q) = %q, want %q", acks, got, want)
		}
	}
}

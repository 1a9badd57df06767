//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// stage is a home of a test of its own, what the machine remembers of it, and a directory outside both.
type stage struct {
	t                    *testing.T
	home, state, outside string
}

func newStage(t *testing.T) stage {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := stage{t, filepath.Join(dir, "home"), filepath.Join(dir, "state"), filepath.Join(dir, "outside")}
	for _, name := range []string{s.home, s.state, s.outside} {
		check(t, os.Mkdir(name, 0o700))
	}
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ran is what a run of the program came to.
type ran struct {
	exit        int
	out, errors string
	peak        int64         // of its memory, in bytes
	spent       time.Duration // of processors
}

// patience is how long a command may take before it counts as one that hangs.
const patience = 2 * time.Minute

// run runs the program on the home. It must come to an end, and by an exit code of its own.
func (s stage) run(args ...string) ran { return s.runWith("", args...) }

func (s stage) runWith(input string, args ...string) ran {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "opscontext", args...)
	cmd.Env = append(os.Environ(), "HOME="+filepath.Dir(s.home), "CONTEXTENGINE_HOME="+s.home, "XDG_STATE_HOME="+s.state)
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		s.t.Fatal(err)
	}
	r := ran{exit: cmd.ProcessState.ExitCode(), out: out.String(), errors: errs.String()}
	r.spent = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = usage.Maxrss << 10
	}
	switch {
	case ctx.Err() != nil:
		s.t.Errorf("%v hangs", args)
	case r.exit == 2 || r.exit < 0 || strings.Contains(r.errors, "goroutine "):
		s.t.Errorf("%v crashed: exit %d, %s", args, r.exit, r.errors)
	}
	return r
}

// must runs the program, which must end with 0.
func (s stage) must(args ...string) {
	s.t.Helper()
	if r := s.run(args...); r.exit != 0 {
		s.t.Fatalf("%v: exit %d, %s", args, r.exit, r.errors)
	}
}

// records appends n records that say what.
func (s stage) records(n int, what string) {
	s.t.Helper()
	r := s.runWith(strings.Repeat(`{"event":"`+what+`","payload":{"text":"of a record"}}`+"\n", n), "append")
	if r.exit != 0 {
		s.t.Fatalf("append: exit %d, %s", r.exit, r.errors)
	}
}

// inHome is the path of a file of the home.
func (s stage) inHome(name string) string { return filepath.Join(s.home, filepath.FromSlash(name)) }

func (s stage) read(path string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(path)
	check(s.t, err)
	return b
}

// forge chains a record onto the live log, past all that append refuses. Its hash is right.
func (s stage) forge(kind, payload string) {
	s.t.Helper()
	s.forgeAfter(s.head(), 1, kind, payload)
}

// head is the hash of the last record.
func (s stage) head() chain.Hash {
	s.t.Helper()
	lines := bytes.Split(bytes.TrimSpace(s.read(s.inHome("audit.log"))), []byte("\n"))
	head, err := chain.HeadOf(lines[len(lines)-1])
	check(s.t, err)
	return head
}

// forks chains n records onto one parent.
func (s stage) forks(n int) {
	s.t.Helper()
	s.forgeAfter(s.head(), n, "a.fork", "")
}

// forgeAfter writes n records with one parent; without a payload each has its number.
func (s stage) forgeAfter(parent chain.Hash, n int, kind, payload string) {
	s.t.Helper()
	f, err := os.OpenFile(s.inHome("audit.log"), os.O_WRONLY|os.O_APPEND, 0)
	check(s.t, err)
	var text []byte
	for i := range n {
		p := payload
		if p == "" {
			p = strconv.Itoa(i)
		}
		r, err := chain.Seal(parent, time.Now().UTC().Format(chain.TimeLayout), kind, "system", []byte(p))
		check(s.t, err)
		text = chain.AppendLine(text, &r)
	}
	_, err = f.Write(text)
	check(s.t, err)
	check(s.t, f.Close())
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/opscontext/opscontext/internal/loggen"
	"github.com/opscontext/opscontext/segment"
)

// How much is logged. The first figure is five years of the generator's events at perDay.
const (
	fiveYears   = 7320
	afterBackup = 50
	perDay      = 4
	maxBytes    = 256 << 10
)

// stage is where the demo plays: the log and what the machine remembers of it, below dir.
type stage struct {
	bin, dir string
}

func (s stage) home() string  { return filepath.Join(s.dir, "home") }
func (s stage) state() string { return filepath.Join(s.dir, "state") }

// log is a writer whose clock is that of the events.
type log struct {
	events *loggen.Gen
	writer *segment.Log
	now    time.Time
}

func (s stage) open() (*log, error) {
	l := &log{events: loggen.New(1, time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC), perDay)}
	var err error
	l.writer, err = segment.Open(s.home(), segment.Options{
		Now:      func() time.Time { return l.now },
		State:    s.state(),
		MaxBytes: maxBytes,
		Tool:     "opscontext demo",
	})
	return l, err
}

// append writes the next n events, each stamped with its own time.
func (l *log) append(ctx context.Context, n int) error {
	for range n {
		ts, kind, actor, payload := l.events.Next()
		l.now = ts
		if _, err := l.writer.Append(ctx, segment.Event{Kind: kind, Actor: actor, Payload: payload}); err != nil {
			return err
		}
	}
	return nil
}

func (l *log) close() error { return l.writer.Close() }

// duplicate copies a home with its modes, as a backup does.
func duplicate(ctx context.Context, home, to string) error {
	if out, err := exec.CommandContext(ctx, "cp", "-Rp", home, to).CombinedOutput(); err != nil {
		return fmt.Errorf("cp -Rp %s %s: %w: %s", home, to, err, out)
	}
	return nil
}

// tamper gives a record in the middle of a sealed segment another actor, and says on which line.
func tamper(name string) (line int, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	const was, is = `"actor":"claude-code"`, `"actor":"browser-ext"`
	at := bytes.Index(text[len(text)/2:], []byte(was))
	if at < 0 {
		return 0, fmt.Errorf("%s: no record to tamper with", name)
	}
	at += len(text) / 2
	copy(text[at:], is)
	// A sealed segment is read-only; whoever tampers does not mind.
	if err := os.Chmod(name, 0o600); err != nil {
		return 0, err
	}
	return 1 + bytes.Count(text[:at], []byte("\n")), os.WriteFile(name, text, 0o600)
}

// expect is what the program has to answer.
type expect struct {
	exit int
	says []string
}

// opscontext runs the program on a home as an auditor would, shows what it prints, and checks it.
func (s stage) opscontext(ctx context.Context, home string, want expect, args ...string) error {
	name, err := filepath.Rel(s.dir, home)
	if err != nil {
		return err
	}
	fmt.Printf("\n  $ opscontext --home %s %s\n", name, strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, s.bin, append([]string{"--home", home, "--state", s.state()}, args...)...)
	out, err := cmd.CombinedOutput()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		return err
	}
	for l := range strings.Lines(string(out)) {
		fmt.Print("  " + l)
	}
	exit := cmd.ProcessState.ExitCode()
	fmt.Printf("  (exit code %d)\n", exit)
	if exit != want.exit {
		return fmt.Errorf("%s: exit code %d, want %d", cmd, exit, want.exit)
	}
	for _, words := range want.says {
		if !strings.Contains(string(out), words) {
			return fmt.Errorf("%s: no word of %q", cmd, words)
		}
	}
	return nil
}

func say(lines ...string) {
	fmt.Println("\n" + strings.Join(lines, "\n"))
}

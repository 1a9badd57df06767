package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// figure is what a process cost.
type figure struct {
	CPU  float64 `json:"cpu_seconds"` // of all threads, in user and system mode
	Wall float64 `json:"wall_seconds"`
	Peak int64   `json:"peak_bytes"` // the most memory that was resident
}

// probe runs a program and says what that cost.
type probe struct {
	bin, self string
}

func newProbe(bin string) (p probe, err error) {
	if p.bin, err = filepath.Abs(bin); err != nil {
		return p, err
	}
	p.self, err = os.Executable()
	return p, err
}

// version is what the program says of itself.
func (p probe) version(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, p.bin, "version").Output()
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// measured runs the program, and counts the lines it prints. Where in is set, it writes what the program
// reads.
func (p probe) measured(ctx context.Context, dir string, in func(io.Writer) error, args ...string) (f figure, lines int, err error) {
	used := filepath.Join(dir, "usage.json")
	all := append([]string{"-usage", used, "--", p.bin, "--quiet", "--home", filepath.Join(dir, homeDir), "--state", filepath.Join(dir, stateDir)}, args...)
	cmd := command(ctx, p.self, all...)
	var printed lineCounter
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &said
	if err := runFed(cmd, in); err != nil {
		return f, 0, fmt.Errorf("opscontext %s: %w: %s", strings.Join(args, " "), err, &said)
	}
	text, err := os.ReadFile(used)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	return f, int(printed), errors.Join(err, os.Remove(used))
}

// command is a process that is asked to end when ctx does.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd
}

func runFed(cmd *exec.Cmd, in func(io.Writer) error) error {
	if in == nil {
		return cmd.Run()
	}
	to, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = in(to)
	return errors.Join(err, to.Close(), cmd.Wait())
}

type lineCounter int

func (n *lineCounter) Write(p []byte) (int, error) {
	*n += lineCounter(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

// standBetween runs a command, writes what it used to a file and gives its exit code. It is a process of
// its own because a system counts the memory of whoever starts a process as that process's, up to the
// moment it is another program: a small starter adds nothing to what is measured.
func standBetween(ctx context.Context, file string, args []string) (exit int) {
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "scale: -usage wants a command")
		return 1
	}
	cmd := command(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	begun := time.Now()
	err := cmd.Run()
	wall := time.Since(begun)
	ended, failed := errors.AsType[*exec.ExitError](err)
	if err != nil && !failed {
		fmt.Fprintln(os.Stderr, "scale:", err)
		return 1
	}
	text, err := json.Marshal(figure{
		CPU: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), Wall: wall.Seconds(), Peak: peak(cmd.ProcessState),
	})
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		return 1
	}
	if failed {
		return max(ended.ExitCode(), 1)
	}
	return 0
}

// peak is how many bytes a process that ended had in memory at most, 0 if the system does not say.
func peak(p *os.ProcessState) int64 {
	used, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return used.Maxrss
	}
	return used.Maxrss * 1024
}

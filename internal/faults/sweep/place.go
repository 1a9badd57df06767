//go:build linux && amd64

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// place is where one point is played. Calls are counted under stage alone, which is also the working
// directory of whatever is run.
type place struct {
	dir string
}

func (p place) stage() string   { return filepath.Join(p.dir, "stage") }
func (p place) home() string    { return filepath.Join(p.dir, "stage", "home") }
func (p place) live() string    { return filepath.Join(p.home(), "audit.log") }
func (p place) archive() string { return filepath.Join(p.home(), "audit-archive") }
func (p place) old() string     { return filepath.Join(p.dir, "stage", "old") }
func (p place) store() string   { return filepath.Join(p.dir, "stage", "store") }
func (p place) state() string   { return filepath.Join(p.dir, "stage", "state") }
func (p place) input() string   { return filepath.Join(p.dir, "input") }
func (p place) acks() string    { return filepath.Join(p.dir, "acks") }
func (p place) output() string  { return filepath.Join(p.dir, "output") }
func (p place) errors() string  { return filepath.Join(p.dir, "errors") }

// subject is a program that keeps a log: it gives what runs the program on the place with the arguments.
type subject interface {
	command(p place, args ...string) (argv, env []string)
}

// program is the real one.
type program struct {
	bin string
}

func (a program) command(p place, args ...string) (argv, env []string) {
	argv = append([]string{a.bin, "--home", p.home()}, args...)
	return argv, append(os.Environ(), "XDG_STATE_HOME="+p.state())
}

// run gives what the command printed and its exit code. Only a command that could not be run at all
// is an error.
func (a program) run(p place, stdin string, args ...string) (stdout, stderr string, exit int, err error) {
	argv, env := a.command(p, args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	var out, errs bytes.Buffer
	cmd.Dir = p.stage()
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, strings.NewReader(stdin), &out, &errs
	err = untraced(cmd)
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		err = nil
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode(), err
}

// must runs a command that has to succeed, and gives what it printed.
func (a program) must(p place, stdin string, args ...string) (stdout string, err error) {
	stdout, stderr, exit, err := a.run(p, stdin, args...)
	if err == nil && exit != 0 {
		err = fmt.Errorf("%s: exit %d: %s%s", args[0], exit, stderr, clip(stdout))
	}
	return stdout, err
}

// append stores events, one JSON line each, and keeps the acknowledgements.
func (a program) append(p place, lines string) error {
	stdout, err := a.must(p, lines, "append", "--json")
	if err != nil {
		return err
	}
	acks, err := os.ReadFile(p.acks())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(p.acks(), append(wholeLines(acks), stdout...), 0o600)
}

// wholeLines cuts off the acknowledgement that a kill left half written: the kernel ends a write at
// any page. Nobody was told of that record, and what is added must not grow into its line.
func wholeLines(acks []byte) []byte { return acks[:bytes.LastIndexByte(acks, '\n')+1] }

// untraced runs cmd on a thread of its own: a tracer takes the end of any child of its thread for
// the end of a tracee.
func untraced(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}

//go:build linux

// Package trial is what the sweeps have in common: the program under test and the place where it keeps
// its log, the judgement of what is left after a fault, and the account of a sweep.
package trial

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Place is a directory with a log in it, and what this machine remembers of the log.
type Place string

// Home is where the log is.
func (p Place) Home() string { return filepath.Join(string(p), "home") }

// State is where it is remembered.
func (p Place) State() string { return filepath.Join(string(p), "state") }

// Copy is where a backup of it may be.
func (p Place) Copy() Place { return Place(filepath.Join(string(p), "copy")) }

// Archive is where its sealed segments are.
func (p Place) Archive() string { return filepath.Join(p.Home(), "audit-archive") }

// Live is its live segment.
func (p Place) Live() string { return filepath.Join(p.Home(), "audit.log") }

// Age makes every file look as old as one that a machine finds when it has been started again, so that no
// lock file among them is believed in.
func (p Place) Age() error {
	before := time.Now().Add(-Outage)
	return filepath.WalkDir(string(p), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return os.Chtimes(name, time.Time{}, before)
	})
}

// List names every file with its size: for messages.
func (p Place) List() []string {
	var all []string
	err := filepath.WalkDir(string(p), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				all = append(all, fmt.Sprintf("%s %d", strings.TrimPrefix(name, string(p)+"/"), info.Size()))
			}
		}
		return err
	})
	if err != nil {
		all = append(all, err.Error())
	}
	return all
}

// Outage is how long a machine is without power.
const Outage = 15 * time.Minute

// Program is the program under test.
type Program struct {
	Bin    string
	Env    []string // added to the environment
	Before []string // a command that runs the program, with its own arguments
}

// Command is the program on the log of a place. It dies with the thread that starts it, and is not
// interrupted by what a terminal sends to the sweep.
func (a Program) Command(p Place, args ...string) *exec.Cmd {
	words := slices.Concat(a.Before, []string{a.Bin, "--home", p.Home(), "--state", p.State()}, args)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = append(os.Environ(), a.Env...)
	cmd.SysProcAttr = apart()
	return cmd
}

func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// Done is a run that has ended.
type Done struct {
	Args           []string
	Stdout, Stderr string
	Exit           int
}

// Err is nil if the exit code is one of those that are wanted.
func (d Done) Err(want ...int) error {
	for _, exit := range want {
		if d.Exit == exit {
			return nil
		}
	}
	return fmt.Errorf("%s: exit %d: %s%s", strings.Join(d.Args, " "), d.Exit, clip(d.Stderr), clip(d.Stdout))
}

// Run runs the program to its end. An error means that it could not be run.
func (a Program) Run(p Place, stdin string, args ...string) (Done, error) {
	cmd := a.Command(p, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := Finish(cmd.Run())
	return Done{args, out.String(), errs.String(), cmd.ProcessState.ExitCode()}, err
}

// Finish takes an exit code other than 0 for no error.
func Finish(err error) error {
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return nil
	}
	return err
}

// Must runs a command that has to succeed.
func (a Program) Must(p Place, stdin string, args ...string) (stdout string, err error) {
	done, err := a.Run(p, stdin, args...)
	return done.Stdout, errors.Join(err, done.Err(0))
}

// Append stores n new events, and gives the acknowledgements.
func (a Program) Append(p Place, n int) (acks string, err error) {
	return a.Must(p, Events(n, 0), "append", "--json")
}

// Events makes n events as append reads them, each longer than size. Each carries a nonce: without it a
// program that is run again could make a lost record anew under the same hash and so hide the loss.
func Events(n, size int) string {
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, `{"event":"fault.event","actor":"fault","payload":{"nonce":%q,"text":%q}}`+"\n", rand.Text(), strings.Repeat("x", max(size, 40)))
	}
	return b.String()
}

func clip(s string) string {
	const enough = 600
	if len(s) > enough {
		return s[:enough] + "…"
	}
	return s
}

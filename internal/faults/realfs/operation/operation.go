//go:build linux

// Package operation has the commands that change a home, as the sweeps run them: what is set up before, what
// is run while the fault befalls, and how what is left is judged.
package operation

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

// Operation is what is done when a fault befalls.
type Operation struct {
	Name  string
	setup []step
	runs  []run
	judge func(a trial.Program, p trial.Place, acks string) trial.Judgement
}

// SetUp prepares a place, and gives what was acknowledged meanwhile.
func (o Operation) SetUp(a trial.Program, p trial.Place) (acks string, err error) {
	for _, step := range o.setup {
		more, err := step(a, p)
		if err != nil {
			return "", fmt.Errorf("%s: setting up: %w", o.Name, err)
		}
		acks += more
	}
	return acks, nil
}

// Run runs the commands. What is acknowledged is added to a file, as the program writes it. Whether a
// command that met a fault ends as it should is not for here to say: exits gives how each one did.
func (o Operation) Run(a trial.Program, p trial.Place, acks *os.File) (exits []trial.Done, err error) {
	for _, r := range o.runs {
		done, err := r.on(a, p, acks)
		if err != nil {
			return exits, fmt.Errorf("%s: %w", o.Name, err)
		}
		exits = append(exits, done)
	}
	return exits, nil
}

// Rehearse runs the commands where there is no fault: each has to succeed.
func (o Operation) Rehearse(a trial.Program, p trial.Place, acks *os.File) error {
	exits, err := o.Run(a, p, acks)
	for _, done := range exits {
		err = errors.Join(err, done.Err(0))
	}
	return err
}

// Judge judges what is left after a fault; acks is what was acknowledged before it.
func (o Operation) Judge(a trial.Program, p trial.Place, acks string) trial.Judgement {
	return o.judge(a, p, acks)
}

// step prepares a place, and gives what was acknowledged meanwhile.
type step func(a trial.Program, p trial.Place) (acks string, err error)

// run is one run of the program.
type run struct {
	args  func(trial.Place) []string
	input string
}

// on runs the program. What append prints acknowledges; of other commands it is dropped.
func (r run) on(a trial.Program, p trial.Place, acks *os.File) (trial.Done, error) {
	args := r.args(p)
	cmd := a.Command(p, args...)
	var errs strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(r.input), &errs
	if args[0] == "append" {
		cmd.Stdout = acks
	}
	err := trial.Finish(cmd.Run())
	return trial.Done{Args: args, Stderr: errs.String(), Exit: cmd.ProcessState.ExitCode()}, err
}

// appends are several runs of append with some events each.
func appends(runs, events int) []run {
	var all []run
	for range runs {
		all = append(all, run{command("append", "--json"), trial.Events(events, 0)})
	}
	return all
}

func one(args func(trial.Place) []string) []run { return []run{{args: args}} }

func command(args ...string) func(trial.Place) []string {
	return func(trial.Place) []string { return args }
}

func importing(p trial.Place) []string {
	return []string{"import", "--keep-time", filepath.Join(string(p), sourceFile)}
}

func backingUp(p trial.Place) []string { return []string{"backup", p.Copy().Home()} }

func restoring(p trial.Place) []string {
	return []string{"recover", "restore", "--from", p.Copy().Home(), "--reason", "fault", "--operator", "fault", "--apply"}
}

// All are those of the program.
var All = []Operation{
	{"first-append", nil, appends(3, 2), trial.Program.Judge},
	{"append", []step{records(3)}, appends(4, 3), trial.Program.Judge},
	{"size-rotation", []step{smallSegments, records(4)}, appends(3, 4), trial.Program.Judge},
	{"torn-tail", []step{records(3), tear}, appends(2, 2), trial.Program.Judge},
	{"rotate", []step{records(5)}, slices.Concat(one(command("rotate")), appends(1, 2), one(command("rotate"))), trial.Program.Judge},
	{"archive", []step{segments(3)}, one(command("archive")), judgeArchive},
	{"import", []step{source}, one(importing), judgeImport},
	{"backup", []step{segments(2), backup, segments(1)}, one(backingUp), judgeBackup},
	{"restore", []step{segments(3), backup, loseSecond}, one(restoring), judgeRestore},
}

// Writing are appends and rotations alone.
var Writing = All[:5]

// Simple are those that a program has to know three commands for: append, rotate and audit_verify.
var Simple = []Operation{
	{"first-append", nil, appends(3, 1), trial.Program.Judge},
	{"append", []step{records(2)}, appends(2, 2), trial.Program.Judge},
	{"rotate", []step{records(2)}, slices.Concat(one(command("rotate")), appends(1, 1), one(command("rotate"))), trial.Program.Judge},
}

func records(n int) step {
	return func(a trial.Program, p trial.Place) (string, error) { return a.Append(p, n) }
}

// segments seals n segments of a few records, and begins another.
func segments(n int) step {
	return func(a trial.Program, p trial.Place) (acks string, err error) {
		for range n {
			more, err := a.Append(p, 3)
			if err != nil {
				return "", err
			}
			acks += more
			if _, err := a.Must(p, "", "rotate"); err != nil {
				return "", err
			}
		}
		more, err := a.Append(p, 2)
		return acks + more, err
	}
}

// smallSegments makes every few records a segment.
func smallSegments(_ trial.Program, p trial.Place) (string, error) {
	if err := os.MkdirAll(p.Home(), 0o700); err != nil {
		return "", err
	}
	return "", os.WriteFile(filepath.Join(p.Home(), "opscontext.toml"), []byte("[segment]\nmax_bytes = \"1KiB\"\n"), 0o600)
}

// tear leaves the first half of a record at the end of the live log, as a full disk does.
func tear(_ trial.Program, p trial.Place) (string, error) {
	log, err := os.ReadFile(p.Live())
	if err != nil {
		return "", err
	}
	return "", os.WriteFile(p.Live(), append(log, log[:len(log)/6]...), 0o600)
}

// sourceFile is what import reads, in the place.
const sourceFile = "events.jsonl"

// source writes a file of events of three years.
func source(_ trial.Program, p trial.Place) (string, error) {
	var b strings.Builder
	ts := time.Date(2019, 11, 1, 0, 0, 0, 0, time.UTC)
	for line := range strings.Lines(trial.Events(9, 0)) {
		fmt.Fprintf(&b, `{"ts":%q,%s`, ts.Format("2006-01-02T15:04:05.000Z"), line[1:])
		ts = ts.AddDate(0, 3, 1)
	}
	return "", os.WriteFile(filepath.Join(string(p), sourceFile), []byte(b.String()), 0o600)
}

func backup(a trial.Program, p trial.Place) (string, error) {
	if err := os.Mkdir(string(p.Copy()), 0o700); err != nil {
		return "", err
	}
	_, err := a.Must(p, "", backingUp(p)...)
	return "", err
}

// loseSecond removes a file in the midst of the log, which the backup has.
func loseSecond(_ trial.Program, p trial.Place) (string, error) {
	return "", os.Remove(filepath.Join(p.Archive(), "audit-0002.jsonl"))
}

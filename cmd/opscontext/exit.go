package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/opscontext/opscontext/internal/config"
	"github.com/opscontext/opscontext/internal/intake"
	"github.com/opscontext/opscontext/internal/timerange"
	"github.com/opscontext/opscontext/segment"
)

// exitCode is what the process returns. 2 is never chosen: the Go runtime returns it from a crash.
type exitCode int

const (
	exitDone         exitCode = 0
	exitFailed       exitCode = 1
	exitDamage       exitCode = 3
	exitWarned       exitCode = 4
	exitInconclusive exitCode = 5
	exitRefused      exitCode = 6
	exitBusy         exitCode = 7
	exitUsage        exitCode = 64
	exitInterrupted  exitCode = 130
)

// exitTable is the one table of exit codes: every --help, the manual page and the documents show
// these words.
var exitTable = []struct {
	code    exitCode
	meaning string
}{
	{exitDone, "done; a verified log has no damage and was read in full"},
	{exitFailed, "could not finish: the message says how far it came"},
	{exitDamage, "damage: records were changed, or are gone"},
	{exitWarned, "warnings or documented breaks under --strict; acknowledged\nalterations and corrected anchors always"},
	{exitInconclusive, "inconclusive: something could not be read, or nothing was\nchecked"},
	{exitRefused, "refused: nothing was written"},
	{exitBusy, "busy: another process holds the log; try again"},
	{exitUsage, "the command line or the configuration is wrong"},
	{exitInterrupted, "interrupted"},
}

// describeExits gives the rows of the table for these codes, one code a line.
func describeExits(codes ...exitCode) string {
	var b strings.Builder
	for _, row := range exitTable {
		for _, code := range codes {
			if row.code == code {
				fmt.Fprintf(&b, "%3d  %s\n", code, strings.ReplaceAll(row.meaning, "\n", "\n     "))
			}
		}
	}
	return b.String()
}

// A usageError is a mistake on the command line.
type usageError struct {
	text  string
	shown string // lines below it that show the mistake, if there are any
}

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}

// A verdict ends a command that did all it should with a code other than 0. What there is to say
// has been said.
type verdict exitCode

func (v verdict) Error() string { return fmt.Sprintf("exit code %d", int(v)) }

// exitOf maps what a command returned to its exit code.
func exitOf(err error) exitCode {
	var (
		v       verdict
		usage   *usageError
		when    *timerange.Error
		setting *config.Error
		stopped *stoppedError
		input   *inputError
		taken   *intake.StoppedError
	)
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		// Whoever read our output has seen enough. Nothing but output is a pipe here.
		return exitDone
	case errors.As(err, &v):
		return exitCode(v)
	case errors.As(err, &usage), errors.As(err, &when), errors.As(err, &setting):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &stopped) && stopped.written > 0, errors.As(err, &taken) && taken.Records > 0:
		return exitFailed // whatever stopped it: some is written, some is not
	case errors.Is(err, segment.ErrRefused):
		return exitRefused
	case errors.Is(err, segment.ErrBusy):
		return exitBusy
	case errors.Is(err, segment.ErrInvalid), errors.As(err, &input) && input.reserved:
		return exitUsage
	}
	return exitFailed
}

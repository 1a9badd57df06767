package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/segment"
)

func TestExitOf(t *testing.T) {
	refusal := &segment.Refusal{Path: "audit.log", Why: "not a record", Next: "look"}
	busy := &segment.BusyError{Path: "audit.lock"}
	at := func(outcome segment.Outcome, err error) error {
		return &segment.AppendError{Index: 0, Outcome: outcome, Err: err}
	}
	reserved := newInputError(1, errReserved)
	for _, c := range []struct {
		name string
		err  error
		want exitCode
	}{
		{"done", nil, 0},
		{"a reader that went away", &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, 0},
		{"anything else", errors.New("disk on fire"), 1},
		{"verdict", verdict(exitDamage), 3},
		{"usage", usagef("no"), 64},
		{"interrupt", fmt.Errorf("walk: %w", context.Canceled), 130},
		{"refused", refusal, 6},
		{"busy", busy, 7},
		{"a call that cannot be meant so", fmt.Errorf("max_bytes: %w", segment.ErrInvalid), 64},
		{"nothing written, refused", &stoppedError{err: at(segment.OutcomeRefused, refusal)}, 6},
		{"nothing written, busy", &stoppedError{err: at(segment.OutcomeRefused, busy)}, 7},
		{"nothing written, a bad line", &stoppedError{line: 1, err: newInputError(1, errors.New("not JSON"))}, 1},
		{"nothing written, a reserved kind", &stoppedError{line: 1, err: reserved}, 64},
		{"a failed sync", &stoppedError{line: 1, err: at(segment.OutcomeUnknown, syscall.EIO)}, 1},
		{"half-way, refused", &stoppedError{written: 3, line: 4, err: at(segment.OutcomeRefused, refusal)}, 1},
		{"half-way, busy", &stoppedError{written: 3, line: 4, err: at(segment.OutcomeRefused, busy)}, 1},
		{"half-way, a reserved kind", &stoppedError{written: 3, line: 4, err: reserved}, 1},
		{"half-way, interrupted", &stoppedError{written: 3, err: context.Canceled}, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := exitOf(c.err); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}

func TestComplaints(t *testing.T) {
	unknown := &segment.AppendError{Outcome: segment.OutcomeUnknown, Err: syscall.EIO}
	for _, c := range []struct {
		err  error
		want string
	}{
		{verdict(exitDamage), ""},
		{syscall.EPIPE, ""},
		{fmt.Errorf("walk: %w", context.Canceled), "opscontext: interrupted\n"},
		{&stoppedError{written: 3, line: 4, err: &segment.AppendError{Outcome: segment.OutcomeUnknown, Err: context.Canceled}},
			"opscontext: 3 written, line 4: outcome: unknown: interrupted\n" +
				"Next: see whether the event is there before you append it again: opscontext export | tail\n"},
		{errors.New("open /x\x1b[2J: no such file"), "opscontext: open /x\\x1b[2J: no such file\n"},
		{errors.Join(errors.New("one"), errors.New("two")), "opscontext: one; two\n"},
		{usagef("no"), "opscontext: no\nTry opscontext --help, or opscontext COMMAND --help.\n"},
		{&stoppedError{written: 1234, err: context.Canceled}, "opscontext: 1,234 written: interrupted\n"},
		{&stoppedError{written: 3, line: 4, err: newInputError(4, errors.New("not JSON"))},
			"opscontext: 3 written, line 4: not JSON\n" +
				"Next: correct that line, then go on from there: tail -n +4 FILE | opscontext append\n"},
		{&stoppedError{written: 3, line: 4, err: unknown},
			"opscontext: 3 written, line 4: outcome: unknown: input/output error\n" +
				"Next: see whether the event is there before you append it again: opscontext export | tail\n"},
		{&stoppedError{err: errors.New("disk full")}, "opscontext: disk full\n"},
	} {
		var errs bytes.Buffer
		complain(environment{stderr: &errs}, c.err)
		if got := strings.ReplaceAll(errs.String(), unknown.Error(), "input/output error"); got != c.want {
			t.Errorf("%v: got\n%swant\n%s", c.err, got, c.want)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

// stoppedError says how far an append came.
type stoppedError struct {
	written int64 // events that are on the medium
	line    int64 // of the input where it stopped; 0 where there is none
	err     error
}

func (e *stoppedError) Error() string {
	text := e.err.Error()
	if errors.Is(e.err, context.Canceled) {
		text = "interrupted"
	}
	if e.unknown() {
		text = "outcome: unknown: " + text
	}
	switch {
	case e.line > 0:
		return fmt.Sprintf("%s written, line %s: %s", terminal.Count(e.written), terminal.Count(e.line), text)
	case e.written > 0:
		return fmt.Sprintf("%s written: %s", terminal.Count(e.written), text)
	}
	return text
}

func (e *stoppedError) Unwrap() error { return e.err }

// unknown reports whether an event was written of which nobody can say whether it will stay.
func (e *stoppedError) unknown() bool {
	var a *segment.AppendError
	return errors.As(e.err, &a) && a.Outcome == segment.OutcomeUnknown
}

// Next says how to go on.
func (e *stoppedError) Next() string {
	var input *inputError
	switch {
	case e.unknown():
		return "see whether the event is there before you append it again: opscontext export | tail"
	case errors.As(e.err, &input):
		return fmt.Sprintf("correct that line, then go on from there: tail -n +%d FILE | opscontext append", e.line)
	case e.line > 0:
		return fmt.Sprintf("once that is put right, go on from there: tail -n +%d FILE | opscontext append", e.line)
	}
	return ""
}

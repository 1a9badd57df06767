package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

const (
	flagEvent   = "event"
	flagActor   = "actor"
	flagPayload = "payload"
)

func appendVerb() verb {
	return verb{
		name:  "append",
		usage: "record events",
		about: `Records one event, given by flags, or one for each line of standard input:

   {"event":"deploy.done","payload":{"build":42},"actor":"ci"}

event is the kind, payload any JSON value; actor may be left out and is then
"system". The time is set here. An event counts as recorded once it is on the
medium. Nothing is printed then, unless --json asks for the stored records: a
record that is printed is on the medium.

Lines that wait in the input are recorded together. A line that is wrong stops
the input there; what was recorded before it stays, and the message says how
much that is.`,
		examples: `opscontext append --event deploy.done --payload '{"build":42}' --actor ci
tail -F events.jsonl | opscontext append --json`,
		exits: []exitCode{exitRefused, exitBusy},
		flags: []cli.Flag{
			&cli.StringFlag{Name: flagEvent, Usage: "the `KIND` of the event"},
			&cli.StringFlag{Name: flagPayload, Usage: "its payload, as `JSON`"},
			&cli.StringFlag{Name: flagActor, Usage: "`WHO` did it (default: system)"},
			boolFlag(flagJSON, "print each record as it is stored"),
		},
		run: runAppend,
	}
}

func runAppend(c *call) (err error) {
	next, err := c.events()
	if err != nil {
		return err
	}
	log, err := c.openLog()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	a := &appender{log: log, warnings: c.warnings}
	if c.cli.Bool(flagJSON) {
		a.acknowledge = c.stdout
	}
	for {
		b := next()
		if err := a.append(c.ctx, b); err != nil {
			return err
		}
		if b.err != nil {
			return a.end(b.err)
		}
	}
}

// events gives the batches that flags or standard input ask to record.
func (c *call) events() (func() batch, error) {
	if c.cli.IsSet(flagEvent) {
		event, err := c.eventOfFlags()
		once := batch{events: []segment.Event{event}, lines: []int64{0}, err: io.EOF}
		return func() batch { return once }, err
	}
	for _, name := range []string{flagPayload, flagActor} {
		if c.cli.IsSet(name) {
			return nil, usagef("--%s wants --%s with it", name, flagEvent)
		}
	}
	if f, ok := c.stdin.(*os.File); ok && terminal.IsTerminal(f) && !c.cli.Bool(flagQuiet) {
		_, _ = fmt.Fprintln(c.stderr, `Type one event a line, such as {"event":"note","payload":"hello"}; Ctrl-D ends.`)
	}
	return readAhead(c.ctx, newEventReader(c.stdin)), nil
}

// eventOfFlags is the event that the flags describe.
func (c *call) eventOfFlags() (segment.Event, error) {
	if !c.cli.IsSet(flagPayload) {
		return segment.Event{}, usagef("--%s wants --%s with it, a JSON value such as {}", flagEvent, flagPayload)
	}
	payload, odd, err := ecmajson.Parse([]byte(c.cli.String(flagPayload)), chain.MaxDepth)
	if err == nil {
		err = unambiguous(odd)
	}
	if err != nil {
		return segment.Event{}, usagef("--%s: %v", flagPayload, err)
	}
	e := segment.Event{Kind: c.cli.String(flagEvent), Actor: c.cli.String(flagActor), Payload: ecmajson.AppendStringify(nil, payload)}
	for _, f := range []struct{ name, text string }{{flagEvent, e.Kind}, {flagActor, e.Actor}} {
		switch {
		case f.text == "" && c.cli.IsSet(f.name):
			return segment.Event{}, usagef("--%s is empty", f.name)
		case !utf8.ValidString(f.text):
			return segment.Event{}, usagef("--%s is not UTF-8", f.name)
		}
	}
	if chain.IsSystem(e.Kind) {
		return segment.Event{}, usagef("--%s %s: %v", flagEvent, e.Kind, errReserved)
	}
	return e, nil
}

// readAhead reads the next batch while the last one is being recorded. When ctx ends, so do the
// batches: nobody waits for input that may never come.
func readAhead(ctx context.Context, r *eventReader) func() batch {
	batches := make(chan batch)
	go func() {
		for {
			b := r.next()
			select {
			case batches <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	return func() batch {
		select {
		case b := <-batches:
			return b
		case <-ctx.Done():
			return batch{err: ctx.Err()}
		}
	}
}

// appender records batches and counts.
type appender struct {
	log         *segment.Log
	acknowledge io.Writer // nil: nobody asked
	warnings    *warnings
	written     int64
}

func (a *appender) append(ctx context.Context, b batch) error {
	if len(b.events) == 0 {
		return nil
	}
	records, err := a.log.AppendBatch(ctx, b.events)
	a.warnings.print()
	a.written += int64(len(records))
	if ackErr := a.print(records); ackErr != nil {
		return &stoppedError{written: a.written, err: fmt.Errorf("cannot print the records: %w", ackErr)}
	}
	if err != nil {
		return &stoppedError{written: a.written, line: b.lines[min(len(records), len(b.lines)-1)], err: err}
	}
	return nil
}

// print acknowledges records. Nobody reading is no reason to stop recording.
func (a *appender) print(records []chain.Record) error {
	if a.acknowledge == nil || len(records) == 0 {
		return nil
	}
	var text []byte
	for i := range records {
		text = chain.AppendLine(text, &records[i])
	}
	_, err := a.acknowledge.Write(text)
	if errors.Is(err, syscall.EPIPE) {
		a.acknowledge, err = nil, nil
	}
	return err
}

// end says why the input is over, nil where that is as it should be.
func (a *appender) end(err error) error {
	var input *inputError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &input):
		return &stoppedError{written: a.written, line: input.line, err: err}
	case errors.Is(err, context.Canceled):
		return &stoppedError{written: a.written, err: err}
	}
	return &stoppedError{written: a.written, err: fmt.Errorf("standard input: %w", err)}
}

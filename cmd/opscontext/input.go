package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

const (
	// maxInputLine bounds a line of input: a record's line is never longer, and its spelling in
	// the input rarely is.
	maxInputLine = chain.MaxLine
	// inputBuffer is how much of the input is read at once, and so how much goes into one batch:
	// large enough that a sync is shared by thousands of records.
	inputBuffer = 1 << 20
)

// batch is a run of events that were waiting in the input together.
type batch struct {
	events []segment.Event
	lines  []int64 // the input line that each event stood on, from 1
	// err is why the input ends after these events: io.EOF at its end, an *inputError, or what
	// reading it failed with. nil: there is more.
	err error
}

// inputError says what is wrong with an event that is to be recorded.
type inputError struct {
	line     int64 // of the input, 0 for an event given by flags
	text     string
	reserved bool // its kind belongs to the log itself
}

func (e *inputError) Error() string { return e.text }

func newInputError(line int64, err error) error {
	return &inputError{line: line, text: err.Error(), reserved: errors.Is(err, errReserved)}
}

// eventReader reads events from lines of JSON. Memory is bounded by the buffer and one line.
type eventReader struct {
	r    *bufio.Reader
	line int64
}

func newEventReader(r io.Reader) *eventReader {
	return &eventReader{r: bufio.NewReaderSize(r, inputBuffer)}
}

// next gives all events whose lines are there already, and waits only for the first. A person who
// types a line has it recorded at once; a file is recorded in large batches.
func (e *eventReader) next() batch {
	var b batch
	for first := true; first || e.lineWaiting(); first = false {
		text, err := e.readLine()
		if err != nil {
			b.err = err
			return b
		}
		if len(text) == 0 {
			continue
		}
		event, err := parseEvent(text)
		if err != nil {
			b.err = newInputError(e.line, err)
			return b
		}
		b.events = append(b.events, event)
		b.lines = append(b.lines, e.line)
	}
	return b
}

func (e *eventReader) lineWaiting() bool {
	waiting, _ := e.r.Peek(e.r.Buffered()) // never short: it is all there
	return bytes.IndexByte(waiting, '\n') >= 0
}

// readLine reads a line and gives it without its LF; the last one may lack it.
func (e *eventReader) readLine() ([]byte, error) {
	var text []byte
	for {
		part, err := e.r.ReadSlice('\n')
		if len(text)+len(part) > maxInputLine {
			return nil, &inputError{line: e.line + 1, text: fmt.Sprintf("longer than %d bytes", maxInputLine)}
		}
		text = append(text, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(text) > 0:
		case err != nil:
			return nil, err
		}
		e.line++
		return bytes.TrimSuffix(text, []byte("\n")), nil
	}
}

// The members of a line of input.
const (
	memberEvent   = "event"
	memberActor   = "actor"
	memberPayload = "payload"
)

var errReserved = errors.New("kinds that start with " + chain.SystemPrefix + " are written by the log itself alone")

// parseEvent reads {"event":…,"payload":…,"actor":…?}. What could be read in two ways, or would be
// recorded differently from how it was given, is an error. Numbers are doubles, as in the log.
func parseEvent(text []byte) (segment.Event, error) {
	v, odd, err := ecmajson.Parse(text, chain.MaxDepth)
	if err == nil {
		err = unambiguous(odd)
	}
	switch {
	case err != nil:
		return segment.Event{}, err
	case v.Kind != ecmajson.Object:
		return segment.Event{}, fmt.Errorf("a JSON %v where an object belongs", v.Kind)
	}
	var e segment.Event
	seen := map[string]bool{}
	for _, m := range v.Members {
		seen[m.Name] = true
		switch m.Name {
		case memberEvent:
			e.Kind, err = nonEmpty(m)
		case memberActor:
			e.Actor, err = nonEmpty(m)
		case memberPayload:
			e.Payload = ecmajson.AppendStringify(nil, m.Value)
		default:
			err = fmt.Errorf("unknown member %q: an event has %s, %s and, if need be, %s",
				m.Name, memberEvent, memberPayload, memberActor)
		}
		if err != nil {
			return segment.Event{}, err
		}
	}
	switch {
	case !seen[memberEvent]:
		return segment.Event{}, errors.New("no member " + memberEvent)
	case !seen[memberPayload]:
		return segment.Event{}, errors.New("no member " + memberPayload)
	case chain.IsSystem(e.Kind):
		return segment.Event{}, errReserved
	}
	return e, nil
}

// unambiguous refuses a text that another reader of JSON would read differently.
func unambiguous(odd ecmajson.Oddities) error {
	switch {
	case odd.Has(ecmajson.DuplicateMember):
		return errors.New("an object has two members of one name")
	case odd.Has(ecmajson.IllFormedUTF8):
		return errors.New("not UTF-8")
	}
	return nil
}

func nonEmpty(m ecmajson.Member) (string, error) {
	if m.Value.Kind != ecmajson.String || m.Value.Str == "" {
		return "", fmt.Errorf("member %s is not a string with something in it", m.Name)
	}
	return m.Value.Str, nil
}

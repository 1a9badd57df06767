package intake

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/segment"
)

// The members of a line that become a record.
const (
	memberTS      = "ts"
	memberEvent   = "event"
	memberActor   = "actor"
	memberPayload = "payload"
)

// reader reads the lines of one part of a source. It is not safe for concurrent use.
type reader struct {
	times Times
	words map[string]string // of kinds, actors and names, of which there are few
	count *tally            // of what is left out
}

// maxWords bounds the words kept, and the names of members that are told apart.
const maxWords = 1000

// otherMembers counts the members beyond those.
const otherMembers = "(other)"

func newReader(times Times, count *tally) *reader {
	count.ignored = map[string]int64{}
	return &reader{times: times, words: map[string]string{}, count: count}
}

// event reads a line, given without its LF. ok is false for a blank one. The event's payload is
// spelled as JSON.stringify spells it and may alias the line.
func (r *reader) event(line []byte) (e segment.Event, ok bool, err error) {
	if len(line) > chain.MaxLine {
		return e, false, fmt.Errorf("longer than %d MiB", chain.MaxLine>>20)
	}
	if len(bytes.Trim(line, " \t\r")) == 0 {
		return e, false, nil
	}
	f, usual := r.scan(line)
	if !usual {
		if f, err = r.parse(line); err != nil {
			return e, false, err
		}
	}
	e, err = r.complete(f)
	return e, err == nil, err
}

// fields are the members of a line that become a record.
type fields struct {
	ts, event, actor string
	payload          []byte // nil if the line has none
	hasTS, hasActor  bool
	foreign          []string // names of other members
}

// scan reads a line that is spelled as JSON.stringify would: nothing has to be built for that. ok is
// false for any other line, and for the few whose strings have escapes.
func (r *reader) scan(line []byte) (f fields, ok bool) {
	line = bytes.TrimRight(line, "\r")
	if len(line) < 2 || line[0] != '{' {
		return f, false
	}
	for i := 1; ; i++ {
		end := ecmajson.ScanString(line, i)
		if end < 0 || end >= len(line) || line[end] != ':' {
			return f, false
		}
		name := line[i+1 : end-1]
		from := end + 1
		to := ecmajson.ScanValue(line, from, chain.MaxDepth-1)
		if to < 0 || to >= len(line) {
			return f, false
		}
		if !f.set(r, name, line[from:to]) {
			return f, false
		}
		switch {
		case line[to] == '}' && to == len(line)-1:
			return f, true
		case line[to] != ',':
			return f, false
		}
		i = to
	}
}

// set takes one member of a line in the usual spelling. It is false where that spelling does not tell
// enough.
func (f *fields) set(r *reader, name, value []byte) bool {
	switch string(name) {
	case memberTS:
		text, ok := plain(value)
		if f.hasTS || !ok && r.times == TimesOfSource {
			return false
		}
		if f.hasTS = true; r.times == TimesOfSource {
			f.ts = string(text)
		}
	case memberEvent:
		text, ok := plain(value)
		if !ok || f.event != "" {
			return false
		}
		f.event = r.word(text)
	case memberActor:
		text, ok := plain(value)
		if !ok || f.hasActor {
			return false
		}
		f.actor, f.hasActor = r.word(text), true
	case memberPayload:
		if f.payload != nil {
			return false
		}
		f.payload = value
	default:
		if bytes.IndexByte(name, '\\') >= 0 || len(f.foreign) >= maxForeign {
			return false
		}
		for _, other := range f.foreign {
			if other == string(name) {
				return false
			}
		}
		f.foreign = append(f.foreign, r.word(name))
	}
	return true
}

// maxForeign bounds the members that are compared with each other one by one.
const maxForeign = 16

// plain gives the content of a string that has some, and no escapes.
func plain(value []byte) ([]byte, bool) {
	if len(value) < 3 || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 {
		return nil, false
	}
	return value[1 : len(value)-1], true
}

// word gives text as a string, the same one for the same text.
func (r *reader) word(text []byte) string {
	if w, ok := r.words[string(text)]; ok {
		return w
	}
	w := string(text)
	if len(r.words) < maxWords {
		r.words[w] = w
	}
	return w
}

// parse reads a line in any spelling. What two readers of JSON could read differently, or what would
// not be recorded as it was given, is an error.
func (r *reader) parse(line []byte) (f fields, err error) {
	if bytes.HasPrefix(line, []byte("\ufeff")) {
		return f, errors.New("a byte order mark before the JSON text: take it out")
	}
	v, odd, err := ecmajson.Parse(line, chain.MaxDepth)
	switch {
	case err != nil:
		return f, err
	case v.Kind != ecmajson.Object:
		return f, fmt.Errorf("a JSON %v where an object belongs", v.Kind)
	case odd.Has(ecmajson.DuplicateMember):
		return f, errors.New("an object has two members of one name")
	case odd.Has(ecmajson.IllFormedUTF8):
		return f, errors.New("not UTF-8")
	case odd.Has(ecmajson.NumberAsNull):
		return f, errors.New("a number is beyond the range of a double, and would be recorded as null")
	}
	for _, m := range v.Members {
		switch m.Name {
		case memberTS:
			if r.times == TimesOfSource {
				f.ts, err = nonEmpty(m)
			}
		case memberEvent:
			f.event, err = nonEmpty(m)
		case memberActor:
			f.hasActor = true
			f.actor, err = nonEmpty(m)
		case memberPayload:
			f.payload = ecmajson.AppendStringify(nil, m.Value)
		default:
			f.foreign = append(f.foreign, m.Name)
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

func nonEmpty(m ecmajson.Member) (string, error) {
	if m.Value.Kind != ecmajson.String || m.Value.Str == "" {
		return "", fmt.Errorf("member %s is not a string with something in it", m.Name)
	}
	return m.Value.Str, nil
}

// complete makes the event of a line's members and counts what it leaves out.
func (r *reader) complete(f fields) (segment.Event, error) {
	switch {
	case f.event == "":
		return segment.Event{}, errors.New("no member " + memberEvent)
	case f.payload == nil:
		return segment.Event{}, errors.New("no member " + memberPayload + ": an event without one has the payload null")
	case r.times == TimesOfSource && f.ts == "":
		return segment.Event{}, errors.New("no member " + memberTS)
	}
	e := segment.Event{Kind: f.event, Actor: f.actor, Payload: f.payload, TS: f.ts}
	if chain.IsSystem(e.Kind) {
		e.Kind = r.word([]byte(kinds.ImportedPrefix + e.Kind))
		r.count.renamed++
	}
	if len(f.foreign) > 0 {
		r.count.odd++
	}
	for _, name := range f.foreign {
		r.count.ignored[bounded(r.count.ignored, name)]++
	}
	return e, nil
}

package segment

import (
	"bytes"
	"fmt"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// Event is what a caller wants recorded.
type Event struct {
	Kind    string // not empty, not starting with audit.
	Actor   string // "" means "system"
	Payload []byte // one JSON value
	// TS is the time of an event of the past, as ECMAScript's toISOString writes it; "" is the time
	// of writing. The log does not put records into the order of their times.
	TS string
}

// Draft is an event that may be written: everything that can be wrong with it has been looked for.
type Draft struct {
	kind, actor, ts string
	payload         []byte // canonical
}

// PrepareCanonical checks an event as an append does, so that what is refused can be refused before a
// byte is written. Its payload must be spelled as JSON.stringify spells it: that is not looked at. The
// draft keeps the payload itself, which must not change as long as the draft is used. It is safe for
// concurrent use and takes no turn in the log.
func (l *Log) PrepareCanonical(e Event) (Draft, error) {
	d, err := draftOf(e)
	if err != nil {
		return Draft{}, err
	}
	d.payload = e.Payload
	return d, d.within(l.o.MaxRecord)
}

func newDraft(e Event, maxRecord int) (Draft, error) {
	d, err := draftOf(e)
	if err != nil {
		return Draft{}, err
	}
	// Most payloads are spelled as they will be stored; of the others Seal gives the spelling. Either
	// way the bytes are ours from here on: a caller whose context ends takes its own along.
	if ecmajson.ScanValue(e.Payload, 0, chain.MaxDepth-1) == len(e.Payload) {
		d.payload = bytes.Clone(e.Payload)
	} else {
		r, err := chain.Seal(chain.Genesis, "", d.kind, d.actor, e.Payload)
		if err != nil {
			return Draft{}, fmt.Errorf("%w: event %q: %w", ErrInvalid, e.Kind, err)
		}
		d.payload = r.Payload
	}
	return d, d.within(maxRecord)
}

// draftOf is an event without its payload.
func draftOf(e Event) (Draft, error) {
	switch {
	case e.Kind == "":
		return Draft{}, fmt.Errorf("%w: the event kind is empty", ErrInvalid)
	case chain.IsSystem(e.Kind):
		return Draft{}, fmt.Errorf("%w: event kind %q: kinds that start with %q are for the log itself", ErrInvalid, e.Kind, chain.SystemPrefix)
	case e.TS != "" && !isTime(e.TS):
		return Draft{}, fmt.Errorf("%w: ts %q: want a time such as %q", ErrInvalid, e.TS, stampExample)
	}
	d := Draft{kind: e.Kind, actor: e.Actor, ts: e.TS}
	if d.actor == "" {
		d.actor = chain.SystemActor
	}
	return d, nil
}

// within refuses a draft whose line would be longer than limit.
func (d *Draft) within(limit int) error {
	if n := d.size(limit); n > limit {
		return &Refusal{Path: "event " + d.kind, Offset: -1, Why: fmt.Sprintf("its record has %d bytes, the limit is %d", n, limit),
			Next: "shorten the payload or raise max_record"}
	}
	return nil
}

// maxEscape is how many bytes a byte of a string can take in JSON: \u001f.
const maxEscape = 6

// lineRest is more than a line has beside kind, actor and payload, in bytes.
const lineRest = 512

// size is the length of the draft's line, or where that is surely within the limit, a bound on it.
func (d *Draft) size(limit int) int {
	if n := len(d.payload) + maxEscape*(len(d.kind)+len(d.actor)) + lineRest; n <= limit {
		return n
	}
	return len(chain.AppendLine(nil, &chain.Record{TS: stampLayout, Event: d.kind, Actor: d.actor, Payload: d.payload}))
}

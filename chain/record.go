package chain

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// TimeLayout is the form of a record's ts: what ECMAScript's toISOString gives for the years 0 to 9999,
// as the layout of a time.Time in UTC.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// Limits of a record.
const (
	// MaxLine is the longest line that is read as a record, in bytes without its LF. A longer one
	// is a finding, never a crash.
	MaxLine = 64 << 20
	// MaxDepth is the deepest nesting of arrays and objects that is read.
	MaxDepth = 10_000
	// DefaultMaxRecord is the longest line that is written unless configured otherwise.
	DefaultMaxRecord = 16 << 20
)

// Record is one record as values: what a line says, not how it is spelled.
type Record struct {
	TS      string // as ECMAScript toISOString writes it
	Event   string // the event kind
	Actor   string
	Payload []byte // one JSON value exactly as JSON.stringify writes it
	Prev    Hash   // hash of the parent, Genesis for the first record
	Hash    Hash
}

// Errors of [Seal].
var (
	ErrPayload = errors.New("payload is not one JSON value")
	ErrDepth   = fmt.Errorf("payload is nested deeper than %d levels", MaxDepth-1)
)

// Seal makes the record that follows prev: payload is any JSON text, which is kept as the value
// ECMAScript reads from it, spelled as JSON.stringify spells it (docs/FORMAT.md, "Record").
// event and actor are taken as UTF-8; ill-formed parts become U+FFFD.
func Seal(prev Hash, ts, event, actor string, payload []byte) (Record, error) {
	r := Record{TS: ts, Event: event, Actor: actor, Prev: prev}
	if ecmajson.ScanValue(payload, 0, MaxDepth-1) == len(payload) {
		r.Payload = bytes.Clone(payload) // spelled so already
	} else {
		v, _, err := ecmajson.Parse(payload, MaxDepth-1)
		switch {
		case errors.Is(err, ecmajson.ErrDepth):
			return Record{}, ErrDepth
		case err != nil:
			return Record{}, fmt.Errorf("%w: %w", ErrPayload, err)
		}
		r.Payload = ecmajson.AppendStringify(nil, v)
	}
	r.Hash = sha256.Sum256(appendHashed(make([]byte, 0, len(r.Payload)+512), &r))
	return r, nil
}

// AppendRecord is [Seal] and [AppendLine] in one, for a payload that is spelled as JSON.stringify
// spells it already: nothing is looked at, spelled or copied twice. The record keeps payload itself.
func AppendRecord(dst []byte, prev Hash, ts, event, actor string, payload []byte) ([]byte, Record) {
	r := Record{TS: ts, Event: event, Actor: actor, Payload: payload, Prev: prev}
	line := len(dst)
	dst = appendHashed(dst, &r)
	r.Hash = sha256.Sum256(dst[line:])
	body := dst[line+len(hashedStart)+HashLen+len(`",`) : len(dst)-len(`}`)]
	n := copy(dst[line+len(`{`):], body) // the same bytes, behind the same brace
	return appendTail(dst[:line+len(`{`)+n], &r), r
}

// appendHashed appends the bytes that are hashed: the members in their hashing order.
func appendHashed(dst []byte, r *Record) []byte {
	dst = append(dst, hashedStart...)
	dst = appendHex(dst, &r.Prev)
	dst = append(dst, `",`...)
	dst = appendBody(dst, r)
	return append(dst, '}')
}

// appendBody appends the four members that stand between the brace and prev_hash on a line.
func appendBody(dst []byte, r *Record) []byte {
	dst = append(dst, `"ts":`...)
	dst = ecmajson.AppendString(dst, r.TS)
	dst = append(dst, `,"event":`...)
	dst = ecmajson.AppendString(dst, r.Event)
	dst = append(dst, `,"actor":`...)
	dst = ecmajson.AppendString(dst, r.Actor)
	dst = append(dst, `,"payload":`...)
	return append(dst, r.Payload...)
}

// AppendLine appends the record's line, LF included.
func AppendLine(dst []byte, r *Record) []byte {
	dst = append(dst, '{')
	return appendTail(appendBody(dst, r), r)
}

// appendTail appends what follows the body of a line.
func appendTail(dst []byte, r *Record) []byte {
	dst = append(dst, prevStart...)
	dst = appendHex(dst, &r.Prev)
	dst = append(dst, hashStart...)
	dst = appendHex(dst, &r.Hash)
	return append(dst, "\"}\n"...)
}

// The fixed parts of a line and of the hashed bytes.
const (
	hashedStart = `{"prev_hash":"`
	prevStart   = `,"prev_hash":"`
	hashStart   = `","hash":"`
	// tailLen is the length of a line's end, from the comma before prev_hash on.
	tailLen = len(prevStart) + HashLen + len(hashStart) + HashLen + len(`"}`)
)

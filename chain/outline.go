package chain

import "github.com/opscontext/opscontext/internal/ecmajson"

// Outline is what a record says besides its payload. Whether its hash is right was not looked at.
type Outline struct {
	TS, Event, Actor []byte // nil where the member is absent or no string; WTF-8, may alias the line
	Prev, Hash       Hash   // Prev is Genesis where the line names no parent
	// Said is the line up to the digits of its hashes, if it is spelled as this package writes a
	// record; nil if it is not. It aliases the line.
	Said []byte
}

// System reports whether the record is one of those that the log writes about itself.
func (o *Outline) System() bool { return IsSystem(string(o.Event)) }

// OutlineOf reads a line, given without its LF, far enough to count it. ok is false if [HeadOf] finds
// nothing on it that could be chained upon.
func OutlineOf(line []byte) (o Outline, ok bool) {
	if len(line) > MaxLine {
		return o, false
	}
	if t, usual := tailOf(line); usual && decodeHash(&o.Prev, t.prev) && decodeHash(&o.Hash, t.hash) {
		if b, canonical := scanBody(line); canonical {
			o.TS, o.Event, o.Actor = text(b[0]), text(b[1]), text(b[2])
			o.Said = line[:len(line)-tailLen+len(prevStart)]
			return o, true
		}
	}
	v, _, err := ecmajson.Parse(line, MaxDepth)
	if err != nil || v.Kind != ecmajson.Object || !decodeHash(&o.Hash, []byte(stringMember(v, "hash"))) {
		return Outline{}, false
	}
	if !decodeHash(&o.Prev, []byte(stringMember(v, "prev_hash"))) {
		o.Prev = Genesis
	}
	o.TS, o.Event, o.Actor = bytesMember(v, "ts"), bytesMember(v, "event"), bytesMember(v, "actor")
	return o, true
}

// text gives the content of a JSON value that is a string, nil for any other.
func text(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	if s := plainString(value); s != nil {
		return s
	}
	v, _, err := ecmajson.Parse(value, 1)
	if err != nil {
		return nil
	}
	return []byte(v.Str)
}

func bytesMember(v ecmajson.Value, name string) []byte {
	m, ok := v.Member(name)
	if !ok || m.Kind != ecmajson.String {
		return nil
	}
	return []byte(m.Str)
}

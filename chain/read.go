package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// LineClass says how a line reads under both lenses (docs/FORMAT.md, "Two lenses").
type LineClass uint8

// The classes of lines, best first.
const (
	// LineExact: the bytes hash to the hash member and are spelled as the format's writers spell them.
	LineExact LineClass = iota
	// LineReEncoded: the values hash to the hash member; the spelling is another.
	LineReEncoded
	// LineAmbiguous: the values hash to the hash member for one reader, and another reader of JSON
	// could see other values.
	LineAmbiguous
	// LineAltered: a record whose content does not hash to its hash member.
	LineAltered
	// LineUnreadable: no record at all.
	LineUnreadable
)

// Whole reports whether the record's hash is right and nothing about the line is ambiguous.
func (c LineClass) Whole() bool { return c <= LineReEncoded }

// Reading is what one line says.
type Reading struct {
	Class   LineClass
	Why     string // what is wrong, for LineAmbiguous and LineUnreadable
	Record  Record // zero for LineUnreadable; members of other types than a record's are zero
	Content Hash   // hash of the values read, equal to Record.Hash unless the line is altered
}

// ReadLine reads a line, given without its LF. It never fails: what cannot be read is
// LineUnreadable. The result does not alias line.
func ReadLine(line []byte) Reading {
	var s scratch
	f := s.read(line)
	r := Reading{Class: f.class, Why: f.why, Content: f.content}
	if f.class == LineUnreadable {
		return r
	}
	v := f.value
	if !f.parsed {
		// The fast path accepted the bytes, so they parse.
		v, _, _ = ecmajson.Parse(line, MaxDepth)
	}
	r.Record = Record{TS: stringMember(v, "ts"), Event: stringMember(v, "event"), Actor: stringMember(v, "actor")}
	if p, ok := v.Member("payload"); ok {
		r.Record.Payload = ecmajson.AppendStringify(nil, p)
	}
	decodeHash(&r.Record.Prev, []byte(stringMember(v, "prev_hash")))
	decodeHash(&r.Record.Hash, []byte(stringMember(v, "hash")))
	return r
}

// ErrNoHead says that a line cannot be chained upon.
var ErrNoHead = errors.New("not a record that can be chained upon")

// HeadOf gives the hash member of a line as a writer uses it: the line is a JSON object whose hash
// is 64 lower-case hexadecimal digits. Whether that hash is right is for the judge to say.
func HeadOf(line []byte) (Hash, error) {
	var h Hash
	if t, ok := tailOf(line); ok && decodeHash(&h, t.hash) {
		if _, ok := scanBody(line); ok {
			return h, nil
		}
	}
	v, _, err := ecmajson.Parse(line, MaxDepth)
	if err != nil {
		return h, fmt.Errorf("%w: %w", ErrNoHead, err)
	}
	if v.Kind != ecmajson.Object {
		return h, fmt.Errorf("%w: it is a JSON %v", ErrNoHead, v.Kind)
	}
	if !decodeHash(&h, []byte(stringMember(v, "hash"))) {
		return h, fmt.Errorf("%w: its hash is not %d lower-case hexadecimal digits", ErrNoHead, HashLen)
	}
	return h, nil
}

func stringMember(v ecmajson.Value, name string) string {
	m, ok := v.Member(name)
	if !ok || m.Kind != ecmajson.String {
		return ""
	}
	return m.Str
}

// key stands for a hash or prev_hash member as existing verifiers compare them: by JavaScript's
// equality, whatever their type. A well-formed hash stands for itself; anything else for a digest
// of its type and value, which no hash of a record can equal.
type key = Hash

var undefinedKey = key(sha256.Sum256([]byte("member absent")))

// facts is what the judge needs of a line.
type facts struct {
	class   LineClass
	why     string
	json    bool // the line parses: existing verifiers count it as a record
	null    bool // the line is null, on which existing verifiers fail as a whole
	parsed  bool // value is set
	system  bool // event starts with audit.
	hash    key
	prev    key
	content Hash
	ts      []byte // as the line spells it without quotes; nil if it is not a plain string
	value   ecmajson.Value
}

// scratch holds the buffer of one reader. It is not safe for concurrent use.
type scratch struct{ buf []byte }

// tail is the fixed end of a line in the usual spelling.
type tail struct{ prev, hash []byte }

// tailOf cuts the end of a line by position; ok is false if the fixed parts are not there.
func tailOf(line []byte) (t tail, ok bool) {
	i := len(line) - tailLen
	if i < 1 || line[0] != '{' {
		return t, false
	}
	b := line[i:]
	const p, h = len(prevStart), len(prevStart) + HashLen + len(hashStart)
	if string(b[:p]) != prevStart || string(b[p+HashLen:h]) != hashStart || string(b[h+HashLen:]) != `"}` {
		return t, false
	}
	return tail{prev: b[p : p+HashLen], hash: b[h : h+HashLen]}, true
}

// bodyMembers are the members before prev_hash, in their order; any may be absent.
var bodyMembers = [...]string{`"ts":`, `"event":`, `"actor":`, `"payload":`}

// body is where the values of a canonical line lie; an absent member is empty.
type body [len(bodyMembers)][]byte

// scanBody accepts a line up to its tail exactly if it is spelled as JSON.stringify spells it, with
// the members of a record in their order and no others.
func scanBody(line []byte) (b body, ok bool) {
	end := len(line) - tailLen
	i := 1
	for m, name := range bodyMembers {
		if i >= end || len(line)-i < len(name) || string(line[i:i+len(name)]) != name {
			continue
		}
		from := i + len(name)
		to := ecmajson.ScanValue(line[:end], from, MaxDepth-1)
		if to < 0 {
			return b, false
		}
		b[m] = line[from:to]
		if to == end {
			return b, true
		}
		if line[to] != ',' {
			return b, false
		}
		i = to + 1
	}
	return b, false
}

// read judges a line by itself: whether it is a record, and whether its content has its hash. The
// usual line takes the first branch: one hash over the line's own bytes and one pass of the
// canonical scanner. Every other line is parsed and spelled anew before anything is said of it.
func (s *scratch) read(line []byte) facts {
	if len(line) > MaxLine {
		return facts{class: LineUnreadable, why: fmt.Sprintf("longer than %d MiB", MaxLine>>20)}
	}
	var r Rehashed
	if r, s.buf = Rehash(line, s.buf); r.Right {
		if b, ok := scanBody(line); ok {
			return facts{json: true, hash: r.Hash, prev: r.Prev, content: r.Content, ts: plainString(b[0]),
				system: bytes.HasPrefix(b[1], []byte(`"`+SystemPrefix))}
		}
	}
	return s.readValues(line)
}

// plainString gives the content of a JSON string without escapes, nil for anything else.
func plainString(b []byte) []byte {
	if len(b) < 2 || b[0] != '"' || bytes.IndexByte(b, '\\') >= 0 {
		return nil
	}
	return b[1 : len(b)-1]
}

// readValues judges a line through the value lens: read as JSON.parse reads it, written again as
// JSON.stringify writes it, hashed.
func (s *scratch) readValues(line []byte) facts {
	v, odd, err := ecmajson.Parse(line, MaxDepth)
	if err != nil {
		return facts{class: LineUnreadable, why: err.Error()}
	}
	f := facts{json: true, parsed: true, value: v, null: v.Kind == ecmajson.Null}
	f.hash, f.prev = memberKey(v, "hash"), memberKey(v, "prev_hash")
	s.buf = appendMembers(s.buf[:0], v, "prev_hash", "ts", "event", "actor", "payload")
	f.content = sha256.Sum256(s.buf)
	if v.Kind != ecmajson.Object || !hasMember(v) {
		f.class, f.why = LineUnreadable, fmt.Sprintf("JSON, but not a record: %v", v.Kind)
		return f
	}
	if m, ok := v.Member("ts"); ok && m.Kind == ecmajson.String {
		f.ts = []byte(m.Str)
	}
	f.system = IsSystem(stringMember(v, "event"))
	var claimed [HashLen]byte
	hex.Encode(claimed[:], f.content[:])
	if stringMember(v, "hash") != string(claimed[:]) {
		f.class = LineAltered
		return f
	}
	f.class = LineReEncoded
	switch foreign := foreignMember(v); {
	case odd != 0:
		f.class, f.why = LineAmbiguous, odd.String()
	case foreign != "":
		f.class, f.why = LineAmbiguous, fmt.Sprintf("member %q is not part of a record and not covered by its hash", clip(foreign))
	default:
		s.buf = appendMembers(s.buf[:0], v, memberNames[:]...)
		if bytes.Equal(s.buf, line) {
			f.class = LineExact // a record without any of the members before prev_hash
		}
	}
	return f
}

// memberNames are the members of a record in their order on the line.
var memberNames = [...]string{"ts", "event", "actor", "payload", "prev_hash", "hash"}

// appendMembers appends an object of the named members of v, absent ones left out.
func appendMembers(dst []byte, v ecmajson.Value, names ...string) []byte {
	dst = append(dst, '{')
	for _, name := range names {
		m, ok := v.Member(name)
		if !ok {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = ecmajson.AppendString(dst, name)
		dst = append(dst, ':')
		dst = ecmajson.AppendStringify(dst, m)
	}
	return append(dst, '}')
}

// hasMember reports whether v has any member of a record.
func hasMember(v ecmajson.Value) bool {
	for _, name := range memberNames {
		if _, ok := v.Member(name); ok {
			return true
		}
	}
	return false
}

// foreignMember names the first member that a record does not have, "" if there is none.
func foreignMember(v ecmajson.Value) string {
next:
	for _, m := range v.Members {
		for _, name := range memberNames {
			if m.Name == name {
				continue next
			}
		}
		if m.Name == "" {
			return "(empty)"
		}
		return m.Name
	}
	return ""
}

// memberKey is the key of a member of v. Arrays and objects are equal to nothing, not even to
// themselves, in the language existing verifiers are written in; a lookup of their spelling finds
// at most another such oddity on a line that is damaged anyway.
func memberKey(v ecmajson.Value, name string) key {
	m, ok := v.Member(name)
	if !ok {
		return undefinedKey
	}
	var h Hash
	if m.Kind == ecmajson.String && decodeHash(&h, []byte(m.Str)) {
		return h
	}
	return sha256.Sum256(fmt.Appendf(nil, "member %v %v %s", m.Kind, m.Num+0, ecmajson.AppendStringify(nil, m)))
}

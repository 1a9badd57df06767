package search

import (
	"bytes"
	"path"
	"regexp"
	"slices"

	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/recordtext"
	"github.com/opscontext/opscontext/internal/timerange"
)

// Query says which records are wanted: those that meet all of it. The zero value wants all. It is
// safe for concurrent use.
type Query struct {
	// Span is the range of ts. A record whose ts is not text lies in every range, as nothing shows
	// that it is outside.
	Span timerange.Range
	// Kinds are globs, as path.Match has them; the event must match one. None wants every kind, one
	// wants no record whose event is not text.
	Kinds []string
	// Categories are those that the event's kind may have (see [kinds.CategoryOf]). None wants every
	// kind; one wants no record whose event is not text.
	Categories []kinds.Category
	// Actor is a glob likewise; empty wants every actor.
	Actor string
	// Session is the payload's member session or session_id: its text, or what JSON.stringify gives
	// for a value that is not text. Empty wants every record.
	Session string
	// Text must occur in the record in canonical spelling, with its strings as they read: between
	// their quotes stands what they say, with nothing escaped. Empty occurs everywhere.
	Text string
	// Regexp must match the same. nil matches everything.
	Regexp *regexp.Regexp
}

// CheckGlob refuses what Kinds and Actor cannot be.
func CheckGlob(glob string) error {
	_, err := path.Match(glob, "")
	return err
}

// need is a set of members that a query still has to see.
type need uint8

const (
	needTS need = 1 << iota
	needKind
	needActor
	needSession
)

func (q *Query) needs() (n need) {
	if !q.Span.All() {
		n |= needTS
	}
	if len(q.Kinds)+len(q.Categories) > 0 {
		n |= needKind
	}
	if q.Actor != "" {
		n |= needActor
	}
	if q.Session != "" {
		n |= needSession
	}
	return n
}

// Wants reports whether a record is one of those wanted. line can be read as a record.
func (q *Query) Wants(line []byte) bool {
	return q.all() || q.wantsCanonical(recordtext.Canonical(line))
}

func (q *Query) all() bool { return q.needs() == 0 && q.Text == "" && q.Regexp == nil }

// wantsCanonical is Wants of a line in canonical spelling.
func (q *Query) wantsCanonical(line []byte) bool {
	members, text := q.needs(), q.Text != "" || q.Regexp != nil
	if members != 0 && !q.wantsMembers(line, members) {
		return false
	}
	return !text || q.wantsText(line)
}

func (q *Query) wantsMembers(line []byte, open need) bool {
	if ts, event, ok := recordtext.Head(line); ok {
		if open&needTS != 0 && !q.Span.Contains(string(ts)) || open&needKind != 0 && !q.wantsKind(string(event)) {
			return false
		}
		if open &^= needTS | needKind; open == 0 {
			return true
		}
	}
	for name, value := range recordtext.Members(line) {
		about := aboutMember(name)
		if about&open == 0 {
			continue
		}
		if !q.meets(about, value) {
			return false
		}
		if open &^= about; open == 0 {
			return true // what follows, a payload say, need not be looked at
		}
	}
	return open&^needTS == 0
}

// aboutMember is the need that a member of a record may meet.
func aboutMember(name []byte) need {
	switch string(name) {
	case "ts":
		return needTS
	case "event":
		return needKind
	case "actor":
		return needActor
	case "payload":
		return needSession
	}
	return 0
}

func (q *Query) meets(n need, value []byte) bool {
	if n == needSession {
		return q.ofSession(value)
	}
	text, ok := recordtext.TextOf(value)
	switch n {
	case needTS:
		return !ok || q.Span.Contains(text)
	case needKind:
		return ok && q.wantsKind(text)
	}
	return ok && q.wantsActor(text)
}

// wantsKind and wantsActor are what a query says of a kind and an actor, whatever else it says of the
// record.
func (q *Query) wantsKind(kind string) bool {
	return (len(q.Kinds) == 0 || matchesAny(q.Kinds, kind)) &&
		(len(q.Categories) == 0 || slices.Contains(q.Categories, kinds.CategoryOf(kind)))
}

func (q *Query) wantsActor(actor string) bool { return matchesAny([]string{q.Actor}, actor) }

func matchesAny(globs []string, text string) bool {
	for _, glob := range globs {
		if ok, err := path.Match(glob, text); ok && err == nil {
			return true
		}
	}
	return false
}

func (q *Query) ofSession(payload []byte) bool {
	if payload[0] != '{' {
		return false
	}
	for name, value := range recordtext.Members(payload) {
		if n := string(name); n != "session" && n != "session_id" {
			continue
		}
		id, ok := recordtext.TextOf(value)
		if !ok {
			id = string(value)
		}
		if id == q.Session {
			return true
		}
	}
	return false
}

func (q *Query) wantsText(line []byte) bool {
	if bytes.IndexByte(line, '\\') >= 0 {
		line = recordtext.AppendShown(make([]byte, 0, len(line)), line)
	}
	return bytes.Contains(line, []byte(q.Text)) && (q.Regexp == nil || q.Regexp.Match(line))
}

package intake

import (
	"bytes"
	"context"
	"errors"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// progressOf is how far an import came, as the log itself shows.
type progressOf struct {
	records int64         // events of the source that are records, from the first on
	first   chain.Hash    // the first of those records
	last    chain.Hash    // the last
	steps   []Step        // of the bookmark, those whose head is in the log
	spot    *spot         // the last record of those, or what they were to follow; nil: nothing to hold on to
	closed  *chain.Record // the audit.import, if it is there
}

// spot is where a record lies.
type spot struct {
	name   segment.Name
	offset int64 // of its line
	end    int64 // of its line, LF included
	hash   chain.Hash
}

// errGone says that the log has lost records of an import that were durable.
var errGone = errors.New("the log does not have the records that an earlier run wrote durably")

// find finds out how far an import came. A step's records directly follow its head, but for what
// rotation and repair put between them; so the last step whose head is there tells how much of the
// source is. A head that is not there was lost in a power cut with all that followed it: then an
// earlier step tells. events gives the events of the source from a number on, as far as that step
// may have written them.
func find(ctx context.Context, log *segment.Snapshot, b *Bookmark, events func(from int64) ([]segment.Event, error)) (p progressOf, err error) {
	p.first = b.FirstHash
	for n := len(b.Steps) - 1; n >= 0; n-- {
		s := b.Steps[n]
		at, ok, err := locate(ctx, log.Sources, s.Head)
		if err != nil {
			return p, err
		}
		if !ok {
			continue
		}
		p.steps, p.spot, p.records, p.last = b.Steps[:n+1], at, s.Records, s.Last
		if p.records == 0 {
			p.first = chain.Genesis
		}
		f := follower{progressOf: &p, bookmark: b, stamp: s.Stamp, fetch: events}
		if err := walk(ctx, log.Sources, p.spot, f.next); err != nil || f.err != nil {
			return p, errors.Join(err, f.err)
		}
		return p, nil
	}
	if p.records, p.last = b.Steps[0].Records, b.Steps[0].Last; p.records == 0 {
		p.first = chain.Genesis
		return p, nil
	}
	at, ok, err := locate(ctx, log.Sources, p.last)
	if err == nil && !ok {
		err = errGone
	}
	p.spot = at
	return p, err
}

// follower walks on behind a step's head, as long as records are the source's events.
type follower struct {
	*progressOf
	bookmark *Bookmark
	stamp    string
	fetch    func(from int64) ([]segment.Event, error)
	events   []segment.Event // the next ones
	err      error
}

// next takes the next line of the log. It is false where that is not the import's any more.
func (f *follower) next(at spot, line []byte) bool {
	if f.records == f.bookmark.Events { // all are there: is the closing record, too?
		f.closed = closing(line, f.bookmark.SHA256)
		return f.closed == nil
	}
	if len(f.events) == 0 {
		if f.events, f.err = f.fetch(f.records); f.err != nil || len(f.events) == 0 {
			return false
		}
	}
	r := chain.ReadLine(line)
	switch {
	case !r.Class.Whole():
		return false
	case chain.IsSystem(r.Record.Event):
		return true
	case !same(&r.Record, &f.events[0], f.stamp):
		return false
	}
	if f.events = f.events[1:]; f.records == 0 {
		f.first = r.Record.Hash
	}
	f.records++
	at.hash = r.Record.Hash
	f.spot, f.last = &at, at.hash
	return true
}

// same reports whether a record is what an event became; stamp is the time of those that bring none.
func same(r *chain.Record, e *segment.Event, stamp string) bool {
	ts, actor := e.TS, e.Actor
	if ts == "" {
		ts = stamp
	}
	if actor == "" {
		actor = chain.SystemActor
	}
	return r.TS == ts && r.Event == e.Kind && r.Actor == actor && bytes.Equal(r.Payload, e.Payload)
}

// closing reads the audit.import of a source, nil if the line is anything else.
func closing(line []byte, source chain.Hash) *chain.Record {
	if !bytes.Contains(line, []byte(source.String())) {
		return nil
	}
	r := chain.ReadLine(line)
	if !r.Class.Whole() || r.Record.Event != chain.KindImport {
		return nil
	}
	v, _, err := ecmajson.Parse(r.Record.Payload, chain.MaxDepth)
	if err != nil {
		return nil
	}
	if p, err := chain.ParseImport(v); err != nil || p.SHA256 != source {
		return nil
	}
	return &r.Record
}

// locate finds the last record with a hash, newest source first. Before the first record of all, which
// is where Genesis is, there is no line; the spot then ends where the log begins.
func locate(ctx context.Context, srcs []segment.Source, h chain.Hash) (*spot, bool, error) {
	if h == chain.Genesis {
		return nil, true, nil
	}
	text := []byte(h.String())
	for n := len(srcs) - 1; n >= 0; n-- {
		src := srcs[n]
		var last *spot
		work := func(_ segment.Position, c segment.Chunk) (*spot, error) {
			return lastWith(src.Segment(), c, text, h), nil
		}
		err := segment.Walk(ctx, []segment.Source{src}, segment.WalkOptions{}, work, func(_ segment.Position, s *spot, err error) error {
			if s != nil {
				last = s
			}
			return err
		})
		if err != nil || last != nil {
			return last, last != nil, err
		}
	}
	return nil, false, nil
}

// lastWith finds the last line of a chunk that is a record with a hash.
func lastWith(name segment.Name, c segment.Chunk, text []byte, h chain.Hash) *spot {
	for data := c.Data; ; {
		at := bytes.LastIndex(data, text)
		if at < 0 {
			return nil
		}
		start := bytes.LastIndexByte(data[:at], '\n') + 1
		line := c.Data[start:]
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			line = line[:n]
		}
		if got, err := chain.HeadOf(line); err == nil && got == h {
			return &spot{name: name, offset: c.Offset + int64(start), end: c.Offset + int64(start+len(line)) + 1, hash: h}
		}
		data = data[:start]
	}
}

// walk gives the lines behind a spot, or all if it is nil, until each returns false. Blank lines are
// left out.
func walk(ctx context.Context, srcs []segment.Source, from *spot, each func(at spot, line []byte) bool) error {
	var buf []byte
	for _, src := range srcs {
		at := int64(0)
		if from != nil {
			switch c := src.Segment().Compare(from.name); {
			case c < 0:
				continue
			case c == 0:
				at = from.end
			}
		}
		for at < src.Size() {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			c, err := src.Read(segment.Extent{Offset: at, Size: min(segment.DefaultExtent, src.Size()-at)}, buf)
			if err != nil {
				return err
			}
			for offset, line := range c.Lines() {
				at = offset + int64(len(line)) + 1
				if len(line) > 0 && !each(spot{name: src.Segment(), offset: offset, end: at}, line) {
					return nil
				}
			}
			if len(c.Data) == 0 {
				break
			}
			buf = c.Data[:0]
		}
	}
	return nil
}

// stillThere reports whether the record at a spot is there.
func (s *spot) stillThere(log *segment.Snapshot) (bool, error) {
	for _, src := range log.Sources {
		if src.Segment() != s.name || s.offset >= src.Size() {
			continue
		}
		c, err := src.Read(segment.Extent{Offset: s.offset, Size: 1}, nil)
		if err != nil {
			return false, err
		}
		for _, line := range c.Lines() {
			h, err := chain.HeadOf(line)
			return err == nil && h == s.hash, nil
		}
	}
	return false, nil
}

package verify

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// located is a record with its place. What it aliases holds until the next one.
type located struct {
	chain.Outline
	place
	skipped int64 // lines right before it that are neither empty nor records
	lost    place // the first of them
}

// place is where a line is.
type place struct {
	segment      string
	line, offset int64
	record       int64 // position in reading order; -1 if it is no record, or nobody has counted
}

// spot is a record in its place, or a line that is none.
type spot struct {
	place
	hash chain.Hash // Genesis: it is no record
	ts   string
}

func (s spot) String() string {
	if s.ts == "" {
		return s.hash.Short()
	}
	return s.hash.Short() + " of " + s.ts
}

func (s spot) report() report.Spot {
	out := report.Spot{Segment: s.segment, Line: s.line, Record: s.record, TS: s.ts}
	if s.hash != chain.Genesis {
		out.Hash = s.hash.String()
	}
	return out
}

func (l *located) spot() spot {
	return spot{place: l.place, hash: l.Hash, ts: string(l.TS)}
}

// puller gives records one by one.
type puller struct {
	record located
	more   bool // record is one
	err    error
	pull   func() (located, error, bool)
	stop   func()
}

func newPuller(seq iter.Seq2[located, error]) *puller {
	pull, stop := iter.Pull2(seq)
	return &puller{pull: pull, stop: stop}
}

func (p *puller) next() bool {
	p.record, p.err, p.more = p.pull()
	p.more = p.more && p.err == nil
	return p.more
}

// recordsOf gives the records of a segment, and the error that ends them.
func recordsOf(ctx context.Context, src segment.Source) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) { eachRecord(ctx, src, yield) }
}

// eachRecord reports whether yield wants more. A line of JSON without a hash counts as a record, as it
// does to the judge.
func eachRecord(ctx context.Context, src segment.Source, yield func(located, error) bool) (more bool) {
	defer src.Close() //nolint:errcheck // it was read only
	at := place{segment: src.Name(), record: -1}
	var r located
	for k, err := range segment.Chunks(ctx, src) {
		if err != nil {
			yield(located{}, fmt.Errorf("%s, behind line %d: %w", src.Name(), at.line, err))
			return false
		}
		for offset, line := range k.Lines() {
			at.line++
			at.offset = offset
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			var ok bool
			if r.Outline, ok = chain.OutlineOf(line); !ok {
				if _, _, err := ecmajson.Parse(line, chain.MaxDepth); err != nil {
					if r.skipped++; r.skipped == 1 {
						r.lost = at
					}
					continue
				}
			}
			r.place = at
			if !yield(r, nil) {
				return false
			}
			r.skipped = 0
		}
	}
	return true
}

// walker goes through the records of the log by their positions in reading order.
type walker struct {
	*puller
	ctx   context.Context
	c     *check
	asked int64 // the position that at was called with last
}

// at goes to a position. ok is false if the log ends before it, or cannot be read so far.
func (w *walker) at(position int64) (ok bool) {
	if w.puller == nil || position < w.asked {
		w.close()
		w.puller = newPuller(w.c.recordsFrom(w.ctx, position))
		w.next()
	}
	for w.more && w.record.record < position {
		w.next()
	}
	w.asked = position
	return w.more
}

func (w *walker) close() {
	if w.puller != nil {
		w.stop()
	}
}

// spot is what the log has at the position: the record, or the line before it that should be one; nil
// behind its end.
func (w *walker) spot() *spot {
	if w.puller == nil || !w.more {
		return nil
	}
	s := w.record.spot()
	if w.record.skipped > 0 {
		s = spot{place: w.record.lost}
	}
	return &s
}

// recordsFrom gives the records of the log from a position in the segment that has it on. Copies that an
// interrupted rotation left at the start of the live log are at no position.
func (c *check) recordsFrom(ctx context.Context, position int64) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		from := c.sourceAt(position)
		var base int64
		for i, src := range c.snap.Sources {
			s := &c.v.Sources[i]
			if s.Live {
				base -= c.v.Seam
			}
			record := base - 1
			give := func(r located, err error) bool {
				if record++; s.Live && record < base+c.v.Seam && err == nil {
					return true
				}
				r.record = record
				return yield(r, err)
			}
			if i >= from && !eachRecord(ctx, src, give) {
				return
			}
			base += s.Records
		}
	}
}

// sourceAt is the index of the source that has a position; the number of sources if none has.
func (c *check) sourceAt(position int64) int {
	var end int64
	for i := range c.v.Sources {
		s := &c.v.Sources[i]
		if s.Live {
			end -= c.v.Seam
		}
		if end += s.Records; position < end {
			return i
		}
	}
	return len(c.v.Sources)
}

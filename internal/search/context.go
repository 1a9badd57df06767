package search

import (
	"context"
	"errors"

	"github.com/opscontext/opscontext/segment"
)

// around writes hits with the records around them. It reads those by itself (see [reading]): the search
// may have passed over the piece they are in, as it has no hit, or be done with it. Only the goroutine
// that joins pieces uses it.
type around struct {
	o       *Options
	reading *reading
	text    []byte // to be written
	some    bool   // something was

	last  place // of the record that was written last
	known bool  // it is one
	owed  int   // records behind it that are still to be written
}

// flushAt is how much text is written at once, in bytes.
const flushAt = 1 << 20

// hit writes a hit, of which the text is made, and what comes before it.
func (a *around) hit(source int, offset int64, text []byte) error {
	at, ok := a.reading.find(source, offset)
	if !ok { // its piece cannot be read again, as is told: what is around it is not known
		a.rest()
		a.apart()
		a.text, a.some, a.known = append(a.text, text...), true, false
		return a.flush(flushAt)
	}
	before, adjoins := a.before(at)
	first := at
	if n := len(before); n > 0 {
		first = before[n-1]
	}
	if !adjoins && !a.until(first) {
		a.apart()
	}
	for i := len(before) - 1; i >= 0; i-- {
		a.record(before[i])
	}
	a.text, a.some = append(a.text, text...), true
	a.last, a.known, a.owed = at, true, a.o.Context
	return a.flush(flushAt)
}

// before gives the records before a hit that were not written yet, the nearest first. adjoins says that
// what was written last comes right before them.
func (a *around) before(at place) (before []place, adjoins bool) {
	for p := at; ; before = append(before, p) {
		var ok bool
		if p, ok = a.reading.step(p, -1); !ok {
			return before, false
		}
		if a.known && p == a.last {
			return before, true
		}
		if len(before) == a.o.Context {
			return before, false
		}
	}
}

// until writes the records that are owed, as far as they come before p. It reports whether nothing is
// left out between them and p.
func (a *around) until(p place) bool {
	for a.known {
		next, ok := a.reading.step(a.last, 1)
		if !ok || next != p && a.owed == 0 {
			return false
		}
		if next == p {
			return true
		}
		a.record(next)
		a.last = next
		a.owed--
	}
	return false
}

// rest writes the records that are owed when no hit follows.
func (a *around) rest() { a.until(place{source: -1}) }

// apart writes what stands between hits that do not adjoin.
func (a *around) apart() {
	if a.some {
		a.text = append(a.text, a.o.Apart...)
	}
}

func (a *around) record(p place) {
	src := a.reading.sources[p.source]
	offset, line := a.reading.at(p)
	a.text = a.o.Append(a.text, Hit{Source: src.Name(), State: src.State(), Offset: offset, Line: line, Context: true})
}

// flush writes what there is, if it is size bytes or more.
func (a *around) flush(size int) error {
	if len(a.text) < max(size, 1) {
		return nil
	}
	err := a.o.Write(a.text)
	a.text = a.text[:0]
	return err
}

// end ends the search: nothing follows, or err did.
func (a *around) end(ctx context.Context, err error) error {
	if err == nil {
		a.rest()
		if err = context.Cause(ctx); err == nil {
			err = a.flush(0)
		}
	}
	return errors.Join(err, a.reading.close())
}

// newAround is nil where only hits are wanted. broken is told of pieces that cannot be read.
func (r *run) newAround(ctx context.Context) *around {
	if r.o.Context == 0 || r.o.Append == nil {
		return nil
	}
	return &around{o: &r.o, reading: &reading{
		ctx: ctx, sources: append([]segment.Source(nil), r.sources...), used: make([]bool, len(r.sources)),
		size: r.o.ExtentSize, reverse: r.o.Reverse, seam: r.seam, broken: r.unreadable,
	}}
}

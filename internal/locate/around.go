package locate

import (
	"fmt"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// Near is how many records before and behind one are looked at for its relatives: as far as a parent
// may be away in a fork of writers that raced (docs/FORMAT.md, "By link").
const Near = 64

// Neighbour is a record near the one that was found.
type Neighbour struct {
	Index      int64 // -1 where that of the record is
	Prev, Hash chain.Hash
	TS, Event  string
}

// Found is a record with what stands around it.
type Found struct {
	Place
	Raw     []byte // the bytes on disk, without the LF
	Reading chain.Reading
	// Before and After are the records next to it in reading order, or in its branch; nil at an end.
	Before, After *Neighbour
	// Parent is the latest record before it, of the nearest, that has the hash it names; nil if none has.
	Parent *Neighbour
	// Children are those of the nearest after it that name it as their parent, Siblings the nearest others
	// that name the same parent.
	Children, Siblings []Neighbour
	// Unread is why less than the nearest records could be looked at; nil if they were.
	Unread error
}

// Look reads the record at a place and what stands around it.
func (r *Result) Look(p Place) (*Found, error) {
	srcs, seam := r.snap.Sources, r.seam
	if p.Index < 0 { // what is around it there is not in reading order either
		srcs, seam = []segment.Source{p.Source}, 0
	}
	c, err := p.Source.Read(segment.Extent{Offset: p.Offset, Size: 1}, nil)
	if err != nil {
		return nil, err
	}
	f := &Found{Place: p}
	for offset, line := range c.Lines() {
		if offset == p.Offset {
			f.Raw = line
		}
		break
	}
	if f.Raw == nil {
		return nil, fmt.Errorf("%s %w", p.Source.Name(), segment.ErrReplaced)
	}
	f.Reading = chain.ReadLine(f.Raw)
	w := window{srcs: srcs, seam: seam, place: p, at: slices.IndexFunc(srcs, func(s segment.Source) bool { return s.Name() == p.Source.Name() })}
	before, after := w.before(), w.after()
	f.Unread = w.unread
	f.relate(before, after)
	return f, nil
}

// relate finds the relatives among the records near it, of which those before it stand last first.
func (f *Found) relate(before, after []Neighbour) {
	if len(before) > 0 {
		f.Before = &before[0]
	}
	if len(after) > 0 {
		f.After = &after[0]
	}
	own := f.Reading.Record
	if f.Reading.Class == chain.LineUnreadable {
		return
	}
	for i := range before {
		if before[i].Hash == own.Prev && own.Prev != chain.Genesis {
			f.Parent = &before[i]
			break
		}
	}
	for _, n := range after {
		if n.Prev == own.Hash && own.Hash != chain.Genesis {
			f.Children = append(f.Children, n)
		}
	}
	for _, n := range slices.Concat(before, after) {
		if n.Prev == own.Prev && n.Hash != own.Hash && n.Hash != chain.Genesis {
			f.Siblings = append(f.Siblings, n)
		}
	}
	slices.SortStableFunc(f.Siblings, func(a, b Neighbour) int { return int(a.Index - b.Index) })
}

// window reads outward from a place.
type window struct {
	srcs   []segment.Source
	at     int // the source of the place
	seam   int64
	place  Place
	unread error
}

// before gives the nearest records before the place, the nearest first.
func (w *window) before() (near []Neighbour) {
	for i := w.at; i >= 0; i-- {
		for _, e := range slices.Backward(w.srcs[i].Extents(segment.DefaultExtent)) {
			if i == w.at {
				if e.Offset >= w.place.Offset {
					continue
				}
				e.Size = min(e.Size, w.place.Offset-e.Offset)
			}
			part, err := w.read(w.srcs[i], e)
			if err != nil {
				w.unread = err
				return w.numbered(near, -1)
			}
			slices.Reverse(part)
			near = append(near, part...)
			if len(near) >= Near {
				return w.numbered(near[:Near], -1)
			}
		}
	}
	return w.numbered(near, -1)
}

// after gives the nearest records behind the place, in order.
func (w *window) after() (near []Neighbour) {
	from := w.place.Offset + 1
	for _, src := range w.srcs[w.at:] {
		for _, e := range src.Extents(segment.DefaultExtent) {
			end := e.Offset + e.Size
			if end <= from {
				continue
			}
			e.Offset = max(e.Offset, from)
			e.Size = end - e.Offset
			part, err := w.read(src, e)
			if err != nil {
				w.unread = err
				return w.numbered(near, 1)
			}
			if near = append(near, part...); len(near) >= Near {
				return w.numbered(near[:Near], 1)
			}
		}
		from = 0
	}
	return w.numbered(near, 1)
}

// numbered gives records that follow each other their positions.
func (w *window) numbered(near []Neighbour, step int64) []Neighbour {
	for i := range near {
		if near[i].Index = -1; w.place.Index >= 0 {
			near[i].Index = w.place.Index + step*int64(i+1)
		}
	}
	return near
}

func (w *window) read(src segment.Source, e segment.Extent) (near []Neighbour, err error) {
	c, err := src.Read(e, nil)
	if err != nil {
		return nil, err
	}
	var p piece
	for entry := range p.entries(src, c, w.seam) {
		if entry.copy {
			continue
		}
		n := Neighbour{Hash: entry.hash}
		if o, ok := chain.OutlineOf(entry.line); ok {
			n.Prev, n.TS, n.Event = o.Prev, string(o.TS), string(o.Event)
		}
		near = append(near, n)
	}
	return near, nil
}

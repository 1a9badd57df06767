package search

import (
	"context"
	"errors"
	"slices"
	"sort"

	"github.com/opscontext/opscontext/internal/recordtext"
	"github.com/opscontext/opscontext/segment"
)

// reading goes from record to record in the order in which they are searched. It holds a few pieces at a
// time, however far it goes. Lines that are no records, and copies before the seam of the live log, it
// passes over; from the log to a branch beside it there is no way.
type reading struct {
	ctx     context.Context
	sources []segment.Source // whole, in the order in which they are searched
	used    []bool           // which of them were read, and are to be closed
	size    int              // of a piece
	reverse bool
	seam    int64
	broken  func(segment.Position, error) // is told of a piece that cannot be read

	pages []*page // the one that was used last comes last
	cuts  []cut   // likewise
}

// maxPages is how many pieces are held: that of a hit, those beside it, and the one where what was written
// ends.
const maxPages = 4

// keptPage is the longest buffer, in bytes, that is used again for another piece.
const keptPage = 4 << 20

// cut is how a source is cut into pieces, in their order.
type cut struct {
	source int
	pieces []segment.Extent
}

// page is a piece that is held, and where its lines lie in it, in their order.
type page struct {
	source, piece int
	chunk         segment.Chunk
	lines         []span
}

type span struct{ from, to int64 }

// place is a line of a piece.
type place struct{ source, piece, line int }

// find gives the place of the line that begins at offset.
func (r *reading) find(source int, offset int64) (place, bool) {
	pieces := r.pieces(source)
	piece := sort.Search(len(pieces), func(i int) bool {
		if r.reverse {
			return pieces[i].Offset <= offset
		}
		return pieces[i].Offset+pieces[i].Size > offset
	})
	if piece == len(pieces) {
		return place{}, false
	}
	p := r.page(source, piece)
	from := offset - p.chunk.Offset
	line := sort.Search(len(p.lines), func(i int) bool {
		if r.reverse {
			return p.lines[i].from <= from
		}
		return p.lines[i].from >= from
	})
	if line == len(p.lines) || p.lines[line].from != from {
		return place{}, false
	}
	return place{source, piece, line}, true
}

// step gives the record behind p, or with -1 the one before it.
func (r *reading) step(p place, by int) (place, bool) {
	for lines := r.page(p.source, p.piece).lines; ; {
		p.line += by
		for p.line < 0 || p.line >= len(lines) {
			if p.piece += by; p.piece < 0 || p.piece >= len(r.pieces(p.source)) {
				if !r.joined(p.source, p.source+by) {
					return p, false
				}
				p.source += by
				p.piece = edge(len(r.pieces(p.source)), by)
				if len(r.pieces(p.source)) == 0 {
					lines = nil
					continue
				}
			}
			if r.ctx.Err() != nil {
				return p, false
			}
			lines = r.page(p.source, p.piece).lines
			p.line = edge(len(lines), by)
		}
		if r.record(p) {
			return p, true
		}
	}
}

// edge is the first of n, or the last for who comes from behind.
func edge(n, by int) int {
	if by < 0 {
		return n - 1
	}
	return 0
}

// joined reports whether the records of b stand in one order with those of a.
func (r *reading) joined(a, b int) bool {
	return b >= 0 && b < len(r.sources) && r.sources[a].State() != segment.StateAbandoned && r.sources[b].State() != segment.StateAbandoned
}

func (r *reading) record(p place) bool {
	offset, line := r.at(p)
	if len(line) == 0 || r.sources[p.source].State() == segment.StateLive && offset < r.seam {
		return false
	}
	_, ok := recordtext.IsRecord(line)
	return ok
}

// at gives a line, until another one is asked for, and its offset in the source.
func (r *reading) at(p place) (int64, []byte) {
	held := r.page(p.source, p.piece)
	l := held.lines[p.line]
	return held.chunk.Offset + l.from, held.chunk.Data[l.from:l.to:l.to]
}

func (r *reading) pieces(source int) []segment.Extent {
	i := slices.IndexFunc(r.cuts, func(c cut) bool { return c.source == source })
	if i < 0 {
		size := r.size
		if size <= 0 {
			size = segment.DefaultExtent
		}
		c := cut{source, slices.Clone(r.sources[source].Extents(size))}
		if r.reverse {
			slices.Reverse(c.pieces)
		}
		r.used[source] = true
		if i = len(r.cuts); i == maxPages {
			r.cuts, i = slices.Delete(r.cuts, 0, 1), i-1
		}
		r.cuts = append(r.cuts, c)
	}
	c := r.cuts[i]
	r.cuts = append(slices.Delete(r.cuts, i, i+1), c)
	return c.pieces
}

// page gives a piece; one that cannot be read has no lines.
func (r *reading) page(source, piece int) *page {
	i := slices.IndexFunc(r.pages, func(p *page) bool { return p.source == source && p.piece == piece })
	if i < 0 {
		var buf []byte
		if i = len(r.pages); i == maxPages {
			if old := r.pages[0].chunk.Data; cap(old) <= keptPage {
				buf = old[:0]
			}
			r.pages, i = slices.Delete(r.pages, 0, 1), i-1
		}
		r.pages = append(r.pages, r.read(source, piece, buf))
	}
	p := r.pages[i]
	r.pages = append(slices.Delete(r.pages, i, i+1), p)
	return p
}

func (r *reading) read(source, piece int, buf []byte) *page {
	p := &page{source: source, piece: piece}
	src, extent := r.sources[source], r.pieces(source)[piece]
	chunk, err := src.Read(extent, buf)
	if err != nil {
		r.broken(segment.Position{Source: source, Extent: extent}, &segment.ReadError{Name: src.Name(), Extent: extent, Err: err})
		return p
	}
	p.chunk = chunk
	for offset, line := range chunk.Lines() {
		from := offset - chunk.Offset
		p.lines = append(p.lines, span{from, from + int64(len(line))})
	}
	if r.reverse {
		slices.Reverse(p.lines)
	}
	return p
}

func (r *reading) close() (err error) {
	for i, src := range r.sources {
		if r.used[i] {
			err = errors.Join(err, src.Close())
		}
	}
	return err
}

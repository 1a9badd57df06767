package search

import (
	"iter"
	"slices"

	"github.com/opscontext/opscontext/segment"
)

// reversed is a source whose pieces are handed out last first, so that a walk joins them in that
// order.
type reversed struct{ segment.Source }

func (r reversed) Extents(size int) []segment.Extent {
	es := slices.Clone(r.Source.Extents(size))
	slices.Reverse(es)
	return es
}

func backwards(srcs []segment.Source) []segment.Source {
	all := make([]segment.Source, len(srcs))
	for i, src := range srcs {
		all[i] = reversed{src}
	}
	return all
}

// lines gives the lines of a chunk in the order in which they are searched.
func (r *run) lines(c segment.Chunk) iter.Seq2[int64, []byte] {
	if !r.o.Reverse {
		return c.Lines()
	}
	return func(yield func(int64, []byte) bool) {
		type at struct{ from, to int64 }
		var all []at
		for offset, line := range c.Lines() {
			from := offset - c.Offset
			all = append(all, at{from, from + int64(len(line))})
		}
		for _, l := range slices.Backward(all) {
			if !yield(c.Offset+l.from, c.Data[l.from:l.to:l.to]) {
				return
			}
		}
	}
}

package search

import (
	"iter"

	"github.com/opscontext/opscontext/internal/index"
	"github.com/opscontext/opscontext/segment"
)

// lines gives the lines of a chunk that may be wanted, in the order in which they are searched: all
// but those that the index rules out, or that lack what must be in them. frame is what the index says
// of the chunk, nil if nothing.
func (r *run) lines(c segment.Chunk, frame *index.Frame) iter.Seq2[int64, []byte] {
	lines := c.Lines()
	switch {
	case frame == nil:
	case frame.Some:
		if some, ok := linesAt(c, frame.Lines); ok {
			lines = some
		}
	case frame.Usual && r.finder != nil:
		lines = r.finder.lines(c)
	}
	if r.o.Reverse {
		return backward(lines)
	}
	return lines
}

// linesAt gives the lines of a chunk that start at some offsets. ok is false if one of those is not
// the start of a line: then they are not of this chunk.
func linesAt(c segment.Chunk, offsets []int64) (lines iter.Seq2[int64, []byte], ok bool) {
	for _, at := range offsets {
		i := at - c.Offset
		if i < 0 || i >= int64(len(c.Data)) || i > 0 && c.Data[i-1] != '\n' {
			return nil, false
		}
	}
	return func(yield func(int64, []byte) bool) {
		for _, at := range offsets {
			if _, line := lineAround(c.Data, int(at-c.Offset)); !yield(at, line) {
				return
			}
		}
	}, true
}

// backward gives lines last first.
func backward(lines iter.Seq2[int64, []byte]) iter.Seq2[int64, []byte] {
	return func(yield func(int64, []byte) bool) {
		type at struct {
			offset int64
			line   []byte
		}
		var all []at
		for offset, line := range lines {
			all = append(all, at{offset, line})
		}
		for i := len(all) - 1; i >= 0; i-- {
			if !yield(all[i].offset, all[i].line) {
				return
			}
		}
	}
}

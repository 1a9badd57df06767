package follow

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// anchor is the last line that was passed. The zero value lies before the first line.
type anchor struct {
	name       segment.Name   // of its segment
	id         durable.FileID // of the file it was read from
	start, end int64          // of the line with its LF, in the segment's raw bytes
	sum        [sha256.Size]byte
}

// set reports whether any line was passed.
func (a *anchor) set() bool { return a.end > 0 }

// in reports whether the line is in src, at its place. One that cannot be read is not.
func (a *anchor) in(src segment.Source) bool {
	if !a.set() {
		return false
	}
	c, err := src.Read(segment.Extent{Offset: a.start, Size: 1}, nil)
	if err != nil {
		return false
	}
	for offset, line := range c.Lines() {
		return offset == a.start && offset+int64(len(line))+1 == a.end && sha256.Sum256(line) == a.sum
	}
	return false
}

// found says where to go on.
type found struct {
	ok     bool
	source int   // index into the sources of the snapshot
	from   int64 // offset in it
	lost   int   // records that were passed and are not there any more
	unread error // why it cannot be said that there is no such place
}

// find looks for the place to go on from. A rotation of ours leaves the line where it was, in a file of
// another name; archiving leaves its offset; a rotation of an existing writer moves and spells anew, so
// there the hashes tell.
func (f *follower) find(ctx context.Context, snap *segment.Snapshot, seam int64) (found, error) {
	if !f.at.set() {
		return found{ok: true}, nil // all of it is new
	}
	isPlace := func(same func(segment.Source) bool) int {
		return slices.IndexFunc(snap.Sources, func(src segment.Source) bool { return same(src) && f.at.in(src) })
	}
	i := isPlace(func(src segment.Source) bool { return src.Info().ID == f.at.id })
	if i < 0 {
		i = isPlace(func(src segment.Source) bool { return src.Segment() == f.at.name })
	}
	if i >= 0 {
		return found{ok: true, source: i, from: f.at.end}, nil
	}
	return f.findPassed(ctx, snap, seam)
}

// findPassed looks for the latest of the records passed that is still there, in the last source that
// has any of them. Copies at the beginning of the live log do not count: what follows them may be in
// the segment before alone.
func (f *follower) findPassed(ctx context.Context, snap *segment.Snapshot, seam int64) (found, error) {
	rank := make(map[chain.Hash]int, len(f.passed))
	for i, h := range f.passed {
		rank[h] = i
	}
	var unread error
	for i, src := range slices.Backward(snap.Sources) {
		best := -1
		var from int64
		for c, err := range segment.Chunks(ctx, src) {
			if ctx.Err() != nil {
				return found{}, context.Cause(ctx)
			}
			if err != nil {
				unread = err
				continue
			}
			for offset, line := range c.Lines() {
				if src.State() == segment.StateLive && offset < seam {
					continue
				}
				h, err := chain.HeadOf(line)
				if err != nil {
					continue
				}
				if r, ok := rank[h]; ok && r >= best {
					best, from = r, offset+int64(len(line))+1
				}
			}
		}
		if err := src.Close(); err != nil && unread == nil {
			unread = err
		}
		if best >= 0 {
			return found{ok: true, source: i, from: from, lost: len(f.passed) - 1 - best}, nil
		}
	}
	return found{unread: unread}, nil
}

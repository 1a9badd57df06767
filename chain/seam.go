package chain

import (
	"context"
	"slices"
)

// seamBatch bounds how many records are looked for in one pass.
const seamBatch = 1 << 16

// findSeam counts the leading records of the live log whose hash is in the last segment: a rotation
// of an existing writer that stopped between placing the segment and cutting the log. They are left
// out of the history (docs/FORMAT.md, "Reading").
func (j *Judge) findSeam(ctx context.Context, again Again) error {
	live, segment := j.liveSource()
	if live < 0 || segment < 0 || j.sources[live].first == nil || !j.seamPossible(live, segment) {
		return nil
	}
	from, to := -1, 0
	for i, ref := range j.blocks {
		if ref.source == segment {
			if from < 0 {
				from = i
			}
			to = i + 1
		}
	}
	if from < 0 {
		return nil
	}
	segmentOnly := func(ctx context.Context, _, _ int, each func(int, Input)) error { return again(ctx, from, to, each) }
	c := &cursor{j: j, ctx: ctx, again: again, block: to}
	for seam := int64(0); ; {
		var chunk []key
		for len(chunk) < seamBatch {
			l, ok := c.next()
			if !ok {
				break
			}
			chunk = append(chunk, l.hash)
		}
		if c.err != nil {
			return c.err
		}
		found, _, err := j.lookup(ctx, segmentOnly, sortedKeys(slices.Clone(chunk)), nil)
		if err != nil {
			return err
		}
		for _, k := range chunk {
			if len(found.of(k)) == 0 {
				j.seam = seam
				return nil
			}
			seam++
		}
		if len(chunk) == 0 {
			j.seam = seam
			return nil
		}
	}
}

// seamPossible reports whether the first live record can be a copy at all: it is one only if it does
// not follow the segment's last record, or if something in the segment is out of order.
func (j *Judge) seamPossible(live, segment int) bool {
	if j.sources[live].first.mismatch {
		return true
	}
	return slices.ContainsFunc(j.items, func(it *item) bool {
		return it.Source == segment && it.json && (it.mismatch || it.class >= LineAltered)
	})
}

package verify

import (
	"context"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// span is a run of blocks.
type span struct{ from, to int }

// judge reads the snapshot and gives the verdict of its records.
func (c *check) judge(ctx context.Context, find []chain.Hash) error {
	infos := make([]chain.SourceInfo, len(c.snap.Sources))
	for i, s := range c.snap.Sources {
		infos[i] = chain.SourceInfo{Name: s.Name(), Live: s.State() == segment.StateLive}
		c.bytes += s.Size()
	}
	r := &reader{check: c}
	j := chain.NewJudge(infos)
	if c.o.ranged() {
		blocks, err := r.rangeBlocks(ctx)
		if err != nil {
			return err
		}
		for _, b := range blocks {
			j.Join(b)
		}
	} else if err := r.walk(ctx, chain.Full, j.Join); err != nil {
		return err
	}
	branches, err := c.branches(ctx)
	if err != nil {
		return err
	}
	rules := chain.Rules{Forks: chain.Fork, Find: find, Branches: branches}
	if c.o.Sharing == segment.Exclusive {
		rules.Forks = chain.ImplausibleFork
	}
	v, err := j.Finish(ctx, r.again, rules)
	if c.v = v; err == nil {
		c.unexplained()
	}
	return err
}

// reader reads the snapshot's blocks, once in order and again where the judge asks.
type reader struct {
	*check
	places []segment.Position
}

// walk judges every block to a depth and gives the blocks in reading order.
func (r *reader) walk(ctx context.Context, depth chain.Depth, each func(*chain.Block)) error {
	look := chain.Look{Depth: depth, Since: r.o.Since, Until: r.o.Until}
	r.places = r.places[:0]
	var done int64
	work := func(p segment.Position, k segment.Chunk) (*chain.Block, error) {
		return chain.JudgeBlock(chain.Input{Source: p.Source, Offset: k.Offset, Data: k.Data}, look), nil
	}
	join := func(p segment.Position, b *chain.Block, err error) error {
		if err != nil {
			b = chain.Unread(p.Source, p.Offset, p.Size, err)
		}
		r.places = append(r.places, p)
		each(b)
		if done += p.Size; r.o.Progress != nil {
			r.o.Progress(done, r.bytes)
		}
		return nil
	}
	return segment.Walk(ctx, r.snap.Sources, segment.WalkOptions{Workers: r.o.Workers}, work, join)
}

// rangeBlocks looks at the links of the whole log, and recomputes the records of the shortest run of
// blocks that holds every record asked for, with a block before and after it.
func (r *reader) rangeBlocks(ctx context.Context) ([]*chain.Block, error) {
	var blocks []*chain.Block
	if err := r.walk(ctx, chain.Links, func(b *chain.Block) { blocks = append(blocks, b) }); err != nil {
		return nil, err
	}
	first, last := -1, -1
	for i, b := range blocks {
		n := b.InRange()
		if r.o.Segment != 0 && r.snap.Sources[r.places[i].Source].Segment().Number != r.o.Segment {
			n = 0
		}
		if n == 0 {
			continue
		}
		r.inRange += n
		if first < 0 {
			first = i
		}
		last = i
	}
	if first < 0 {
		r.span = &span{}
		return blocks, nil
	}
	r.span = &span{max(first-1, 0), min(last+2, len(blocks))}
	err := r.again(ctx, r.span.from, r.span.to, func(i int, in chain.Input) {
		blocks[i] = chain.JudgeBlock(in, chain.Look{Since: r.o.Since, Until: r.o.Until})
	})
	return blocks, err
}

// again reads the blocks from (inclusive) to (exclusive) once more, in parallel.
func (r *reader) again(ctx context.Context, from, to int, each func(int, chain.Input)) error {
	read := func(i int, p segment.Position, buf []byte) []byte {
		k, err := r.snap.Sources[p.Source].Read(p.Extent, buf)
		if err != nil {
			return buf // said when it was read first
		}
		each(i, chain.Input{Source: p.Source, Offset: k.Offset, Data: k.Data})
		return k.Data[:0]
	}
	return inParallel(ctx, r.o.Workers, from, to, func(i int, buf []byte) []byte { return read(i, r.places[i], buf) })
}

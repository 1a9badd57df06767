package verify

import (
	"context"
	"errors"
	"iter"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// parting is where the log leaves a copied segment.
type parting struct {
	begun   bool  // the record before the copied ones is in the log, or the first of them is
	shared  int64 // records of the copy that are in the log
	other   bool  // the log goes on with other records
	otherTS string
}

// part follows the log and a copy of one of its segments side by side, from the first record of the copy
// to where they differ or the log ends. A copy that is not what it should be is not opened: then the two
// part before it.
func (c *check) part(ctx context.Context, k kept) (p parting, err error) {
	from, start := k.first, c.v.Found[k.first]
	if len(start) == 0 {
		from, start = k.parent, c.v.Found[k.parent]
	}
	if p.begun = len(start) > 0; !p.begun {
		p.other = c.v.Records > 0
		return p, nil
	}
	mine := newPuller(recordsOf(ctx, c.snap.Sources[start[0].Source:]))
	defer mine.stop()
	for mine.next() && mine.record.Hash != from {
	}
	if from == k.parent {
		mine.next()
	}
	copied := []segment.Source{}
	if k.copy.Err == nil {
		src, err := archive.Opener(c.o.FS)(k.copy.Path, k.copy.Segment)
		if err != nil {
			return p, err
		}
		copied = append(copied, src)
	}
	theirs := newPuller(recordsOf(ctx, copied))
	defer theirs.stop()
	for theirs.next() && mine.more && mine.record.Hash == theirs.record.Hash {
		p.shared++
		mine.next()
	}
	p.other, p.otherTS = mine.more, string(mine.record.TS)
	return p, errors.Join(mine.err, theirs.err)
}

// puller gives records one by one.
type puller struct {
	record chain.Outline
	more   bool // record is one
	err    error
	pull   func() (chain.Outline, error, bool)
	stop   func()
}

func newPuller(seq iter.Seq2[chain.Outline, error]) *puller {
	pull, stop := iter.Pull2(seq)
	return &puller{pull: pull, stop: stop}
}

func (p *puller) next() bool {
	p.record, p.err, p.more = p.pull()
	p.more = p.more && p.err == nil
	return p.more
}

// recordsOf gives the records of segments in reading order, and the error that ends them. What is given
// holds until the next one.
func recordsOf(ctx context.Context, sources []segment.Source) iter.Seq2[chain.Outline, error] {
	return func(yield func(chain.Outline, error) bool) {
		for _, src := range sources {
			if !eachRecord(ctx, src, yield) {
				return
			}
		}
	}
}

func eachRecord(ctx context.Context, src segment.Source, yield func(chain.Outline, error) bool) (more bool) {
	defer src.Close() //nolint:errcheck // it was read only
	for k, err := range segment.Chunks(ctx, src) {
		if err != nil {
			yield(chain.Outline{}, err)
			return false
		}
		for _, line := range k.Lines() {
			if o, ok := chain.OutlineOf(line); ok && !yield(o, nil) {
				return false
			}
		}
	}
	return true
}

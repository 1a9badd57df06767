package recovery

import (
	"context"
	"errors"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// unreadable lists the places of what cannot be read, those left out that lie in a gap which was
// chosen: its anchor documents them as well.
func (o *Options) unreadable(ctx context.Context, out *verify.Outcome, chosen []*place) (ps []*place, err error) {
	var open []chain.Finding
	for _, f := range out.Verdict.Findings {
		inGap := slices.ContainsFunc(chosen, func(p *place) bool { return p.class == chain.Missing && p.record == f.Record })
		if f.Class == chain.Unreadable && !inGap {
			open = append(open, f)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	s, err := o.snapshot()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, f := range open {
		p := &place{class: chain.Unreadable, where: chain.WhereGap, unread: true, record: f.Record, file: out.Verdict.Sources[f.Source].Name, documentedBy: f.Anchor}
		between, found := neighbours(ctx, s, out.Verdict, f)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !found {
			continue // nothing follows it: repair sets it aside
		}
		if n := len(ps); n > 0 && ps[n-1].after.Hash == between.after.Hash {
			continue // the next line of the same hole
		}
		p.before, p.after = between.before, between.after
		p.lost = lostBetween(between)
		ps = append(ps, p)
	}
	return ps, nil
}

// hole is what stands on both sides of something that cannot be read.
type hole struct {
	before chain.AnchorBefore
	after  chain.AnchorAfter
	to     string // ts of the record after it
}

func lostBetween(h hole) chain.Lost {
	l := chain.Lost{From: h.before.TS, To: h.to, TimeClaim: chain.Claim{Grade: chain.Chained, Source: "ts of the records beside it"}}
	if h.after.Prev == h.before.Hash {
		claim := chain.Claim{Grade: chain.Chained, Source: "the record after it follows the one before it"}
		l.HeadClaim, l.RecordClaim = claim, claim
		return l
	}
	l.Head, l.Records = h.after.Prev, chain.Bounds{Min: 1, Max: chain.UnknownCount}
	l.HeadClaim = chain.Claim{Grade: chain.Chained, Source: "prev_hash of the record after it"}
	l.RecordClaim = chain.Claim{Grade: chain.Chained, Source: "one record at least"}
	return l
}

// neighbours finds the records before and after what cannot be read; found is false if no record
// follows it.
func neighbours(ctx context.Context, s *segment.Snapshot, v *chain.Verdict, f chain.Finding) (h hole, found bool) {
	for i := f.Source - 1; i >= 0; i-- {
		if src := v.Sources[i]; src.Records > 0 {
			h.before = chain.AnchorBefore{Hash: src.Last, TS: src.TSMax, Segment: src.Name}
			break
		}
	}
	for i := f.Source; i < len(s.Sources); i++ {
		for c, err := range segment.Chunks(ctx, s.Sources[i]) {
			if err != nil {
				continue // the hole itself, or another one
			}
			for at, line := range c.Lines() {
				r := chain.ReadLine(line)
				if r.Class == chain.LineUnreadable {
					continue
				}
				if i == f.Source && at < f.Offset {
					h.before = chain.AnchorBefore{Hash: r.Record.Hash, TS: r.Record.TS, Segment: s.Sources[i].Name()}
					continue
				}
				h.after, h.to = chain.AnchorAfter{Hash: r.Record.Hash, Prev: r.Record.Prev}, r.Record.TS
				return h, true
			}
		}
	}
	return h, false
}

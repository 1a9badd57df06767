package recovery

import (
	"cmp"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// A place is where records are absent, or cannot be read, or are not what they were: what an anchor
// can be pinned to.
type place struct {
	class        chain.Class
	where        chain.Where
	before       chain.AnchorBefore
	after        chain.AnchorAfter
	lost         chain.Lost
	file         string // of the record that shows the break
	record       int64  // its position
	line         int64  // of a record that shows a gap, from 1
	broken       chain.Break
	chained      chain.Hash // the audit.break on the chain, Genesis while the machine has yet to write it
	altered      []chain.Evidence
	documentedBy chain.Hash
	unread       bool // the anchor documents what cannot be read in the gap as well
}

// covers reports whether a finding is settled once the place is documented: it is what the place is
// about, or what every writer settles before it writes the anchor.
func (p *place) covers(out *verify.Outcome, f report.Finding) bool {
	switch {
	case p.where == chain.WhereTail:
		return f.Class == p.class || f.Class == chain.TornTailFound || p.chained != chain.Genesis && f.Record == p.record
	case f.Class == chain.Unreadable:
		return p.unread && f.Segment == p.file && !notOpened(out, f)
	}
	same := f.Class == p.class || p.class == chain.Altered && f.Class == chain.Missing
	return same && f.Record <= p.record && p.record < f.Record+max(f.Records, 1)
}

// pin names a place by its hashes.
func (p *place) pin() string {
	if p.where == chain.WhereTail { // settling may move the head that survives
		return "tail " + p.lost.Head.String()
	}
	return "gap " + p.before.Hash.String() + " " + p.after.Hash.String() + " " + p.lost.Head.String()
}

// leavesNothing reports whether nothing survives of the remembered log, so that what follows can only
// be its continuation.
func (p *place) leavesNothing() bool {
	return p.class == chain.RolledBack && p.before.Hash == chain.Genesis
}

// places lists what an anchor could document, in reading order.
func places(out *verify.Outcome) (ps []*place) {
	for i := range out.Verdict.Breaks {
		b := &out.Verdict.Breaks[i]
		p := tail(b.Break, b.FollowsTS, b.TS)
		p.chained, p.record, p.file = b.Hash, b.Record, out.Verdict.Sources[b.Source].Name
		for _, f := range out.Verdict.Findings {
			if f.Class == b.Found && f.Place == b.Place {
				p.documentedBy = f.Anchor
			}
		}
		ps = append(ps, p)
	}
	if c := out.Continuity; c.Standing == segment.Broken && !out.Verdict.Breaking(c.Mark.Head) {
		p := tail(c.Break(), out.Verdict.HeadTS, c.Mark.TS)
		p.record, p.file = out.Verdict.Records, segment.LiveName
		ps = append(ps, p)
	}
	return inOrder(append(ps, absent(out.Verdict)...))
}

// absent are the places that the records themselves show.
func absent(v *chain.Verdict) (ps []*place) {
	gaps := map[int64]*place{} // by the record after them
	for _, f := range v.Findings {
		if slices.ContainsFunc(v.Breaks, func(b chain.BreakFound) bool { return b.Place == f.Place }) {
			continue // the anchor of the break documents it
		}
		switch f.Class {
		case chain.Missing, chain.SecondGenesis, chain.ImplausibleFork:
			p := gap(v, f)
			gaps[f.Record], ps = p, append(ps, p)
		}
	}
	for _, f := range v.Findings {
		if f.Class != chain.Altered {
			continue
		}
		for one := range f.Each() {
			p, q := alteration(v, one), gaps[one.Record]
			switch {
			case copied(v, one): // the record itself is there
			case q != nil && q.class == chain.Missing:
				// The parent that it names may be what was altered: one anchor says both.
				q.class, q.altered, q.lost.Records.Min, q.documentedBy = chain.Altered, p.altered, 0, p.documentedBy
			default:
				ps = append(ps, p)
			}
		}
	}
	return ps
}

// inOrder puts places in reading order.
func inOrder(ps []*place) []*place {
	slices.SortStableFunc(ps, func(a, b *place) int { return cmp.Compare(a.record, b.record) })
	return ps
}

// tail is the place of a break that the machine found by what it remembers.
func tail(b chain.Break, from, to string) *place {
	mark := chain.Claim{Grade: chain.Corroborated, Source: "mark"}
	p := &place{class: b.Found, where: chain.WhereTail, broken: b,
		before: chain.AnchorBefore{Hash: b.Surviving.Head, TS: from, Segment: b.Surviving.File},
		lost:   chain.Lost{Head: b.Remembered.Head, HeadClaim: mark, Records: b.Lost, RecordClaim: mark, From: from, To: to, TimeClaim: mark}}
	if b.Lost.Min == chain.UnknownCount && b.Lost.Max == chain.UnknownCount {
		p.lost.RecordClaim = chain.Claim{Grade: chain.Asserted, Source: "nobody counted"}
	}
	return p
}

// gap is the place of a finding about a link.
func gap(v *chain.Verdict, f chain.Finding) *place {
	p := &place{class: f.Class, where: chain.WhereGap, record: f.Record, line: f.Line, file: v.Sources[f.Source].Name, documentedBy: f.Anchor,
		before: chain.AnchorBefore{Hash: f.Follows, TS: f.FollowsTS, Segment: fileOf(v, f.Record-1)},
		after:  chain.AnchorAfter{Hash: f.Hash, Prev: f.Parent}}
	if f.Class == chain.Missing {
		link := chain.Claim{Grade: chain.Chained, Source: "prev_hash of the record after the gap"}
		p.lost = chain.Lost{Head: f.Parent, HeadClaim: link, Records: f.Gone, From: f.FollowsTS, To: f.TS,
			RecordClaim: chain.Claim{Grade: chain.Chained, Source: "one record at least"},
			TimeClaim:   chain.Claim{Grade: chain.Chained, Source: "ts of the records beside the gap"}}
		if f.Gone.Max != chain.UnknownCount || f.Gone.Min > 1 {
			p.lost.RecordClaim.Source = "audit.rotate after the gap"
		}
		return p
	}
	none := chain.Claim{Grade: chain.Asserted, Source: "nothing in the log names what is gone"}
	p.lost = chain.Lost{Records: chain.Bounds{Min: 0, Max: chain.UnknownCount}, HeadClaim: none, RecordClaim: none, From: f.FollowsTS, To: f.TS, TimeClaim: none}
	return p
}

// copied reports whether a finding is about a second copy of a record.
func copied(v *chain.Verdict, one chain.Finding) bool {
	return slices.ContainsFunc(v.Findings, func(f chain.Finding) bool {
		return f.Class == chain.Duplicate && f.Source == one.Source && f.Line <= one.Line && one.Line < f.Line+f.Records
	})
}

// alteration is the place of a record whose content is not what its hash says: it can be
// acknowledged, never excused.
func alteration(v *chain.Verdict, f chain.Finding) *place {
	none := chain.Claim{Grade: chain.Chained, Source: "nothing is gone: the record's place in the chain is kept"}
	p := &place{class: chain.Altered, where: chain.WhereGap, record: f.Record, file: v.Sources[f.Source].Name, documentedBy: f.Anchor,
		before: chain.AnchorBefore{Hash: f.Parent, Segment: fileOf(v, f.Record-1)},
		after:  chain.AnchorAfter{Hash: f.Hash, Prev: f.Parent},
		lost:   chain.Lost{HeadClaim: none, RecordClaim: none, TimeClaim: none}}
	if content, ok := f.Content(); ok {
		p.altered = []chain.Evidence{{Kind: chain.EvidenceAltered, SHA256: content, Embedded: f.Hash.String()}}
	}
	return p
}

// fileOf is the file that holds the record at a position, "" for none.
func fileOf(v *chain.Verdict, record int64) string {
	for i := range v.Sources {
		s := &v.Sources[i]
		if record < 0 {
			break
		}
		if record < s.Records {
			return s.Name
		}
		record -= s.Records
	}
	return ""
}

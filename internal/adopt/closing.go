package adopt

import (
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// closing is what the live log of the new home ends with.
type closing struct {
	lines  []byte
	record chain.Record // the audit.adopt
	mark   segment.Mark
}

// closeWith makes the records that close the adoption. If the old home is not what this machine
// remembers of it, the first of them says so, as an append in the old home would have: what is gone
// must not look as if it had never been there.
func (a *adoption) closeWith() (*closing, error) {
	ts := a.o.Log.Now().UTC().Format(chain.TimeLayout)
	c := &closing{}
	head, n := a.plan.last, int64(0)
	chained := func(kind string, payload []byte) (err error) {
		if c.record, err = chain.Seal(head, ts, kind, chain.SystemActor, payload); err != nil {
			return err
		}
		c.lines = chain.AppendLine(c.lines, &c.record)
		head = c.record.Hash
		n++
		return nil
	}
	if c := a.known.continuity; c.Standing == segment.Broken && !c.Told {
		if err := chained(chain.KindBreak, c.Break().Payload()); err != nil {
			return nil, err
		}
	}
	p := a.payload()
	if err := chained(chain.KindAdopt, p.Payload()); err != nil {
		return nil, err
	}
	live := a.livePiece()
	c.mark = segment.Mark{LogID: p.LogID, Incarnation: max(1, a.known.incarnation), Segment: live.number, Offset: live.size + int64(len(c.lines)),
		Head: head, Records: chain.UnknownCount, TS: ts}
	if a.known.records == a.plan.records {
		c.mark.Records = a.plan.records + n
	}
	return c, nil
}

// payload says what is brought over.
func (a *adoption) payload() chain.Adopt {
	p := chain.Adopt{Records: a.plan.records, FirstHash: a.plan.first, LastHash: a.plan.last, Sources: a.plan.sources,
		Left: a.plan.left, Known: a.known.Known, RecordedBy: a.o.By}
	if id, err := chain.ParseHash(a.known.logID); err == nil {
		p.LogID = id
	}
	return p
}

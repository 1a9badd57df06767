package verify

import (
	"context"
	"fmt"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
)

// parting is where the log leaves what was kept of it, if it does.
type parting struct {
	parted bool
	begun  bool  // a record of the log is the one before the parting
	at     int64 // position in the log of what comes next; of the last record kept, if they do not part

	name  string     // of the run where they part
	kept  spot       // the first record kept that the log has not in its place
	which string     // which record of its run that is, where there are only hashes
	mine  *spot      // what the log has there; nil if it ends before, or nothing says where that is
	lost  int64      // records kept from there on; where there are only hashes, at least so many
	last  chain.Hash // of all that is kept
	tsMax string
	apart bool // mine is nil, and the log has records of that time or later

	unread    error // why the log could not be read so far
	illegible int64 // records kept in the place of lines of the log that cannot be read
	legible   spot  // the first of them
}

// otherHistory reports whether the log was written anew rather than rolled back: it has another record in
// the place, one that is stamped before the end of what was kept. Those that are stamped later may have
// been appended since.
func (p *parting) otherHistory() bool {
	if p.mine == nil {
		return p.apart
	}
	return !p.begun || p.mine.ts <= p.tsMax
}

// words say what differs first.
func (p *parting) words() string {
	where := fmt.Sprintf("line %d of its %s", p.kept.line, p.kept.segment)
	if p.which != "" {
		where = fmt.Sprintf("the %s of its %s", p.which, p.kept.segment)
	}
	words := fmt.Sprintf("the first record that differs is %s, %s", where, p.kept)
	switch m := p.mine; {
	case m == nil:
		words += "; nothing before it is in the log"
	case m.hash == chain.Genesis:
		words += "; the log has no record in its place"
	default:
		words += fmt.Sprintf("; in its place is %s", m)
	}
	return words
}

func (p *parting) difference() *report.Difference {
	d := &report.Difference{Kept: p.kept.report()}
	if p.mine != nil {
		m := p.mine.report()
		d.Found = &m
	}
	return d
}

// part follows what was kept of the log, run by run and record by record, to where the log leaves it or
// all of it was there. Nothing that was read stays in memory. The error says that what was kept cannot
// be read; whether the log can is said by the parting.
func (c *check) part(ctx context.Context, runs []kept) (p parting, err error) {
	mine := &walker{ctx: ctx, c: c}
	defer mine.close()
	for _, k := range runs {
		switch {
		case p.parted:
			err = c.partRest(ctx, k, &p)
		case k.open == nil:
			c.partHashes(mine, k, &p)
		default:
			err = c.partRecords(ctx, mine, k, &p)
		}
		if err != nil || p.unread != nil {
			return p, err
		}
	}
	if !p.parted {
		p.at--
	}
	return p, nil
}

// partRecords follows a run whose records can be read.
func (c *check) partRecords(ctx context.Context, mine *walker, k kept, p *parting) error {
	src, err := k.open()
	if err != nil {
		return err
	}
	theirs := newPuller(recordsOf(ctx, src))
	defer theirs.stop()
	if !theirs.next() {
		return theirs.err
	}
	first := theirs.record
	if !c.begin(mine, k, p) {
		p.apart = c.v.HeadTS >= string(first.TS)
		p.leave(k, first.spot(), nil)
		return p.drain(theirs)
	}
	for ; theirs.more; theirs.next() {
		c.skipLost(mine, theirs, p)
		t := theirs.record
		if !theirs.more {
			break
		}
		if !mine.at(p.at) || mine.record.Hash != t.Hash {
			p.unread = mine.err
			p.leave(k, t.spot(), mine.spot())
			return p.drain(theirs)
		}
		p.begun, p.last = true, t.Hash
		p.tsMax = max(p.tsMax, string(t.TS))
		p.at++
	}
	return theirs.err
}

// skipLost passes over records of which only one of the two has what can be read. Lines that the copy
// has lost say nothing against the log, and those that the log has lost have been reported.
func (c *check) skipLost(mine *walker, theirs *puller, p *parting) {
	for n := theirs.record.skipped; n > 0 && mine.at(p.at) && mine.record.Hash != theirs.record.Hash; n-- {
		p.at++
	}
	if !mine.at(p.at) {
		return
	}
	for n := mine.record.skipped; n > 0 && theirs.more && mine.record.Hash != theirs.record.Hash; n-- {
		if p.illegible++; p.illegible == 1 {
			p.legible = theirs.record.spot()
		}
		theirs.next()
	}
}

// begin finds the place of a run in the log; ok is false if nothing says where that is.
func (c *check) begin(mine *walker, k kept, p *parting) (ok bool) {
	if p.begun && k.open != nil && mine.at(p.at) && mine.record.Hash == k.first {
		return true
	}
	if ps := c.v.Found[k.first]; len(ps) > 0 {
		p.at, p.begun = ps[0].Record, true
		return true
	}
	if ps := c.v.Found[k.parent]; !p.begun && k.parent != chain.Genesis && len(ps) > 0 {
		p.at, p.begun = ps[0].Record+1, true
		return true
	}
	return p.begun || k.parent == chain.Genesis
}

// partHashes holds the ends of a run against the log.
func (c *check) partHashes(mine *walker, k kept, p *parting) {
	if end, ok := c.endOf(k); ok {
		p.at, p.begun = end.Record+1, true
		p.last, p.tsMax = k.last, max(p.tsMax, k.tsMax)
		return
	}
	if len(c.v.Found[k.first]) > 0 && len(c.v.Found[k.last]) > 0 && c.unreadIn(k.name) {
		p.unread = fmt.Errorf("not all of %s can be read", k.name)
		return
	}
	theirs := spot{place: place{segment: k.name, record: -1}, hash: k.first}
	p.which, p.lost, p.last, p.tsMax = "first record", k.records, k.last, max(p.tsMax, k.tsMax)
	if !c.begin(mine, k, p) {
		p.apart = c.v.Records > 0
		p.leave(k, theirs, nil)
		return
	}
	if len(c.v.Found[k.first]) > 0 {
		p.which, theirs.hash = "last record", k.last
		p.at += k.records - 1
		p.lost = max(1, p.at+1-c.v.Records)
	}
	mine.at(p.at)
	p.unread = mine.err
	p.leave(k, theirs, mine.spot())
}

func (p *parting) leave(k kept, theirs spot, mine *spot) {
	p.parted, p.name, p.kept, p.mine = true, k.name, theirs, mine
}

// drain counts the records of a run from the one that differs on.
func (p *parting) drain(theirs *puller) error {
	for ; theirs.more; theirs.next() {
		p.lost++
		p.last = theirs.record.Hash
		p.tsMax = max(p.tsMax, string(theirs.record.TS))
	}
	return theirs.err
}

// partRest counts the records of a run behind the parting.
func (c *check) partRest(ctx context.Context, k kept, p *parting) error {
	p.apart = p.apart || len(c.v.Found[k.first]) > 0
	if k.records > 0 {
		p.lost += k.records
		p.last, p.tsMax = k.last, max(p.tsMax, k.tsMax)
		return nil
	}
	src, err := k.open()
	if err != nil {
		return err
	}
	theirs := newPuller(recordsOf(ctx, src))
	defer theirs.stop()
	theirs.next()
	return p.drain(theirs)
}

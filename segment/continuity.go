package segment

import (
	"context"
	"errors"
	"slices"

	"github.com/opscontext/opscontext/chain"
)

// HomeView is how [Memory.Check] sees a home.
type HomeView struct {
	// Live is audit.log; nil if there is none. A writer gives the file it holds the lock for.
	Live Source
	// Snapshot is the home as a whole. nil: Check takes one if it comes to that. A writer that
	// gives none pays nothing for a log in which nothing moved, however long it is.
	Snapshot *Snapshot
}

// Standing says how a log stands to what is remembered of it.
type Standing uint8

// The standings.
const (
	Unremembered Standing = iota + 1 // there is no mark
	Agrees                           // the remembered head is in the log
	Broken                           // it is not: Continuity.Class says what became of it
	Unjudged                         // Continuity.Why says why nobody can tell
)

// Continuity is what came out of comparing a log with what is remembered of it.
type Continuity struct {
	Standing Standing
	Class    chain.Class // if Broken: rolled-back, diverged, replaced or live-missing
	Why      string      // if Unjudged
	Mark     Mark        // what is remembered; LogID and Head are Genesis if nothing is
	// At and Offset say where the remembered head lies if the log Agrees: in which segment, and
	// where its line ends. They differ from the mark where another writer rotated.
	At     Name
	Offset int64
	// What follows is known if the log is Broken.

	LogID     chain.Hash // of the log that was found; Genesis if no record was
	Points    []chain.RememberedPoint
	Surviving chain.Surviving
	Lost      chain.Bounds // records
	Told      bool         // an audit.break on the chain says so already, and the mark was not moved since

	agreeing int // leading points in force that hold
}

// Break is the payload of the audit.break that a writer chains when the log is Broken. The
// incarnation is the remembered one.
func (c Continuity) Break() chain.Break {
	return chain.Break{
		Found: c.Class, LogID: c.LogID, Incarnation: c.Mark.Incarnation,
		Remembered: chain.Remembered{LogID: c.Mark.LogID, Incarnation: c.Mark.Incarnation, Segment: c.Mark.Segment,
			Offset: c.Mark.Offset, Head: c.Mark.Head, Records: c.Mark.Records, Points: c.Points},
		Surviving: c.Surviving, Lost: c.Lost,
	}
}

// Check compares the log with what is remembered of it. Where the remembered head lies where it was
// last seen that is one short read; otherwise the records are searched for its hash, newest first.
//
// A log that lost records since, that was put back to an older state, or whose place another log
// took is [Broken], however long it has become since. What existing writers do in their rotation,
// moving records to another file and spelling them anew, changes nothing. An error says that one
// could not look.
func (m *Memory) Check(ctx context.Context, v HomeView) (Continuity, error) {
	mark, ok, err := m.readMark(m.path(markSuffix))
	if err != nil {
		return Continuity{}, err
	}
	if !ok {
		mark = noMark
	}
	if v.Live != nil && v.Live.Size() > 0 {
		if mark == noMark {
			return Continuity{Standing: Unremembered, Mark: noMark}, nil
		}
		there, err := endsLine(v.Live, mark.Offset, mark.Head)
		if err != nil {
			return Continuity{}, err
		}
		if there {
			return Continuity{Standing: Agrees, Mark: mark, At: v.Live.Segment(), Offset: mark.Offset}, nil
		}
	}
	if v.Snapshot != nil {
		return m.compare(ctx, v.Snapshot, mark)
	}
	s, err := OpenSnapshot(m.home, SnapshotOptions{FS: m.fs, OpenArchived: m.openArchived})
	if err != nil {
		return Continuity{}, err
	}
	c, err := m.compare(ctx, s, mark)
	return c, errors.Join(err, s.Close())
}

// noMark is remembered where nothing is.
var noMark = Mark{Records: chain.UnknownCount}

// compare judges the log as a whole, after the short way did not lead to the head.
func (m *Memory) compare(ctx context.Context, s *Snapshot, mark Mark) (Continuity, error) {
	sealed := 0
	for _, src := range s.Sources {
		if src.State() != StateLive {
			sealed++
		}
	}
	liveGone := sealed > 0 && (s.Live == nil || s.Live.Size() == 0)
	if mark == noMark && !liveGone {
		return Continuity{Standing: Unremembered, Mark: mark}, nil
	}
	points, err := m.Points()
	if err != nil {
		return Continuity{}, err
	}
	points = slices.DeleteFunc(points, func(p Point) bool { return p.LogID != mark.LogID })
	stop := mark.Head
	if liveGone {
		stop = chain.Genesis // which no record has: all of the log is looked at
	}
	found, err := search(ctx, s.Sources, mark, points, stop)
	if err != nil {
		return Continuity{}, err
	}
	if at, ok := found.places[stop]; ok {
		return Continuity{Standing: Agrees, Mark: mark, At: at.name, Offset: at.end}, nil
	}
	if found.unread != "" && found.unreadFrom >= mark.Segment && !liveGone {
		return Continuity{Standing: Unjudged, Mark: mark, Why: found.unread}, nil
	}
	c := Continuity{Standing: Broken, Mark: mark, LogID: found.first, Told: found.told}
	if found.sameLog {
		c.LogID = mark.LogID // whose first record may be lost
	}
	left := s.Sources
	if found.repeats {
		left = left[:len(left)-1]
	}
	if c.Surviving, err = surviving(left, found.head); err != nil {
		return Continuity{}, err
	}
	if liveGone {
		c.Class = chain.LiveMissing
	}
	c.judge(found, points)
	return c, nil
}

// judge says what became of a log whose remembered head is not there, or whose live segment is not.
func (c *Continuity) judge(found *searched, points []Point) {
	diverged := c.comparePoints(found, points)
	switch {
	case c.Class == chain.LiveMissing && !diverged:
	case found.records > 0 && !found.sameLog && found.unread == "":
		c.Class = chain.Replaced
	case diverged:
		c.Class = chain.Diverged
	default:
		c.Class = chain.RolledBack
	}
	c.Lost = c.lost(found, points)
}

// lost says how many of the remembered records are gone. If the remembered head is there all the
// same, or none is remembered, what is gone is what nobody remembers.
func (c *Continuity) lost(found *searched, points []Point) chain.Bounds {
	_, whole := found.places[c.Mark.Head]
	switch {
	case whole || c.Mark == noMark:
		return chain.Bounds{Min: 0, Max: chain.UnknownCount}
	case c.Mark.Records == chain.UnknownCount:
		return chain.Bounds{Min: 1, Max: chain.UnknownCount}
	case c.Class == chain.Replaced:
		return chain.Bounds{Min: c.Mark.Records, Max: c.Mark.Records}
	}
	// Of the surviving records, those up to the first of a time later than the mark's were there
	// when the mark was made, unless a clock went back; so were those up to the last point that
	// holds. Of the later ones some may have been, too.
	least, most := found.oldRun, min(found.records, c.Mark.Records)
	if c.Mark.TS == "" || c.Class == chain.Diverged {
		least = 0
	}
	if found.unread != "" {
		most = c.Mark.Records
	}
	for _, p := range points[:c.agreeing] {
		if p.Records != chain.UnknownCount {
			least = max(least, p.Records)
		}
	}
	b := chain.Bounds{Min: max(1, c.Mark.Records-most)}
	b.Max = max(b.Min, c.Mark.Records-least)
	return b
}

// The words for how a remembered point stands to the log.
const (
	pointAgrees = "yes"
	pointGone   = "absent" // it lies beyond the end of what survives, or in a segment that is lost
	pointDiffer = "no"     // it lies before that end, and is not there
)

// comparePoints finds out which points hold, keeps those that matter, and reports whether one lies
// before the end of what survives without being there.
//
// That end is not the end of the log: other writers may have gone on from an older state. It is the
// last record from before the mark's time, and a point lies before it only if both its time and
// its place say so, for places are hints, and clocks go back. And where the segment of a point or
// the beginning of the log is lost as a whole, the point is gone with it and contradicts nothing.
func (c *Continuity) comparePoints(found *searched, points []Point) (diverged bool) {
	agrees := func(p Point) bool { _, ok := found.places[p.Hash]; return ok }
	last, gone := -1, -1
	for i, p := range points {
		if agrees(p) {
			last = i
		}
	}
	c.agreeing = last + 1
	if last >= 0 {
		c.keepPoint(points[last], pointAgrees)
	}
	for i, p := range points {
		if agrees(p) || found.unread != "" {
			continue
		}
		before := p.TS != "" && p.TS < found.oldTS &&
			(p.Segment < found.oldEnd.name.Number || p.Segment == found.oldEnd.name.Number && p.Offset <= found.oldEnd.end)
		_, there := found.numbers[p.Segment]
		there = there && found.firstTS < p.TS
		if there && before {
			c.agreeing = min(c.agreeing, i)
			c.keepPoint(p, pointDiffer)
			return true
		}
		if gone < 0 {
			gone = i
		}
	}
	if gone >= 0 {
		c.keepPoint(points[gone], pointGone)
	}
	return false
}

func (c *Continuity) keepPoint(p Point, agrees string) {
	c.Points = append(c.Points, chain.RememberedPoint{Segment: p.Segment, Offset: p.Offset, Hash: p.Hash, TS: p.TS, Agrees: agrees})
}

package chain

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// finder turns items into findings.
type finder struct {
	j     *Judge
	l     *linkage
	rules Rules
	v     *Verdict
	found []Finding
	gone  int64 // position of the first record whose parent is missing

	anchors []*AnchorFound
}

func (f *finder) add(c Class, it *item, detail string) {
	n := Finding{Class: c, Place: it.Place, Hash: storedHash(it), Records: 1, Detail: detail, Parent: it.prev}
	if c == Altered {
		n.alteration = &alteration{content: it.content}
	}
	f.found = append(f.found, n)
}

// addLink adds a finding about the link of a record.
func (f *finder) addLink(c Class, u unlinked, detail string) {
	f.add(c, u.item, detail)
	n := &f.found[len(f.found)-1]
	n.Follows, n.TS, n.FollowsTS, n.Gone = u.head, u.tsText, u.beforeTS, Bounds{}
	if c == Missing {
		n.Gone, n.OutOfOrder = f.countGone(u.item, u.Record-1), len(f.l.seen.of(u.prev)) > 0
	}
}

// storedHash is the hash a line bears, Genesis if it bears none.
func storedHash(it *item) Hash {
	if !it.json || it.class == LineUnreadable {
		return Genesis
	}
	return it.hash
}

// lines judges what lines are by themselves, the copies at the seam included.
func (f *finder) lines(reds *redactions) {
	failed := map[*item]bool{}
	for _, it := range reds.failed {
		failed[it] = true
	}
	for _, it := range f.j.items {
		switch {
		case it.unended && !it.class.Whole() && f.j.sources[it.Source].Live && f.j.sources[it.Source].Lines > 1:
			f.add(TornTailFound, it, "")
			it.blind = true
		case it.class == LineUnreadable && it.unread > 0:
			f.found = append(f.found, Finding{Class: Unreadable, Place: it.Place, Records: 1, Unread: it.unread, Detail: it.why})
		case it.class == LineUnreadable:
			f.add(Unreadable, it, it.why)
		case it.class == LineAltered:
			f.altered(it, reds)
		case it.class == LineAmbiguous:
			f.add(Ambiguous, it, it.why)
		case failed[it]:
			f.add(Ambiguous, it, "its list of redacted records holds null, on which existing verifiers fail as a whole")
		}
	}
	for i := range f.j.sources {
		s := &f.j.sources[i]
		f.tallied(ReEncoded, s.reEncoded, s.base)
		f.tallied(TimeRegression, s.earlier, s.base)
	}
}

// tallied reports how many lines of a source are something that is only said.
func (f *finder) tallied(c Class, t tally, base int64) {
	if t.count > 0 {
		t.first.Record += base
		f.found = append(f.found, Finding{Class: c, Place: t.first, Records: t.count})
	}
}

// altered judges a record whose content does not have its hash.
func (f *finder) altered(it *item, reds *redactions) {
	b, ok := reds.binding(it)
	if !ok || it.seam {
		f.add(Altered, it, "")
		return
	}
	if why := b.contradiction(it); why != "" {
		f.add(Altered, it, "acknowledged, but "+why)
		return
	}
	f.add(Redacted, it, fmt.Sprintf("acknowledged %s by %q: %q", b.by.tsText, stringMember(*b.by.record, "actor"), stringMember(b.by.payload(), "reason")))
}

// links judges the records whose parent is not the head.
func (f *finder) links() {
	f.gone = f.j.records
	all := f.l.follow(func(it *item) bool { return it.class == LineUnreadable })
	f.found = slices.Grow(f.found, len(all)+len(f.l.copies))
	for _, u := range all {
		switch {
		case u.blind:
		case u.prev == Genesis:
			f.addLink(SecondGenesis, u, "")
		case u.known:
			class, detail := f.fork(u.item)
			f.addLink(class, u, detail)
		default:
			f.gone = min(f.gone, u.Record)
			f.addLink(Missing, u, f.missing(u.item))
		}
	}
}

// missing says what is gone before a record.
func (f *finder) missing(it *item) string {
	if ps := f.l.seen.of(it.prev); len(ps) > 0 {
		return fmt.Sprintf("its parent %s is read only later, at %s line %d: records are out of order",
			it.prev.Short(), f.j.sources[ps[0].at.Source].Name, ps[0].at.Line)
	}
	if it.Record == 0 {
		return fmt.Sprintf("the records up to %s, before the first one, are gone", it.prev.Short())
	}
	after := ""
	if it.beforeTS != "" {
		after = fmt.Sprintf(" (after %s, before %s)", it.beforeTS, it.tsText)
	}
	return fmt.Sprintf("the records from the one after %s up to %s are gone%s", it.before.Short(), it.prev.Short(), after)
}

// What racing writers explain: they read the same head shortly one after the other.
const (
	forkRecords = 64
	forkTime    = 60 * time.Second
)

// fork tells a branch that two racing writers explain from one that they do not.
func (f *finder) fork(it *item) (Class, string) {
	parents := f.l.seenBefore(it.prev, it.Record)
	if len(parents) == 0 {
		return ImplausibleFork, ""
	}
	nearest := parents[len(parents)-1]
	near := it.Record-nearest.at.Record <= forkRecords
	when := instantOf(it.tsText)
	soon := when.near(nearest.when)
	for _, sibling := range f.l.children.of(it.prev) {
		soon = soon || sibling.at.Record != it.Record && when.near(sibling.when)
	}
	detail := fmt.Sprintf("it follows %s, %d records back", it.prev.Short(), it.Record-nearest.at.Record)
	switch {
	case !near:
		return ImplausibleFork, detail
	case !soon:
		return ImplausibleFork, detail + ", at another time than the records there"
	}
	return f.rules.Forks, detail
}

// instant is the time of a record in microseconds since 1970.
type instant int64

const noInstant instant = math.MinInt64 // of a record with no time that can be read

func instantOf(ts string) instant {
	t, err := time.Parse(time.RFC3339, ts)
	if err != nil {
		return noInstant
	}
	return instant(t.UnixMicro())
}

// near reports whether two instants are no more than forkTime apart.
func (a instant) near(b instant) bool {
	return a != noInstant && b != noInstant && max(a, b)-min(a, b) <= instant(forkTime/time.Microsecond)
}

// copies reports second copies, and those an interrupted rotation left.
func (f *finder) copies() {
	for _, s := range f.l.copies {
		it, err := f.l.item(s.from)
		if err != nil || it == nil {
			continue
		}
		if it.class == LineUnreadable {
			continue // said already, and no record
		}
		f.found = append(f.found, Finding{Class: Duplicate, Place: it.Place, Hash: storedHash(it), Records: s.to - s.from})
	}
	if live, segment := f.j.liveSource(); f.j.seam > 0 {
		f.found = append(f.found, Finding{Class: Duplicate, Place: Place{Source: live, Line: 1}, Hash: f.j.sources[live].First, Records: f.j.seam,
			Detail: "left by an interrupted rotation: they are in " + f.j.sources[segment].Name})
	}
}

// archives lists what the chain vouches for. What it said before the log was adopted is about files of
// another home.
func (f *finder) archives(walk []*item) {
	for _, it := range walk {
		if it.kind == KindAdopt && it.class.Whole() && !f.l.isCopy(it.Record) {
			f.v.Archives = nil
		}
		if it.kind != KindArchive || !it.class.Whole() || f.l.isCopy(it.Record) {
			continue
		}
		a, err := ParseArchive(it.payload())
		switch {
		case errors.Is(err, ErrUnknownVersion):
			f.add(UnknownVersion, it, err.Error())
		case err != nil:
			f.add(Ambiguous, it, "its payload cannot be read: "+err.Error())
		default:
			f.v.Archives = append(f.v.Archives, a)
		}
	}
}

// breaks lists what the machine itself said about the log it found.
func (f *finder) breaks(walk []*item) {
	for _, it := range walk {
		if it.kind != KindBreak || !it.class.Whole() || f.l.isCopy(it.Record) {
			continue
		}
		b, err := ParseBreak(it.payload())
		switch {
		case errors.Is(err, ErrUnknownVersion):
			f.add(UnknownVersion, it, err.Error())
		case err != nil:
			f.add(Ambiguous, it, "its payload cannot be read: "+err.Error())
		default:
			f.v.Breaks = append(f.v.Breaks, BreakFound{Place: it.Place, Hash: it.hash, TS: it.tsText, FollowsTS: it.beforeTS, Break: b})
			f.add(b.Found, it, "the machine found this before it wrote this record")
		}
	}
}

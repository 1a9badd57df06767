package chain

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// AnchorState is what became of a documented break.
type AnchorState string

// The states of an anchor. A healed one documents absence that is no more: the records came back. A
// corrected one was replaced by a later anchor.
const (
	AnchorInForce   AnchorState = "in force"
	AnchorHealed    AnchorState = "healed"
	AnchorCorrected AnchorState = "corrected"
	AnchorRefuted   AnchorState = "contradicted"
)

// AnchorFound is an audit.anchor on the chain and what checking its claims came to.
type AnchorFound struct {
	Place
	Hash Hash
	TS   string
	Anchor
	BeforeRecord int64 // position of the last record before the break, -1 at the start of the log
	State        AnchorState
	Why          string  // what refutes it, of a contradicted one
	Grade        Grade   // of the loss, by this check's own judgement
	Documents    []Class // of the findings that it documents, while it is in force or healed

	it        *item
	err       error // its payload could not be read
	documents []int // findings, as indices of finder.found
}

// findAnchors reads the anchors whose own hash is right. Those that cannot be read are findings.
func (f *finder) findAnchors(walk []*item) {
	for _, it := range walk {
		if it.kind != KindAnchor || !it.class.Whole() {
			continue
		}
		a, err := ParseAnchor(it.payload())
		f.anchors = append(f.anchors, &AnchorFound{Hash: it.hash, TS: it.tsText, Anchor: a, it: it, err: err})
	}
}

// wantedByAnchors are the hashes that the claims of anchors are about.
func (f *finder) wantedByAnchors() (hashes []key) {
	for _, a := range f.anchors {
		for _, h := range []Hash{a.Before.Hash, a.After.Hash, a.After.Prev, a.Lost.Head, a.Agrees.Hash} {
			if h != Genesis {
				hashes = append(hashes, h)
			}
		}
	}
	return hashes
}

// weighAnchors holds every anchor against what was found, and marks the findings that anchors
// document. It comes after everything that an anchor may document was found.
func (f *finder) weighAnchors() error {
	on := f.anchors[:0]
	for _, a := range f.anchors {
		a.Place = a.it.Place
		switch {
		case f.l.isCopy(a.Record):
		case errors.Is(a.err, ErrUnknownVersion):
			f.add(UnknownVersion, a.it, a.err.Error())
		case a.err != nil:
			f.add(Ambiguous, a.it, "its payload cannot be read: "+a.err.Error())
		default:
			on = append(on, a)
		}
	}
	f.anchors = on
	for i, a := range f.anchors {
		var before *AnchorFound
		if i > 0 {
			before = f.anchors[i-1]
		}
		why, err := f.weigh(a, before)
		if err != nil {
			return err
		}
		if why != "" {
			a.State, a.Why = AnchorRefuted, why
		}
	}
	f.correct()
	for _, a := range f.anchors {
		switch a.State {
		case AnchorRefuted:
			f.add(AnchorContradicted, a.it, a.Why)
		case AnchorInForce, AnchorHealed:
			for _, n := range a.documents {
				f.found[n].Anchor = a.Hash
				a.Documents = append(a.Documents, f.found[n].Class)
			}
		}
		f.v.Anchors = append(f.v.Anchors, *a)
	}
	return nil
}

// correct lets later anchors take the place of earlier ones.
func (f *finder) correct() {
next:
	for i, a := range f.anchors {
		if a.Corrects == Genesis || a.State == AnchorRefuted {
			continue
		}
		for _, b := range f.anchors[:i] {
			if b.Hash == a.Corrects {
				b.State, b.Why = AnchorCorrected, ""
				continue next
			}
		}
		a.State, a.Why = AnchorRefuted, fmt.Sprintf("the anchor that it corrects, %s, is not before it", a.Corrects.Short())
	}
}

// weigh checks what an anchor says and gives what refutes it, "" if nothing does.
func (f *finder) weigh(a, earlier *AnchorFound) (why string, err error) {
	previous, incarnation := Genesis, 1
	if earlier != nil {
		previous, incarnation = earlier.Hash, earlier.Incarnation
	}
	switch {
	case f.v.LogID != Genesis && a.LogID != f.v.LogID:
		return fmt.Sprintf("it is about log %s, and this is %s", a.LogID.Short(), f.v.LogID.Short()), nil
	case a.Previous != previous:
		return fmt.Sprintf("it names %s as the anchor before it, which is %s", a.Previous.Short(), previous.Short()), nil
	case a.Incarnation <= incarnation:
		return fmt.Sprintf("its incarnation is %d, and it was %d before", a.Incarnation, incarnation), nil
	}
	before := int64(-1)
	defer func() { a.BeforeRecord = before }()
	if a.Before.Hash != Genesis {
		ps := f.l.seenBefore(a.Before.Hash, a.Record)
		if len(ps) == 0 {
			return fmt.Sprintf("the record before the break, %s, is not in the log before it", a.Before.Hash.Short()), nil
		}
		before = ps[len(ps)-1].at.Record
	}
	if a.Agrees.Hash != Genesis {
		// It may have been lost since, with others before the break: that refutes nothing.
		lost := f.gone <= before && len(f.l.seen.of(a.Agrees.Hash)) == 0
		if ps := f.l.seenBefore(a.Agrees.Hash, before+1); len(ps) == 0 && !lost {
			return fmt.Sprintf("the record that it says evidence agrees through, %s, is not before the break", a.Agrees.Hash.Short()), nil
		}
	}
	if a.Lost.Head != Genesis {
		if ps := f.l.seenBefore(a.Lost.Head, a.Record); len(ps) > 0 && a.Where == WhereTail {
			return fmt.Sprintf("the record that it calls lost, %s, is in the log, at %s line %d", a.Lost.Head.Short(),
				f.j.sources[ps[0].at.Source].Name, ps[0].at.Line), nil
		}
	}
	if a.Where == WhereTail {
		return f.weighTail(a), nil
	}
	return f.weighGap(a, before)
}

// weighTail checks a break after which the log was shorter than this machine remembered it. What the
// machine itself put on the chain then is the evidence.
func (f *finder) weighTail(a *AnchorFound) string {
	for _, b := range f.v.Breaks {
		if b.Record > a.Record || b.Remembered.Head != a.Lost.Head || b.Surviving.Head != a.Before.Hash {
			continue
		}
		switch {
		case b.Found == Diverged, b.Found == Replaced && a.Cause != CauseContinuation:
			return fmt.Sprintf("the machine found the log %s, which cannot be documented as %s", b.Found, a.Cause)
		case outside(a.Lost.Records, b.Lost):
			return fmt.Sprintf("it says that %s records were lost, and the machine found %s", a.Lost.Records, b.Lost)
		}
		a.State, a.Grade = AnchorInForce, Corroborated
		if b.Lost.Min <= 0 && b.Lost.Max == UnknownCount {
			a.Grade = Asserted // the machine found that something is gone, and not how much
		}
		for _, branch := range f.rules.Branches {
			if branch.Parent == a.Before.Hash && branch.Head == a.Lost.Head {
				a.State = AnchorHealed
			}
		}
		for n, found := range f.found {
			// Where only the live log was put back, the record with which the writer says so is a branch:
			// it follows a record of the past.
			if found.Place == b.Place && (found.Class == b.Found || found.Class == Fork || found.Class == ImplausibleFork) {
				a.documents = append(a.documents, n)
			}
		}
		return ""
	}
	return "no audit.break on the chain says that these records were lost here"
}

// outside reports whether two bounds of a number exclude each other.
func outside(a, b Bounds) bool {
	return a.Max != UnknownCount && b.Min != UnknownCount && a.Max < b.Min ||
		b.Max != UnknownCount && a.Min != UnknownCount && b.Max < a.Min
}

// String is the bounds as people say them.
func (b Bounds) String() string {
	switch {
	case b.Min <= 0 && b.Max == UnknownCount:
		return "an unknown number of"
	case b.Max == UnknownCount:
		return fmt.Sprintf("%d or more", b.Min)
	case b.Min == b.Max:
		return fmt.Sprint(b.Min)
	}
	return fmt.Sprintf("%d to %d", max(b.Min, 0), b.Max)
}

// weighGap checks a break between two records that are there.
func (f *finder) weighGap(a *AnchorFound, before int64) (string, error) {
	ps := f.l.seenBefore(a.After.Hash, a.Record)
	if len(ps) == 0 {
		return fmt.Sprintf("the record after the break, %s, is not in the log before it", a.After.Hash.Short()), nil
	}
	place := ps[0]
	after, err := f.l.item(place.at.Record)
	if err != nil {
		return "", err
	}
	if after == nil || after.prev != a.After.Prev {
		return fmt.Sprintf("the record after the break, %s, does not follow %s", a.After.Hash.Short(), a.After.Prev.Short()), nil
	}
	gone, broken, changed := false, false, false // a parent is absent; something is found here; not what was acknowledged
	var unread []int
	for n, found := range f.found {
		inside := found.Record > before && found.Record <= place.at.Record
		if !inside {
			continue
		}
		switch found.Class {
		case Fork:
			broken = true
		case Missing, SecondGenesis, ImplausibleFork:
			broken = true
			if found.Hash == a.After.Hash && found.Parent == a.After.Prev && found.Follows == a.Before.Hash {
				gone = gone || found.Class == Missing
				a.documents = append(a.documents, n)
			}
		case Unreadable:
			broken = true
			unread = append(unread, n)
		case Altered:
			if a.acknowledges(found) {
				a.documents = append(a.documents, n)
			} else {
				changed = true
			}
		}
	}
	// What cannot be read is pinned by the records beside it, which have to be beside it: nothing but what
	// cannot be read lies between them, or the very gap that the anchor names.
	pinned := len(a.documents) > 0 || f.readableBetween(before, place.at.Record) == 0
	if pinned && (a.Cause == CauseCorruption || a.Cause == CauseLegacy) {
		a.documents = append(a.documents, unread...)
	}
	switch {
	case gone && a.Lost.Head != a.After.Prev:
		return fmt.Sprintf("the last record that is gone is %s, and it names %s", a.After.Prev.Short(), a.Lost.Head.Short()), nil
	case changed && a.hasAltered():
		return "an altered record that it acknowledges holds something else now", nil
	case len(a.documents) == 0 && (broken || before >= place.at.Record):
		return "there is no break between the two records that it names", nil
	case len(a.documents) == 0:
		a.State = AnchorHealed
		return "", nil
	}
	if gone {
		if ps := f.l.seenBefore(a.Lost.Head, a.Record); len(ps) > 0 {
			return fmt.Sprintf("the record that it calls lost, %s, is in the log, at %s line %d", a.Lost.Head.Short(),
				f.j.sources[ps[0].at.Source].Name, ps[0].at.Line), nil
		}
		if n := f.countGone(after, before); outside(a.Lost.Records, n) {
			return fmt.Sprintf("it says that %s records were lost, and the rotation record after the gap shows %s", a.Lost.Records, n), nil
		}
	}
	a.State, a.Grade = AnchorInForce, a.Lost.RecordClaim.Grade
	if gone {
		a.Grade = Chained
	}
	return "", nil
}

// readableBetween counts the records between two positions that can be read: lines that are JSON and no
// record have a position, too.
func (f *finder) readableBetween(before, after int64) int64 {
	n := after - before - 1
	for _, it := range f.j.items {
		if it.json && it.class == LineUnreadable && it.Record > before && it.Record < after {
			n--
		}
	}
	return n
}

// hasAltered reports whether the anchor acknowledges any altered record.
func (a *AnchorFound) hasAltered() bool {
	return slices.ContainsFunc(a.Evidence, func(e Evidence) bool { return e.Kind == EvidenceAltered })
}

// acknowledges reports whether an anchor names an altered record with the content that it has now.
func (a *AnchorFound) acknowledges(altered Finding) bool {
	content, ok := altered.Content()
	if !ok || a.Cause != CauseCorruption {
		return false
	}
	for _, e := range a.Evidence {
		if e.Kind == EvidenceAltered && e.SHA256 == content && e.Embedded == altered.Hash.String() {
			return true
		}
	}
	return false
}

// countGone is how many records are absent between the record at before and after: what a rotation
// record after the gap shows, or that there is one at least.
func (f *finder) countGone(after *item, before int64) Bounds {
	unknown := Bounds{Min: 1, Max: UnknownCount}
	if after.kind != KindRotate {
		return unknown
	}
	p, err := ParseRotate(after.kind, after.payload())
	if err != nil || p.LastHash != after.prev || p.Records < 1 {
		return unknown
	}
	ps := f.l.seenBefore(p.FirstHash, before+1)
	if len(ps) == 0 {
		if before >= 0 && segmentNumber(p.Segment) == segmentNumber(f.j.sourceOf(before))+1 {
			return Bounds{Min: p.Records, Max: p.Records}
		}
		return Bounds{Min: p.Records, Max: UnknownCount} // segments before that one may be gone, too
	}
	n := p.Records - (before - ps[len(ps)-1].at.Record + 1)
	if n < 1 {
		return unknown
	}
	return Bounds{Min: n, Max: n}
}

// sourceOf is the name of the source that holds the record at a position.
func (j *Judge) sourceOf(record int64) string {
	for i := range j.sources {
		if s := &j.sources[i]; record < s.base+s.Records {
			return s.Name
		}
	}
	return ""
}

// segmentNumber is the number in the name of a sealed segment, -1 if the name is none.
func segmentNumber(name string) int64 {
	digits, ok := strings.CutPrefix(name, "audit-")
	if !ok {
		return -1
	}
	digits, _, _ = strings.Cut(strings.TrimSuffix(digits, ".jsonl"), "-r")
	n, err := strconv.ParseInt(digits, 10, 63)
	if err != nil || n < 1 {
		return -1
	}
	return n
}

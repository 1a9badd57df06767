package chain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// AnchorVersion is the version of the audit.anchor payload.
const AnchorVersion = 1

// Anchor is the payload of audit.anchor, a break anchor: a person documents that records are absent
// from the log, never that any are present. It is pinned to exact hashes, so that it excuses one
// place and no other, and it says of every claim how that is known, so that a check can hold it
// against what the log itself shows.
type Anchor struct {
	LogID       Hash
	Incarnation int  // of the log from this record on, higher than before it
	Previous    Hash // the anchor before this one, Genesis for the first
	Where       Where
	Cause       Cause
	Before      AnchorBefore
	After       AnchorAfter // zero at the tail
	Agrees      AgreesThrough
	Lost        Lost
	NextSegment int64 // number that the live segment is to get when it is sealed
	Surviving   Surviving
	Source      Backup // what was restored, zero if nothing was
	Evidence    []Evidence
	DetectedAt  string // as toISOString writes it
	Reason      string
	Operator    string
	Ticket      string
	RecordedBy  Recorder
	ApprovedBy  []string
	Corrects    Hash // an earlier anchor whose place this one takes, Genesis if none
}

// Where says which side of the break is left.
type Where string

// The places of a break.
const (
	WhereTail Where = "tail" // the log ended later; what follows the break was written afterwards
	WhereGap  Where = "gap"  // records are absent between two that are there
)

// Cause is why records are absent, in the operator's judgement.
type Cause string

// The causes.
const (
	CauseBackupRestore Cause = "backup-restore"
	CauseSegmentLost   Cause = "segment-lost"
	CauseLiveLost      Cause = "live-lost"
	CauseCorruption    Cause = "corruption"
	CauseLegacy        Cause = "legacy"
	CauseContinuation  Cause = "continuation"
	CauseOther         Cause = "other"
)

// Causes are all causes, in the order people are shown them.
var Causes = []Cause{CauseBackupRestore, CauseSegmentLost, CauseLiveLost, CauseCorruption, CauseLegacy, CauseContinuation, CauseOther}

// Grade says how a claim is known, weakest first.
type Grade string

// The grades. Proved claims rest on signed or off-machine evidence.
const (
	Asserted     Grade = "asserted"     // the operator says so
	Corroborated Grade = "corroborated" // unsigned evidence on this machine says so: mark, manifest, report
	Chained      Grade = "chained"      // a hash in the surviving chain says so
	Proved       Grade = "proved"
)

var grades = []Grade{Asserted, Corroborated, Chained, Proved}

// Claim says how a claim is known, and from what.
type Claim struct {
	Grade  Grade
	Source string
}

// AnchorBefore is the last record before the break; its hash is Genesis where the break is at the
// start of the log.
type AnchorBefore struct {
	Hash    Hash
	TS      string
	Segment string
}

// AnchorAfter is the first record after a gap.
type AnchorAfter struct{ Hash, Prev Hash }

// AgreesThrough is the last record that evidence from before the break agrees with.
type AgreesThrough struct {
	Hash Hash   // Genesis if there is no such evidence
	By   string // what agrees: "mark", "points", "report"
}

// Lost says what is absent, each part with how it is known.
type Lost struct {
	Head        Hash // the last absent record, Genesis if unknown
	HeadClaim   Claim
	Records     Bounds
	RecordClaim Claim
	From, To    string // bounds of the absent records' time, "" if unknown
	TimeClaim   Claim
}

// Backup is what was restored.
type Backup struct {
	Name   string // "" if nothing was
	SHA256 Hash
	Time   string
}

// Evidence is something that a claim rests on.
type Evidence struct {
	Kind     string // "mark", "audit.break", "manifest", "report", "rotate", "altered", "unreadable"
	SHA256   Hash   // of the evidence as it was found; of an altered record, its present content
	Embedded string // the evidence itself; of an altered record, its stored hash; "" if it was too large
}

// EvidenceAltered is the kind of evidence that acknowledges an altered record.
const EvidenceAltered = "altered"

// Payload is the JSON text of a.
func (a Anchor) Payload() []byte {
	after := ecmajson.Value{Kind: ecmajson.Null}
	if a.After != (AnchorAfter{}) {
		after = value(hash("hash", a.After.Hash), hash("prev_hash", a.After.Prev))
	}
	corrects := ecmajson.Value{Kind: ecmajson.Null}
	if a.Corrects != Genesis {
		corrects = ecmajson.Value{Kind: ecmajson.String, Str: a.Corrects.String()}
	}
	evidence := ecmajson.Value{Kind: ecmajson.Array}
	for _, e := range a.Evidence {
		evidence.Elems = append(evidence.Elems, value(str("kind", e.Kind), hash("sha256", e.SHA256), str("embedded", e.Embedded)))
	}
	approved := ecmajson.Value{Kind: ecmajson.Array}
	for _, name := range a.ApprovedBy {
		approved.Elems = append(approved.Elems, ecmajson.Value{Kind: ecmajson.String, Str: name})
	}
	l, s := a.Lost, a.Surviving
	return object(
		num("v", AnchorVersion), hash("log_id", a.LogID), num("incarnation", int64(a.Incarnation)), hash("previous_anchor", a.Previous),
		str("place", string(a.Where)), str("cause", string(a.Cause)),
		member("before", hash("hash", a.Before.Hash), str("ts", a.Before.TS), str("segment", a.Before.Segment)),
		ecmajson.Member{Name: "after", Value: after},
		member("agrees_through", hash("hash", a.Agrees.Hash), str("by", a.Agrees.By)),
		member("lost",
			member("head", append([]ecmajson.Member{hash("hash", l.Head)}, l.HeadClaim.members()...)...),
			member("records", append([]ecmajson.Member{num("min", l.Records.Min), num("max", l.Records.Max)}, l.RecordClaim.members()...)...),
			member("time", append([]ecmajson.Member{str("from", l.From), str("to", l.To)}, l.TimeClaim.members()...)...)),
		num("next_segment", a.NextSegment),
		member("surviving", str("file", s.File), num("bytes", s.Bytes), hash("sha256", s.SHA256), hash("head", s.Head)),
		member("source", str("name", a.Source.Name), hash("sha256", a.Source.SHA256), str("time", a.Source.Time)),
		ecmajson.Member{Name: "evidence", Value: evidence},
		str("detected_at", a.DetectedAt), str("reason", a.Reason), str("operator", a.Operator), str("ticket", a.Ticket),
		a.RecordedBy.member(),
		ecmajson.Member{Name: "approved_by", Value: approved},
		ecmajson.Member{Name: "corrects", Value: corrects})
}

func member(name string, ms ...ecmajson.Member) ecmajson.Member {
	return ecmajson.Member{Name: name, Value: value(ms...)}
}

func (c Claim) members() []ecmajson.Member {
	return []ecmajson.Member{str("grade", string(c.Grade)), str("source", c.Source)}
}

// ParseAnchor reads the payload of an audit.anchor.
func ParseAnchor(payload ecmajson.Value) (Anchor, error) {
	g := getter{v: payload}
	if v := g.num("v"); g.err == nil && v != AnchorVersion {
		return Anchor{}, fmt.Errorf("audit.anchor version %d: %w", v, ErrUnknownVersion)
	}
	a := Anchor{LogID: g.hash("log_id"), Incarnation: int(g.num("incarnation")), Previous: g.hash("previous_anchor"),
		Where: Where(g.str("place")), Cause: Cause(g.str("cause")), NextSegment: g.num("next_segment"),
		DetectedAt: g.str("detected_at"), Reason: g.str("reason"), Operator: g.str("operator"), Ticket: g.str("ticket"), RecordedBy: g.recorder()}
	b := g.object("before")
	a.Before = AnchorBefore{Hash: b.hash("hash"), TS: b.str("ts"), Segment: b.str("segment")}
	if m, ok := payload.Member("after"); !ok || m.Kind != ecmajson.Null {
		o := g.object("after")
		a.After = AnchorAfter{Hash: o.hash("hash"), Prev: o.hash("prev_hash")}
		g.note(o.err)
	}
	t := g.object("agrees_through")
	a.Agrees = AgreesThrough{Hash: t.hash("hash"), By: t.str("by")}
	l := g.object("lost")
	a.Lost = l.lost()
	s := g.object("surviving")
	a.Surviving = Surviving{File: s.str("file"), Bytes: s.num("bytes"), SHA256: s.hash("sha256"), Head: s.hash("head")}
	o := g.object("source")
	a.Source = Backup{Name: o.str("name"), SHA256: o.hash("sha256"), Time: o.str("time")}
	evidence, _ := g.member("evidence", ecmajson.Array)
	for _, e := range evidence.Elems {
		q := getter{v: e}
		a.Evidence = append(a.Evidence, Evidence{Kind: q.str("kind"), SHA256: q.hash("sha256"), Embedded: q.str("embedded")})
		g.note(q.err)
	}
	approved, _ := g.member("approved_by", ecmajson.Array)
	for _, e := range approved.Elems {
		if e.Kind != ecmajson.String {
			g.note(fmt.Errorf("approved_by holds %v, want strings", e.Kind))
		}
		a.ApprovedBy = append(a.ApprovedBy, e.Str)
	}
	if m, ok := payload.Member("corrects"); !ok || m.Kind != ecmajson.Null {
		a.Corrects = g.hash("corrects")
	}
	for _, o := range []*getter{b, t, l, s, o} {
		g.note(o.err)
	}
	g.note(a.wellFormed())
	return a, g.err
}

func (g *getter) lost() (l Lost) {
	h, r, t := g.object("head"), g.object("records"), g.object("time")
	l.Head, l.HeadClaim = h.hash("hash"), h.claim()
	l.Records, l.RecordClaim = Bounds{Min: r.count("min"), Max: r.count("max")}, r.claim()
	l.From, l.To, l.TimeClaim = t.str("from"), t.str("to"), t.claim()
	for _, o := range []*getter{h, r, t} {
		g.note(o.err)
	}
	return l
}

func (g *getter) claim() Claim {
	c := Claim{Grade: Grade(g.str("grade")), Source: g.str("source")}
	if !slices.Contains(grades, c.Grade) {
		g.note(fmt.Errorf("grade %q is none of %v", clip(string(c.Grade)), grades))
	}
	return c
}

// wellFormed says what is wrong with the words of an anchor, apart from what the log shows.
func (a *Anchor) wellFormed() error {
	switch {
	case a.Where != WhereTail && a.Where != WhereGap:
		return fmt.Errorf("place %q is neither tail nor gap", clip(string(a.Where)))
	case !slices.Contains(Causes, a.Cause):
		return fmt.Errorf("cause %q is none of %v", clip(string(a.Cause)), Causes)
	case a.Where == WhereTail && a.After != (AnchorAfter{}):
		return errors.New("place tail with a record after the break")
	case a.Where == WhereGap && a.After.Hash == Genesis:
		return errors.New("place gap without a record after the break")
	case a.Lost.Records.Max != UnknownCount && a.Lost.Records.Max < a.Lost.Records.Min:
		return fmt.Errorf("lost records: at most %d and at least %d", a.Lost.Records.Max, a.Lost.Records.Min)
	}
	return nil
}

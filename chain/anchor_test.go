package chain_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// history is a log that a test writes record by record.
type history struct {
	t     testing.TB
	lines [][]byte // each record's line
	recs  []chain.Record
	at    time.Time
}

func newHistory(t testing.TB) *history {
	return &history{t: t, at: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)}
}

func (h *history) after(prev chain.Hash, kind string, payload []byte) chain.Record {
	h.t.Helper()
	h.at = h.at.Add(time.Minute)
	r, err := chain.Seal(prev, h.at.Format("2006-01-02T15:04:05.000Z"), kind, "ops", payload)
	if err != nil {
		h.t.Fatal(err)
	}
	h.recs, h.lines = append(h.recs, r), append(h.lines, chain.AppendLine(nil, &r))
	return r
}

func (h *history) add(kind string, payload []byte) chain.Record {
	h.t.Helper()
	return h.after(h.head(), kind, payload)
}

func (h *history) head() chain.Hash {
	if len(h.recs) == 0 {
		return chain.Genesis
	}
	return h.recs[len(h.recs)-1].Hash
}

func (h *history) events(n int) *history {
	h.t.Helper()
	for range n {
		h.add("test.event", fmt.Appendf(nil, `{"n":%d}`, len(h.recs)))
	}
	return h
}

func (h *history) live() []file { return []file{{"audit.log", true, bytes.Join(h.lines, nil)}} }

// rollBack takes the last n records off, as a restored backup does, and chains what the machine
// then says.
func (h *history) rollBack(n int) (found chain.Record, b chain.Break) {
	h.t.Helper()
	remembered := h.recs[len(h.recs)-1]
	kept := len(h.recs) - n
	h.recs, h.lines = h.recs[:kept:kept], h.lines[:kept:kept]
	b = chain.Break{Found: chain.RolledBack, LogID: h.recs[0].Hash, Incarnation: 1,
		Remembered: chain.Remembered{LogID: h.recs[0].Hash, Incarnation: 1, Segment: 1, Head: remembered.Hash, Records: int64(kept + n)},
		Surviving:  chain.Surviving{File: "audit.log", Head: h.head()}, Lost: chain.Bounds{Min: int64(n), Max: int64(n)}}
	return h.add(chain.KindBreak, b.Payload()), b
}

func claim(g chain.Grade) chain.Claim { return chain.Claim{Grade: g, Source: "mark"} }

// anchorFor documents a roll-back truthfully.
func (h *history) anchorFor(b chain.Break) chain.Anchor {
	return chain.Anchor{LogID: h.recs[0].Hash, Incarnation: 2, Where: chain.WhereTail, Cause: chain.CauseBackupRestore,
		Before: chain.AnchorBefore{Hash: b.Surviving.Head, Segment: "audit.log"},
		Lost: chain.Lost{Head: b.Remembered.Head, HeadClaim: claim(chain.Corroborated), Records: b.Lost, RecordClaim: claim(chain.Corroborated),
			TimeClaim: claim(chain.Asserted)},
		NextSegment: 2, Surviving: b.Surviving, DetectedAt: "2026-05-02T00:00:00.000Z", Reason: "disk replaced", Operator: "ops"}
}

// gap is a log of ten records of which the fifth to seventh are gone, with one anchor to be added.
func gap(t testing.TB) (*history, chain.Anchor) {
	h := newHistory(t).events(10)
	before, lost, after := h.recs[3], h.recs[6], h.recs[7]
	h.recs, h.lines = slices.Delete(h.recs, 4, 7), slices.Delete(h.lines, 4, 7)
	return h, chain.Anchor{LogID: h.recs[0].Hash, Incarnation: 2, Where: chain.WhereGap, Cause: chain.CauseSegmentLost,
		Before: chain.AnchorBefore{Hash: before.Hash}, After: chain.AnchorAfter{Hash: after.Hash, Prev: after.Prev},
		Lost: chain.Lost{Head: lost.Hash, HeadClaim: claim(chain.Chained), Records: chain.Bounds{Min: 1, Max: chain.UnknownCount},
			RecordClaim: claim(chain.Asserted), TimeClaim: claim(chain.Asserted)},
		NextSegment: 2, Reason: "disk lost", Operator: "ops"}
}

// undocumented are the classes of findings that no anchor documents, notes left out.
func undocumented(v *chain.Verdict) (cs []chain.Class) {
	for _, f := range v.Findings {
		if info, _ := f.Class.Info(); f.Anchor == chain.Genesis && info.Severity > chain.Note {
			cs = append(cs, f.Class)
		}
	}
	return cs
}

// wantAnchor judges at several block sizes and wants one anchor in a state, and these classes left.
func wantAnchor(t testing.TB, rules chain.Rules, files []file, state chain.AnchorState, why string, left ...chain.Class) {
	t.Helper()
	rules.Forks = chain.Fork
	for _, size := range []int{1, 1000, 1 << 20} {
		v := judgeBy(t, rules, files, size)
		if got := undocumented(v); !slices.Equal(got, left) {
			t.Errorf("undocumented: %v, want %v: %+v", got, left, v.Findings)
		}
		if len(v.Anchors) != 1 {
			t.Fatalf("%d anchors, want 1", len(v.Anchors))
		}
		if a := v.Anchors[0]; a.State != state || !strings.Contains(a.Why, why) {
			t.Errorf("the anchor is %q: %q, want %q: %q", a.State, a.Why, state, why)
		}
	}
}

func TestAnchorPayloadReadsBack(t *testing.T) {
	h := newHistory(t).events(3)
	_, b := h.rollBack(1)
	a := h.anchorFor(b)
	a.Evidence = []chain.Evidence{{Kind: "mark", Embedded: `{"v":1}`}}
	a.ApprovedBy, a.Ticket, a.Corrects, a.RecordedBy = []string{"ciso"}, "OPS-1", h.recs[1].Hash, chain.Recorder{UID: 1000, User: "ops", Host: "h", Tool: "t"}
	for _, want := range []chain.Anchor{a, func() chain.Anchor { _, g := gap(t); return g }()} {
		v, _, err := ecmajson.Parse(want.Payload(), chain.MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		got, err := chain.ParseAnchor(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Payload()) != string(want.Payload()) {
			t.Errorf("read back as %s\nwant %s", got.Payload(), want.Payload())
		}
		for _, lie := range []func(a *chain.Anchor){
			func(a *chain.Anchor) { a.Where = "head" },
			func(a *chain.Anchor) { a.Cause = "accident" },
			func(a *chain.Anchor) { a.Lost.RecordClaim.Grade = "certain" },
			func(a *chain.Anchor) { a.Lost.Records = chain.Bounds{Min: 3, Max: 2} },
			func(a *chain.Anchor) {
				if a.Where == chain.WhereGap {
					a.After = chain.AnchorAfter{}
				} else {
					a.After = chain.AnchorAfter{Hash: h.recs[0].Hash}
				}
			},
		} {
			bad := want
			lie(&bad)
			v, _, err := ecmajson.Parse(bad.Payload(), chain.MaxDepth)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := chain.ParseAnchor(v); err == nil {
				t.Errorf("%s reads", bad.Payload())
			}
		}
		for i := range v.Members {
			broken := v
			broken.Members = slices.Delete(slices.Clone(v.Members), i, i+1)
			if _, err := chain.ParseAnchor(broken); err == nil {
				t.Errorf("without %q it reads", v.Members[i].Name)
			}
		}
	}
}

func TestAnchorDocumentsARollBack(t *testing.T) {
	h := newHistory(t).events(10)
	_, b := h.rollBack(4)
	if v := judge(t, h.live(), 1000); !slices.Equal(undocumented(v), []chain.Class{chain.RolledBack}) {
		t.Fatalf("before: %v", undocumented(v))
	}
	truth := h.anchorFor(b)
	h.add(chain.KindAnchor, truth.Payload())
	h.events(3)
	wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorInForce, "")
	if v := judge(t, h.live(), 1000); v.Incarnation != 2 || v.Anchors[0].Grade != chain.Corroborated {
		t.Errorf("incarnation %d, grade %q", v.Incarnation, v.Anchors[0].Grade)
	}
	// The lost records turn up and are kept beside the log: nothing is left to pass over.
	wantAnchor(t, chain.Rules{Branches: []chain.Stretch{{Parent: b.Surviving.Head, Head: b.Remembered.Head}}}, h.live(), chain.AnchorHealed, "")
	wantAnchor(t, chain.Rules{Branches: []chain.Stretch{{Parent: b.Surviving.Head, Head: b.Surviving.Head}}}, h.live(), chain.AnchorInForce, "")
}

func TestA3FalseAnchorIsContradicted(t *testing.T) {
	for _, c := range []struct {
		why string
		lie func(h *history, a *chain.Anchor)
	}{
		{"it is about log", func(_ *history, a *chain.Anchor) { a.LogID[0] ^= 1 }},
		{"as the anchor before it", func(h *history, a *chain.Anchor) { a.Previous = h.recs[0].Hash }},
		{"its incarnation is 1", func(_ *history, a *chain.Anchor) { a.Incarnation = 1 }},
		{"the record before the break", func(_ *history, a *chain.Anchor) { a.Before.Hash[5] ^= 1 }},
		{"no audit.break", func(h *history, a *chain.Anchor) { a.Before.Hash = h.recs[1].Hash }},
		{"no audit.break", func(_ *history, a *chain.Anchor) { a.Lost.Head[0] ^= 1 }},
		{"is in the log", func(h *history, a *chain.Anchor) { a.Lost.Head = h.recs[2].Hash }},
		{"says that 0 to 2 records", func(_ *history, a *chain.Anchor) { a.Lost.Records = chain.Bounds{Min: 0, Max: 2} }},
		{"agrees through", func(h *history, a *chain.Anchor) { a.Agrees.Hash = h.head() }},
		{"the anchor that it corrects", func(h *history, a *chain.Anchor) { a.Corrects = h.recs[3].Hash }},
	} {
		t.Run(c.why, func(t *testing.T) {
			h := newHistory(t).events(10)
			_, b := h.rollBack(4)
			a := h.anchorFor(b)
			c.lie(h, &a)
			h.add(chain.KindAnchor, a.Payload())
			wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorRefuted, c.why, chain.RolledBack, chain.AnchorContradicted)
		})
	}
}

// What evidence agreed through is lost later: the claim stands, beside the new gap. A record that is there, and
// after the break, refutes it all the same.
func TestAnchorWhoseEvidenceIsLostLater(t *testing.T) {
	for _, c := range []struct {
		agrees int // in recs
		state  chain.AnchorState
		why    string
		want   []chain.Class
	}{
		{2, chain.AnchorInForce, "", []chain.Class{chain.Missing}},
		{6, chain.AnchorRefuted, "agrees through", []chain.Class{chain.Missing, chain.RolledBack, chain.AnchorContradicted}},
	} {
		h := newHistory(t).events(10)
		_, b := h.rollBack(4)
		a := h.anchorFor(b)
		a.Agrees.Hash = h.recs[c.agrees].Hash
		h.add(chain.KindAnchor, a.Payload())
		h.events(2)
		h.recs, h.lines = slices.Delete(h.recs, 1, 4), slices.Delete(h.lines, 1, 4)
		wantAnchor(t, chain.Rules{}, h.live(), c.state, c.why, c.want...)
	}
}

func TestA3DivergedCannotBeDocumented(t *testing.T) {
	for _, found := range []chain.Class{chain.Diverged, chain.Replaced} {
		h := newHistory(t).events(10)
		_, b := h.rollBack(4)
		b.Found = found
		h.recs, h.lines = h.recs[:6], h.lines[:6]
		h.add(chain.KindBreak, b.Payload())
		a := h.anchorFor(b)
		h.add(chain.KindAnchor, a.Payload())
		wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorRefuted, "cannot be documented", found, chain.AnchorContradicted)
		if found == chain.Replaced {
			h.recs, h.lines = h.recs[:7], h.lines[:7]
			a.Cause = chain.CauseContinuation
			h.add(chain.KindAnchor, a.Payload())
			wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorInForce, "")
		}
	}
}

// A live log that was put back alone repeats sealed records, and the audit.break follows one of the
// past: the anchor of the break documents that branch with it, and no other.
func TestAnchorDocumentsTheBranchOfABreak(t *testing.T) {
	h := newHistory(t).events(100)
	sealed := file{"audit-0001.jsonl", false, bytes.Join(h.lines, nil)}
	old, head, lost := h.recs[9], h.recs[99], h.add("test.event", []byte("null"))
	b := chain.Break{Found: chain.RolledBack, LogID: h.recs[0].Hash, Incarnation: 1,
		Remembered: chain.Remembered{LogID: h.recs[0].Hash, Incarnation: 1, Segment: 2, Head: lost.Hash, Records: 101},
		Surviving:  chain.Surviving{File: "audit-0001.jsonl", Head: head.Hash}, Lost: chain.Bounds{Min: 1, Max: 1}}
	h.lines = slices.Clone(h.lines[:10])
	h.after(old.Hash, chain.KindBreak, b.Payload())
	files := func() []file { return []file{sealed, {"audit.log", true, bytes.Join(h.lines, nil)}} }
	if got := undocumented(judge(t, files(), 1000)); !slices.Contains(got, chain.ImplausibleFork) {
		t.Fatalf("before: %v, want a branch", got)
	}
	a := h.anchorFor(b)
	h.add(chain.KindAnchor, a.Payload())
	wantAnchor(t, chain.Rules{}, files(), chain.AnchorInForce, "", chain.Duplicate)
	h.after(old.Hash, "test.event", []byte("true"))
	wantAnchor(t, chain.Rules{}, files(), chain.AnchorInForce, "", chain.Duplicate, chain.ImplausibleFork)
}

func TestAnchorDocumentsAGap(t *testing.T) {
	h, a := gap(t)
	h.add(chain.KindAnchor, a.Payload())
	h.events(2)
	wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorInForce, "")

	// What lies outside the pinned hashes fails as before: another record goes.
	more := *h
	more.lines = slices.Delete(slices.Clone(h.lines), 1, 2)
	wantAnchor(t, chain.Rules{}, more.live(), chain.AnchorInForce, "", chain.Missing)

	// So does the gap itself when it grows.
	wider := *h
	wider.lines = slices.Delete(slices.Clone(h.lines), 3, 4)
	wantAnchor(t, chain.Rules{}, wider.live(), chain.AnchorRefuted, "record before the break", chain.Missing, chain.AnchorContradicted)
}

func TestAnchorHealsWhenTheRecordsComeBack(t *testing.T) {
	whole := newHistory(t).events(10)
	h, a := gap(t)
	h.add(chain.KindAnchor, a.Payload())
	h.lines = slices.Insert(h.lines, 4, whole.lines[4:7]...)
	wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorHealed, "")
}

func TestA3FalseAnchorOfAGapIsContradicted(t *testing.T) {
	for why, lie := range map[string]func(h *history, a *chain.Anchor){
		"the record after the break":    func(_ *history, a *chain.Anchor) { a.After.Hash[0] ^= 1 },
		"does not follow":               func(_ *history, a *chain.Anchor) { a.After.Prev[0] ^= 1 },
		"the last record that is gone":  func(_ *history, a *chain.Anchor) { a.Lost.Head[0] ^= 1 },
		"there is no break between the": func(h *history, a *chain.Anchor) { a.Before.Hash = h.recs[2].Hash },
	} {
		t.Run(why, func(t *testing.T) {
			h, a := gap(t)
			lie(h, &a)
			h.add(chain.KindAnchor, a.Payload())
			wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorRefuted, why, chain.Missing, chain.AnchorContradicted)
		})
	}
}

func TestRotationRecordBoundsWhatAGapMayClaim(t *testing.T) {
	segments := func(claimed chain.Bounds) []file {
		h := newHistory(t).events(5)
		first, last := h.recs[2], h.recs[4]
		rot := h.add(chain.KindRotate, chain.Rotate{Segment: "audit-0002.jsonl", Records: 3, FirstHash: first.Hash, LastHash: last.Hash}.Payload())
		a := chain.Anchor{LogID: h.recs[0].Hash, Incarnation: 2, Where: chain.WhereGap, Cause: chain.CauseSegmentLost,
			Before: chain.AnchorBefore{Hash: first.Hash}, After: chain.AnchorAfter{Hash: rot.Hash, Prev: rot.Prev},
			Lost: chain.Lost{Head: last.Hash, HeadClaim: claim(chain.Chained), Records: claimed, RecordClaim: claim(chain.Chained), TimeClaim: claim(chain.Asserted)}}
		h.add(chain.KindAnchor, a.Payload())
		h.lines = slices.Delete(h.lines, 3, 5)
		return h.live()
	}
	wantAnchor(t, chain.Rules{}, segments(chain.Bounds{Min: 2, Max: 2}), chain.AnchorInForce, "")
	wantAnchor(t, chain.Rules{}, segments(chain.Bounds{Min: 3, Max: 9}), chain.AnchorRefuted, "shows 2", chain.Missing, chain.AnchorContradicted)
}

func TestAnchorAcknowledgesAlteration(t *testing.T) {
	h := newHistory(t).events(6)
	h.lines[3] = bytes.Replace(h.lines[3], []byte(`"n":3`), []byte(`"n":4`), 1)
	v := judge(t, h.live(), 1000)
	if len(v.Findings) != 1 {
		t.Fatalf("%+v", v.Findings)
	}
	content, ok := v.Findings[0].Content()
	if !ok {
		t.Fatal("an altered record without content")
	}
	a := chain.Anchor{LogID: h.recs[0].Hash, Incarnation: 2, Where: chain.WhereGap, Cause: chain.CauseCorruption,
		Before: chain.AnchorBefore{Hash: h.recs[2].Hash}, After: chain.AnchorAfter{Hash: h.recs[4].Hash, Prev: h.recs[4].Prev},
		Lost:     chain.Lost{HeadClaim: claim(chain.Asserted), RecordClaim: claim(chain.Asserted), TimeClaim: claim(chain.Asserted)},
		Evidence: []chain.Evidence{{Kind: chain.EvidenceAltered, SHA256: content, Embedded: h.recs[3].Hash.String()}}}
	anchor := h.add(chain.KindAnchor, a.Payload())
	wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorInForce, "")
	if v := judge(t, h.live(), 1000); v.Findings[0].Class != chain.Altered || v.Findings[0].Anchor != anchor.Hash {
		t.Errorf("%+v, want it altered still, and acknowledged", v.Findings[0])
	}
	// Altered again, it is no longer what was acknowledged.
	h.lines[3] = bytes.Replace(h.lines[3], []byte(`"n":4`), []byte(`"n":5`), 1)
	wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorRefuted, "holds something else", chain.Altered, chain.AnchorContradicted)
}

func TestUnreadableLineIsDocumentedWithItsGap(t *testing.T) {
	h := newHistory(t).events(6)
	h.lines[3] = append(bytes.Repeat([]byte{0}, len(h.lines[3])-1), '\n')
	a := chain.Anchor{LogID: h.recs[0].Hash, Incarnation: 2, Where: chain.WhereGap, Cause: chain.CauseCorruption,
		Before: chain.AnchorBefore{Hash: h.recs[2].Hash}, After: chain.AnchorAfter{Hash: h.recs[4].Hash, Prev: h.recs[4].Prev},
		Lost: chain.Lost{Head: h.recs[3].Hash, Records: chain.Bounds{Min: 1, Max: 1}, HeadClaim: claim(chain.Chained), RecordClaim: claim(chain.Asserted), TimeClaim: claim(chain.Asserted)}}
	h.add(chain.KindAnchor, a.Payload())
	wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorInForce, "")
	// The same gap, documented as anything else, leaves what cannot be read.
	h.recs, h.lines = h.recs[:6], h.lines[:6]
	a.Cause = chain.CauseSegmentLost
	h.add(chain.KindAnchor, a.Payload())
	wantAnchor(t, chain.Rules{}, h.live(), chain.AnchorInForce, "", chain.Unreadable)
}

func TestCorrectedAnchorYieldsToItsSuccessor(t *testing.T) {
	h := newHistory(t).events(10)
	_, b := h.rollBack(4)
	lie := h.anchorFor(b)
	lie.Lost.Records = chain.Bounds{Min: 90, Max: 90}
	first := h.add(chain.KindAnchor, lie.Payload())
	truth := h.anchorFor(b)
	truth.Incarnation, truth.Previous, truth.Corrects = 3, first.Hash, first.Hash
	h.add(chain.KindAnchor, truth.Payload())
	v := judge(t, h.live(), 1000)
	if got := undocumented(v); len(got) > 0 {
		t.Errorf("undocumented %v", got)
	}
	if v.Anchors[0].State != chain.AnchorCorrected || v.Anchors[1].State != chain.AnchorInForce {
		t.Errorf("states %q, %q", v.Anchors[0].State, v.Anchors[1].State)
	}
}

// TestAnchorPinsWhatCannotBeRead: the records that it names must stand beside it. An anchor from one end
// of the log to the other would excuse whatever becomes unreadable in between.
func TestAnchorPinsWhatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after int // records, of eight of which the lines after the fourth are no records
		state         chain.AnchorState
		why           string
		left          []chain.Class
	}{
		{"beside it", 3, 4, chain.AnchorInForce, "", nil},
		{"one record wider", 2, 4, chain.AnchorRefuted, "no break between", []chain.Class{chain.Unreadable, chain.Unreadable, chain.AnchorContradicted}},
		{"the whole log", 0, 7, chain.AnchorRefuted, "no break between", []chain.Class{chain.Unreadable, chain.Unreadable, chain.AnchorContradicted}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHistory(t).events(8)
			a := chain.Anchor{LogID: h.recs[0].Hash, Incarnation: 2, Where: chain.WhereGap, Cause: chain.CauseCorruption,
				Before: chain.AnchorBefore{Hash: h.recs[c.before].Hash}, After: chain.AnchorAfter{Hash: h.recs[c.after].Hash, Prev: h.recs[c.after].Prev},
				Lost: chain.Lost{HeadClaim: claim(chain.Asserted), RecordClaim: claim(chain.Asserted), TimeClaim: claim(chain.Asserted)}}
			h.add(chain.KindAnchor, a.Payload())
			h.lines = slices.Insert(h.lines, 4, []byte("garbage\n"), []byte("{\"a\":1}\n"))
			wantAnchor(t, chain.Rules{}, h.live(), c.state, c.why, c.left...)
		})
	}
}

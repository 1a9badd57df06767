package segment

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// past prepares one event for each of the times.
func past(t *testing.T, l *Log, times ...string) []Draft {
	t.Helper()
	var drafts []Draft
	for i, ts := range times {
		e := event(i)
		e.TS = ts
		d, err := l.PrepareCanonical(e)
		if err != nil {
			t.Fatal(err)
		}
		drafts = append(drafts, d)
	}
	return drafts
}

func anywhere(Place) error { return nil }

func TestLoadKeepsTimesAndEndsSegmentsByThem(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	records, err := l.Load(t.Context(), past(t, l, "2021-12-30T10:00:00.000Z", "2021-12-31T23:59:59.999Z",
		"2022-01-01T00:00:00.000Z", "2021-12-31T23:59:59.998Z", "2022-01-01T00:00:00.001Z", "2024-05-05T05:05:05.005Z"), anywhere)
	if err != nil || records.Records != 6 {
		t.Fatalf("%d records, %v", records.Records, err)
	}
	h := mustWalk(t, m)
	if got, want := h.kinds(), "event event audit.rotate event event event audit.rotate event"; got != want {
		t.Fatalf("the log holds %s, want %s", got, want)
	}
	if n := len(h.records); records.First.Hash != h.records[0].Hash || records.Last.Hash != h.records[n-1].Hash {
		t.Errorf("loaded %s to %s", records.First.Hash, records.Last.Hash)
	}
	if got := h.records[2].TS; got != "2022-01-01T00:00:00.000Z" {
		t.Errorf("the second segment begins at %s, want the time of the record that it begins for", got)
	}
	for i, r := range h.records {
		if r.Event != chain.KindRotate && h.files[i] == LiveName && !strings.HasPrefix(r.TS, "2024") {
			t.Errorf("a record of %s is in the segment of 2024", r.TS)
		}
	}
}

func TestLoadTellsItsPlaceBeforeItWrites(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	head := mustAppend(t, l, 1)
	before := len(mustWalk(t, m).records)
	no := errors.New("not here")
	_, err := l.Load(t.Context(), past(t, l, "2021-12-30T10:00:00.000Z"), func(p Place) error {
		if p.Head != head.Hash || p.HeadTS != head.TS || !isStamp(p.Stamp) {
			t.Errorf("place %+v, want the head %s of %s", p, head.Hash, head.TS)
		}
		return no
	})
	if e, ok := errors.AsType[*AppendError](err); !ok || e.Outcome != OutcomeRefused || !errors.Is(err, no) {
		t.Errorf("error %v, want the caller's own, refused", err)
	}
	if h := mustWalk(t, m); len(h.records) != before {
		t.Errorf("a load that was stopped wrote %s", h.kinds())
	}
	// And it is no refused append that the next one would have to put on the chain.
	mustAppend(t, l, 2)
	if n := mustWalk(t, m).count(chain.KindAppendFailed); n != 0 {
		t.Errorf("%d audit.append_failed", n)
	}
}

func TestLoadThatFailsSaysWhatIsThere(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 1)
	m.Inject(durable.Fault{Op: durable.OpSync, Name: LiveName, Err: errors.New("io")})
	_, err := l.Load(t.Context(), past(t, l, "2021-12-30T10:00:00.000Z"), anywhere)
	if e, ok := errors.AsType[*AppendError](err); !ok || e.Outcome != OutcomeUnknown {
		t.Errorf("error %v, want an unknown outcome", err)
	}
}

func TestAdoptionStaysInItsSegment(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	now := time.Date(2025, 12, 31, 23, 59, 0, 0, time.UTC)
	o.Now = func() time.Time { return now }
	l := openLog(t, o)
	mustAppend(t, l, 1)
	now = now.Add(time.Hour)
	if _, err := l.AppendSystem(t.Context(), chain.KindAdopt, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 2)
	if got, want := mustWalk(t, m).kinds(), "event audit.adopt audit.rotate event"; got != want {
		t.Errorf("the log holds %s, want %s", got, want)
	}
}

func TestBrokenClockDoesNotKeepAYearFromEnding(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	now := time.Date(2025, 12, 31, 23, 59, 0, 0, time.UTC)
	o.Now = func() time.Time { return now }
	l := openLog(t, o)
	mustAppend(t, l, 1)
	if _, err := l.Load(t.Context(), past(t, l, "2031-01-01T00:00:00.000Z"), anywhere); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	mustAppend(t, l, 2)
	if got, want := mustWalk(t, m).kinds(), "event event audit.rotate event"; got != want {
		t.Errorf("the log holds %s, want %s", got, want)
	}
}

func TestPrepareRefusesTimesThatAreNone(t *testing.T) {
	l := openLog(t, memOptions(durable.NewMem()))
	for _, ts := range []string{"2021", "2021-12-30T10:00:00Z", "2021-13-30T10:00:00.000Z", "2021-02-29T10:00:00.000Z",
		"2021-12-30T10:00:00.000+", "2021-12-30t10:00:00.000Z", "2021-12-30T24:00:00.000Z"} {
		if _, err := l.PrepareCanonical(Event{Kind: "x.y", Payload: []byte("1"), TS: ts}); !errors.Is(err, ErrInvalid) {
			t.Errorf("ts %q: %v, want ErrInvalid", ts, err)
		}
	}
}

// TestLoadStopsWhereASegmentCannotEnd: an append would go on in the same segment, and a load that did
// would leave years in one.
func TestLoadStopsWhereASegmentCannotEnd(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	m.Inject(durable.Fault{Op: durable.OpLink, Name: "audit-0001.jsonl", Err: errors.New("no room")})
	times := []string{"2021-12-30T10:00:00.000Z", "2022-01-01T10:00:00.000Z", "2023-01-01T10:00:00.000Z"}
	done, err := l.Load(t.Context(), past(t, l, times...), anywhere)
	if err == nil || done.Records != 1 {
		t.Fatalf("%d records, %v: want 1 and why it stopped", done.Records, err)
	}
	if _, err := l.Load(t.Context(), past(t, l, times[1:]...), anywhere); err != nil {
		t.Fatal(err)
	}
	if got, want := mustWalk(t, m).kinds(), "event audit.rotate event audit.rotate event"; got != want {
		t.Errorf("the log holds %s, want %s", got, want)
	}
}

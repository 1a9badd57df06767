package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

func TestAppend(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	if len(listDir(t, m, "/")) != 0 {
		t.Error("Open made something")
	}
	first, err := l.Append(t.Context(), Event{Kind: "a.b", Payload: []byte(` {"b": 1.0, "10":"\u00e9", "a":[ ]} `)})
	if err != nil {
		t.Fatal(err)
	}
	if first.TS != "2026-10-05T12:34:56.789Z" || first.Event != "a.b" || first.Actor != "system" || string(first.Payload) != `{"10":"é","b":1,"a":[]}` || first.Prev != chain.Genesis {
		t.Errorf("got %+v %s", first, first.Payload)
	}
	second, err := l.Append(t.Context(), Event{Kind: "c", Actor: "cli", Payload: []byte(`null`)})
	if err != nil {
		t.Fatal(err)
	}
	if second.Prev != first.Hash || second.Actor != "cli" {
		t.Errorf("got %+v", second)
	}
	h := mustWalk(t, m)
	if len(h.records) != 2 || h.records[0].Hash != first.Hash || h.records[1].Hash != second.Hash {
		t.Errorf("the log holds %+v", h.records)
	}
	data, err := readAll(m, testHome+"/audit.log")
	if err != nil {
		t.Fatal(err)
	}
	if want := chain.AppendLine(chain.AppendLine(nil, &first), &second); !bytes.Equal(data, want) {
		t.Errorf("the file holds\n%s\nwant\n%s", data, want)
	}
	mem, err := OpenMemory(m, testState, testHome)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := Mark{LogID: first.Hash, Incarnation: 1, Segment: 1, Offset: int64(len(data)), Head: second.Hash, Records: 2, TS: second.TS}
	if mark, ok := mem.Mark(); !ok || mark != want {
		t.Errorf("mark %+v, want %+v", mark, want)
	}
}

func TestAppendInvalid(t *testing.T) {
	long := Event{Kind: "x", Payload: fmt.Appendf(nil, `"%s"`, strings.Repeat("y", 1000))}
	for _, tt := range []struct {
		about string
		event Event
		want  error
	}{
		{"empty kind", Event{Payload: []byte(`{}`)}, ErrInvalid},
		{"reserved kind", Event{Kind: "audit.break", Payload: []byte(`{}`)}, ErrInvalid},
		{"reserved prefix", Event{Kind: "audit.", Payload: []byte(`{}`)}, ErrInvalid},
		{"no payload", Event{Kind: "x"}, ErrInvalid},
		{"no JSON", Event{Kind: "x", Payload: []byte(`{`)}, ErrInvalid},
		{"two values", Event{Kind: "x", Payload: []byte(`{} {}`)}, ErrInvalid},
		{"too deep", Event{Kind: "x", Payload: []byte(strings.Repeat("[", 10000) + strings.Repeat("]", 10000))}, ErrInvalid},
		{"B4 too long", long, ErrRefused},
	} {
		t.Run(tt.about, func(t *testing.T) {
			m := durable.NewMem()
			o := memOptions(m)
			o.MaxRecord = 1000
			l := openLog(t, o)
			_, err := l.Append(t.Context(), tt.event)
			e, ok := errors.AsType[*AppendError](err)
			if !ok || !errors.Is(err, tt.want) || e.Index != 0 || e.Outcome != OutcomeRefused {
				t.Errorf("got %#v: %v", err, err)
			}
			if len(listDir(t, m, "/")) != 0 {
				t.Error("something was written")
			}
			// What is before it in a batch is written, what is after it is not.
			rs, err := l.AppendBatch(t.Context(), []Event{event(0), event(1), tt.event, event(3)})
			if e, ok = errors.AsType[*AppendError](err); !ok || e.Index != 2 || e.Outcome != OutcomeRefused || len(rs) != 2 {
				t.Errorf("got %d records, %v", len(rs), err)
			}
			if h := mustWalk(t, m); h.kinds() != "event event" {
				t.Errorf("got %s", h.kinds())
			}
			for _, name := range listDir(t, m, testHome) {
				if name == RefusedName {
					t.Error("a caller's mistake counts as a refused append")
				}
			}
		})
	}
}

func TestB4RecordLimitIsExact(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	e := Event{Kind: "x", Payload: []byte(`"yyy"`)}
	r, err := chain.Seal(chain.Genesis, testStart, e.Kind, "system", e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxRecord = len(chain.AppendLine(nil, &r))
	if _, err := openLog(t, o).Append(t.Context(), e); err != nil {
		t.Errorf("a record of the longest length: %v", err)
	}
	o.MaxRecord--
	if _, err := openLog(t, o).Append(t.Context(), e); !errors.Is(err, ErrRefused) {
		t.Errorf("a record one byte longer: %v", err)
	}
}

func TestB4RecordSizes(t *testing.T) {
	m := durable.NewMem()
	for i, n := range []int{1, 4<<10 - 1, 4 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20} {
		l := openLog(t, memOptions(m))
		for range 2 {
			if _, err := l.Append(t.Context(), Event{Kind: "x", Payload: fmt.Appendf(nil, `"%d%s"`, i, strings.Repeat("y", n))}); err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if h := mustWalk(t, m); len(h.records) != 14 {
		t.Errorf("%d records", len(h.records))
	}
}

func TestOptionsInvalid(t *testing.T) {
	for _, o := range []Options{{MaxBytes: 1023}, {MaxBytes: -1}, {MaxRecord: -1}, {MaxRecord: chain.MaxLine + 1}, {LockTimeout: -1}, {Period: 17}} {
		if _, err := Open(testHome, o); !errors.Is(err, ErrInvalid) {
			t.Errorf("Open with %+v: %v", o, err)
		}
	}
	if _, err := Open("", Options{}); err == nil {
		t.Error("Open without a home works")
	}
}

func TestAppendContextAndClose(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, event(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(listDir(t, m, "/")) != 0 {
		t.Error("something was written")
	}
	if rs, err := l.AppendBatch(t.Context(), nil); len(rs) != 0 || err != nil {
		t.Errorf("an empty batch gives %v, %v", rs, err)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Append(t.Context(), event(0)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if _, err := l.Rotate(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("rotate after close: %v", err)
	}
}

func TestF27ClockOutOfRange(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	o.Now = func() time.Time { return time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }
	if _, err := openLog(t, o).Append(t.Context(), event(0)); err == nil || !strings.Contains(err.Error(), "year 10000") {
		t.Errorf("got %v", err)
	}
	for _, year := range []int{1, 9999, 2026, 1970} {
		o.Now = func() time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
		mustAppend(t, openLog(t, o), year)
	}
	if h := mustWalk(t, m); h.count("test.event") != 4 || h.records[0].TS != "0001-01-01T00:00:00.000Z" {
		t.Errorf("got %s", h.kinds())
	}
}

// TestF20Goroutines appends from many goroutines, through several Logs, to one home.
func TestF20Goroutines(t *testing.T) {
	t.Parallel()
	const writers, each = 64, 50
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	var logs []*Log
	for range 3 {
		logs = append(logs, openOS(t, home, Options{State: filepath.Join(dir, "state"), MaxBytes: 256 << 10}))
	}
	var mu sync.Mutex
	acked := map[chain.Hash]int{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				r, err := logs[w%len(logs)].Append(t.Context(), event(w*each+n))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acked[r.Hash]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	h, err := walkHome(durable.OS(), home)
	if err != nil {
		t.Fatal(err)
	}
	if n := h.count("test.event"); n != writers*each || len(acked) != n {
		t.Errorf("%d events on the chain, %d acknowledged, want %d", n, len(acked), writers*each)
	}
	for _, r := range h.records {
		if r.Event == "test.event" && acked[r.Hash] != 1 {
			t.Errorf("record %s was acknowledged %d times", r.Payload, acked[r.Hash])
		}
	}
	if h.count(chain.KindRotate) == 0 {
		t.Error("nothing was rotated: the test shows less than it should")
	}
}

// A batch is one piece: nothing comes between its records, and its order is kept.
func TestBatchStaysTogether(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	var wg sync.WaitGroup
	for b := range 20 {
		wg.Go(func() {
			rs, err := l.AppendBatch(t.Context(), []Event{event(10 * b), event(10*b + 1), event(10*b + 2)})
			if err != nil || len(rs) != 3 || rs[1].Prev != rs[0].Hash || rs[2].Prev != rs[1].Hash {
				t.Errorf("batch %d: %v, %v", b, rs, err)
			}
		})
	}
	wg.Wait()
	if h := mustWalk(t, m); len(h.records) != 60 {
		t.Errorf("%d records", len(h.records))
	}
}

func TestEachAppendIsSyncedOnce(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 0)
	mustAppend(t, l, 1) // makes the spare
	l.w.locks.spare.filled = time.Now()
	before := len(m.Ops())
	mustAppend(t, l, 2)
	var kinds []string
	for _, op := range m.Ops()[before:] {
		if strings.HasPrefix(op.Name, testHome+"/") { // not those of the mark, which comes when it comes
			kinds = append(kinds, op.Kind.String()+" "+filepath.Base(op.Name))
		}
	}
	// The lock file is linked from a spare, whose number is the only thing that may differ.
	want := []string{"link .audit.lock", "write audit.log", "remove audit.lock", "sync audit.log"}
	for i := range kinds {
		if strings.Contains(kinds[i], " .audit.lock") {
			kinds[i], _, _ = strings.Cut(kinds[i], ".lock")
			kinds[i] += ".lock"
		}
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("an append does\n%q\nwant\n%q", kinds, want)
	}
}

// A caller whose context ends may use its payload for something else while the batch is still written.
func TestPayloadIsCopied(t *testing.T) {
	payload := []byte(`{"n":1}`)
	d, err := newDraft(Event{Kind: "x", Payload: payload}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	copy(payload, `garbage`)
	if string(d.payload) != `{"n":1}` {
		t.Errorf("the draft holds %s", d.payload)
	}
}

// Once the file has its name the first records may be in the log, whatever fails then.
func TestFirstRecordIsUnknown(t *testing.T) {
	for skip, want := range map[int]Outcome{0: OutcomeRefused, 1: OutcomeUnknown} { // one for audit.flock first
		m := durable.NewMem()
		l := openLog(t, memOptions(m))
		m.Inject(durable.Fault{Op: durable.OpSyncDir, Name: "h", Skip: skip, Err: syscall.EIO})
		_, err := l.AppendBatch(t.Context(), []Event{event(0), event(1)})
		if e, ok := errors.AsType[*AppendError](err); !ok || e.Outcome != want || !errors.Is(err, syscall.EIO) {
			t.Errorf("the sync of the home number %d fails: %v", skip+1, err)
		}
		mustAppend(t, l, 2)
		want := map[Outcome]string{OutcomeRefused: "audit.append_failed event", OutcomeUnknown: "event event event"}[want]
		if h := mustWalk(t, m); h.kinds() != want {
			t.Errorf("later %s, want %s", h.kinds(), want)
		}
	}
}

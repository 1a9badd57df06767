package segment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// model is what must be true of a log whatever was done to it: events that were acknowledged are in
// it, in their order and once; those that were refused are not; of the others nothing is known.
type model struct {
	t     *rapid.T
	disk  *durable.Mem
	log   *Log
	clock time.Time

	next    int
	acked   []string // payloads, in order
	refused map[string]bool
}

func (m *model) now() time.Time {
	m.clock = m.clock.Add(time.Millisecond)
	return m.clock
}

func (m *model) open() {
	o := Options{FS: m.disk, State: testState, Now: m.now, MaxBytes: 2048, LockTimeout: 50 * time.Millisecond,
		Warn: func(w Warning) {
			if w.Kind == WarnBreak {
				m.t.Fatalf("a break that is none: %s", w.Text)
			}
		}}
	l, err := Open(testHome, o)
	if err != nil {
		m.t.Fatal(err)
	}
	m.log = l
}

func (m *model) event() Event {
	m.next++
	return Event{Kind: "test.event", Payload: fmt.Appendf(nil, `{"n":%d}`, m.next)}
}

func (m *model) appendBatch(n int) {
	var es []Event
	for range n {
		es = append(es, m.event())
	}
	rs, err := m.log.AppendBatch(context.Background(), es)
	for _, r := range rs {
		m.acked = append(m.acked, string(r.Payload))
	}
	if err == nil {
		if len(rs) != n {
			m.t.Fatalf("%d of %d records and no error", len(rs), n)
		}
		return
	}
	e, ok := errors.AsType[*AppendError](err)
	if !ok || e.Index != len(rs) {
		m.t.Fatalf("%d records, %v", len(rs), err)
	}
	if e.Outcome == OutcomeRefused {
		for _, e := range es[e.Index:] {
			m.refused[string(e.Payload)] = true
		}
	}
}

// last is the hash of the last record, for a writer that is not ours; ok is false where such a
// writer would repair or refuse first.
func (m *model) last() (head chain.Hash, ok bool) {
	data, err := readAll(m.disk, testHome+"/audit.log")
	if err != nil || len(data) == 0 || data[len(data)-1] != '\n' || strings.Contains(string(data), "\x00") {
		return head, false
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	head, err = chain.HeadOf([]byte(lines[len(lines)-1]))
	return head, err == nil
}

// byNode is a record as an existing writer writes it: without a sync.
func (m *model) byNode() (line string, payload string, ok bool) {
	head, ok := m.last()
	if !ok || m.suspect() {
		return "", "", false
	}
	e := m.event()
	r, err := chain.Seal(head, m.clock.Format(stampLayout), "node.event", "node", e.Payload)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(chain.AppendLine(nil, &r)), string(r.Payload), true
}

func (m *model) suspect() bool {
	word, err := readAll(m.disk, testHome+"/audit.flock")
	return err == nil && parseSuspicion(word).set
}

func (m *model) put(name, data string) {
	f, err := m.disk.OpenFile(testHome+"/"+name, syscall.O_WRONLY|syscall.O_APPEND|syscall.O_CREAT, 0o600)
	if err != nil {
		return // no home yet
	}
	if _, err := f.Write([]byte(data)); err != nil {
		m.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) check() {
	// With a process that has not crashed the log is in order after every append that succeeds.
	r, err := m.log.Append(context.Background(), m.event())
	if err != nil {
		m.t.Fatalf("an append on a disk that works: %v", err)
	}
	m.acked = append(m.acked, string(r.Payload))
	h, err := walkHome(m.disk, testHome)
	if err != nil {
		m.t.Fatal(err)
	}
	checkPayloads(m.t, h, m.acked, m.refused)
}

func checkPayloads(t *rapid.T, h *walkedLog, acked []string, refused map[string]bool) {
	at := map[string]int{}
	for i, r := range h.records {
		if r.Event != "test.event" {
			continue
		}
		p := string(r.Payload)
		if _, twice := at[p]; twice {
			t.Fatalf("%s is on the chain twice", p)
		}
		if refused[p] {
			t.Fatalf("%s was refused and is on the chain", p)
		}
		at[p] = i
	}
	before := -1
	for _, p := range acked {
		i, there := at[p]
		if !there {
			t.Fatalf("%s was acknowledged and is not on the chain: %s", p, h.kinds())
		}
		if i < before {
			t.Fatalf("%s is out of order", p)
		}
		before = i
	}
}

func TestWriterAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start, err := time.Parse(stampLayout, testStart)
		if err != nil {
			t.Fatal(err)
		}
		m := &model{t: t, disk: durable.NewMem(), clock: start, refused: map[string]bool{}}
		m.disk.SetClock(ticking(testStart)) // a machine takes longer to start than a lock to grow stale
		m.open()
		fault := func(op durable.OpKind, errno error) func(*rapid.T) {
			return func(t *rapid.T) {
				m.disk.Inject(durable.Fault{Op: op, Name: LiveName, Err: errno, Keep: rapid.Int64Range(0, 300).Draw(t, "keep")})
				m.appendBatch(rapid.IntRange(1, 3).Draw(t, "events"))
				m.disk.ClearFaults()
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(*rapid.T) { m.appendBatch(1) },
			"batch":  func(t *rapid.T) { m.appendBatch(rapid.IntRange(2, 12).Draw(t, "events")) },
			"rotate": func(t *rapid.T) {
				if _, err := m.log.Rotate(context.Background()); err != nil && !errors.Is(err, ErrRefused) {
					t.Fatal(err)
				}
			},
			"next year": func(*rapid.T) {
				m.disk.SyncAll() // nothing stays unwritten for so long
				m.clock = m.clock.AddDate(1, 0, 0)
			},
			"reopen": func(t *rapid.T) {
				if err := m.log.Close(); err != nil {
					t.Fatal(err)
				}
				m.open()
			},
			"a second Log": func(*rapid.T) { m.open() }, // the first is left open, and idle
			"crash": func(t *rapid.T) {
				loss := durable.Loss{Kept: rapid.SampledFrom([]durable.Kept{durable.KeptNothing, durable.KeptPrefix, durable.KeptSubset, durable.KeptCache}).Draw(t, "kept"),
					Seed: rapid.Uint64().Draw(t, "seed")}
				// A stop in the middle of an append, and then the crash.
				m.disk.CrashAfter(rapid.IntRange(0, 30).Draw(t, "operations"))
				m.appendBatch(rapid.IntRange(1, 8).Draw(t, "events"))
				_ = m.log.Close()             // of a machine that has stopped
				m.refused = map[string]bool{} // what a stopped machine refused, nobody heard
				m.disk = m.disk.Crash(loss)
				m.open()
			},
			"failed sync": fault(durable.OpSync, syscall.EIO),
			"full disk":   fault(durable.OpWrite, syscall.ENOSPC),
			"torn by another writer": func(t *rapid.T) {
				if line, _, ok := m.byNode(); ok {
					m.put(LiveName, line[:rapid.IntRange(1, len(line)-1).Draw(t, "bytes")])
				}
			},
			"another writer": func(*rapid.T) {
				if line, _, ok := m.byNode(); ok {
					m.put(LiveName, line)
				}
			},
			"another writer's refusal": func(*rapid.T) {
				m.put(RefusedName, `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}`+"\n")
			},
			"check": func(*rapid.T) { m.check() },
		})
		m.check()
	})
}

package segment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/crash"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// scenario is something that is done to a home and may be cut short anywhere.
type scenario struct {
	name    string
	prepare func(*testing.T, *durable.Mem)
	options func(*Options)
	// run stops at the first error. Whatever it appended without one it acknowledges.
	run func(l *Log, m *durable.Mem, ack func(...chain.Record)) error
	// seeds is how many losses of a kind are drawn from each crash point, 0 for lossSeeds.
	seeds int
	// operation is what it is counted as: "" for an append.
	operation string
	// breaks says that the home is not the one remembered, so that one audit.break is due.
	breaks bool
}

func appendSome(l *Log, ack func(...chain.Record), from, to int) error {
	for n := from; n < to; n++ {
		r, err := l.Append(context.Background(), event(n))
		if err != nil {
			return err
		}
		ack(r)
	}
	return nil
}

func appendBatch(l *Log, ack func(...chain.Record), from, to int) error {
	var es []Event
	for n := from; n < to; n++ {
		es = append(es, event(n))
	}
	rs, err := l.AppendBatch(context.Background(), es)
	ack(rs...)
	return err
}

func prepared(n int) func(*testing.T, *durable.Mem) {
	return func(t *testing.T, m *durable.Mem) {
		l := openLog(t, memOptions(m))
		for i := range n {
			mustAppend(t, l, -i)
		}
		closeLog(t, l)
		m.SyncAll()
	}
}

var scenarios = []scenario{
	{
		name: "first appends",
		run: func(l *Log, _ *durable.Mem, ack func(...chain.Record)) error {
			return errors.Join(appendSome(l, ack, 0, 2), appendBatch(l, ack, 2, 6))
		},
	}, {
		name: "rotation by size", operation: "rotate",
		options: func(o *Options) { o.MaxBytes = 1024 },
		run: func(l *Log, _ *durable.Mem, ack func(...chain.Record)) error {
			return errors.Join(appendSome(l, ack, 0, 3), appendBatch(l, ack, 3, 6))
		},
	}, {
		name: "rotation by period", operation: "rotate", prepare: prepared(2),
		options: func(o *Options) { o.Now = ticking("2027-01-01T00:00:00.000Z") },
		run: func(l *Log, _ *durable.Mem, ack func(...chain.Record)) error {
			return appendSome(l, ack, 0, 3)
		},
	}, {
		name: "rotation by hand", operation: "rotate", prepare: prepared(3),
		run: func(l *Log, _ *durable.Mem, ack func(...chain.Record)) error {
			for n := range 2 {
				rot, err := l.Rotate(context.Background())
				if err != nil {
					return err
				}
				ack(rot.Record)
				if err := appendSome(l, ack, n, n+1); err != nil {
					return err
				}
			}
			return nil
		},
	}, {
		name: "torn tail",
		prepare: func(t *testing.T, m *durable.Mem) {
			prepared(3)(t, m)
			addTo(t, m, testHome+"/audit.log", `{"ts":"2026-10-05T12:00:00.000Z","event":"x","actor":"p","payload":{"pad":"xx`)
		},
		run: func(l *Log, _ *durable.Mem, ack func(...chain.Record)) error { return appendSome(l, ack, 0, 2) },
	}, {
		name: "hole", seeds: 10, // an earlier power cut took a record, and left the ones after it
		prepare: func(t *testing.T, m *durable.Mem) {
			prepared(3)(t, m)
			var lines []byte
			head := chain.Genesis
			for n := range 8 {
				r, err := chain.Seal(head, testStart, "ghost", "p", fmt.Appendf(nil, `"%0100d"`, n))
				if err != nil {
					t.Fatal(err)
				}
				head, lines = r.Hash, chain.AppendLine(lines, &r)
			}
			addTo(t, m, testHome+"/audit.log", strings.Repeat("\x00", 40)+string(lines))
			m.SyncAll()
		},
		run: func(l *Log, _ *durable.Mem, ack func(...chain.Record)) error { return appendSome(l, ack, 0, 2) },
	}, {
		name: "lost LF",
		prepare: func(t *testing.T, m *durable.Mem) {
			prepared(3)(t, m)
			r, err := chain.Seal(mustWalk(t, m).records[2].Hash, testStart, "node.event", "node", []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			line := chain.AppendLine(nil, &r)
			addTo(t, m, testHome+"/audit.log", string(line[:len(line)-1]))
		},
		run: func(l *Log, _ *durable.Mem, ack func(...chain.Record)) error { return appendSome(l, ack, 0, 2) },
	}, {
		name: "refusals",
		prepare: func(t *testing.T, m *durable.Mem) {
			prepared(2)(t, m)
			addTo(t, m, testHome+"/audit-refused.jsonl", `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}`+"\n")
			m.SyncAll()
		},
		run: func(l *Log, _ *durable.Mem, ack func(...chain.Record)) error { return appendSome(l, ack, 0, 2) },
	}, {
		name: "failed sync", prepare: prepared(3),
		run: func(l *Log, m *durable.Mem, ack func(...chain.Record)) error {
			if err := appendSome(l, ack, 0, 2); err != nil {
				return err
			}
			m.Inject(durable.Fault{Op: durable.OpSync, Name: LiveName, Err: syscall.EIO})
			if err := appendSome(l, ack, 2, 3); err == nil {
				return errors.New("a failed sync was acknowledged")
			}
			return appendSome(l, ack, 3, 6)
		},
	}, {
		name: "full disk", prepare: prepared(2),
		options: func(o *Options) { o.MaxBytes = 2048 },
		run: func(l *Log, m *durable.Mem, ack func(...chain.Record)) error {
			for n := range 2 {
				m.Inject(durable.Fault{Op: durable.OpWrite, Name: LiveName, Err: syscall.ENOSPC, Keep: int64(n * 97)})
				if err := appendBatch(l, ack, 100*n, 100*n+3); err == nil {
					return errors.New("a full disk went unnoticed")
				} else if errors.Is(err, durable.ErrCrashed) {
					return err
				}
				if err := appendSome(l, ack, n, n+2); err != nil {
					return err
				}
			}
			return nil
		},
	}, {
		name: "live log gone", breaks: true,
		prepare: func(t *testing.T, m *durable.Mem) {
			l := openLog(t, memOptions(m))
			mustAppend(t, l, 0)
			if _, err := l.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustAppend(t, l, 1)
			closeLog(t, l)
			if err := m.Remove(testHome + "/audit.log"); err != nil {
				t.Fatal(err)
			}
			m.SyncAll()
		},
		run: func(l *Log, _ *durable.Mem, ack func(...chain.Record)) error { return appendSome(l, ack, 2, 4) },
	},
}

// lossSeeds is how many losses of a kind are drawn from each crash point, besides all and nothing.
const lossSeeds = 2

// TestF12Crash stops every scenario before each operation that changes the disk and within each write,
// draws several disks from each, and opens the log again: the next appends succeed, everything that
// was acknowledged is there, the chain is whole, and no audit.break is chained that is not due.
func TestF12Crash(t *testing.T) {
	t.Parallel()
	count := map[string]*crash.Counter{}
	for _, sc := range scenarios {
		if count[sc.operation] == nil {
			count[sc.operation] = crash.Count(t, cmp.Or(sc.operation, "append"))
		}
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			eachCrash(t, sc, count[sc.operation], func(disk *durable.Mem, acked []chain.Record, at string) {
				recoverAndCheck(t, sc, disk, acked, at)
			})
		})
	}
}

func eachCrash(t *testing.T, sc scenario, count *crash.Counter, check func(disk *durable.Mem, acked []chain.Record, at string)) {
	base := durable.NewMem()
	base.SetClock(ticking(testStart))
	if sc.prepare != nil {
		sc.prepare(t, base)
	}
	var acked []chain.Record
	run := func(m *durable.Mem) {
		acked = nil
		l := openScenario(t, sc, m)
		defer l.Close() //nolint:errcheck // the disk may have stopped
		err := sc.run(l, m, func(rs ...chain.Record) { acked = append(acked, rs...) })
		if err != nil && !m.Crashed() {
			t.Fatalf("the scenario fails without a crash: %v", err)
		}
	}
	for at, disk := range count.Each(base, cmp.Or(sc.seeds, lossSeeds), run) {
		check(disk, acked, at.String())
	}
}

func openScenario(t *testing.T, sc scenario, m *durable.Mem) *Log {
	t.Helper()
	o := memOptions(m)
	if sc.options != nil {
		sc.options(&o)
	}
	l, err := Open(testHome, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// later is a clock for what comes after the crash: payloads and times differ from what was lost, so
// that a lost record cannot come into being again under its old hash.
func later(o *Options) { o.Now = ticking("2027-06-01T00:00:00.000Z") }

func recoverAndCheck(t *testing.T, sc scenario, disk *durable.Mem, acked []chain.Record, at string) {
	t.Helper()
	if err := recovered(t, sc, disk, acked, 1+len(acked)%2); err != nil { // one append shows most of it
		t.Fatalf("crash %s: %v\nhome: %v", at, err, listDir(t, disk, testHome))
	}
}

// recovered opens the log again and again, each time for one append.
func recovered(t *testing.T, sc scenario, disk *durable.Mem, acked []chain.Record, appends int) error {
	opts := sc
	opts.options = func(o *Options) {
		if sc.options != nil {
			sc.options(o)
		}
		later(o)
	}
	for n := range appends {
		l := openScenario(t, opts, disk)
		r, err := l.Append(context.Background(), event(1000+n))
		if err != nil {
			return fmt.Errorf("append after it: %w", err)
		}
		if err := l.Close(); err != nil {
			return err
		}
		acked = append(acked[:len(acked):len(acked)], r)
	}
	return healthy(sc, disk, acked)
}

func healthy(sc scenario, disk *durable.Mem, acked []chain.Record) error {
	h, err := walkHome(disk, testHome)
	if err != nil {
		return err
	}
	for _, r := range acked {
		if !h.has(r.Hash) {
			return fmt.Errorf("acknowledged %s %s is lost; %s", r.Event, r.Payload, h.kinds())
		}
	}
	want := 0
	if sc.breaks {
		want = 1
	}
	if n := h.count(chain.KindBreak); n != want {
		return fmt.Errorf("%d audit.break, want %d; %s", n, want, h.kinds())
	}
	if err := keptWell(disk, h); err != nil {
		return err
	}
	entries, err := disk.ReadDir(testHome)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if name == nextName || strings.HasSuffix(name, openSuffix) || strings.HasSuffix(name, copySuffix) || strings.HasSuffix(name, takenSuffix) ||
			strings.Contains(name, ".lock") || name == RefusedName {
			return fmt.Errorf("%s is left", name)
		}
	}
	return nil
}

// keptWell checks that every byte that was set aside is where the log says it is, and that the log
// says so once.
func keptWell(disk *durable.Mem, h *walkedLog) error {
	named := map[string]bool{}
	for _, r := range h.records {
		if r.Event != chain.KindTornTail {
			continue
		}
		v, _, err := ecmajson.Parse(r.Payload, chain.MaxDepth)
		if err != nil {
			return err
		}
		name, _ := v.Member("kept")
		size, _ := v.Member("bytes")
		sum, _ := v.Member("sha256")
		if named[name.Str] {
			return fmt.Errorf("%s is named twice; %s", name.Str, h.kinds())
		}
		named[name.Str] = true
		data, err := readAll(disk, testHome+"/"+name.Str)
		if err != nil {
			return err
		}
		if got := chain.Hash(sha256.Sum256(data)).String(); float64(len(data)) != size.Num || got != sum.Str {
			return fmt.Errorf("%s holds %d bytes, SHA-256 %s, the log says %s", name.Str, len(data), got, r.Payload)
		}
	}
	return nil
}

// TestF2CrashInRecovery stops the appends that follow a crash, too, and then lets a third process go
// on.
func TestF2CrashInRecovery(t *testing.T) {
	t.Parallel()
	count := crash.Count(t, "recovery of appends and rotations")
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			crashes := 0
			eachCrash(t, sc, &crash.Counter{}, func(disk *durable.Mem, acked []chain.Record, at string) {
				crashes++
				if crashes%397 != 0 { // a sample: each state has a hundred more behind it
					return
				}
				second := scenario{options: func(o *Options) {
					if sc.options != nil {
						sc.options(o)
					}
					o.Now = ticking("2027-03-01T00:00:00.000Z")
				}}
				var more []chain.Record
				run := func(m *durable.Mem) {
					more = nil
					l := openScenario(t, second, m)
					defer l.Close() //nolint:errcheck // the disk may have stopped
					r, err := l.Append(context.Background(), event(500))
					if err == nil {
						more = append(more, r)
					} else if !m.Crashed() {
						t.Fatalf("crash %s: recovery fails without a crash: %v", at, err)
					}
				}
				for then, disk := range count.Each(disk, 1, run) {
					recoverAndCheck(t, sc, disk, append(acked[:len(acked):len(acked)], more...), fmt.Sprintf("%s, and then %v", at, then))
				}
			})
		})
	}
}

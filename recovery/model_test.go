package recovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// believed is what must be true of a log: which events it has, in this order and no others, and what a
// check has to say of it.
type believed struct {
	events []string // payloads
	torn   bool     // the live log ends within a line
	gap    string   // the segment that is gone, and nobody has said so
	gone   []string // its records, by their hashes
	rolled bool     // an older copy was put back, and nobody has said so
	told   []int64  // the segments that are gone, and that is documented
}

func (b believed) exit() int {
	switch {
	case b.gap != "" || b.rolled:
		return 3
	case b.torn:
		return 5
	}
	return 0
}

// machine is a home on a disk, with a copy of it that a person made.
type machine struct {
	t    *rapid.T
	disk *durable.Mem
	o    Options
	next int

	believed
	copied *believed // nil: there is no copy
	copies []string  // its records, by their hashes
}

func newMachine(t *rapid.T) *machine {
	disk := durable.NewMem()
	disk.SetClock(ticking(testDay)) // long ago: what a killed process left of a lock counts as dead
	m := &machine{t: t, o: options(disk, time.Hour)}
	m.on(disk)
	m.must(disk.Mkdir(testState, 0o700))
	disk.SyncAll()
	return m
}

// on goes on with another disk.
func (m *machine) on(disk *durable.Mem) {
	m.disk = disk
	m.o.Log.FS, m.o.Log.OpenArchived = disk, archive.Opener(disk)
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// log does something as a command of its own.
func (m *machine) log(do func(*segment.Log) error) error {
	l, err := segment.Open(testHome, m.o.Log)
	if err != nil {
		return err
	}
	return errors.Join(do(l), l.Close())
}

// append appends n events, and gives those that were acknowledged and those that may be in the log.
func (m *machine) append(n int) (acked, sent []string, err error) {
	var events []segment.Event
	for range n {
		m.next++
		payload := fmt.Sprintf(`{"n":%d}`, m.next)
		events, sent = append(events, segment.Event{Kind: "test.event", Payload: []byte(payload)}), append(sent, payload)
	}
	err = m.log(func(l *segment.Log) error {
		records, err := l.AppendBatch(context.Background(), events)
		for _, r := range records {
			acked = append(acked, string(r.Payload))
		}
		return err
	})
	return acked, sent, err
}

func (m *machine) rotate() error {
	err := m.log(func(l *segment.Log) error { _, err := l.Rotate(context.Background()); return err })
	if errors.Is(err, segment.ErrRefused) {
		return nil // there is nothing to seal
	}
	return err
}

func (m *machine) archive() error {
	results, err := archive.Run(context.Background(), testHome, m.o.Log, archive.Options{Workers: 1})
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	return err
}

func (m *machine) apply(p *Plan, err error) error {
	if err != nil {
		return err
	}
	return p.Apply(context.Background(), m.o)
}

func (m *machine) repair() error { return m.apply(PlanRepair(context.Background(), m.o)) }

func (m *machine) restore() error {
	return m.apply(PlanRestore(context.Background(), m.o, Restoration{From: testBackup, Reason: "test", Operator: "ops"}))
}

func (m *machine) declare() error {
	cause := chain.CauseSegmentLost
	if m.rolled {
		cause = chain.CauseBackupRestore
	}
	return m.apply(PlanBreak(context.Background(), m.o, Declaration{Cause: cause, Reason: "test", Operator: "ops"}))
}

// declared is what is true after a declaration.
func (m *machine) declared() {
	if m.gap != "" {
		name, _, _ := segment.ParseName(m.gap)
		m.told = append(slices.Clone(m.told), name.Number)
		m.copied = nil // with one that has the records nobody would have declared them lost
	}
	m.gap, m.gone, m.rolled = "", nil, false
}

// each goes through the records of the log in reading order.
func (m *machine) each(do func(segment.Name, *chain.Record)) {
	snap, err := m.o.snapshot()
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	m.must(err)
	for _, src := range snap.Sources {
		for c, err := range segment.Chunks(context.Background(), src) {
			m.must(err)
			for _, line := range c.Lines() {
				if r := chain.ReadLine(line); r.Class.Whole() {
					do(src.Segment(), &r.Record)
				}
			}
		}
	}
	m.must(snap.Close())
}

// read gives the events of the log in reading order.
func (m *machine) read() (events []string) {
	m.each(func(_ segment.Name, r *chain.Record) {
		if r.Event == "test.event" {
			events = append(events, string(r.Payload))
		}
	})
	return events
}

// hashes gives the records of the log.
func (m *machine) hashes() (all []string) {
	m.each(func(_ segment.Name, r *chain.Record) { all = append(all, r.Hash.String()) })
	return all
}

// check holds the log against what is believed of it.
func (m *machine) check() {
	if got := m.read(); !slices.Equal(got, m.events) {
		m.t.Fatalf("the log has %v, want %v", got, m.events)
	}
	if len(m.events) == 0 {
		return
	}
	r, err := verify.Run(context.Background(), m.o.verifyOptions())
	m.must(err)
	if r.Exit != m.exit() {
		m.t.Fatalf("a check says %q, exit %d, want %d: %+v", r.Verdict, r.Exit, m.exit(), m.believed)
	}
}

// mayGo are the segments that can be lost on their own: those with a file on both sides, which tell of the
// gap, not beside a gap that there is, and without what was said of another loss, which would count as unsaid
// again.
func (m *machine) mayGo() []segment.Name {
	var names []segment.Name
	said := map[segment.Name]bool{}
	m.each(func(in segment.Name, r *chain.Record) {
		if !slices.Contains(names, in) {
			names = append(names, in)
		}
		said[in] = said[in] || r.Event == chain.KindBreak || r.Event == chain.KindAnchor || r.Event == chain.KindRestore
	})
	var may []segment.Name
	for i := 1; i < len(names)-1; i++ { // the last one is the live log
		between := func(n int64) bool { return names[i-1].Number < n && n < names[i+1].Number && n != names[i].Number }
		if names[i].Restored == 0 && names[i+1].Restored == 0 && !said[names[i]] && !slices.ContainsFunc(m.told, between) {
			may = append(may, names[i])
		}
	}
	return may
}

// tree gives the files below a directory.
func (m *machine) tree(dir string) map[string]string {
	all := map[string]string{}
	entries, err := m.disk.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return all
	}
	m.must(err)
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			maps.Copy(all, m.tree(name))
			continue
		}
		text, err := slurp(m.disk, name)
		m.must(err)
		all[name] = string(text)
	}
	return all
}

// copyTree makes one directory a copy of another.
func (m *machine) copyTree(from, to string) {
	for name := range m.tree(to) {
		m.must(m.disk.Remove(name))
	}
	for name, text := range m.tree(from) {
		name = to + strings.TrimPrefix(name, from)
		for _, dir := range []string{to, path.Dir(name)} {
			if err := m.disk.Mkdir(dir, 0o700); !errors.Is(err, fs.ErrExist) {
				m.must(err)
			}
		}
		m.must(m.disk.Replace(name, []byte(text), 0o600))
	}
	m.disk.SyncAll()
}

// lose removes a segment, in whatever form it is.
func (m *machine) lose(name segment.Name) {
	before := m.hashes()
	for _, form := range []segment.Form{segment.FormPlain, segment.FormZstd, segment.FormManifest} {
		if err := m.disk.Remove(inArchive(name.File(form))); !errors.Is(err, fs.ErrNotExist) {
			m.must(err)
		}
	}
	m.disk.SyncAll()
	after := m.hashes()
	m.gap, m.events = name.File(segment.FormPlain), m.read()
	m.gone = slices.DeleteFunc(before, func(h string) bool { return slices.Contains(after, h) })
}

// crash stops the machine somewhere within something, and has it started again, repaired and appended to. What
// was acknowledged is there then; of what was only sent, the beginning may be.
func (m *machine) crash(t *rapid.T, do func() (acked, sent []string, err error)) {
	m.disk.CrashAfter(rapid.IntRange(0, 40).Draw(t, "operations"))
	acked, sent, err := do()
	if err != nil && !m.disk.Crashed() {
		t.Fatalf("it fails without a crash: %v", err)
	}
	kept := rapid.SampledFrom([]durable.Kept{durable.KeptNothing, durable.KeptPrefix, durable.KeptSubset, durable.KeptCache}).Draw(t, "kept")
	m.on(m.disk.Crash(durable.Loss{Kept: kept, Seed: rapid.Uint64().Draw(t, "seed")}))
	m.must(m.repair())
	next, _, err := m.append(1)
	m.must(err)
	had, now := len(m.events), m.read()
	if n := len(now) - had - 1; n < len(acked) || n > len(sent) || !slices.Equal(now, slices.Concat(m.events, sent[:n], next)) {
		t.Fatalf("the log has %v, had %v, then %v were acknowledged of %v, and %v", now, m.events, acked, sent, next)
	}
	m.events, m.torn = now, false
}

// unsaid is something that appends no event.
func unsaid(do func() error) func() (acked, sent []string, err error) {
	return func() (acked, sent []string, err error) { return nil, nil, do() }
}

// TestRecoveryAgainstModel does to a log, in any order, what its writers, its archiver, its disk and the
// people that look after it do, and stops the machine in the middle of it. After each step the log has the
// events that were acknowledged, but for those that somebody took away, and a check says what is so.
func TestRecoveryAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// The race detector makes this ten times as slow, and there is nothing more for it to see in each.
		if raced && rapid.IntRange(0, 7).Draw(t, "of eight") != 0 {
			return
		}
		m := newMachine(t)
		appending := func(t *rapid.T) {
			acked, _, err := m.append(rapid.IntRange(1, 4).Draw(t, "events"))
			m.must(err)
			m.events, m.torn = append(m.events, acked...), false
		}
		appending(t)
		skip := func(unless bool) {
			if !unless {
				t.Skip()
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": appending,
			"rotate": func(*rapid.T) { m.must(m.rotate()); m.torn = false },
			"archive": func(*rapid.T) {
				m.must(m.repair())
				m.must(m.archive())
				m.torn = false
			},
			"repair": func(*rapid.T) { m.must(m.repair()); m.torn = false },
			"tear": func(t *rapid.T) {
				text, err := slurp(m.disk, testHome+"/"+segment.LiveName)
				m.must(err)
				skip(!m.torn && len(text) > 0)
				fragment := text[:rapid.IntRange(1, bytes.IndexByte(text, '\n')-1).Draw(t, "bytes")]
				m.must(m.disk.Replace(testHome+"/"+segment.LiveName, append(text, fragment...), 0o600))
				m.disk.SyncAll()
				m.torn = true
			},
			"copy the home": func(*rapid.T) {
				m.copyTree(testHome, testBackup)
				b := m.believed
				m.copied, m.copies = &b, m.hashes()
			},
			"put the copy back": func(t *rapid.T) {
				// A log that has lost what it is remembered by and goes back besides is not told from another one.
				skip(m.copied != nil && m.copied.gap == "" && len(m.copied.told) == 0)
				appending(t) // what the machine remembers may lag behind a power cut
				m.copyTree(testBackup, testHome)
				m.believed = *m.copied
				m.rolled = true
			},
			"lose a segment": func(t *rapid.T) {
				names := m.mayGo()
				skip(m.gap == "" && !m.rolled && len(names) > 0)
				appending(t) // what the machine remembers may lag, and is not to be of that segment alone
				m.lose(rapid.SampledFrom(names).Draw(t, "segment"))
			},
			"restore": func(*rapid.T) {
				skip(m.gap != "" && m.copied != nil && !m.rolled)
				whole := !slices.ContainsFunc(m.gone, func(h string) bool { return !slices.Contains(m.copies, h) })
				err := m.restore()
				switch {
				case err == nil && whole:
					m.events, m.gap, m.gone, m.torn = m.read(), "", nil, false
				case err == nil || !errors.Is(err, segment.ErrRefused) || whole:
					t.Fatalf("restored: %v; the copy has all that is gone: %v", err, whole)
				}
			},
			"declare": func(*rapid.T) {
				skip(m.gap != "" || m.rolled)
				m.must(m.declare())
				m.declared()
				m.torn = false
			},
			"crash in an append": func(t *rapid.T) {
				m.crash(t, func() (acked, sent []string, err error) { return m.append(rapid.IntRange(1, 4).Draw(t, "events")) })
			},
			"crash in a rotation": func(t *rapid.T) { m.crash(t, unsaid(m.rotate)) },
			"crash in archiving":  func(t *rapid.T) { m.crash(t, unsaid(m.archive)) },
			"crash in a repair":   func(t *rapid.T) { m.crash(t, unsaid(m.repair)) },
			"crash in a declaration": func(t *rapid.T) {
				skip(m.gap != "" || m.rolled)
				m.crash(t, unsaid(m.declare))
				if err := m.declare(); !errors.Is(err, segment.ErrRefused) { // it was done
					m.must(err)
				}
				m.declared()
			},
			"": func(t *rapid.T) {
				if rapid.IntRange(0, 2).Draw(t, "look") == 0 {
					m.check()
				}
			},
		})
		m.check()
	})
}

package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

const testHome = "/h"

var testBy = chain.Recorder{UID: 1000, User: "ops", Host: "box", Tool: "test 1"}

// ticking is a clock that goes on by a millisecond each time it is read.
func ticking(start string) func() time.Time {
	at, err := time.Parse(chain.TimeLayout, start)
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Millisecond)
		return at
	}
}

func options(m *durable.Mem) segment.Options {
	return segment.Options{FS: m, State: "/s", Now: ticking("2026-10-05T12:00:00.000Z"), LockTimeout: time.Second, MaxBytes: 1024, Tool: "test 1"}
}

// newDisk is a disk whose locks count as long dead.
func newDisk() *durable.Mem {
	m := durable.NewMem()
	m.SetClock(ticking("2026-10-05T12:00:00.000Z"))
	return m
}

// line is one event of a test's source: the n-th.
func line(n int) string {
	day := time.Date(2023, 12, 31, 23, 59, 0, 0, time.UTC).Add(time.Duration(n) * 20 * time.Second)
	return fmt.Sprintf(`{"ts":%q,"event":"past.kind%d","actor":"a%d","payload":{"n":%d,"pad":%q}}`, day.Format(chain.TimeLayout), n%3, n%2, n, strings.Repeat("x", n%40))
}

func source(events int) Source {
	var b strings.Builder
	for n := range events {
		b.WriteString(line(n) + "\n")
	}
	return text(b.String())
}

func text(s string) Source {
	return Source{Name: "past.jsonl", Data: strings.NewReader(s), Size: int64(len(s))}
}

func bytesOf(t testing.TB, s Source) []byte {
	t.Helper()
	data, err := io.ReadAll(io.NewSectionReader(s.Data, 0, everything))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// otherKind is the kind of records that somebody else writes.
const otherKind = "other.writer"

func appendOther(t testing.TB, m *durable.Mem, n int) {
	t.Helper()
	l, err := segment.Open(testHome, options(m))
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if _, err := l.Append(t.Context(), segment.Event{Kind: otherKind, Payload: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// history reads the records of a home by other means than the code under test. Anything but a plain
// chain of exact records is an error, and so is a segment that begins with anything but a rotation.
func history(fsys durable.FS) ([]chain.Record, error) {
	var names []string
	entries, err := fsys.ReadDir(filepath.Join(testHome, segment.ArchiveDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if _, form, ok := segment.ParseName(e.Name()); ok && form == segment.FormPlain {
			names = append(names, filepath.Join(segment.ArchiveDir, e.Name()))
		}
	}
	var all []chain.Record
	head := chain.Genesis
	for i, name := range append(names, segment.LiveName) {
		data, err := slurp(fsys, filepath.Join(testHome, name))
		if errors.Is(err, fs.ErrNotExist) && name == segment.LiveName {
			continue
		}
		if err != nil {
			return nil, err
		}
		for n, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
			r := chain.ReadLine(line)
			switch {
			case r.Class != chain.LineExact:
				return all, fmt.Errorf("%s line %d is class %d: %.80q", name, n+1, r.Class, line)
			case r.Record.Prev != head:
				return all, fmt.Errorf("%s line %d (%s) follows another record than the one before it", name, n+1, r.Record.Event)
			case n == 0 && i > 0 && r.Record.Event != chain.KindRotate:
				return all, fmt.Errorf("%s begins with %s", name, r.Record.Event)
			}
			head = r.Record.Hash
			all = append(all, r.Record)
		}
	}
	return all, nil
}

// oneYearEach checks that no segment spans two years, from the records of a home in order. What is set
// aside is noted in the segment that it was in.
func oneYearEach(all []chain.Record) error {
	before := all[0].TS
	for _, r := range all[1:] {
		if r.Event == chain.KindTornTail {
			continue
		}
		if r.TS[:4] != before[:4] && r.Event != chain.KindRotate {
			return fmt.Errorf("%s of %s follows a record of %s in one segment", r.Event, r.TS, before)
		}
		before = r.TS
	}
	return nil
}

func slurp(fsys durable.FS, name string) (data []byte, err error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(f)
}

// whole checks that a home holds the source's events exactly once and in order, closed by one
// audit.import that says so, and others records of somebody else.
func whole(fsys durable.FS, data []byte, o Options, others int) error {
	all, err := history(fsys)
	if err != nil {
		return err
	}
	var want []segment.Event
	for _, text := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		v, _, err := ecmajson.Parse(text, chain.MaxDepth)
		if err != nil {
			return err
		}
		member := func(name string) string { m, _ := v.Member(name); return m.Str }
		p, _ := v.Member("payload")
		e := segment.Event{TS: member("ts"), Kind: member("event"), Actor: member("actor"), Payload: ecmajson.AppendStringify(nil, p)}
		if e.Actor == "" {
			e.Actor = "system"
		}
		if strings.HasPrefix(e.Kind, "audit.") {
			e.Kind = "imported." + e.Kind
		}
		want = append(want, e)
	}
	sum := chain.Hash(sha256.Sum256(data))
	var got []chain.Record
	var closed []chain.Record
	for _, r := range all {
		switch {
		case r.Event == chain.KindImport:
			closed = append(closed, r)
		case r.Event == otherKind:
			others--
		case r.Event == chain.KindBreak:
			return fmt.Errorf("the log says %s: %s", r.Event, r.Payload)
		case !chain.IsSystem(r.Event):
			got = append(got, r)
		}
	}
	for n := range max(len(got), len(want)) {
		if n >= len(want) || n >= len(got) {
			return fmt.Errorf("%d records, want %d", len(got), len(want))
		}
		r, e := got[n], want[n]
		if r.Event != e.Kind || r.Actor != e.Actor || !bytes.Equal(r.Payload, e.Payload) || o.Times == TimesOfSource && r.TS != e.TS {
			return fmt.Errorf("record %d is %s %s %s %s, want %+v", n, r.TS, r.Event, r.Actor, r.Payload, e)
		}
	}
	if others != 0 {
		return fmt.Errorf("%d records of others are lost", others)
	}
	if len(closed) != 1 {
		return fmt.Errorf("%d audit.import, want one", len(closed))
	}
	v, _, err := ecmajson.Parse(closed[0].Payload, chain.MaxDepth)
	if err != nil {
		return err
	}
	p, err := chain.ParseImport(v)
	if err != nil {
		return err
	}
	exp := chain.Import{Source: p.Source, SHA256: sum, Bytes: int64(len(data)), Records: int64(len(want)), FirstHash: got[0].Hash, LastHash: got[len(got)-1].Hash,
		KeepTime: o.Times == TimesOfSource, BackDated: p.BackDated, Ignored: p.Ignored, By: testBy}
	if p != exp {
		return fmt.Errorf("audit.import says %+v, want %+v", p, exp)
	}
	return closedBookmark(fsys, sum, closed[0])
}

func closedBookmark(fsys durable.FS, sum chain.Hash, closed chain.Record) error {
	text, err := slurp(fsys, filepath.Join(testHome, segment.ArchiveDir, segment.ImportName(sum)))
	if err != nil {
		return err
	}
	var b Bookmark
	if err := json.Unmarshal(text, &b); err != nil {
		return err
	}
	if b.Closed == nil || b.Closed.Hash != closed.Hash || len(b.Steps) != 0 {
		return fmt.Errorf("the bookmark says %s", text)
	}
	entries, err := fsys.ReadDir(filepath.Join(testHome, segment.ArchiveDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, _, ok := segment.ParseName(e.Name()); !ok && e.Name() != segment.ImportName(sum) {
			return fmt.Errorf("%s is left", e.Name())
		}
	}
	return nil
}

func importInto(m *durable.Mem, src Source, o Options) (Result, error) {
	o.By = testBy
	return File(context.Background(), testHome, options(m), src, o)
}

func mustImport(t testing.TB, m *durable.Mem, src Source, o Options) Result {
	t.Helper()
	r, err := importInto(m, src, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func kindsOf(t testing.TB, m *durable.Mem) string {
	t.Helper()
	all, err := history(m)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, r := range all {
		kinds = append(kinds, r.Event)
	}
	return strings.Join(slices.Compact(kinds), " ")
}

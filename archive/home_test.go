package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

const testHome = "/h"

// ticking is a clock that goes on by a second each time it is read.
func ticking(start time.Time) func() time.Time {
	return func() time.Time {
		start = start.Add(time.Second)
		return start
	}
}

func options(m *durable.Mem) segment.Options {
	return segment.Options{FS: m, Now: ticking(time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)), LockTimeout: time.Second,
		Period: segment.PeriodNone, Tool: "test 1"}
}

func event(n int) segment.Event {
	return segment.Event{Kind: fmt.Sprintf("test.kind%d", n%3), Actor: fmt.Sprintf("actor%d", n%5), Payload: fmt.Appendf(nil, `{"n":%d,"pad":"%s"}`, n, strings.Repeat("x", n%50))}
}

// newHome is a home with sealed segments of so many records each, and a live log.
func newHome(t testing.TB, records ...int) *durable.Mem {
	t.Helper()
	m := durable.NewMem()
	// Long ago: what a killed process left of a lock counts as dead.
	m.SetClock(ticking(time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)))
	fill(t, options(m), testHome, records...)
	m.SyncAll()
	return m
}

func fill(t testing.TB, o segment.Options, home string, records ...int) {
	t.Helper()
	l, err := segment.Open(home, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing is lost with it
	n := 0
	for _, count := range records {
		var es []segment.Event
		for range count {
			es = append(es, event(n))
			n++
		}
		if _, err := l.AppendBatch(t.Context(), es); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func archivePath(base string) string { return filepath.Join(testHome, segment.ArchiveDir, base) }

func readFile(t testing.TB, fsys durable.FS, name string) []byte {
	t.Helper()
	data, err := slurp(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func slurp(fsys durable.FS, name string) (data []byte, err error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(f)
}

// put makes a file, or another in the place of one.
func put(t testing.TB, fsys durable.FS, name string, data []byte) {
	t.Helper()
	if err := fsys.Replace(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, fsys durable.FS, name string) {
	t.Helper()
	if err := fsys.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func listed(t testing.TB, fsys durable.FS) []string {
	t.Helper()
	entries, err := fsys.ReadDir(filepath.Join(testHome, segment.ArchiveDir))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// mustRun archives and expects no segment to fail.
func mustRun(t testing.TB, o segment.Options) []Result {
	t.Helper()
	results, err := Run(t.Context(), testHome, o, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatalf("%v: %v", r.Segment, r.Err)
		}
	}
	return results
}

// unzstd decompresses by other means than the code under test.
func unzstd(t testing.TB, file []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(bytes.NewReader(file), zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// history is the records of a home, read by other means than the code under test: each segment from
// its plain file or else its compressed one. Whatever is not one plain chain is an error.
func history(t testing.TB, fsys durable.FS) ([]chain.Record, error) {
	t.Helper()
	var stems []string
	for _, base := range listed(t, fsys) {
		if strings.HasPrefix(base, "audit-") && strings.Contains(base, ".jsonl") {
			stems = append(stems, strings.TrimSuffix(base, ".zst"))
		}
	}
	slices.Sort(stems)
	var text []byte
	for _, stem := range slices.Compact(stems) {
		data, err := slurp(fsys, archivePath(stem))
		if errors.Is(err, fs.ErrNotExist) {
			data, err = unzstd(t, readFile(t, fsys, archivePath(stem+".zst"))), nil
		}
		if err != nil {
			return nil, err
		}
		text = append(text, data...)
	}
	live, err := slurp(fsys, testHome+"/audit.log")
	if err != nil {
		return nil, err
	}
	var records []chain.Record
	head := chain.Genesis
	for line := range bytes.Lines(append(text, live...)) {
		r := chain.ReadLine(bytes.TrimSuffix(line, []byte{'\n'}))
		if !r.Class.Whole() || r.Record.Prev != head {
			return nil, fmt.Errorf("%s after %s: %s %.80q", r.Record.Hash.Short(), head.Short(), r.Why, line)
		}
		head = r.Record.Hash
		records = append(records, r.Record)
	}
	return records, nil
}

func mustHistory(t testing.TB, fsys durable.FS) []chain.Record {
	t.Helper()
	records, err := history(t, fsys)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// wholeRecords is the records in the live log and the plain segments after the first, whatever else a
// crash left there.
func wholeRecords(t testing.TB, fsys durable.FS) []chain.Record {
	t.Helper()
	var records []chain.Record
	for _, path := range []string{archivePath("audit-0003.jsonl"), testHome + "/audit.log"} {
		for line := range bytes.Lines(readFile(t, fsys, path)) {
			if r := chain.ReadLine(bytes.TrimSuffix(line, []byte{'\n'})); r.Class.Whole() {
				records = append(records, r.Record)
			}
		}
	}
	return records
}

// vouched is the audit.archive payloads in a history.
func vouched(t testing.TB, records []chain.Record) []chain.Archive {
	t.Helper()
	var all []chain.Archive
	for _, r := range records {
		if r.Event != chain.KindArchive {
			continue
		}
		v, _, err := ecmajson.Parse(r.Payload, chain.MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		p, err := chain.ParseArchive(v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func openTest(t testing.TB, fsys durable.FS, base string) *source {
	t.Helper()
	name, _, ok := segment.ParseName(base)
	if !ok {
		t.Fatal(base)
	}
	s, err := open(fsys, archivePath(base), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// readAll reads a source as a check of the log does, extent by extent.
func readAll(src segment.Source) (data []byte, err error) {
	for _, e := range src.Extents(segment.DefaultExtent) {
		c, err := src.Read(e, nil)
		if err != nil {
			return data, err
		}
		data = append(data, c.Data...)
	}
	return data, nil
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

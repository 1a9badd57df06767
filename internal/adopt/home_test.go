package adopt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/adopt"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

const (
	oldPath, newPath = "/old", "/new"
	oldArchive       = oldPath + "/" + segment.ArchiveDir
	newArchive       = newPath + "/" + segment.ArchiveDir
)

// ticking is a clock that goes on by a second each time it is read.
func ticking() func() time.Time {
	now := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

func logOptions(m *durable.Mem) segment.Options {
	return segment.Options{FS: m, State: "/state", Now: ticking(), LockTimeout: time.Second, OpenArchived: archive.Opener(m), Tool: "test 1"}
}

func options(m *durable.Mem) adopt.Options {
	return adopt.Options{From: oldPath, To: newPath, Log: logOptions(m), By: chain.Recorder{UID: 7, User: "ops", Host: "here", Tool: "test 1"}}
}

// newOld is a disk with an old home on it: so many records in each sealed segment and at last in the
// live log, a month apart from each other, so that files span years.
func newOld(t testing.TB, records ...int) *durable.Mem {
	t.Helper()
	m := durable.NewMem()
	m.SetClock(ticking())
	n := 0
	for i, count := range records {
		grow(t, m, oldPath, n, count)
		if n += count; i < len(records)-1 {
			log := open(t, m, oldPath)
			if _, err := log.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			check(t, log.Close())
		}
	}
	m.SyncAll()
	return m
}

// open opens the log of a home that never begins a segment by itself.
func open(t testing.TB, m *durable.Mem, home string) *segment.Log {
	t.Helper()
	o := logOptions(m)
	o.Period, o.State = segment.PeriodNone, ""
	log, err := segment.Open(home, o)
	check(t, err)
	return log
}

// grow appends the records from to from+count of the one history that these tests know.
func grow(t testing.TB, m *durable.Mem, home string, from, count int) {
	t.Helper()
	log := open(t, m, home)
	var es []segment.Event
	for n := from; n < from+count; n++ {
		ts := time.Date(2020, time.Month(1+n), 3, 4, 5, 6, 0, time.UTC).Format("2006-01-02T15:04:05.000Z")
		es = append(es, segment.Event{Kind: "test.event", Actor: "ci", Payload: fmt.Appendf(nil, `{"n":%d}`, n), TS: ts})
	}
	_, err := log.AppendBatch(t.Context(), es)
	check(t, err)
	check(t, log.Close())
	m.SyncAll()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, fsys durable.FS, name string) []byte {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	check(t, err)
	defer f.Close() //nolint:errcheck // it was read only
	data, err := io.ReadAll(f)
	check(t, err)
	return data
}

// put makes a file with these bytes, or another in the place of one.
func put(t testing.TB, fsys durable.FS, name string, data []byte) {
	t.Helper()
	check(t, fsys.Replace(name, data, 0o600))
}

// listed are the names in a directory.
func listed(t testing.TB, fsys durable.FS, dir string) (names []string) {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		check(t, err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// tree is all that an observer sees of a home: names, sizes, modes, times and bytes.
func tree(t testing.TB, fsys durable.FS, home string) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range []string{home, home + "/" + segment.ArchiveDir} {
		for _, name := range append(listed(t, fsys, dir), ".") {
			info, err := fsys.Stat(dir + "/" + name)
			if name == "." {
				info, err = fsys.Stat(dir)
			}
			check(t, err)
			fmt.Fprintf(&b, "%s/%s %v %d %d\n", dir, name, info.Mode, info.MTime, info.Size)
			if info.Mode.IsRegular() {
				fmt.Fprintf(&b, "%s\n", readFile(t, fsys, dir+"/"+name))
			}
		}
	}
	return b.String()
}

// records are the records of a home, in reading order.
func records(t testing.TB, fsys durable.FS, home string) (all []chain.Record) {
	t.Helper()
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{FS: fsys, OpenArchived: archive.Opener(fsys)})
	check(t, err)
	defer snap.Close() //nolint:errcheck // it was read only
	for _, src := range snap.Sources {
		for line := range bytes.Lines(rawBytes(t, src)) {
			if r := chain.ReadLine(bytes.TrimSuffix(line, []byte("\n"))); r.Class != chain.LineUnreadable {
				all = append(all, r.Record)
			}
		}
	}
	return all
}

func rawBytes(t testing.TB, src segment.Source) (data []byte) {
	t.Helper()
	for _, e := range src.Extents(1 << 20) {
		c, err := src.Read(e, nil)
		check(t, err)
		data = append(data, c.Data...)
	}
	return data
}

// broughtOver says what is wrong with a new home: its records must be those of the old one, then one
// audit.adopt and whatever archiving chained.
func broughtOver(t testing.TB, fsys durable.FS, old []chain.Record) error {
	t.Helper()
	all := records(t, fsys, newPath)
	for i, r := range old {
		if i >= len(all) || all[i].Hash != r.Hash {
			return fmt.Errorf("record %d of %d is not there", i, len(old))
		}
	}
	head := chain.Genesis
	var kinds []string
	for i, r := range all {
		if r.Prev != head {
			return fmt.Errorf("record %d does not follow the one before", i)
		}
		if head = r.Hash; i >= len(old) {
			kinds = append(kinds, r.Event)
		}
	}
	kinds = slices.DeleteFunc(kinds, func(k string) bool { return k == chain.KindRotate })
	if len(kinds) == 0 || kinds[0] != chain.KindAdopt || slices.Contains(kinds[1:], chain.KindAdopt) {
		return fmt.Errorf("on top there is %v", kinds)
	}
	for _, k := range kinds[1:] { // of archiving, and of what kept it from going on
		if k != chain.KindArchive && k != chain.KindTornTail && k != chain.KindAppendFailed {
			return fmt.Errorf("on top there is %v", kinds)
		}
	}
	return nil
}

// adoptAll adopts and expects nothing to go wrong.
func adoptAll(t testing.TB, o adopt.Options) adopt.Result {
	t.Helper()
	res, err := adopt.Apply(t.Context(), o)
	check(t, err)
	for _, a := range res.Archived {
		check(t, a.Err)
	}
	return res
}

package recovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

const (
	testHome   = "/h"
	testBackup = "/b"
	testState  = "/s"
)

// ticking is a clock that goes on by a second each time it is read.
func ticking(start time.Time) func() time.Time {
	return func() time.Time {
		start = start.Add(time.Second)
		return start
	}
}

var testDay = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// options are those of a home on a disk in memory, at some time after testDay.
func options(m *durable.Mem, later time.Duration) Options {
	now := ticking(testDay.Add(later))
	return Options{Home: testHome, Now: now, By: chain.Recorder{UID: 1000, User: "ops", Host: "h", Tool: "test 1"},
		Log: segment.Options{FS: m, State: testState, Now: now, LockTimeout: time.Second, Period: segment.PeriodNone, Tool: "test 1"}}
}

// newDisk is a disk with a home of so many sealed segments of four records, and one live record.
func newDisk(t testing.TB, segments int) *durable.Mem {
	t.Helper()
	m := durable.NewMem()
	// Long ago: what a killed process left of a lock counts as dead.
	m.SetClock(ticking(testDay))
	if err := m.Mkdir(testState, 0o700); err != nil {
		t.Fatal(err)
	}
	for range segments {
		add(t, m, 4)
		seal(t, m)
	}
	add(t, m, 1)
	m.SyncAll()
	return m
}

func withLog(t testing.TB, m *durable.Mem, later time.Duration, do func(*segment.Log) error) {
	t.Helper()
	l, err := segment.Open(testHome, options(m, later).Log)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(do(l), l.Close()); err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, m *durable.Mem, n int) {
	t.Helper()
	withLog(t, m, 0, func(l *segment.Log) error {
		for i := range n {
			if _, err := l.Append(t.Context(), segment.Event{Kind: "test.event", Payload: fmt.Appendf(nil, `{"i":%d}`, i)}); err != nil {
				return err
			}
		}
		return nil
	})
}

func seal(t testing.TB, m *durable.Mem) {
	t.Helper()
	withLog(t, m, 0, func(l *segment.Log) error { _, err := l.Rotate(t.Context()); return err })
}

// compress archives what can be archived.
func compress(t testing.TB, m *durable.Mem) {
	t.Helper()
	rs, err := archive.Run(t.Context(), testHome, options(m, 0).Log, archive.Options{Workers: 1})
	for _, r := range rs {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.SyncAll()
}

func slurp(fsys durable.FS, name string) (data []byte, err error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(f)
}

func read(t testing.TB, fsys durable.FS, name string) []byte {
	t.Helper()
	data, err := slurp(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// files gives the contents of the files in a directory and in those below it, by their names.
func files(t testing.TB, fsys durable.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return all
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			all[e.Name()] = string(read(t, fsys, path.Join(dir, e.Name())))
			continue
		}
		for name, text := range files(t, fsys, path.Join(dir, e.Name())) {
			all[e.Name()+"/"+name] = text
		}
	}
	return all
}

// mirror makes one directory the copy of another.
func mirror(t testing.TB, m *durable.Mem, from, to string) {
	t.Helper()
	for name := range files(t, m, to) {
		remove(t, m, path.Join(to, name))
	}
	for name, text := range files(t, m, from) {
		dir := to
		for _, part := range append([]string{""}, strings.Split(path.Dir(name), "/")...) {
			if dir = path.Join(dir, part); part == "." {
				continue
			}
			if err := m.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				t.Fatal(err)
			}
		}
		put(t, m, path.Join(to, name), text)
	}
	m.SyncAll()
}

func put(t testing.TB, m *durable.Mem, name, text string) {
	t.Helper()
	if err := m.Replace(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, m *durable.Mem, name string) {
	t.Helper()
	if err := m.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func inArchive(base string) string { return path.Join(testHome, segment.ArchiveDir, base) }

// examine judges the home.
func examine(t testing.TB, m *durable.Mem) *verify.Outcome {
	t.Helper()
	o := options(m, time.Hour)
	out, err := o.examine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// putBack restores from the backup.
func putBack(m *durable.Mem, from string) error {
	o := options(m, 2*time.Hour)
	p, err := PlanRestore(context.Background(), o, Restoration{From: from, Reason: "test", Operator: "ops"})
	if err != nil {
		return err
	}
	return p.Apply(context.Background(), o)
}

package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// Where the tests on a disk in memory keep things.
const (
	testHome = "/h"
	testDir  = "/b/backup"
)

// ticking is a clock that goes on by a second each time it is read.
func ticking() func() time.Time {
	at := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		at = at.Add(time.Second)
		return at
	}
}

func options(fsys durable.FS) segment.Options {
	return segment.Options{FS: fsys, Now: ticking(), LockTimeout: time.Second, Period: segment.PeriodNone, Tool: "test 1", OpenArchived: archive.Opener(fsys)}
}

// newDisk is a disk with an empty place for backups.
func newDisk(t testing.TB) *durable.Mem {
	t.Helper()
	m := durable.NewMem()
	m.SetClock(ticking()) // long ago: what a killed process left of a lock counts as dead
	check(t, m.Mkdir("/b", 0o700))
	return m
}

// fill appends so many records, and seals them, for each number but the last.
func fill(t testing.TB, m durable.FS, records ...int) {
	t.Helper()
	fillWith(t, m, "test.event", records...)
}

func fillWith(t testing.TB, m durable.FS, event string, records ...int) {
	t.Helper()
	l, err := segment.Open(testHome, options(m))
	check(t, err)
	for i, n := range records {
		for k := range n {
			_, err := l.Append(t.Context(), segment.Event{Kind: event, Payload: fmt.Appendf(nil, `{"n":%d,"pad":"%s"}`, k, strings.Repeat("x", k%50))})
			check(t, err)
		}
		if i < len(records)-1 {
			_, err := l.Rotate(t.Context())
			check(t, err)
		}
	}
	check(t, l.Close())
}

func archiveAll(t testing.TB, m durable.FS) {
	t.Helper()
	rs, err := archive.Run(t.Context(), testHome, options(m), archive.Options{Workers: 1})
	check(t, err)
	for _, r := range rs {
		check(t, r.Err)
	}
}

func take(m durable.FS) (*Result, error) {
	return Run(context.Background(), testHome, testDir, options(m), Options{Workers: 1, By: chain.Recorder{UID: 1000, User: "ops", Host: "atlas", Tool: "test 1"}})
}

func mustTake(t testing.TB, m durable.FS) *Result {
	t.Helper()
	res, err := take(m)
	check(t, err)
	return res
}

// judged is the verdict on a directory, and its head.
func judged(t testing.TB, m durable.FS, dir string) (exit int, head string) {
	t.Helper()
	r, err := verify.Run(t.Context(), verify.Options{FS: m, Home: dir, Workers: 1})
	check(t, err)
	if r.Head == nil {
		return r.Exit, ""
	}
	return r.Exit, r.Head.Hash
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, m durable.FS, name string) string {
	t.Helper()
	f, err := m.OpenFile(name, os.O_RDONLY, 0)
	check(t, err)
	text, err := io.ReadAll(f)
	check(t, errors.Join(err, f.Close()))
	return string(text)
}

// putFile makes a file, or changes one, whatever its mode.
func putFile(t testing.TB, m durable.FS, name, text string) {
	t.Helper()
	check(t, m.Replace(name, []byte(text), 0o600))
}

// contents gives the files below a directory but locks and backup.json, by name relative to it.
func contents(t testing.TB, m durable.FS, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, dir := range dirs {
		entries, err := m.ReadDir(filepath.Join(root, dir))
		if dir != "" && errors.Is(err, os.ErrNotExist) {
			continue
		}
		check(t, err)
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			if !e.IsDir() && !strings.Contains(name, "lock") && name != ManifestName {
				all[name] = readFile(t, m, filepath.Join(root, name))
			}
		}
	}
	return all
}

// sameHome fails unless two directories hold the same files, search indexes apart, which are not
// copied: whoever restores a home makes them anew.
func sameHome(t testing.TB, m durable.FS, a, b string) {
	t.Helper()
	want, got := contents(t, m, a), contents(t, m, b)
	var names []string
	for n := range want {
		names = append(names, n)
	}
	for n := range got {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		if _, form, ok := segment.ParseName(path.Base(n)); ok && form == segment.FormIndex {
			continue
		}
		w, inA := want[n]
		g, inB := got[n]
		if inA != inB || w != g {
			t.Errorf("%s: %d bytes in %s (there: %v), %d in %s (there: %v)", n, len(w), a, inA, len(g), b, inB)
		}
	}
}

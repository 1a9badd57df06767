package segment

import (
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
)

// Where the tests on a disk in memory keep things.
const (
	testHome  = "/h"
	testState = "/s"
)

// ticking is a clock that goes on by a millisecond each time it is read, by whomever.
func ticking(start string) func() time.Time {
	t, err := time.Parse(stampLayout, start)
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		t = t.Add(time.Millisecond)
		return t
	}
}

const testStart = "2026-10-05T12:34:56.788Z"

func memOptions(m *durable.Mem) Options {
	return Options{FS: m, State: testState, Now: ticking(testStart), LockTimeout: time.Second}
}

func openLog(t testing.TB, o Options) *Log {
	t.Helper()
	l, err := Open(testHome, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// closeLog also brings the mark up to date.
func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func event(n int) Event { return Event{Kind: "test.event", Payload: fmt.Appendf(nil, `{"n":%d}`, n)} }

func mustAppend(t testing.TB, l *Log, n int) chain.Record {
	t.Helper()
	r, err := l.Append(t.Context(), event(n))
	if err != nil {
		t.Fatalf("append %d: %v", n, err)
	}
	return r
}

// walkedLog is what a home holds, read by other means than the code under test.
type walkedLog struct {
	records []chain.Record
	files   []string // of each record
}

// walkHome reads the records of a home in reading order. Whatever is not a plain chain of whole
// records with right hashes, each the parent of the next, is an error.
func walkHome(fsys durable.FS, home string) (*walkedLog, error) {
	var names []string
	entries, err := fsys.ReadDir(filepath.Join(home, ArchiveDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".jsonl") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, filepath.Join(ArchiveDir, e.Name()))
		}
	}
	slices.Sort(names) // fewer than 10,000 segments
	h := &walkedLog{}
	head := chain.Genesis
	for _, name := range append(names, LiveName) {
		data, err := readAll(fsys, filepath.Join(home, name))
		if errors.Is(err, fs.ErrNotExist) && name == LiveName {
			continue
		}
		if err != nil {
			return nil, err
		}
		for i, line := range strings.SplitAfter(string(data), "\n") {
			if line == "" {
				continue
			}
			text, ended := strings.CutSuffix(line, "\n")
			r := chain.ReadLine([]byte(text))
			switch {
			case !ended:
				return h, fmt.Errorf("%s line %d has no LF", name, i+1)
			case !r.Class.Whole():
				return h, fmt.Errorf("%s line %d: %s %.60q", name, i+1, r.Why, text)
			case r.Record.Prev != head:
				return h, fmt.Errorf("%s line %d (%s) follows %s, not %s", name, i+1, r.Record.Event, r.Record.Prev.Short(), head.Short())
			}
			head = r.Record.Hash
			h.records = append(h.records, r.Record)
			h.files = append(h.files, name)
		}
	}
	return h, nil
}

func mustWalk(t testing.TB, fsys durable.FS) *walkedLog {
	t.Helper()
	h, err := walkHome(fsys, testHome)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *walkedLog) has(hash chain.Hash) bool {
	return slices.ContainsFunc(h.records, func(r chain.Record) bool { return r.Hash == hash })
}

func (h *walkedLog) count(kind string) int {
	n := 0
	for _, r := range h.records {
		if r.Event == kind {
			n++
		}
	}
	return n
}

func (h *walkedLog) kinds() string {
	var b strings.Builder
	for _, r := range h.records {
		b.WriteString(strings.TrimPrefix(r.Event, "test.") + " ")
	}
	return strings.TrimSpace(b.String())
}

func readAll(fsys durable.FS, path string) ([]byte, error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}

// addTo puts bytes at the end of a file, as somebody else than the code under test does.
func addTo(t testing.TB, fsys durable.FS, path string, data string) {
	t.Helper()
	f, err := fsys.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// listDir lists a directory.
func listDir(t testing.TB, fsys durable.FS, dir string) []string {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

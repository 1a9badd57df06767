package recovery_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// files gives mode and content of everything under a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		entry := info.Mode().String()
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			entry += fmt.Sprintf(" %d %x", len(b), sha256.Sum256(b))
		}
		all[path] = entry
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ledger is what a home holds of a log's bytes, line by line, wherever they lie: in the live log, in a
// segment, compressed or not, or set aside. An interrupted operation leaves the same bytes under two
// names; they count once.
type ledger struct {
	lines map[string]int    // how often, by content without LF
	whole map[string]string // files that are no lines, by path, and must stay as they are
}

// lines makes the ledger of a home.
func lines(t *testing.T, home string) ledger {
	t.Helper()
	l := ledger{map[string]int{}, map[string]string{}}
	seen := map[durable.FileID]bool{}
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || passing(d.Name()) {
			return err
		}
		rel, err := filepath.Rel(home, path)
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			target, err := os.Readlink(path)
			l.whole[rel] = target
			return err
		}
		info, err := durable.OS().Stat(path)
		if err != nil || seen[info.ID] {
			return err
		}
		seen[info.ID] = true
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, form, isSegment := segment.ParseName(d.Name())
		switch {
		case isSegment && form == segment.FormZstd:
			plain, whole := unpacked(path)
			if !whole {
				l.whole[rel] = string(b)
				return nil
			}
			if beside, err := os.ReadFile(filepath.Join(filepath.Dir(path), name.File(segment.FormPlain))); err == nil && bytes.Equal(beside, plain) {
				return nil
			}
			l.count(plain)
		case isSegment && form == segment.FormPlain, rel == segment.LiveName, strings.HasPrefix(rel, segment.QuarantineDir), strings.Contains(rel, ".partial"):
			l.count(b)
		default:
			l.whole[rel] = string(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// passing reports whether a file holds nothing of the log: locks, what is being written, and refused
// appends, which are counted on the chain.
func passing(name string) bool {
	switch name {
	case segment.FlockName, segment.LockName, segment.RotateLockName, ".audit.log.next":
		return true
	}
	return strings.HasPrefix(name, segment.RefusedName) || strings.HasSuffix(name, ".tmp")
}

// unpacked gives all bytes of a compressed segment; whole is false if one of them cannot be had.
func unpacked(path string) (b []byte, whole bool) {
	src, err := archive.Opener(durable.OS())(path, segment.Name{})
	if err != nil {
		return nil, false
	}
	whole = true
	for _, e := range src.Extents(1 << 20) {
		c, err := src.Read(e, nil)
		whole = whole && err == nil
		b = append(b, c.Data...)
	}
	return b, src.Close() == nil && whole
}

func (l *ledger) count(b []byte) {
	for line := range bytes.Lines(b) {
		l.lines[strings.TrimSuffix(string(line), "\n")]++
	}
}

// settled holds that what was there is there, as often as it was, and that other files are untouched.
func settled(t *testing.T, owed, has ledger) {
	t.Helper()
	for line, n := range owed.lines {
		if got := has.lines[line]; got != n {
			t.Errorf("%d times in the log and beside it, was %d: %.80q", got, n, line)
		}
	}
	for path, b := range owed.whole {
		if got, ok := has.whole[path]; !ok || got != b {
			t.Errorf("%s is not what it was: %.80q, was %.80q", path, got, b)
		}
	}
}

// kept holds that nothing that was there is gone. What a backup brings may be there twice: the damaged
// file is kept as a whole beside the one that was put in its place.
func kept(t *testing.T, owed, has ledger) {
	t.Helper()
	for line, n := range owed.lines {
		if got := has.lines[line]; got < n {
			t.Errorf("%d times in the log and beside it, was %d: %.80q", got, n, line)
		}
	}
}

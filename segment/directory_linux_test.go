package segment

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

var swapFor = flag.Duration("swap.for", time.Second, "exchange directories for so long under a writer")

// stranger is the home of another log.
type stranger struct {
	home string
	was  map[string]string
}

func newStranger(t *testing.T, segments int) stranger {
	t.Helper()
	s := stranger{home: filepath.Join(t.TempDir(), "stranger")}
	l := openOS(t, s.home, Options{LockTimeout: time.Second})
	for n := range segments {
		mustAppend(t, l, n)
		if _, err := l.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.was = filesOf(t, s.home)
	return s
}

// filesOf gives the content of each file below a directory.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(name)
		all[strings.TrimPrefix(name, dir+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// kept wants what the stranger had to be as it was; untouched, that there is nothing else, either.
func (s stranger) kept(t *testing.T, about string) (now map[string]string) {
	t.Helper()
	now = filesOf(t, s.home)
	for name, text := range s.was {
		if got, there := now[name]; !there || got != text {
			t.Errorf("%s: the stranger's %s is there: %v, with %d bytes, had %d", about, name, there, len(got), len(text))
		}
	}
	return now
}

func (s stranger) untouched(t *testing.T, about string) {
	t.Helper()
	for name := range s.kept(t, about) {
		if _, had := s.was[name]; !had {
			t.Errorf("%s: the stranger has got %s", about, name)
		}
	}
}

// exchange puts something in the place of a directory. Done again, it puts the directory back. There is no
// moment at which the name means nothing: what a writer does then is make a directory.
type exchange struct {
	name string
	ours func(home string) string // what is exchanged
	link bool                     // for a link to the stranger's, else for the stranger's itself
}

func itself(home string) string { return home }

func archiveOf(home string) string { return filepath.Join(home, ArchiveDir) }

var exchanges = []exchange{
	{"home by a link", itself, true},
	{"parent by a link", filepath.Dir, true},
	{"archive by a link", archiveOf, true},
	{"archive by a directory", archiveOf, false},
}

// of gives what exchanges the directory, each time it is called.
func (x exchange) of(t *testing.T, home string, s stranger) func() error {
	t.Helper()
	ours, theirs := x.ours(home), x.ours(s.home)
	if x.link {
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(theirs, link); err != nil {
			t.Fatal(err)
		}
		theirs = link
	}
	return func() error { return exchangeNames(ours, theirs) }
}

// swapped is a home that another process exchanges directories of, for those of a stranger with so many
// segments. Its next one is the second.
func swapped(t *testing.T, segments int) (home string, o Options, s stranger) {
	home, o = filepath.Join(t.TempDir(), "deep", "stranger"), Options{LockTimeout: time.Second, MaxBytes: 1 << 20}
	l := openOS(t, home, o)
	mustAppend(t, l, 0)
	if _, err := l.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return home, o, newStranger(t, segments)
}

// TestA14DirectoryLedElsewhere exchanges a directory under a writer that has the log open. What is done by
// name is refused, and said; once the directory is back, all goes on.
func TestA14DirectoryLedElsewhere(t *testing.T) {
	for _, x := range exchanges[:3] {
		t.Run(x.name, func(t *testing.T) {
			home, o, s := swapped(t, 3)
			l := openOS(t, home, o)
			mustAppend(t, l, 2)
			do := x.of(t, home, s)
			if err := do(); err != nil {
				t.Fatal(err)
			}
			_, err := l.Rotate(t.Context())
			if err == nil || !strings.Contains(err.Error(), home) {
				t.Errorf("a rotation: %v", err)
			}
			if x.name != "archive by a link" {
				if _, err := l.Append(t.Context(), event(3)); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "replaced by a link") {
					t.Errorf("an append: %v", err)
				}
			}
			s.untouched(t, x.name)
			if err := do(); err != nil {
				t.Fatal(err)
			}
			mustAppend(t, l, 4)
			if _, err := l.Rotate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// between is the file system, where something happens before one of the operations.
type between struct {
	durable.FS
	at    int // before which one
	do    func()
	count int
	waits bool   // until the archive is asked about
	asked string // which directory that operation asks about, if it does
}

func (b *between) step(dir string) {
	if b.waits {
		b.waits = filepath.Base(dir) != ArchiveDir
		return
	}
	if b.count++; b.count == b.at {
		b.asked = dir
		b.do()
	}
}

func (b *between) Stat(name string) (durable.Info, error) {
	if base := filepath.Base(name); base == ArchiveDir || base == "stranger" {
		b.step(name)
	}
	return b.FS.Stat(name)
}

func (b *between) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	b.step("")
	return b.FS.OpenFile(name, flag, perm)
}

func (b *between) Mkdir(name string, perm fs.FileMode) error {
	b.step("")
	return b.FS.Mkdir(name, perm)
}

func (b *between) Link(old, new string) error {
	b.step("")
	return b.FS.Link(old, new)
}

func (b *between) Rename(old, new string) error {
	b.step("")
	return b.FS.Rename(old, new)
}

func (b *between) Remove(name string) error {
	b.step("")
	return b.FS.Remove(name)
}

func (b *between) SyncDir(name string) error {
	b.step("")
	return b.FS.SyncDir(name)
}

// TestA14DirectorySwappedInRotation exchanges a directory before each step of a rotation. Nothing that the
// stranger has changes, and nothing of ours is lost; where the rotation looks which directory it is in, it
// stops, and leaves nothing there.
func TestA14DirectorySwappedInRotation(t *testing.T) {
	for _, x := range exchanges {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			looked, stopped, segments := 0, 0, 3
			if !x.link {
				segments = 1 // so that the name of ours is free there
			}
			for at := 1; ; at++ {
				home, o, s := swapped(t, segments)
				about, do, done := fmt.Sprintf("before step %d", at), x.of(t, home, s), false
				b := &between{FS: durable.OS(), at: -1}
				b.do = func() {
					if done = true; do() != nil {
						t.Errorf("%s: it cannot be exchanged", about)
					}
				}
				o.FS = b
				l := openOS(t, home, o)
				mustAppend(t, l, 2)
				b.at, b.count = at, 0
				b.waits = !x.link // what is there when a rotation looks for the archive is the archive
				_, err := l.Rotate(t.Context())
				if !done {
					break // it takes no more steps
				}
				if err := do(); err != nil {
					t.Fatal(err)
				}
				if err != nil {
					stopped++
				}
				if b.asked != "" {
					looked++
					s.untouched(t, about)
				}
				s.kept(t, about)
				mustAppend(t, openOS(t, home, Options{LockTimeout: time.Second}), 3)
				h, walkErr := walkHome(durable.OS(), home)
				if walkErr != nil || h.count("test.event") != 4 {
					t.Fatalf("%s: after %v the log has %v, %v", about, err, h, walkErr)
				}
			}
			if looked == 0 || stopped == 0 {
				t.Errorf("stopped %d times, looked %d times", stopped, looked)
			}
		})
	}
}

// TestA14ArchiveSwappedAllTheTime exchanges the archive for a link at random moments under a writer.
func TestA14ArchiveSwappedAllTheTime(t *testing.T) {
	t.Parallel()
	home, o, s := swapped(t, 3)
	do, stop := exchanges[2].of(t, home, s), make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			if err := errors.Join(do(), do()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	l := openOS(t, home, o)
	var acked []chain.Record
	stopped := 0
	for end := time.Now().Add(*swapFor); time.Now().Before(end); {
		if r, err := l.Append(context.Background(), event(len(acked))); err == nil {
			acked = append(acked, r)
		}
		if _, err := l.Rotate(context.Background()); err != nil {
			stopped++
		}
	}
	close(stop)
	swapping.Wait()
	for name := range s.kept(t, "at the end") {
		if _, had := s.was[name]; !had {
			// A segment that was being sealed has got a name here, which keeps it from being written to until
			// somebody does what the refusal says.
			if err := os.Remove(filepath.Join(s.home, name)); err != nil {
				t.Error(err)
			}
		}
	}
	mustAppend(t, openOS(t, home, o), len(acked))
	h, err := walkHome(durable.OS(), home)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range acked {
		if !h.has(r.Hash) {
			t.Fatalf("%s, which was acknowledged, is not in the log any more", r.Payload)
		}
	}
	if len(acked) == 0 {
		t.Error("nothing was appended")
	}
	t.Logf("%d appends, %d segments, %d rotations stopped", len(acked), h.count(chain.KindRotate), stopped)
}

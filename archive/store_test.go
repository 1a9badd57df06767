package archive

import (
	"bytes"
	"context"
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
	"testing/iotest"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

func TestMemStore(t *testing.T) { testStore(t, func(*testing.T) Store { return &MemStore{} }) }

func TestDirStore(t *testing.T) {
	t.Run("machine", func(t *testing.T) {
		testStore(t, func(t *testing.T) Store { return mustDirStore(t, durable.OS(), t.TempDir()) })
	})
	t.Run("memory", func(t *testing.T) {
		testStore(t, func(t *testing.T) Store { return mustDirStore(t, durable.NewMem(), "/") })
	})
}

func mustDirStore(t testing.TB, fsys durable.FS, root string) *DirStore {
	t.Helper()
	d, err := OpenDirStore(fsys, root)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// testStore is what every store must do.
func testStore(t *testing.T, open func(*testing.T) Store) {
	put := func(s Store, key, text string) error { return s.Put(t.Context(), key, strings.NewReader(text)) }
	get := func(t *testing.T, s Store, key string) string {
		t.Helper()
		r, err := s.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	t.Run("put, get, stat", func(t *testing.T) {
		s := open(t)
		long := strings.Repeat("0123456789", 300_000)
		for key, text := range map[string]string{"a": "one", "b/c": "", "b/d/e/f": long} {
			if err := put(s, key, text); err != nil {
				t.Fatal(err)
			}
			if got := get(t, s, key); got != text {
				t.Errorf("%s: %d bytes of %d", key, len(got), len(text))
			}
			if o, err := s.Stat(t.Context(), key); err != nil || o != (Object{key, int64(len(text))}) {
				t.Errorf("%s: %+v, %v", key, o, err)
			}
		}
	})
	t.Run("again", func(t *testing.T) {
		s := open(t)
		for range 2 {
			if err := put(s, "x/y", "bytes"); err != nil {
				t.Fatal(err)
			}
		}
		for _, other := range []string{"", "byte", "bytes!", "BYTES"} {
			if err := put(s, "x/y", other); !errors.Is(err, ErrConflict) {
				t.Errorf("other bytes %q: %v", other, err)
			}
		}
		if got := get(t, s, "x/y"); got != "bytes" {
			t.Errorf("it was changed to %q", got)
		}
	})
	t.Run("absent", func(t *testing.T) {
		s := open(t)
		_, err := s.Get(t.Context(), "no/such")
		_, err2 := s.Stat(t.Context(), "no/such")
		if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err2, fs.ErrNotExist) {
			t.Errorf("%v, %v", err, err2)
		}
		if all, err := s.List(t.Context(), ""); err != nil || len(all) != 0 {
			t.Errorf("%v, %v", all, err)
		}
	})
	t.Run("a reader that fails", func(t *testing.T) {
		s := open(t)
		broken := errors.New("broken")
		if err := s.Put(t.Context(), "k", io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
		if _, err := s.Stat(t.Context(), "k"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half an object is there: %v", err)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if err := s.Put(stopped, "k", strings.NewReader("some")); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end: %v", err)
		}
		if all, err := s.List(t.Context(), ""); err != nil || len(all) != 0 {
			t.Errorf("left behind: %v, %v", all, err)
		}
		if err := put(s, "k", "some more"); err != nil {
			t.Error(err)
		}
	})
	t.Run("keys", func(t *testing.T) {
		s := open(t)
		for _, key := range []string{"", "/", "a/", "/a", "a//b", ".", "..", "../a", "a/../b", "a/.b", "a\\b", "a\x00", "ä", "a b", "a/b/c/d/e", strings.Repeat("x", 201), "a\n"} {
			if err := put(s, key, "x"); !errors.Is(err, ErrKey) {
				t.Errorf("put %q: %v", key, err)
			}
			if _, err := s.Get(t.Context(), key); !errors.Is(err, ErrKey) {
				t.Errorf("get %q: %v", key, err)
			}
			if _, err := s.Stat(t.Context(), key); !errors.Is(err, ErrKey) {
				t.Errorf("stat %q: %v", key, err)
			}
		}
	})
	t.Run("list", func(t *testing.T) {
		s := open(t)
		for _, key := range []string{"b/2", "a/1", "b/1", "b-1", "ba/1", "c"} {
			if err := put(s, key, key); err != nil {
				t.Fatal(err)
			}
		}
		for prefix, want := range map[string]string{"": "a/1 b-1 b/1 b/2 ba/1 c", "b": "b-1 b/1 b/2 ba/1", "b/": "b/1 b/2", "b/2": "b/2", "d": "", "..": ""} {
			all, err := s.List(t.Context(), prefix)
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, o := range all {
				keys = append(keys, o.Key)
				if o.Size != int64(len(o.Key)) {
					t.Errorf("%+v", o)
				}
			}
			if got := strings.Join(keys, " "); got != want {
				t.Errorf("%q: %s, want %s", prefix, got, want)
			}
		}
	})
	t.Run("many at once", func(t *testing.T) {
		s := open(t)
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := map[string]int{}
		for i := range 12 {
			text := fmt.Sprint(i % 3)
			wg.Go(func() {
				err := put(s, "race/me", strings.Repeat(text, 100_000))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won[text]++
				} else if !errors.Is(err, ErrConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Errorf("put with different bytes succeeded: %v", won)
		}
		for text, n := range won {
			if n != 4 || get(t, s, "race/me") != strings.Repeat(text, 100_000) {
				t.Errorf("%d puts of the bytes that are there succeeded, want 4", n)
			}
		}
	})
}

func TestA10DirStoreHoldsOntoNothingButObjects(t *testing.T) {
	root := t.TempDir()
	s := mustDirStore(t, durable.OS(), root)
	if err := s.Put(t.Context(), "a/b", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(root, "a/link")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "a/link"); !errors.Is(err, durable.ErrNotRegular) {
		t.Errorf("a link was followed: %v", err)
	}
	if _, err := s.Stat(t.Context(), "a"); !errors.Is(err, durable.ErrNotRegular) {
		t.Errorf("a directory is an object: %v", err)
	}
	all, err := s.List(t.Context(), "")
	if err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	info, err := os.Stat(filepath.Join(root, "a/b"))
	if err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Join(root, "a"))
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := OpenDirStore(durable.OS(), filepath.Join(root, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

// A put that returned nil is on the disk after a power cut; one cut short is there whole or not at
// all, and can be put again.
func TestDirStoreSurvivesCrashes(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789abcdef"), 200)
	base := durable.NewMem()
	var acknowledged bool
	for p, stopped := range base.CrashPoints(func(m *durable.Mem) {
		acknowledged = mustDirStore(t, m, "/").Put(context.Background(), "log/a", bytes.NewReader(text)) == nil
	}) {
		for _, loss := range durable.Losses(uint64(p.After), 3) {
			disk := stopped.Crash(loss)
			s := mustDirStore(t, disk, "/")
			data, err := slurp(disk, "/log/a")
			switch {
			case err == nil && !bytes.Equal(data, text):
				t.Fatalf("crash %v, %v: half an object", p, loss)
			case err != nil && acknowledged:
				t.Fatalf("crash %v, %v: an acknowledged object is gone: %v", p, loss, err)
			}
			if err := s.Put(context.Background(), "log/a", bytes.NewReader(text)); err != nil {
				t.Fatalf("crash %v, %v: again: %v", p, loss, err)
			}
			if after := disk.Crash(durable.Loss{Kept: durable.KeptNothing}); !bytes.Equal(readFile(t, after, "/log/a"), text) {
				t.Fatalf("crash %v, %v: put again and lost", p, loss)
			}
		}
	}
}

func TestA11KeysOfSegments(t *testing.T) {
	log, raw := chain.Hash{0xab}, chain.Hash{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff}
	name := segment.Name{Number: 6, Restored: 2}
	want := []string{log.String() + "/audit-0006-r2.0123456789abcdef.jsonl.zst", log.String() + "/audit-0006-r2.0123456789abcdef.manifest.json"}
	got := []string{Key(log, name, raw, segment.FormZstd), Key(log, name, raw, segment.FormManifest)}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for _, key := range got {
		if err := checkKey(key); err != nil {
			t.Error(err)
		}
	}
}

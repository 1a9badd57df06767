package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

func TestCopyPutsWhatTheChainVouchesFor(t *testing.T) {
	m := newHome(t, 10, 20, 30, 4)
	mustRun(t, options(m))
	store := &MemStore{}
	copied, err := Copy(t.Context(), m, testHome, store)
	if err != nil || len(copied) != 3 {
		t.Fatalf("%+v, %v", copied, err)
	}
	log := mustHistory(t, m)[0].Hash
	for _, c := range copied {
		if c.Err != nil || c.Bytes == 0 || !strings.HasPrefix(c.Key, log.String()+"/audit-000") {
			t.Errorf("%+v", c)
		}
		for _, form := range []segment.Form{segment.FormZstd, segment.FormManifest} {
			key := strings.TrimSuffix(c.Key, ".jsonl.zst") + strings.TrimPrefix(c.Segment.File(form), c.Segment.String())
			r, err := store.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if data, err := io.ReadAll(r); err != nil || !bytes.Equal(data, readFile(t, m, archivePath(c.Segment.File(form)))) {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
	again, err := Copy(t.Context(), m, testHome, store)
	if err != nil || len(again) != 3 || again[0].Bytes != 0 || again[0].Err != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
}

func TestCopyRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, file, manifest []byte) ([]byte, []byte)
		wants  error
	}{
		"a flipped bit": {func(_ *testing.T, f, m []byte) ([]byte, []byte) { f[20] ^= 1; return f, m }, segment.ErrRefused},
		"another manifest": {func(_ *testing.T, f, m []byte) ([]byte, []byte) {
			return f, bytes.Replace(m, []byte(`"index":0`), []byte(`"index":1`), 1)
		}, segment.ErrRefused},
		"no manifest": {func(_ *testing.T, f, m []byte) ([]byte, []byte) { return f, []byte("{}") }, ErrManifest},
		"a newer manifest": {func(_ *testing.T, f, m []byte) ([]byte, []byte) {
			return f, bytes.Replace(m, []byte("manifest/1"), []byte("manifest/2"), 1)
		}, chain.ErrUnknownVersion},
		"something else there": {func(t *testing.T, f, m []byte) ([]byte, []byte) { return f, m }, ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			m := newHome(t, 10, 20, 30)
			mustRun(t, options(m))
			f, mf := c.damage(t, readFile(t, m, archivePath(testFile)), readFile(t, m, archivePath("audit-0001.manifest.json")))
			put(t, m, archivePath(testFile), f)
			put(t, m, archivePath("audit-0001.manifest.json"), mf)
			store := &MemStore{}
			if errors.Is(c.wants, ErrConflict) {
				v := vouched(t, mustHistory(t, m))[0]
				if err := store.Put(t.Context(), Key(v.LogID, segment.Name{Number: 1}, v.SHA256, segment.FormZstd), strings.NewReader("else")); err != nil {
					t.Fatal(err)
				}
			}
			copied, err := Copy(t.Context(), m, testHome, store)
			if err != nil || len(copied) != 2 || !errors.Is(copied[0].Err, c.wants) || copied[1].Err != nil {
				t.Errorf("%+v, %v", copied, err)
			}
		})
	}
}

// wormFS is a file system whose directory at root lets nobody remove a file, as write-once paths do.
type wormFS struct {
	durable.FS
	root string
}

func (w wormFS) Remove(name string) error {
	if strings.HasPrefix(name, w.root) {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.EPERM}
	}
	return w.FS.Remove(name)
}

// A path that forbids removing has its copies all the same, and the names that stay are told. The
// next run finds nothing left to do.
func TestCopyWhereNothingCanBeRemoved(t *testing.T) {
	m := newHome(t, 10, 20, 30)
	mustRun(t, options(m))
	if err := m.Mkdir("/worm", 0o700); err != nil {
		t.Fatal(err)
	}
	store := mustDirStore(t, wormFS{m, "/worm"}, "/worm")
	copied, err := Copy(t.Context(), m, testHome, store)
	if err != nil || len(copied) != 2 {
		t.Fatalf("%+v, %v", copied, err)
	}
	var left []string
	for _, c := range copied {
		if c.Err != nil || len(c.Left) != 2 {
			t.Errorf("%+v", c)
		}
		left = append(left, c.Left...)
	}
	for _, name := range left {
		if info, err := m.Stat(name); err != nil || info.Links != 2 {
			t.Errorf("%s: %+v, %v: want a second name of a copy", name, info, err)
		}
	}
	if all, err := store.List(t.Context(), ""); err != nil || len(all) != 4 {
		t.Errorf("the store lists %v, %v", all, err)
	}
	again, err := Copy(t.Context(), m, testHome, store)
	if err != nil || len(again) != 2 || again[0].Bytes+again[1].Bytes != 0 || len(again[0].Left)+len(again[1].Left) != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// lossyStore says that all it could not do is remove a name, and keeps other bytes.
type lossyStore struct{ MemStore }

func (l *lossyStore) Put(ctx context.Context, key string, r io.Reader) error {
	err := l.MemStore.Put(ctx, key, io.MultiReader(strings.NewReader("x"), r))
	return errors.Join(err, &LeftoverError{Name: key, Err: syscall.EPERM})
}

// Where a part of putting failed, what was put is read back before it counts as a copy.
func TestCopyReadsBackBesideALeftover(t *testing.T) {
	m := newHome(t, 10, 20)
	mustRun(t, options(m))
	copied, err := Copy(t.Context(), m, testHome, &lossyStore{})
	if err != nil || len(copied) != 1 || !errors.Is(copied[0].Err, ErrConflict) {
		t.Errorf("%+v, %v", copied, err)
	}
}

package archive

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// copiedHome is a home on disk, two of whose segments are in a store.
func copiedHome(t *testing.T) (store string, log chain.Hash) {
	t.Helper()
	home, store := filepath.Join(t.TempDir(), "home"), t.TempDir()
	o := segment.Options{Period: segment.PeriodNone, Tool: "test 1"}
	fill(t, o, home, 4, 5, 6)
	mustRunAt(t, home, o)
	if _, err := Copy(t.Context(), durable.OS(), home, mustDirStore(t, durable.OS(), store)); err != nil {
		t.Fatal(err)
	}
	logs, err := StoredLogs(durable.OS(), store)
	if err != nil || len(logs) != 1 {
		t.Fatalf("logs %v, %v", logs, err)
	}
	return store, logs[0]
}

func mustRunAt(t *testing.T, home string, o segment.Options) {
	t.Helper()
	results, err := Run(t.Context(), home, o, Options{Workers: 1})
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadStored(t *testing.T) {
	store, log := copiedHome(t)
	all, err := ReadStored(t.Context(), durable.OS(), store, log)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d segments, %v", len(all), err)
	}
	for i, s := range all {
		if s.Err != nil || s.Segment != (segment.Name{Number: int64(i) + 1}) || s.Manifest.Segment != s.Segment || s.Manifest.LogID != log {
			t.Errorf("%+v", s)
		}
		if _, err := os.Stat(s.Path); err != nil {
			t.Error(err)
		}
	}
}

// What somebody put into a store is named where it has the name of a copy, passed over where it has not,
// and in no case opened if it is no file.
func TestReadStoredOfOddFiles(t *testing.T) {
	type first struct{ dir, file, manifest string }
	good, log := copiedHome(t)
	for name, c := range map[string]struct {
		damage   func(*testing.T, first)
		manifest bool // it can still be compared with
		says     string
		err      error
	}{
		"a manifest gone":       {damage: func(t *testing.T, f first) { check(t, os.Remove(f.manifest)) }, err: fs.ErrNotExist},
		"a file gone":           {damage: func(t *testing.T, f first) { check(t, os.Remove(f.file)) }, manifest: true, says: "is gone"},
		"a file cut short":      {damage: func(t *testing.T, f first) { check(t, os.Truncate(f.file, 100)) }, manifest: true, says: "has 100 bytes"},
		"a byte flipped":        {damage: func(t *testing.T, f first) { edit(t, f.file, func(b []byte) []byte { b[70] ^= 1; return b }) }, manifest: true, says: "has the SHA-256"},
		"a manifest of nothing": {damage: func(t *testing.T, f first) { edit(t, f.manifest, func([]byte) []byte { return nil }) }, err: ErrManifest},
		"a manifest of another log": {damage: func(t *testing.T, f first) {
			edit(t, f.manifest, func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"log_id":"`+filepath.Base(f.dir)), []byte(`"log_id":"`+strings.Repeat("ab", 32)), 1)
			})
		}, says: "of log abababababab"},
		"a manifest of other bytes": {damage: func(t *testing.T, f first) {
			edit(t, f.manifest, func(b []byte) []byte {
				at := bytes.Index(b, []byte(`"sha256":"`)) + len(`"sha256":"`)
				return append(append(bytes.Clone(b[:at]), strings.Repeat("ab", 32)...), b[at+64:]...)
			})
		}, says: "with the SHA-256 abababababab"},
		"a link for a file":     {damage: func(t *testing.T, f first) { link(t, "/dev/zero", f.file) }, manifest: true, says: "not a regular file"},
		"a link for a manifest": {damage: func(t *testing.T, f first) { link(t, f.manifest+".kept", f.manifest) }, err: durable.ErrNotRegular},
		"a directory":           {damage: func(t *testing.T, f first) { check(t, os.Remove(f.file)); check(t, os.Mkdir(f.file, 0o700)) }, manifest: true, says: "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "store")
			check(t, os.CopyFS(store, os.DirFS(good)))
			all, err := ReadStored(t.Context(), durable.OS(), store, log)
			check(t, err)
			file := all[0].Path
			c.damage(t, first{filepath.Dir(file), file, strings.TrimSuffix(file, ".jsonl.zst") + ".manifest.json"})
			all, err = ReadStored(t.Context(), durable.OS(), store, log)
			if err != nil || len(all) != 2 || all[1].Err != nil {
				t.Fatalf("%+v, %v", all, err)
			}
			got := all[0]
			if got.Err == nil || c.err != nil && !errors.Is(got.Err, c.err) || !strings.Contains(got.Err.Error(), c.says) || (got.Manifest != nil) != c.manifest {
				t.Errorf("manifest %v, error %v", got.Manifest != nil, got.Err)
			}
			if c.err == nil && errors.Is(got.Err, fs.ErrNotExist) {
				t.Error("it passes for a copy that was never finished")
			}
		})
	}
	for _, name := range []string{".put-x", "audit-0001.jsonl.zst", "audit-0001.0123456789abcdeg.jsonl.zst", "audit-0001.0123456789abcdef.jsonl",
		"audit-0001.0123456789ABCDEF.jsonl.zst", "audit-1.0123456789abcdef.jsonl.zst", "notes", "audit-0001.0123456789abcdef.idx", "."} {
		if _, _, ok := parseCopy(name); ok {
			t.Errorf("%q passes for the name of a copy", name)
		}
	}
}

func TestStoredLogs(t *testing.T) {
	store, log := copiedHome(t)
	check(t, os.Symlink(store, filepath.Join(store, strings.Repeat("ab", 32))))
	check(t, os.WriteFile(filepath.Join(store, strings.Repeat("cd", 32)), nil, 0o600))
	check(t, os.Mkdir(filepath.Join(store, "lost+found"), 0o700))
	check(t, os.Mkdir(filepath.Join(store, strings.Repeat("AB", 32)), 0o700))
	if logs, err := StoredLogs(durable.OS(), store); err != nil || len(logs) != 1 || logs[0] != log {
		t.Errorf("%v, %v", logs, err)
	}
	if _, err := StoredLogs(durable.OS(), filepath.Join(store, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ReadStored(ctx, durable.OS(), store, log); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	check(t, err)
	check(t, os.Chmod(path, 0o600))
	check(t, os.WriteFile(path, f(b), 0o600))
}

// link puts a link in the place of a file, which is kept beside it.
func link(t *testing.T, to, path string) {
	t.Helper()
	check(t, os.Rename(path, path+".kept"))
	check(t, os.Symlink(to, path))
}

// FuzzCopyName: whatever a store holds, a name that is taken for a copy's is spelled as ours are.
func FuzzCopyName(f *testing.F) {
	for _, s := range []string{"audit-0007.1f2e3d4c5b6a7988.jsonl.zst", "audit-0007-r1.1f2e3d4c5b6a7988.manifest.json", "audit-0007.jsonl.zst", "audit-0007.1f2e3d4c5b6a7988.jsonl", "audit-0007.", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, base string) {
		name, digits, ok := parseCopy(base)
		if !ok {
			return
		}
		if base != name.String()+"."+digits+suffix(segment.FormZstd) && base != name.String()+"."+digits+suffix(segment.FormManifest) {
			t.Errorf("%q is taken for the copy %q of %v", base, digits, name)
		}
	})
}

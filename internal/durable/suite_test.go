package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Every behaviour that a caller can see without a crash is the same on both forms.

func TestOS(t *testing.T)  { testFS(t, OS(), func(t *testing.T) string { return t.TempDir() }) }
func TestMem(t *testing.T) { testFS(t, NewMem(), newMemDir()) }

// newMemDir gives each test a directory of its own on one disk. It is named after the test, less
// the slashes.
func newMemDir() func(*testing.T) string {
	return func(t *testing.T) string { return "/" + strings.ReplaceAll(t.Name(), "/", "-") }
}

func testFS(t *testing.T, fsys FS, newDir func(*testing.T) string) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, FS, string)
	}{
		{"exclusive create", testExclusive},
		{"create keeps what is there", testCreateExisting},
		{"append", testAppend},
		{"read and write at", testAt},
		{"access modes", testAccess},
		{"truncate", testTruncate},
		{"closed file", testClosed},
		{"names of nothing", testMissing},
		{"a directory is no file", testDirectory},
		{"a file is no directory", testFileAsDir},
		{"mkdir", testMkdir},
		{"link", testLink},
		{"rename", testRename},
		{"rename over its own link", testRenameSame},
		{"open after unlink", testUnlinked},
		{"identity", testIdentity},
		{"perms", testPerms},
		{"place", testPlace},
		{"replace", testReplace},
		{"readdir sorted", testReadDir},
		{"sync", testSync},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := newDir(t)
			if m, ok := fsys.(*Mem); ok {
				must(t, m.Mkdir(dir, 0o700))
			}
			test.run(t, fsys, dir)
		})
	}
}

func testExclusive(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	write(t, fsys, a, "one")
	_, err := fsys.OpenFile(a, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	wantErr(t, err, fs.ErrExist, a)
	wantErr(t, err, syscall.EEXIST, a)
	_, err = fsys.OpenFile(a, os.O_WRONLY|os.O_TRUNC, 0)
	wantErr(t, err, syscall.EINVAL, a)
	wantText(t, fsys, a, "one")
}

func testCreateExisting(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	write(t, fsys, a, "one")
	must(t, fsys.Chmod(a, 0o400))
	f, err := fsys.OpenFile(a, os.O_RDONLY|os.O_CREATE, 0o640)
	must(t, err)
	must(t, f.Close())
	if mode := stat(t, fsys, a).Mode; mode != 0o400 {
		t.Errorf("mode of a file that was there: %v, want 0400", mode)
	}
	wantText(t, fsys, a, "one")
}

func testAppend(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	f, err := fsys.OpenFile(a, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	must(t, err)
	defer f.Close()
	g, err := fsys.OpenFile(a, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer g.Close()
	for i, w := range []File{f, g, f, g} {
		_, err := w.Write([]byte{'a' + byte(i)})
		must(t, err)
	}
	wantText(t, fsys, a, "abcd")
	if n, err := f.WriteAt([]byte("x"), 0); n != 0 || err == nil {
		t.Errorf("WriteAt on a file opened to append: %d, %v", n, err)
	}
	// The last write by f left its offset behind the "c".
	if b, err := io.ReadAll(f); err != nil || string(b) != "d" {
		t.Errorf("read after append: %q, %v", b, err)
	}
}

func testAt(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	f, err := fsys.OpenFile(a, os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte("world"), 6)
	must(t, err)
	_, err = f.WriteAt([]byte("hello"), 0)
	must(t, err)
	wantText(t, fsys, a, "hello\x00world")
	for _, c := range []struct {
		off  int64
		size int
		want string
		err  error
	}{
		{0, 5, "hello", nil}, {6, 5, "world", nil}, {6, 6, "world", io.EOF}, {11, 1, "", io.EOF}, {99, 1, "", io.EOF}, {99, 0, "", nil},
	} {
		p := make([]byte, c.size)
		n, err := f.ReadAt(p, c.off)
		if string(p[:n]) != c.want || !errors.Is(err, c.err) {
			t.Errorf("ReadAt %d+%d: %q, %v; want %q, %v", c.off, c.size, p[:n], err, c.want, c.err)
		}
	}
	if n, err := f.ReadAt(make([]byte, 1), -1); n != 0 || err == nil {
		t.Errorf("ReadAt -1: %d, %v", n, err)
	}
	if n, err := f.WriteAt([]byte("x"), -1); n != 0 || err == nil {
		t.Errorf("WriteAt -1: %d, %v", n, err)
	}
	b, err := io.ReadAll(f) // the offset is still 0: the At methods leave it alone
	must(t, err)
	if string(b) != "hello\x00world" {
		t.Errorf("read %q", b)
	}
}

func testAccess(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	write(t, fsys, a, "one")
	r, err := fsys.OpenFile(a, os.O_RDONLY, 0)
	must(t, err)
	defer r.Close()
	_, err = r.Write([]byte("x"))
	wantErr(t, err, syscall.EBADF, a)
	wantErr(t, r.Truncate(0), syscall.EINVAL, a)
	must(t, r.Sync())
	w, err := fsys.OpenFile(a, os.O_WRONLY, 0)
	must(t, err)
	defer w.Close()
	_, err = w.Read(make([]byte, 1))
	wantErr(t, err, syscall.EBADF, a)
	_, err = w.ReadAt(make([]byte, 1), 0)
	wantErr(t, err, syscall.EBADF, a)
	if r.Name() != a || w.Name() != a {
		t.Errorf("names %q, %q; want %q", r.Name(), w.Name(), a)
	}
	wantText(t, fsys, a, "one")
}

func testTruncate(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	write(t, fsys, a, "hello")
	f, err := fsys.OpenFile(a, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer f.Close()
	must(t, f.Truncate(2))
	_, err = f.Write([]byte("y"))
	must(t, err)
	must(t, f.Truncate(5))
	wantText(t, fsys, a, "hey\x00\x00")
	wantErr(t, f.Truncate(-1), syscall.EINVAL, a)
}

func testClosed(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	f, err := fsys.OpenFile(a, os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	must(t, f.Close())
	p := []byte("x")
	_, readErr := f.Read(p)
	_, readAtErr := f.ReadAt(p, 0)
	_, writeErr := f.Write(p)
	_, writeAtErr := f.WriteAt(p, 0)
	_, statErr := f.Stat()
	for what, err := range map[string]error{
		"read": readErr, "readat": readAtErr, "write": writeErr, "writeat": writeAtErr, "stat": statErr,
		"sync": f.Sync(), "truncate": f.Truncate(0), "chmod": f.Chmod(0o600), "close": f.Close(),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s on a closed file: %v", what, err)
		}
	}
}

package durable

import (
	"bytes"
	"errors"
	"fmt"
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

// tb is what the helpers need; a *rapid.T has it too.
type tb interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func must(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr wants an error of the kind and its path in a type that carries it.
func wantErr(t tb, err, kind error, path string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got error %v, want %v", err, kind)
	}
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe) && pe.Path == path:
	case errors.As(err, &le) && (le.Old == path || le.New == path):
	default:
		t.Fatalf("error %q (%T) does not carry the path %s", err, err, path)
	}
}

func write(t tb, fsys FS, name, text string) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	must(t, err)
	n, err := f.Write([]byte(text))
	if n != len(text) || err != nil {
		t.Fatalf("write of %d bytes: %d, %v", len(text), n, err)
	}
	must(t, f.Close())
}

func read(t tb, fsys FS, name string) string {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	must(t, err)
	b, err := io.ReadAll(f)
	must(t, err)
	must(t, f.Close())
	return string(b)
}

func wantText(t tb, fsys FS, name, want string) {
	t.Helper()
	if got := read(t, fsys, name); got != want {
		t.Fatalf("%s holds %q, want %q", name, got, want)
	}
}

func wantGone(t tb, fsys FS, name string) {
	t.Helper()
	_, err := fsys.Stat(name)
	wantErr(t, err, fs.ErrNotExist, name)
}

func stat(t tb, fsys FS, name string) Info {
	t.Helper()
	info, err := fsys.Stat(name)
	must(t, err)
	return info
}

func list(t tb, fsys FS, dir string) string {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	must(t, err)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
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

func testMissing(t *testing.T, fsys FS, dir string) {
	no, deep := filepath.Join(dir, "no"), filepath.Join(dir, "no", "deeper")
	a := filepath.Join(dir, "a")
	write(t, fsys, a, "")
	for _, name := range []string{no, deep} {
		_, err := fsys.OpenFile(name, os.O_RDWR, 0)
		wantErr(t, err, fs.ErrNotExist, name)
		_, err = fsys.Stat(name)
		wantErr(t, err, fs.ErrNotExist, name)
		_, err = fsys.ReadDir(name)
		wantErr(t, err, fs.ErrNotExist, name)
		_, err = fsys.ReadMedium(name, make([]byte, 1), 0)
		if !errors.Is(err, ErrNoMedium) {
			wantErr(t, err, fs.ErrNotExist, name)
		}
		wantErr(t, fsys.Remove(name), fs.ErrNotExist, name)
		wantErr(t, fsys.Link(name, filepath.Join(dir, "b")), fs.ErrNotExist, name)
		wantErr(t, fsys.Rename(name, a), fs.ErrNotExist, name)
		wantErr(t, fsys.Chmod(name, 0o600), fs.ErrNotExist, name)
		wantErr(t, fsys.SyncDir(name), fs.ErrNotExist, name)
	}
	_, err := fsys.OpenFile(deep, os.O_RDWR|os.O_CREATE, 0o600)
	wantErr(t, err, fs.ErrNotExist, deep)
	wantErr(t, fsys.Mkdir(deep, 0o700), fs.ErrNotExist, deep)
	wantErr(t, fsys.Link(a, deep), fs.ErrNotExist, deep)
	wantErr(t, fsys.Rename(a, deep), fs.ErrNotExist, deep)
	for _, err := range []error{fsys.Place(deep, nil, 0o600), fsys.Replace(deep, nil, 0o600)} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got error %v, want not exist", err)
		}
	}
	if got := list(t, fsys, dir); got != "a" {
		t.Errorf("directory holds %q", got)
	}
}

func testDirectory(t *testing.T, fsys FS, dir string) {
	d, a := filepath.Join(dir, "d"), filepath.Join(dir, "a")
	must(t, fsys.Mkdir(d, 0o700))
	write(t, fsys, a, "one")
	for _, flag := range []int{os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREATE} {
		_, err := fsys.OpenFile(d, flag, 0o600)
		wantErr(t, err, ErrNotRegular, d)
	}
	_, err := fsys.OpenFile(d, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	wantErr(t, err, fs.ErrExist, d)
	wantErr(t, fsys.Chmod(d, 0o700), ErrNotRegular, d)
	for what, err := range map[string]error{
		"remove": fsys.Remove(d), "link": fsys.Link(d, filepath.Join(dir, "e")), "rename over": fsys.Rename(a, d),
		"replace": fsys.Replace(d, []byte("x"), 0o600), "place": fsys.Place(d, []byte("x"), 0o600),
	} {
		if err == nil {
			t.Errorf("%s worked on a directory", what)
		}
	}
	if got := list(t, fsys, dir); got != "a d" {
		t.Errorf("directory holds %q", got)
	}
	wantText(t, fsys, a, "one")
}

func testFileAsDir(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	below := filepath.Join(a, "b")
	write(t, fsys, a, "one")
	_, err := fsys.ReadDir(a)
	wantErr(t, err, syscall.ENOTDIR, a)
	wantErr(t, fsys.SyncDir(a), syscall.ENOTDIR, a)
	_, err = fsys.OpenFile(below, os.O_RDWR|os.O_CREATE, 0o600)
	wantErr(t, err, syscall.ENOTDIR, below)
	_, err = fsys.Stat(below)
	wantErr(t, err, syscall.ENOTDIR, below)
	wantErr(t, fsys.Mkdir(below, 0o700), syscall.ENOTDIR, below)
}

func testMkdir(t *testing.T, fsys FS, dir string) {
	d, a := filepath.Join(dir, "d"), filepath.Join(dir, "a")
	must(t, fsys.Mkdir(d, 0o700))
	wantErr(t, fsys.Mkdir(d, 0o700), fs.ErrExist, d)
	write(t, fsys, a, "")
	wantErr(t, fsys.Mkdir(a, 0o700), fs.ErrExist, a)
	must(t, fsys.Mkdir(filepath.Join(d, "e"), 0o700))
	if mode := stat(t, fsys, d).Mode; mode != fs.ModeDir|0o700 {
		t.Errorf("mode %v", mode)
	}
	must(t, fsys.SyncDir(d))
}

func testLink(t *testing.T, fsys FS, dir string) {
	a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	write(t, fsys, a, "one")
	write(t, fsys, b, "two")
	wantErr(t, fsys.Link(a, b), fs.ErrExist, b)
	wantErr(t, fsys.Link(a, a), fs.ErrExist, a)
	wantText(t, fsys, b, "two")
	must(t, fsys.Link(a, c))
	ia, ic := stat(t, fsys, a), stat(t, fsys, c)
	if ia.ID != ic.ID || ia.Links != 2 || ic.Links != 2 {
		t.Errorf("after link: %+v, %+v", ia, ic)
	}
	must(t, fsys.Remove(a))
	if links := stat(t, fsys, c).Links; links != 1 {
		t.Errorf("%d links after the other name went", links)
	}
	wantText(t, fsys, c, "one")
}

func testRename(t *testing.T, fsys FS, dir string) {
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, fsys, a, "one")
	write(t, fsys, b, "two")
	old, err := fsys.OpenFile(b, os.O_RDONLY, 0)
	must(t, err)
	defer old.Close()
	id := stat(t, fsys, a).ID
	must(t, fsys.Rename(a, b))
	wantGone(t, fsys, a)
	wantText(t, fsys, b, "one")
	if stat(t, fsys, b).ID != id {
		t.Error("a rename changed the file's identity")
	}
	p := make([]byte, 3)
	if _, err := old.ReadAt(p, 0); err != nil || string(p) != "two" {
		t.Errorf("the replaced file reads %q, %v", p, err)
	}
	if info, err := old.Stat(); err != nil || info.Links != 0 || info.ID == id {
		t.Errorf("the replaced file: %+v, %v", info, err)
	}
	d := filepath.Join(dir, "d")
	must(t, fsys.Mkdir(d, 0o700))
	must(t, fsys.Rename(b, filepath.Join(d, "c")))
	wantText(t, fsys, filepath.Join(d, "c"), "one")
	wantGone(t, fsys, b)
}

func testRenameSame(t *testing.T, fsys FS, dir string) {
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, fsys, a, "one")
	must(t, fsys.Link(a, b))
	must(t, fsys.Rename(a, b))
	if got := list(t, fsys, dir); got != "a b" {
		t.Errorf("directory holds %q, want both names", got)
	}
	must(t, fsys.Rename(a, a))
	wantText(t, fsys, a, "one")
}

func testUnlinked(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	write(t, fsys, a, "one")
	f, err := fsys.OpenFile(a, os.O_RDWR|os.O_APPEND, 0)
	must(t, err)
	defer f.Close()
	must(t, fsys.Remove(a))
	wantGone(t, fsys, a)
	write(t, fsys, a, "another")
	_, err = f.Write([]byte("+"))
	must(t, err)
	must(t, f.Sync())
	p := make([]byte, 4)
	if _, err := f.ReadAt(p, 0); err != nil || string(p) != "one+" {
		t.Errorf("unlinked file reads %q, %v", p, err)
	}
	info, err := f.Stat()
	must(t, err)
	if info.Links != 0 || info.Size != 4 || info.ID == stat(t, fsys, a).ID {
		t.Errorf("unlinked file: %+v", info)
	}
	wantText(t, fsys, a, "another")
}

func testIdentity(t *testing.T, fsys FS, dir string) {
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, fsys, a, "12345")
	write(t, fsys, b, "")
	ia, ib := stat(t, fsys, a), stat(t, fsys, b)
	if ia.ID == ib.ID || ia.ID.Dev != ib.ID.Dev {
		t.Errorf("ids %v, %v", ia.ID, ib.ID)
	}
	if ia.Size != 5 || ia.Links != 1 || ia.UID != uint32(os.Geteuid()) || ia.MTime <= 0 || !ia.Mode.IsRegular() {
		t.Errorf("%+v", ia)
	}
	f, err := fsys.OpenFile(a, os.O_RDONLY, 0)
	must(t, err)
	defer f.Close()
	if fromFile, err := f.Stat(); err != nil || fromFile != ia {
		t.Errorf("open file: %+v, %v; by name: %+v", fromFile, err, ia)
	}
}

func testPerms(t *testing.T, fsys FS, dir string) {
	for _, umask := range []int{0, 0o022, 0o777} {
		old := syscall.Umask(umask)
		files := map[string]fs.FileMode{"c": 0o600, "r": 0o644, "p": 0o640, "q": 0o400}
		for base, perm := range files {
			name := filepath.Join(dir, base)
			var err error
			switch base {
			case "p":
				err = fsys.Place(name, []byte("x"), perm)
			case "q":
				err = fsys.Replace(name, []byte("x"), perm)
			default:
				var f File
				if f, err = fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE, perm); err == nil {
					err = f.Close()
				}
			}
			if err != nil {
				t.Errorf("umask %03o: %v", umask, err)
			}
		}
		d := filepath.Join(dir, fmt.Sprintf("d%o", umask))
		mkdirErr := fsys.Mkdir(d, 0o750)
		syscall.Umask(old)

		must(t, mkdirErr)
		if mode := stat(t, fsys, d).Mode; mode != fs.ModeDir|0o750 {
			t.Errorf("umask %03o: mkdir gave %v", umask, mode)
		}
		for base, perm := range files {
			name := filepath.Join(dir, base)
			if mode := stat(t, fsys, name).Mode; mode != perm {
				t.Errorf("umask %03o: %s has %v, want %v", umask, base, mode, perm)
			}
			must(t, fsys.Remove(name))
		}
	}
	a := filepath.Join(dir, "a")
	write(t, fsys, a, "")
	must(t, fsys.Chmod(a, 0o400))
	f, err := fsys.OpenFile(a, os.O_RDONLY, 0)
	must(t, err)
	defer f.Close()
	if mode := stat(t, fsys, a).Mode; mode != 0o400 {
		t.Errorf("after Chmod: %v", mode)
	}
	must(t, f.Chmod(0o600))
	if mode := stat(t, fsys, a).Mode; mode != 0o600 {
		t.Errorf("after File.Chmod: %v", mode)
	}
}

func testPlace(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	must(t, fsys.Place(a, []byte("mine"), 0o600))
	wantErr(t, fsys.Place(a, []byte("other"), 0o600), fs.ErrExist, a)
	wantText(t, fsys, a, "mine")
	if got := list(t, fsys, dir); got != "a" {
		t.Errorf("directory holds %q", got)
	}
	if links := stat(t, fsys, a).Links; links != 1 {
		t.Errorf("%d links", links)
	}

	// Of many at once one wins, and nobody ever reads a part.
	big := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	b := filepath.Join(dir, "b")
	results := make(chan error)
	for range 8 {
		go func() { results <- fsys.Place(b, big, 0o600) }()
	}
	won := 0
	for range 8 {
		switch err := <-results; {
		case err == nil:
			won++
		case !errors.Is(err, fs.ErrExist):
			t.Error(err)
		}
		if got := read(t, fsys, b); got != string(big) {
			t.Errorf("read %d of %d bytes", len(got), len(big))
		}
	}
	if won != 1 {
		t.Errorf("%d of 8 placed the file", won)
	}
	if got := list(t, fsys, dir); got != "a b" {
		t.Errorf("directory holds %q", got)
	}
}

func testReplace(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	must(t, fsys.Replace(a, []byte("one"), 0o644))
	wantText(t, fsys, a, "one")
	held, err := fsys.OpenFile(a, os.O_RDONLY, 0)
	must(t, err)
	defer held.Close()
	must(t, fsys.Replace(a, []byte("two"), 0o600))
	wantText(t, fsys, a, "two")
	if mode := stat(t, fsys, a).Mode; mode != 0o600 {
		t.Errorf("mode %v, want that of the last Replace", mode)
	}
	if b, err := io.ReadAll(held); err != nil || string(b) != "one" {
		t.Errorf("the old file reads %q, %v", b, err)
	}
	if got := list(t, fsys, dir); got != "a" {
		t.Errorf("directory holds %q", got)
	}
}

func testReadDir(t *testing.T, fsys FS, dir string) {
	for _, base := range []string{"b", "audit-9999.jsonl", "a", "audit-10000.jsonl", "B"} {
		write(t, fsys, filepath.Join(dir, base), base)
	}
	must(t, fsys.Mkdir(filepath.Join(dir, "d"), 0o700))
	if got := list(t, fsys, dir); got != "B a audit-10000.jsonl audit-9999.jsonl b d" {
		t.Errorf("directory holds %q", got)
	}
	entries, err := fsys.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		switch {
		case e.IsDir() != (e.Name() == "d") || info.IsDir() != e.IsDir() || info.Name() != e.Name():
			t.Errorf("entry %v, info %v", e, info)
		case !e.IsDir() && (info.Size() != int64(len(e.Name())) || !e.Type().IsRegular()):
			t.Errorf("entry %v has size %d and type %v", e, info.Size(), e.Type())
		}
	}
	empty := filepath.Join(dir, "d")
	if got := list(t, fsys, empty); got != "" {
		t.Errorf("empty directory holds %q", got)
	}
}

func testSync(t *testing.T, fsys FS, dir string) {
	a := filepath.Join(dir, "a")
	text := strings.Repeat("0123456789", 1000)
	write(t, fsys, a, text)
	f, err := fsys.OpenFile(a, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer f.Close()
	must(t, f.Sync())
	must(t, fsys.SyncDir(dir))
	if _, err := fsys.ReadMedium(a, make([]byte, 4096), 0); errors.Is(err, ErrNoMedium) {
		t.Skip("this file system has no O_DIRECT")
	}
	for _, c := range []struct{ off, size int }{{0, 10}, {1, 10}, {4095, 2}, {4096, 4096}, {511, 1}, {9990, 10}, {9995, 100}, {10000, 5}, {20000, 5}, {0, 20000}, {5, 0}} {
		p := bytes.Repeat([]byte("?"), c.size)
		n, err := fsys.ReadMedium(a, p, int64(c.off))
		must(t, err)
		want := ""
		if c.off < len(text) {
			want = text[c.off:min(len(text), c.off+c.size)]
		}
		if string(p[:n]) != want {
			t.Errorf("ReadMedium %d+%d: %d bytes, want %d, or others", c.off, c.size, n, len(want))
		}
		if rest := p[n:]; len(bytes.Trim(rest, "?")) != 0 {
			t.Errorf("ReadMedium %d+%d wrote behind what it returned", c.off, c.size)
		}
	}
	_, err = fsys.ReadMedium(a, make([]byte, 1), -1)
	wantErr(t, err, syscall.EINVAL, a)

	// Dirty bytes count as on the way to the medium: only lost ones must not be seen.
	_, err = f.Write([]byte("!"))
	must(t, err)
	p := make([]byte, 2)
	if n, err := fsys.ReadMedium(a, p, 9999); err != nil || string(p[:n]) != "9!" {
		t.Errorf("ReadMedium of a dirty byte: %q, %v", p[:n], err)
	}
}

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

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

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

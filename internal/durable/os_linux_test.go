package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadMediumRefusal(t *testing.T) {
	const name = "/proc/self/status" // a regular file without O_DIRECT
	_, err := OS().ReadMedium(name, make([]byte, 10), 0)
	wantErr(t, err, ErrNoMedium, name)
}

// ReadMedium's buffer holds a megabyte: a longer read has seams.
func TestReadMediumLong(t *testing.T) {
	a := filepath.Join(t.TempDir(), "a")
	text := strings.Repeat("0123456", 500_000)
	write(t, OS(), a, text)
	p := make([]byte, len(text))
	if _, err := OS().ReadMedium(a, p[:4096], 0); errors.Is(err, ErrNoMedium) {
		t.Skip("this file system has no O_DIRECT")
	}
	const off = 4097
	n, err := OS().ReadMedium(a, p, off)
	must(t, err)
	if string(p[:n]) != text[off:] {
		t.Errorf("%d bytes, want %d, or others", n, len(text)-off)
	}
}

// Where the system can, Place goes without a temporary name.
func TestOSPlaceUnnamed(t *testing.T) {
	dir := t.TempDir()
	probe, err := os.OpenFile(dir, unix.O_TMPFILE|unix.O_WRONLY, 0o600)
	if err != nil {
		t.Skip("this file system has no O_TMPFILE")
	}
	must(t, probe.Close())
	a := filepath.Join(dir, "a")
	must(t, placeUnnamed(a, []byte("mine"), 0o640))
	wantErr(t, placeUnnamed(a, []byte("other"), 0o640), fs.ErrExist, a)
	wantText(t, OS(), a, "mine")
	if info := stat(t, OS(), a); info.Mode != 0o640 || info.Links != 1 {
		t.Errorf("%+v", info)
	}
	if err := placeUnnamed("/proc/a", nil, 0o600); err == nil {
		t.Error("placed a file in /proc")
	}
}

// A16: as an ordinary user, under a umask that takes every bit, things are made as asked.
func TestOSOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become somebody else")
	}
	const nobody = 65534
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o711))
	must(t, os.Chown(dir, nobody, nobody))

	// The file system uid is the thread's: this one is not given back, so it ends with the test.
	errs := make(chan error)
	go func() {
		defer close(errs)
		runtime.LockOSThread()
		if err := syscall.Setfsuid(nobody); err != nil {
			errs <- err
			return
		}
		defer syscall.Umask(syscall.Umask(0o777))
		d := filepath.Join(dir, "d")
		errs <- OS().Mkdir(d, 0o700)
		a := filepath.Join(d, "a")
		f, err := OS().OpenFile(a, os.O_WRONLY|os.O_CREATE, 0o600)
		errs <- err
		if err == nil {
			errs <- f.Close()
		}
		errs <- OS().Chmod(a, 0o400)
		if _, err := OS().OpenFile(a, os.O_WRONLY, 0); !errors.Is(err, fs.ErrPermission) {
			errs <- errors.New("a file with mode 0400 was opened for writing")
		}
		if _, err := OS().OpenFile("/etc/opscontext-test", os.O_WRONLY|os.O_CREATE, 0o600); !errors.Is(err, fs.ErrPermission) {
			errs <- errors.New("not an ordinary user after all")
		}
		errs <- OS().Place(filepath.Join(d, "b"), []byte("x"), 0o600)
		errs <- OS().Replace(filepath.Join(d, "c"), []byte("x"), 0o600)
		errs <- OS().SyncDir(d)
	}()
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	for base, want := range map[string]fs.FileMode{"d": fs.ModeDir | 0o700, "d/a": 0o400, "d/b": 0o600, "d/c": 0o600} {
		if info := stat(t, OS(), filepath.Join(dir, base)); info.Mode != want || info.UID != nobody {
			t.Errorf("%s: %v of %d, want %v of %d", base, info.Mode, info.UID, want, nobody)
		}
	}
}

func TestA28NextData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse")
	const size = 1 << 30
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	f, err := OS().OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.NextData(0); got != 0 {
		t.Errorf("at the data: %d", got)
	}
	if got := f.NextData(1 << 20); got != size && got != 1<<20 { // of a file system that does not tell
		t.Errorf("behind it: %d", got)
	}
	if got := f.NextData(size); got != size {
		t.Errorf("at the end: %d", got)
	}
	if got := f.NextData(2 * size); got != 2*size {
		t.Errorf("beyond the end: %d", got)
	}
}

package durable

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A10: nothing but a regular file is opened, and nothing hangs.
func TestA10OSRefusesOddFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(base string) string { return filepath.Join(dir, base) }
	write(t, OS(), at("target"), "precious")
	must(t, os.Symlink(at("target"), at("link")))
	must(t, os.Symlink(at("nowhere"), at("dangling")))
	must(t, os.Symlink(at("loop"), at("loop")))
	must(t, unix.Mkfifo(at("fifo"), 0o600))
	must(t, os.Mkdir(at("dir"), 0o700))
	socket, err := net.Listen("unix", at("sock"))
	must(t, err)
	defer socket.Close()

	for _, base := range []string{"link", "dangling", "loop", "fifo", "dir", "sock"} {
		for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR | os.O_CREATE, os.O_WRONLY | os.O_APPEND | os.O_CREATE} {
			err := inTime(t, func() error { _, err := OS().OpenFile(at(base), flag, 0o600); return err })
			wantErr(t, err, ErrNotRegular, at(base))
			if _, ok := errors.AsType[*fs.PathError](err); !ok {
				t.Errorf("%s: error is a %T", base, err)
			}
		}
		err := inTime(t, func() error {
			_, err := OS().OpenFile(at(base), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
			return err
		})
		wantErr(t, err, fs.ErrExist, at(base))
		wantErr(t, OS().Place(at(base), []byte("x"), 0o600), fs.ErrExist, at(base))
		wantErr(t, inTime(t, func() error { return OS().Chmod(at(base), 0o644) }), ErrNotRegular, at(base))
		err = inTime(t, func() error { _, err := OS().ReadMedium(at(base), make([]byte, 1), 0); return err })
		if !errors.Is(err, ErrNoMedium) {
			wantErr(t, err, ErrNotRegular, at(base))
		}
	}
	if _, err := os.Lstat(at("nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a dangling link was followed: %v", err)
	}
	wantText(t, OS(), at("target"), "precious")
	if mode := stat(t, OS(), at("target")).Mode; mode != 0o600 {
		t.Errorf("chmod went through a link: %v", mode)
	}
}

// inTime fails the test where an open waits for a FIFO's other end.
func inTime(t *testing.T, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(5 * time.Second):
		t.Fatal("still waiting after 5 s")
		return nil
	}
}

func TestA10OSDoesNotFollowLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	write(t, OS(), target, "precious")
	must(t, os.Symlink(target, link))

	if info := stat(t, OS(), link); info.Mode.Type() != fs.ModeSymlink {
		t.Errorf("Stat followed a link: %v", info.Mode)
	}
	second := filepath.Join(dir, "second")
	must(t, OS().Link(link, second))
	if info := stat(t, OS(), second); info.Mode.Type() != fs.ModeSymlink {
		t.Errorf("Link followed a link: %v", info.Mode)
	}
	if links := stat(t, OS(), target).Links; links != 1 {
		t.Errorf("target has %d links", links)
	}
	must(t, OS().Replace(link, []byte("new"), 0o600))
	wantText(t, OS(), link, "new")
	wantText(t, OS(), target, "precious")
	must(t, OS().Remove(second))
	wantText(t, OS(), target, "precious")

	dirLink := filepath.Join(dir, "dirlink")
	must(t, os.Symlink(t.TempDir(), dirLink))
	_, err := OS().ReadDir(dirLink)
	wantErr(t, err, syscall.ENOTDIR, dirLink)
	wantErr(t, OS().SyncDir(dirLink), syscall.ENOTDIR, dirLink)
	wantErr(t, OS().Mkdir(dirLink, 0o700), fs.ErrExist, dirLink)
}

// F22: a write that the system cuts short (here at the file size limit) is told with the count that
// landed, and whole-file writes leave neither a part under the name nor a temporary file. The limit
// is the process's, so the test runs itself again.
func TestF22OSShortWrite(t *testing.T) {
	const marker = "DURABLE_TEST_FILE_LIMIT"
	if os.Getenv(marker) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestF22OSShortWrite$", "-test.v")
		cmd.Env = append(os.Environ(), marker+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: TestF22OSShortWrite")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	write(t, OS(), b, "old")
	signal.Ignore(syscall.SIGXFSZ)
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &limit))
	low := limit
	low.Cur = 700
	must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &low))
	defer func() { must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)) }() // go test -cover writes at exit

	f, err := OS().OpenFile(a, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	must(t, err)
	n, err := f.Write(make([]byte, 1000))
	wantErr(t, err, syscall.EFBIG, a)
	if size := stat(t, OS(), a).Size; n != 700 || size != 700 {
		t.Errorf("write told %d bytes, the file has %d, want 700", n, size)
	}
	must(t, f.Close())
	for _, err := range []error{OS().Place(c, make([]byte, 1000), 0o600), OS().Replace(b, make([]byte, 1000), 0o600)} {
		if !errors.Is(err, syscall.EFBIG) {
			t.Errorf("got error %v, want %v", err, syscall.EFBIG)
		}
	}
	wantText(t, OS(), b, "old")
	if got := list(t, OS(), dir); got != "a b" {
		t.Errorf("directory holds %q", got)
	}
}

// Where an unnamed file cannot be had, Place goes by way of a temporary name, and where there are
// no hard links by a rename that refuses to replace.
func TestOSPlaceFallbacks(t *testing.T) {
	noLinks := func(old, new string) error {
		return linkError("rename", old, new, retry(func() error { return renameNoReplace(old, new) }))
	}
	for name, publish := range map[string]func(old, new string) error{"link": osFS{}.publish, "rename": noLinks} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a := filepath.Join(dir, "a")
			numbers := int64(0)
			next := func() int64 { numbers++; return numbers / 2 } // the first one comes twice
			write(t, OS(), filepath.Join(dir, ".a0"), "somebody's leftover")
			must(t, placeByLink(OS(), a, []byte("mine"), 0o640, next, publish))
			wantErr(t, placeByLink(OS(), a, []byte("other"), 0o600, next, publish), fs.ErrExist, a)
			wantText(t, OS(), a, "mine")
			if info := stat(t, OS(), a); info.Mode != 0o640 || info.Links != 1 {
				t.Errorf("%+v", info)
			}
			if got := list(t, OS(), dir); got != ".a0 a" {
				t.Errorf("directory holds %q", got)
			}
		})
	}
}

func TestLeftover(t *testing.T) {
	for _, c := range []struct {
		base, target string
		want         bool
	}{
		{".audit.lock123", "audit.lock", true},
		{".audit.lock9223372036854775807", "audit.lock", true},
		{".audit.lock", "audit.lock", false},
		{"audit.lock", "audit.lock", false},
		{"audit.lock1", "audit.lock", false},
		{".audit.lock12a", "audit.lock", false},
		{".audit.log1.tmp", "audit.log", false},
		{".audit.lock-1", "audit.lock", false},
	} {
		if got := Leftover(c.base, c.target); got != c.want {
			t.Errorf("Leftover(%q, %q) = %v", c.base, c.target, got)
		}
	}
	// What a Place that is killed leaves is recognised, whatever made it.
	m := NewMem()
	m.Inject(Fault{Op: OpLink, Err: ErrCrashed})
	if err := m.Place("/audit.lock", nil, 0o600); !errors.Is(err, ErrCrashed) {
		t.Fatal(err)
	}
	left := list(t, m.Crash(Loss{Kept: KeptCache}), "/")
	if !Leftover(left, "audit.lock") {
		t.Errorf("Place leaves %q", left)
	}
}

// F21: an errno comes through, with the path.
func TestOSErrnos(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("x", 300))
	_, err := OS().OpenFile(long, os.O_RDWR|os.O_CREATE, 0o600)
	wantErr(t, err, syscall.ENAMETOOLONG, long)
	nul := filepath.Join(dir, "a\x00b")
	_, err = OS().OpenFile(nul, os.O_RDWR|os.O_CREATE, 0o600)
	wantErr(t, err, syscall.EINVAL, nul)
	wantErr(t, OS().Link(nul, long), syscall.EINVAL, nul)
	wantErr(t, OS().Remove(long), syscall.ENAMETOOLONG, long)

	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	low := limit
	low.Cur = 0
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &low))
	a := filepath.Join(dir, "a")
	_, openErr := OS().OpenFile(a, os.O_RDWR|os.O_CREATE, 0o600)
	dirErr := OS().SyncDir(dir)
	placeErr := OS().Place(a, nil, 0o600)
	replaceErr := OS().Replace(a, nil, 0o600)
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	wantErr(t, openErr, syscall.EMFILE, a)
	wantErr(t, dirErr, syscall.EMFILE, dir)
	for _, err := range []error{placeErr, replaceErr} {
		if !errors.Is(err, syscall.EMFILE) {
			t.Errorf("got error %v, want %v", err, syscall.EMFILE)
		}
	}
	if got := list(t, OS(), dir); got != "" {
		t.Errorf("directory holds %q", got)
	}
}

// A signal that interrupts a call is not an error.
func TestRetry(t *testing.T) {
	calls := 0
	err := retry(func() error {
		if calls++; calls < 3 {
			return syscall.EINTR
		}
		return syscall.EIO
	})
	if calls != 3 || !errors.Is(err, syscall.EIO) {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// What has a bit or a kind is said to have it as package os says it.
func TestOSModes(t *testing.T) {
	dir := t.TempDir()
	at := func(base string) string { return filepath.Join(dir, base) }
	write(t, OS(), at("file"), "")
	must(t, os.Symlink("nowhere", at("link")))
	must(t, unix.Mkfifo(at("fifo"), 0o600))
	must(t, os.Mkdir(at("dir"), 0o700))
	must(t, os.Chmod(at("dir"), 0o750|os.ModeSetgid|os.ModeSticky))
	write(t, OS(), at("setuid"), "")
	must(t, os.Chmod(at("setuid"), 0o4711&0o777|os.ModeSetuid))
	socket, err := net.Listen("unix", at("sock"))
	must(t, err)
	defer socket.Close()
	for _, name := range []string{at("file"), at("link"), at("fifo"), at("dir"), at("setuid"), at("sock"), os.DevNull} {
		want, err := os.Lstat(name)
		must(t, err)
		if got := stat(t, OS(), name); got.Mode != want.Mode() || got.MTime != want.ModTime().UnixNano() {
			t.Errorf("%s: mode %v, changed at %d; want %v, %d", name, got.Mode, got.MTime, want.Mode(), want.ModTime().UnixNano())
		}
	}
	if modeOf(0) != fs.ModeIrregular || modeOf(unix.S_IFBLK|0o640) != fs.ModeDevice|0o640 {
		t.Errorf("no kind at all is %v, a disk %v", modeOf(0), modeOf(unix.S_IFBLK|0o640))
	}
}

// One open file has the lock, and whoever closes another one of the same file does not take it away.
func TestOSLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	write(t, OS(), name, "")
	open := func() File {
		t.Helper()
		f, err := OS().OpenFile(name, os.O_RDWR, 0)
		must(t, err)
		return f
	}
	try := func(f File, want bool) {
		t.Helper()
		if ok, err := f.TryLock(); ok != want || err != nil {
			t.Errorf("locked: %v, %v; want %v", ok, err, want)
		}
	}
	a, b := open(), open()
	try(a, true)
	try(b, false)
	must(t, open().Close())
	try(b, false)
	must(t, a.Unlock())
	try(b, true)
	try(a, false)
	must(t, b.Close())
	try(a, true)
	must(t, a.Close())
	_, err := a.TryLock()
	wantErr(t, err, fs.ErrClosed, name)
	wantErr(t, a.Unlock(), fs.ErrClosed, name)
}

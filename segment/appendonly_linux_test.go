package segment

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/opscontext/opscontext/internal/durable"
)

// Attributes of inodes, as chattr sets them (linux/fs.h).
const (
	getFlags      = 0x80086601 // FS_IOC_GETFLAGS
	setFlags      = 0x40086602 // FS_IOC_SETFLAGS
	flagAppend    = 0x20
	flagImmutable = 0x10
)

// chattr sets or clears an attribute, and skips the test where that cannot be done.
func chattr(t *testing.T, path string, set, clear uint32) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // opened to read
	var flags uint32
	ioctl := func(request uintptr) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(&flags))); errno != 0 {
			t.Skipf("needs root and a file system with chattr: %v", errno)
		}
	}
	ioctl(getFlags)
	flags = flags&^clear | set
	ioctl(setFlags)
}

// TestF30AppendOnlyFile gives the live log the attribute that lets it only grow: appends go on, and
// what cannot be done says how it could.
func TestF30AppendOnlyFile(t *testing.T) {
	home, o := onOS(t)
	var warnings []Warning
	o.MaxBytes = 1024
	o.Warn = func(w Warning) { warnings = append(warnings, w) }
	live := filepath.Join(home, LiveName)
	chattr(t, live, flagAppend, 0)
	t.Cleanup(func() { chattr(t, live, 0, flagAppend) })
	l := openOS(t, home, o)
	for n := range 6 {
		mustAppend(t, l, n)
	}
	if len(warnings) != 1 || warnings[0].Kind != WarnRotation {
		t.Errorf("warnings %v", warnings)
	}
	if _, err := l.Rotate(t.Context()); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "chattr -a") {
		t.Errorf("rotate: %v", err)
	}
	for _, name := range []string{nextName, filepath.Join(ArchiveDir, "audit-0001.jsonl"), RotateLockName} {
		if _, err := os.Lstat(filepath.Join(home, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
	addTo(t, durable.OS(), live, "torn")
	for range 2 {
		if _, err := l.Append(t.Context(), event(9)); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "chattr -a") {
			t.Errorf("append after a tear: %v", err)
		}
	}
	if kept, err := filepath.Glob(filepath.Join(home, tornPrefix+"*")); err != nil || len(kept) != 1 {
		t.Errorf("two tries made %v, %v", kept, err)
	}
	chattr(t, live, 0, flagAppend)
	mustAppend(t, l, 10)
	h, err := walkHome(durable.OS(), home)
	if err != nil || h.kinds() != "event event event event event event event audit.torn_tail audit.append_failed event" && h.count("audit.rotate") == 0 {
		t.Errorf("got %v, %v", h.kinds(), err)
	}
	if kept, err := filepath.Glob(filepath.Join(home, tornPrefix+"*"+keptSuffix)); err != nil || len(kept) != 1 {
		t.Errorf("kept %v, %v", kept, err)
	}
}

// A sealed segment that nobody may change any more is nobody's trouble.
func TestF30ImmutableSegment(t *testing.T) {
	home, o := onOS(t)
	l := openOS(t, home, o)
	rot, err := l.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	chattr(t, rot.Path, flagImmutable, 0)
	t.Cleanup(func() { chattr(t, rot.Path, 0, flagImmutable) })
	mustAppend(t, l, 1)
	mustAppend(t, openOS(t, home, o), 2)
	if _, err := openOS(t, home, o).Rotate(t.Context()); err != nil {
		t.Errorf("rotate: %v", err)
	}
}

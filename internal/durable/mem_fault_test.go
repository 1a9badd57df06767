package durable

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// F9: a sync that fails once leaves ghosts: readable, not on the medium, and the next sync says
// nothing about them.
func TestGhost(t *testing.T) {
	m := NewMem()
	f := open(t, m, "a")
	put(t, f, "one.")
	m.SyncAll()
	put(t, f, "two.")
	m.Inject(Fault{Op: OpSync, Name: "a", Err: syscall.EIO})
	wantErr(t, f.Sync(), syscall.EIO, "a")
	must(t, f.Sync()) // told once
	wantText(t, m, "a", "one.two.")
	p := make([]byte, 100)
	n, err := m.ReadMedium("a", p, 0)
	must(t, err)
	if string(p[:n]) != "one.\x00\x00\x00\x00" {
		t.Errorf("medium has %q", p[:n])
	}
	wantText(t, m.Crash(Loss{Kept: KeptCache}), "a", "one.two.")
	m.SyncAll()
	wantText(t, m.Crash(Loss{Kept: KeptNothing}), "a", "one.")

	// What is chained on a ghost survives with a hole before it.
	put(t, f, "three.")
	must(t, f.Sync())
	wantText(t, m.Crash(Loss{Kept: KeptNothing}), "a", "one.\x00\x00\x00\x00three.")

	// The way out: cut, and write again.
	must(t, f.Truncate(4))
	put(t, f, "TWO.")
	must(t, f.Sync())
	wantText(t, m.Crash(Loss{Kept: KeptNothing}), "a", "one.TWO.")
	if n, err = m.ReadMedium("a", p, 2); err != nil || string(p[:n]) != "e.TWO." {
		t.Errorf("medium has %q, %v", p[:n], err)
	}
}

func TestGhostOverOldBytes(t *testing.T) {
	m := NewMem()
	f := open(t, m, "a")
	put(t, f, "old old")
	m.SyncAll()
	w, err := m.OpenFile("a", os.O_RDWR, 0)
	must(t, err)
	_, err = w.WriteAt([]byte("NEW"), 0)
	must(t, err)
	m.Inject(Fault{Op: OpSync, Err: syscall.EIO})
	wantErr(t, w.Sync(), syscall.EIO, "a")
	p := make([]byte, 7)
	if n, err := m.ReadMedium("a", p, 0); n != 7 || err != nil || string(p) != "old old" {
		t.Errorf("medium has %q, %v", p[:n], err)
	}
	wantText(t, m, "a", "NEW old")
}

// The part of a failing sync that gets through is the oldest.
func TestSyncKeepsPart(t *testing.T) {
	m := NewMem()
	f := open(t, m, "a")
	m.SyncAll()
	put(t, f, "123")
	must(t, f.Truncate(2))
	put(t, f, "456")
	must(t, f.Chmod(0o400))
	m.Inject(Fault{Op: OpSync, Err: syscall.EIO, Keep: 4})
	wantErr(t, f.Sync(), syscall.EIO, "a")
	wantText(t, m, "a", "12456")
	c := m.Crash(Loss{Kept: KeptNothing})
	wantText(t, c, "a", "124")
	if mode := stat(t, c, "a").Mode; mode != 0o600 {
		t.Errorf("a failing sync made the mode durable: %v", mode)
	}
	m.SyncAll()
	if mode := stat(t, m.Crash(Loss{Kept: KeptNothing}), "a").Mode; mode != 0o400 {
		t.Errorf("a failing sync lost the mode: %v", mode)
	}
}

// A sync may also fail without dropping anything; then the medium agrees, and proves nothing.
func TestSyncStaysDirty(t *testing.T) {
	m := NewMem()
	f := open(t, m, "a")
	m.SyncAll()
	put(t, f, "123")
	m.Inject(Fault{Op: OpSync, Err: syscall.EIO, Keep: StayDirty})
	wantErr(t, f.Sync(), syscall.EIO, "a")
	p := make([]byte, 3)
	if n, err := m.ReadMedium("a", p, 0); err != nil || string(p[:n]) != "123" {
		t.Errorf("medium has %q, %v", p[:n], err)
	}
	wantText(t, m.Crash(Loss{Kept: KeptNothing}), "a", "")
	must(t, f.Sync())
	wantText(t, m.Crash(Loss{Kept: KeptNothing}), "a", "123")

	m.Inject(Fault{Op: OpWrite, Err: syscall.EIO, Keep: StayDirty}) // of a write it is nothing
	n, err := f.Write([]byte("4"))
	wantErr(t, err, syscall.EIO, "a")
	if n != 0 {
		t.Errorf("%d bytes landed", n)
	}
}

func TestFaultSelection(t *testing.T) {
	m := NewMem()
	must(t, m.Mkdir("home", 0o700))
	a, b := open(t, m, "home/audit.log"), open(t, m, "home/other")
	m.Inject(Fault{Op: OpWrite, Name: "audit.*", Skip: 1, For: 2, Err: syscall.EIO})
	m.Inject(Fault{Op: OpWrite, Name: "[", Err: syscall.EPERM}) // no pattern at all
	var got []string
	for range 4 {
		for _, f := range []File{a, b} {
			if _, err := f.Write([]byte("x")); err != nil {
				wantErr(t, err, syscall.EIO, f.Name())
				got = append(got, "-")
			} else {
				got = append(got, f.Name())
			}
		}
	}
	want := "home/audit.log home/other - home/other - home/other home/audit.log home/other"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}

	// Either name of a rename matches, other operations do not, and Always has no end.
	m.Inject(Fault{Op: OpRename, Name: "new", For: Always, Err: syscall.EXDEV})
	for range 3 {
		wantErr(t, m.Rename("home/other", "home/new"), syscall.EXDEV, "home/new")
	}
	must(t, m.Link("home/other", "home/new"))
	m.ClearFaults()
	must(t, m.Rename("home/new", "home/newer"))

	// Of two that match the first decides, and the second has not seen the operation.
	m.Inject(Fault{Op: OpSyncDir, Err: syscall.EIO})
	m.Inject(Fault{Op: OpSyncDir, Err: syscall.EROFS})
	wantErr(t, m.SyncDir("home"), syscall.EIO, "home")
	wantErr(t, m.SyncDir("home"), syscall.EROFS, "home")
	must(t, m.SyncDir("home"))
	m.Inject(Fault{Op: OpSyncDir, Skip: 1, Err: syscall.EIO})
	m.Inject(Fault{Op: OpSyncDir, Err: syscall.EROFS})
	must(t, m.SyncDir("home"))
	wantErr(t, m.SyncDir("home"), syscall.EIO, "home")
	wantErr(t, m.SyncDir("home"), syscall.EROFS, "home")
}

// F21: every operation can be made to fail, gives the errno with the path, and does nothing.
func TestFaultEverywhere(t *testing.T) {
	for kind := OpCreate; kind <= OpReadDir; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			m := NewMem()
			must(t, m.Mkdir("d", 0o700))
			f := open(t, m, "d/a")
			put(t, f, "text")
			m.SyncAll()
			m.Inject(Fault{Op: kind, Err: syscall.ENOMEM})
			var err error
			path := "d/a"
			switch p := make([]byte, 2); kind {
			case OpCreate:
				path = "d/b"
				_, err = m.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
			case OpWrite:
				_, err = f.Write(p)
			case OpTruncate:
				err = f.Truncate(0)
			case OpChmod:
				err = m.Chmod(path, 0o400)
			case OpSync:
				err = f.Sync()
			case OpSyncDir:
				path = "d"
				err = m.SyncDir(path)
			case OpLink:
				err = m.Link(path, "d/b")
			case OpRename:
				err = m.Rename(path, "d/b")
			case OpRemove:
				err = m.Remove(path)
			case OpMkdir:
				path = "d/e"
				err = m.Mkdir(path, 0o700)
			case OpOpen:
				_, err = m.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
			case OpClose:
				err = open(t, m, path).Close()
			case OpRead:
				_, err = f.ReadAt(p, 0)
			case OpReadMedium:
				_, err = m.ReadMedium(path, p, 0)
			case OpStat:
				_, err = m.Stat(path)
			case OpReadDir:
				path = "d"
				_, err = m.ReadDir(path)
			}
			wantErr(t, err, syscall.ENOMEM, path)
			if got := list(t, m, "d"); got != "a" {
				t.Errorf("directory holds %q", got)
			}
			wantText(t, m, "d/a", "text")
			if mode := stat(t, m, "d/a").Mode; mode != 0o600 {
				t.Errorf("mode %v", mode)
			}
			wantText(t, m.Crash(Loss{Kept: KeptNothing}), "d/a", "text")
		})
	}
}

func TestF22ShortWrite(t *testing.T) {
	m := NewMem()
	f := open(t, m, "a")
	m.Inject(Fault{Op: OpWrite, Err: syscall.ENOSPC, Keep: 3})
	n, err := f.Write([]byte("12345"))
	wantErr(t, err, syscall.ENOSPC, "a")
	if n != 3 {
		t.Errorf("%d bytes, want 3", n)
	}
	wantText(t, m, "a", "123")
	m.Inject(Fault{Op: OpWrite, Err: ErrCrashed, Keep: 1})
	if _, err := f.Write([]byte("45")); !errors.Is(err, ErrCrashed) || !m.Crashed() {
		t.Errorf("error %v, crashed %v", err, m.Crashed())
	}
	wantText(t, m.Crash(Loss{Kept: KeptCache}), "a", "1234")
}

// F7: a full disk takes bytes up to the last free one.
func TestQuota(t *testing.T) {
	for quota := range int64(12) {
		m := NewMem()
		write(t, m, "other", "123")
		m.SetQuota(quota)
		free := max(quota-3, 0)
		f := open(t, m, "a")
		n, err := f.Write([]byte("12345678"))
		if want := min(free, 8); int64(n) != want || (want < 8) != errors.Is(err, syscall.ENOSPC) {
			t.Errorf("quota %d: %d bytes, %v", quota, n, err)
		}
		if size := stat(t, m, "a").Size; size != int64(n) {
			t.Errorf("quota %d: the file has %d bytes", quota, size)
		}
		w, err := m.OpenFile("other", os.O_RDWR, 0)
		must(t, err)
		if _, err = w.WriteAt([]byte("abc"), 0); err != nil {
			t.Errorf("quota %d: writing in place: %v", quota, err)
		}
		if n, err := w.WriteAt([]byte("x"), 100); free < 9 && (n != 0 || !errors.Is(err, syscall.ENOSPC)) {
			t.Errorf("quota %d: writing far behind: %d, %v", quota, n, err)
		}

		// An unlinked file frees its bytes when it is closed.
		must(t, m.Remove("other"))
		must(t, m.Remove("a"))
		must(t, w.Close())
		g := open(t, m, "b")
		n, err = g.Write([]byte("123456789012"))
		if want := quota - sizeOf(t, f); int64(n) != want || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("quota %d: after removal %d bytes, want %d; %v", quota, n, want, err)
		}
		c := m.Crash(Loss{Kept: KeptCache})
		if _, err := open(t, c, "b").Write([]byte("123456789012")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("quota %d: a crash lifted the quota: %v", quota, err)
		}
		must(t, f.Close())
		m.SetQuota(-1)
		put(t, g, "123456789012")
	}
}

func sizeOf(t *testing.T, f File) int64 {
	t.Helper()
	info, err := f.Stat()
	must(t, err)
	return info.Size
}

func TestClock(t *testing.T) {
	m := NewMem()
	now := time.Unix(1000, 5)
	m.SetClock(func() time.Time { return now })
	f := open(t, m, "a")
	now = now.Add(time.Hour)
	put(t, f, "x")
	if got := stat(t, m, "a").MTime; got != now.UnixNano() {
		t.Errorf("mtime %d, want %d", got, now.UnixNano())
	}
	written := now
	now = now.Add(time.Hour)
	must(t, f.Chmod(0o400))
	must(t, f.Sync())
	if got := stat(t, m.Crash(Loss{Kept: KeptCache}), "a").MTime; got != written.UnixNano() {
		t.Errorf("mtime %d after chmod, sync and crash, want %d", got, written.UnixNano())
	}
}

// Everything at once, for the race detector; and the files end up whole.
func TestMemConcurrent(t *testing.T) {
	m := NewMem()
	const writers, records = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		f := open(t, m, "log")
		wg.Go(func() {
			for range records {
				if _, err := f.Write([]byte{'a' + byte(w), '\n'}); err != nil {
					t.Error(err)
				}
				if err := errors.Join(f.Sync(), m.Replace("state", []byte{byte(w)}, 0o600)); err != nil {
					t.Error(err)
				}
				if err := m.Place("lock", nil, 0o600); err == nil {
					if err := m.Remove("lock"); err != nil {
						t.Error(err)
					}
				} else if !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
				c := m.Crash(Loss{KeptSubset, uint64(w)})
				if _, err := c.ReadDir("/"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	lines := strings.Fields(read(t, m, "log"))
	slices.Sort(lines)
	if len(lines) != writers*records || len(slices.Compact(lines)) != writers {
		t.Errorf("%d lines, want %d", len(lines), writers*records)
	}
	if got := list(t, m, "/"); got != "log state" {
		t.Errorf("directory holds %q", got)
	}
}

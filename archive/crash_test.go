package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/crash"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// lossSeeds is how many disks of each kind are drawn from each crash point, besides all and nothing.
const lossSeeds = 1

// TestF12Crash stops a run before each operation that changes the disk and within each write, draws
// several disks from each, looks at what is there, and archives again.
func TestF12Crash(t *testing.T) {
	base := newHome(t, 4, 6, 3)
	before := mustHistory(t, base)
	plains := map[string][]byte{}
	for _, name := range []string{"audit-0001.jsonl", "audit-0002.jsonl"} {
		plains[name] = readFile(t, base, archivePath(name))
	}
	archive := func(m *durable.Mem) ([]Result, error) {
		return Run(context.Background(), testHome, options(m), Options{Workers: 1})
	}
	done := base.Crash(durable.Loss{Kept: durable.KeptCache})
	if _, err := archive(done); err != nil {
		t.Fatal(err)
	}
	count := crash.Count(t, "archive")
	for at, disk := range count.Each(base, lossSeeds, func(m *durable.Mem) {
		rs, err := archive(m)
		for _, r := range rs {
			err = errors.Join(err, r.Err)
		}
		if err != nil && !m.Crashed() {
			t.Fatalf("archiving fails without a crash: %v", err)
		}
	}) {
		if err := nothingLost(t, disk, plains); err != nil {
			t.Fatalf("crash %s: %v\n%v", at, err, listed(t, disk))
		}
		for range 2 {
			rs, err := archive(disk)
			for _, r := range rs {
				err = errors.Join(err, r.Err)
			}
			if err != nil {
				t.Fatalf("crash %s: archiving again: %v", at, err)
			}
		}
		if err := finished(t, disk, done, before); err != nil {
			t.Fatalf("crash %s: %v", at, err)
		}
	}
	count.AtLeast(t, 200)
}

// nothingLost holds at every moment: every segment is there under a name of its own, whole, and if
// only compressed, then the chain vouches for it.
func nothingLost(t *testing.T, disk *durable.Mem, plains map[string][]byte) error {
	for name, want := range plains {
		if data, err := slurp(disk, archivePath(name)); err == nil {
			if !bytes.Equal(data, want) {
				return fmt.Errorf("%s has changed", name)
			}
			continue
		}
		file, err := slurp(disk, archivePath(name+".zst"))
		if err != nil {
			return fmt.Errorf("%s is in neither form: %w", name, err)
		}
		if !bytes.Equal(unzstd(t, file), want) {
			return fmt.Errorf("%s.zst holds other bytes", name)
		}
		if !vouchedFor(vouched(t, wholeRecords(t, disk)), name, file) {
			return fmt.Errorf("%s is gone, and nothing on the chain vouches for its archive", name)
		}
	}
	return nil
}

func vouchedFor(all []chain.Archive, name string, file []byte) bool {
	for _, v := range all {
		if v.Segment == name && v.Archived == sha256.Sum256(file) {
			return true
		}
	}
	return false
}

// finished compares a home with one that was archived in one go.
func finished(t *testing.T, disk, done *durable.Mem, before []chain.Record) error {
	if got, want := strings.Join(listed(t, disk), " "), strings.Join(listed(t, done), " "); got != want {
		return fmt.Errorf("files %s, want %s", got, want)
	}
	for _, base := range listed(t, done) {
		if !bytes.Equal(readFile(t, disk, archivePath(base)), readFile(t, done, archivePath(base))) {
			return fmt.Errorf("%s differs", base)
		}
	}
	after, err := history(t, disk)
	if err != nil {
		return err
	}
	if len(after) < len(before)+2 {
		return fmt.Errorf("%d records, there were %d", len(after), len(before))
	}
	for i, r := range before {
		if after[i].Hash != r.Hash {
			return fmt.Errorf("record %d is another", i)
		}
	}
	for _, v := range vouched(t, after) {
		mf, err := slurp(disk, archivePath(strings.TrimSuffix(v.Segment, ".jsonl")+".manifest.json"))
		if err != nil {
			return err
		}
		if v.Manifest != sha256.Sum256(mf) {
			return fmt.Errorf("%s: the chain vouches for another manifest", v.Segment)
		}
	}
	return nil
}

// Every operation on a name of the archive fails once: nothing is lost, and the next run completes it,
// but for an index, which is not worth waiting for: that the next one makes that is asked to.
func TestF21FailingOperations(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		for _, op := range []durable.OpKind{durable.OpCreate, durable.OpWrite, durable.OpSync, durable.OpLink, durable.OpRename, durable.OpRemove, durable.OpSyncDir} {
			for nth := 1; nth <= 5; nth++ {
				m := newHome(t, 4, 6, 3)
				before := mustHistory(t, m)
				plains := map[string][]byte{"audit-0001.jsonl": readFile(t, m, archivePath("audit-0001.jsonl")), "audit-0002.jsonl": readFile(t, m, archivePath("audit-0002.jsonl"))}
				done := m.Crash(durable.Loss{Kept: durable.KeptCache})
				mustRun(t, options(done))
				m.Inject(durable.Fault{Op: op, Skip: 2 * (nth - 1), Err: errno})
				_, err := Run(t.Context(), testHome, options(m), Options{Workers: 1})
				at := fmt.Sprintf("%v of %v, after %d (%v)", errno, op, 2*(nth-1), err)
				if err := nothingLost(t, m, plains); err != nil {
					t.Fatalf("%s: %v", at, err)
				}
				for range 2 {
					if _, err := Run(t.Context(), testHome, options(m), Options{Workers: 1}); err != nil {
						t.Fatalf("%s: again: %v", at, err)
					}
				}
				if rs, err := Reindex(t.Context(), testHome, options(m), Options{Workers: 1}); err != nil || len(rs) != 2 {
					t.Fatalf("%s: reindex: %+v, %v", at, rs, err)
				}
				if err := finished(t, m, done, before); err != nil {
					t.Errorf("%s: %v", at, err)
				}
			}
		}
	}
}

// While one process archives, another is told so, and appends go on.
func TestOneArchiverAtATime(t *testing.T) {
	m := newHome(t, 4, 6, 3)
	l, err := segment.Open(testHome, options(m))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing is lost with it
	release, err := l.ClaimArchive()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), testHome, options(m), Options{}); !errors.Is(err, segment.ErrBusy) {
		t.Errorf("a second archiver gets %v", err)
	}
	if _, err := l.Append(t.Context(), event(1)); err != nil {
		t.Error(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if len(mustRun(t, options(m))) != 2 {
		t.Error("nothing was archived afterwards")
	}
	if _, err := m.Stat(archivePath("audit-0001.jsonl")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the plain file: %v", err)
	}
}

// The plain file goes only while both files are the ones that were compared, and never as the last of
// the plain ones that others count on from.
func TestA14PlainFileIsLookedAtAgainBeforeItGoes(t *testing.T) {
	plain, file := archivePath("audit-0001.jsonl"), archivePath("audit-0001.jsonl.zst")
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, m *durable.Mem)
		wants     error
	}{
		"plain file rewritten": {func(t *testing.T, m *durable.Mem) { put(t, m, plain, readFile(t, m, plain)) }, segment.ErrReplaced},
		"archive replaced":     {func(t *testing.T, m *durable.Mem) { put(t, m, file, readFile(t, m, file)) }, segment.ErrReplaced},
		"archive gone":         {func(t *testing.T, m *durable.Mem) { remove(t, m, file) }, fs.ErrNotExist},
		"no later segment":     {func(t *testing.T, m *durable.Mem) { remove(t, m, archivePath("audit-0002.jsonl")) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := newHome(t, 4, 3)
			l, err := segment.Open(testHome, options(m))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close() //nolint:errcheck // nothing is lost with it
			put(t, m, file, frameUp(t, readFile(t, m, plain), 2))
			r := &run{fs: m, log: l}
			if err := r.look(t.Context(), testHome); err != nil {
				t.Fatal(err)
			}
			defer r.close() //nolint:errcheck // reading only
			s := openTest(t, m, "audit-0001.jsonl.zst")
			c.meanwhile(t, m)
			if err := r.removePlain(t.Context(), r.kept[0], s); err == nil || c.wants != nil && !errors.Is(err, c.wants) {
				t.Errorf("%v", err)
			}
			if _, err := m.Stat(plain); err != nil {
				t.Errorf("the plain file: %v", err)
			}
		})
	}
}

// A medium that has other bytes than the cache shows is found out while the plain file is still there.
func TestArchiveIsReadFromTheMedium(t *testing.T) {
	m := newHome(t, 4, 3)
	tmp := temporary(segment.Name{Number: 1})
	m.Inject(durable.Fault{Op: durable.OpSync, Name: tmp, Err: syscall.EIO})
	rs, err := Run(t.Context(), testHome, options(m), Options{})
	if err != nil || len(rs) != 1 || !errors.Is(rs[0].Err, syscall.EIO) {
		t.Fatalf("%+v, %v", rs, err)
	}
	plain := readFile(t, m, archivePath("audit-0001.jsonl"))
	file := frameUp(t, plain, 2)
	put(t, m, archivePath(testFile), file)
	f, err := m.OpenFile(archivePath(testFile), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	// The right bytes are in the cache; those on the medium are from before.
	if _, err := f.WriteAt([]byte{^file[30]}, 30); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(file[30:31], 30); err != nil {
		t.Fatal(err)
	}
	m.Inject(durable.Fault{Op: durable.OpSync, Name: testFile, Err: syscall.EIO})
	if err := f.Sync(); err == nil {
		t.Fatal("the sync did not fail")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	rs, err = Run(t.Context(), testHome, options(m), Options{})
	if err != nil || len(rs) != 1 || rs[0].Err == nil || !strings.Contains(rs[0].Err.Error(), "medium") {
		t.Errorf("%+v, %v", rs, err)
	}
	if !bytes.Equal(readFile(t, m, archivePath("audit-0001.jsonl")), plain) {
		t.Error("the plain file has changed")
	}
}

// exchanged is a disk on which the directory of the segments has become another one, from some moment on.
type exchanged struct {
	*durable.Mem
	since bool
}

func (e *exchanged) Stat(name string) (durable.Info, error) {
	info, err := e.Mem.Stat(name)
	if e.since && strings.HasSuffix(name, "/"+segment.ArchiveDir) {
		info.ID.Ino++
	}
	return info, err
}

// TestA14ArchiveDirectoryReplaced exchanges the directory of the segments while one of them is compressed:
// nothing is put there, and the segment stays.
func TestA14ArchiveDirectoryReplaced(t *testing.T) {
	m := newHome(t, 4, 3)
	before := listing(t, m)
	e := &exchanged{Mem: m}
	so := options(m)
	so.FS = e
	rs, err := Run(t.Context(), testHome, so, Options{Workers: 1, Progress: func(int64, int64) { e.since = true }})
	for _, r := range rs {
		err = errors.Join(err, r.Err)
	}
	if !errors.Is(err, segment.ErrRefused) || !strings.Contains(err.Error(), "was replaced meanwhile") {
		t.Errorf("got %v", err)
	}
	if now := listing(t, m); !slices.Equal(now, before) {
		t.Errorf("there is %v, was %v", now, before)
	}
}

// listing names what is in the directory of the segments.
func listing(t *testing.T, m *durable.Mem) (names []string) {
	t.Helper()
	entries, err := m.ReadDir(testHome + "/" + segment.ArchiveDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

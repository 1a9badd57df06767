package segment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opscontext/opscontext/internal/durable"
)

// write makes files in a new home, each holding its own name as a line unless it says otherwise.
func write(t *testing.T, files ...string) string {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	for _, dir := range []string{home, filepath.Join(home, ArchiveDir)} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range files {
		put(t, filepath.Join(home, name), name+"\n")
	}
	return home
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func snap(t *testing.T, home string, o SnapshotOptions) *Snapshot {
	t.Helper()
	s, err := OpenSnapshot(home, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// texts gives what each source says, or why it says nothing.
func texts(t *testing.T, s *Snapshot) []string {
	t.Helper()
	var all []string
	err := Walk(context.Background(), s.Sources, WalkOptions{}, func(_ Position, c Chunk) (string, error) { return string(c.Data), nil },
		func(p Position, text string, err error) error {
			if err != nil {
				text = err.Error()
			}
			all = append(all, text)
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func names(s *Snapshot) []string {
	var all []string
	for _, src := range s.Sources {
		all = append(all, fmt.Sprintf("%s %v %v", src.Name(), src.Segment(), src.State()))
	}
	return all
}

func facts(s *Snapshot) []string {
	var all []string
	for _, f := range s.Facts {
		all = append(all, fmt.Sprintf("%d %s", f.Kind, f.File))
	}
	return all
}

func TestSnapshotReadsInOrder(t *testing.T) {
	home := write(t, "audit.log", "audit.lock", "audit.flock", "audit-refused.jsonl", "audit.torn-2026-01-02T03-04-05-006Z.partial", "audit-verify.json",
		"opscontext.toml", "learnings.json", "audit.log.bak", "Audit.log.old",
		"audit-archive/audit-0002.jsonl", "audit-archive/audit-0002-r10.jsonl", "audit-archive/audit-0002-r9.jsonl",
		"audit-archive/audit-10000.jsonl", "audit-archive/audit-9999.jsonl", "audit-archive/audit-0010.jsonl",
		"audit-archive/audit-0010.manifest.json", "audit-archive/audit-0010.idx",
		"audit-archive/audit-1.jsonl", "audit-archive/audit-0002-r0.jsonl", "audit-archive/audit-0002-r01.jsonl",
		"audit-archive/AUDIT-0003.jsonl", "audit-archive/audit-0002.jsonl.bak", "audit-archive/audit-00010.jsonl",
		"audit-archive/.audit-0011.jsonl.tmp", "audit-archive/.rotate-intent.json", "audit-archive/notes.txt")
	s := snap(t, home, SnapshotOptions{})
	want := []string{
		"audit-0002.jsonl audit-0002 sealed", "audit-0002-r9.jsonl audit-0002-r9 sealed", "audit-0002-r10.jsonl audit-0002-r10 sealed",
		"audit-0010.jsonl audit-0010 sealed", "audit-9999.jsonl audit-9999 sealed", "audit-10000.jsonl audit-10000 sealed",
		"audit.log audit-10001 live",
	}
	if diff := cmp.Diff(want, names(s)); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	others := []string{"Audit.log.old", "audit-archive/AUDIT-0003.jsonl", "audit-archive/audit-00010.jsonl", "audit-archive/audit-0002-r0.jsonl", "audit-archive/audit-0002-r01.jsonl",
		"audit-archive/audit-0002.jsonl.bak", "audit-archive/audit-1.jsonl", "audit-archive/notes.txt", "audit.log.bak"}
	if diff := cmp.Diff(others, s.Others); diff != "" {
		t.Errorf("others (-want +got):\n%s", diff)
	}
	if len(s.Facts) != 0 || s.Next != 10001 || !s.Exists || s.Live != s.Sources[6] {
		t.Errorf("facts %v, next %d, exists %v, live %v", s.Facts, s.Next, s.Exists, s.Live)
	}
	if got := texts(t, s)[1]; got != "audit-archive/audit-0002-r9.jsonl\n" {
		t.Errorf("second source says %q", got)
	}
}

func TestSnapshotOfLittle(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "nothing", "here")
	if s := snap(t, missing, SnapshotOptions{}); s.Exists || len(s.Sources) != 0 || s.Live != nil || s.Next != 1 {
		t.Errorf("a home that is not there: %+v", s)
	}
	empty := t.TempDir()
	if s := snap(t, empty, SnapshotOptions{}); !s.Exists || len(s.Sources) != 0 || s.Next != 1 {
		t.Errorf("an empty home: %+v", s)
	}
	put(t, filepath.Join(empty, LiveName), "")
	if s := snap(t, empty, SnapshotOptions{}); s.Live == nil || s.Live.Size() != 0 || len(s.Live.Extents(10)) != 0 {
		t.Errorf("an empty log: %+v", s)
	}
	sealedOnly := write(t, "audit-archive/audit-0007.jsonl")
	if s := snap(t, sealedOnly, SnapshotOptions{}); s.Live != nil || s.Next != 8 {
		t.Errorf("without a live log: live %v, next %d", s.Live, s.Next)
	}
	file := filepath.Join(empty, LiveName)
	if _, err := OpenSnapshot(file, SnapshotOptions{}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file for a home: %v", err)
	}
	if _, err := OpenSnapshot("", SnapshotOptions{}); err == nil {
		t.Error("no home at all was listed")
	}
}

func TestSnapshotThroughALink(t *testing.T) {
	home := write(t, "audit.log", "audit-archive/audit-0001.jsonl")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(home, link); err != nil {
		t.Fatal(err)
	}
	if s := snap(t, link, SnapshotOptions{}); len(s.Sources) != 2 || s.Home == link {
		t.Errorf("home %s, sources %v", s.Home, names(s))
	}
}

// While a rotation is under way the live log has its archive name, too.
func TestSnapshotCountsAFileOnce(t *testing.T) {
	home := write(t, "audit.log", "audit-archive/audit-0001.jsonl")
	archive := filepath.Join(home, ArchiveDir)
	if err := os.Link(filepath.Join(home, LiveName), filepath.Join(archive, "audit-0002.jsonl")); err != nil {
		t.Fatal(err)
	}
	s := snap(t, home, SnapshotOptions{})
	if got := fmt.Sprint(names(s)); got != "[audit-0001.jsonl audit-0001 sealed audit.log audit-0002 live]" || len(s.Facts) != 0 {
		t.Errorf("during a rotation: %s, facts %v", got, s.Facts)
	}
	if err := os.Link(filepath.Join(archive, "audit-0001.jsonl"), filepath.Join(archive, "audit-0003.jsonl")); err != nil {
		t.Fatal(err)
	}
	s = snap(t, home, SnapshotOptions{})
	if got := fmt.Sprint(names(s)); got != "[audit-0001.jsonl audit-0001 sealed audit.log audit-0004 live]" {
		t.Errorf("with odd links: %s", got)
	}
	if got := fmt.Sprint(facts(s)); got != fmt.Sprintf("[%[1]d audit-archive/audit-0002.jsonl %[1]d audit-archive/audit-0003.jsonl]", FactSameFile) {
		t.Errorf("facts %s", got)
	}
}

func TestA10SnapshotOpensRegularFilesOnly(t *testing.T) {
	home := write(t, "elsewhere")
	archive := filepath.Join(home, ArchiveDir)
	for name, place := range map[string]func(string) error{
		"audit-0001.jsonl":     func(p string) error { return os.Symlink(filepath.Join(home, "elsewhere"), p) },
		"audit-0002.jsonl":     func(p string) error { return os.Mkdir(p, 0o700) },
		"audit-0003.jsonl":     func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"audit-0004.jsonl.zst": func(p string) error { return os.Symlink("/dev/zero", p) },
	} {
		if err := place(filepath.Join(archive, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(home, LiveName), 0o600); err != nil {
		t.Fatal(err)
	}
	s := snap(t, home, SnapshotOptions{})
	if len(s.Sources) != 0 || s.Live != nil || s.Next != 5 {
		t.Errorf("sources %v, next %d", names(s), s.Next)
	}
	var want []string
	for _, name := range []string{"audit-archive/audit-0001.jsonl", "audit-archive/audit-0002.jsonl", "audit-archive/audit-0003.jsonl", "audit-archive/audit-0004.jsonl.zst", "audit.log"} {
		want = append(want, fmt.Sprintf("%d %s", FactNotRegular, name))
	}
	if diff := cmp.Diff(want, facts(s)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}

	linked := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(linked, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(archive, filepath.Join(linked, ArchiveDir)); err != nil {
		t.Fatal(err)
	}
	if s := snap(t, linked, SnapshotOptions{}); len(s.Facts) != 1 || s.Facts[0].Kind != FactNotRegular || s.Facts[0].File != ArchiveDir {
		t.Errorf("a linked archive directory: %+v", s.Facts)
	}
}

func TestA16SnapshotTellsOfPermissions(t *testing.T) {
	home := write(t, "audit.log", "audit-archive/audit-0001.jsonl", "audit-archive/audit-0002.jsonl")
	for name, mode := range map[string]fs.FileMode{".": 0o750, "audit.log": 0o644, "audit-archive": 0o701, "audit-archive/audit-0001.jsonl": 0o400} {
		if err := os.Chmod(filepath.Join(home, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	s := snap(t, home, SnapshotOptions{})
	want := []Fact{{FactWideMode, ".", "mode 0750"}, {FactWideMode, "audit-archive", "mode 0701"}, {FactWideMode, "audit.log", "mode 0644"}}
	if diff := cmp.Diff(want, s.Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if err := os.Chown(filepath.Join(home, "audit-archive/audit-0002.jsonl"), 4711, -1); err != nil {
		t.Skipf("only root can give a file to another owner: %v", err)
	}
	s = snap(t, home, SnapshotOptions{})
	if f := s.Facts[2]; f.Kind != FactForeignOwner || f.File != "audit-archive/audit-0002.jsonl" || !strings.Contains(f.Detail, "4711") {
		t.Errorf("foreign owner: %+v", s.Facts)
	}
}

func TestSnapshotOfCompressedSegments(t *testing.T) {
	home := write(t, "audit.log", "audit-archive/audit-0001.jsonl.zst", "audit-archive/audit-0002.jsonl.zst", "audit-archive/audit-0002.jsonl")
	s := snap(t, home, SnapshotOptions{})
	if got := fmt.Sprint(names(s)); got != "[audit-0001.jsonl audit-0001 archived audit-0002.jsonl audit-0002 sealed audit.log audit-0003 live]" {
		t.Errorf("sources %s", got)
	}
	if _, err := s.Sources[0].Read(s.Sources[0].Extents(1)[0], nil); !errors.Is(err, ErrNoArchiveReader) || !strings.Contains(err.Error(), "audit-0001.jsonl.zst") {
		t.Errorf("reading a compressed segment: %v", err)
	}
	if got := fmt.Sprint(facts(s)); got != fmt.Sprintf("[%d audit-archive/audit-0002.jsonl.zst]", FactBothForms) {
		t.Errorf("facts %s", got)
	}
	// A reader of archives takes their place, and the place of a file archived since.
	unpack := func(path string, name Name) (Source, error) {
		if want := filepath.Join(s.Home, ArchiveDir, name.File(FormZstd)); path != want {
			t.Errorf("asked for %s, want %s", path, want)
		}
		return &watched{name: name.File(FormPlain), data: []byte("unpacked " + name.String() + "\n")}, nil
	}
	s = snap(t, home, SnapshotOptions{OpenArchived: unpack})
	if err := os.Remove(filepath.Join(home, ArchiveDir, "audit-0002.jsonl")); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%q", texts(t, s)); got != `["unpacked audit-0001\n" "unpacked audit-0002\n" "audit.log\n"]` {
		t.Errorf("sources say %s", got)
	}
	// Without one, and without anything left, the reason is said.
	s = snap(t, home, SnapshotOptions{})
	put(t, filepath.Join(home, ArchiveDir, "audit-0002.jsonl"), "back\n")
	s2 := snap(t, home, SnapshotOptions{})
	for _, name := range []string{"audit-0002.jsonl", "audit-0002.jsonl.zst"} {
		if err := os.Remove(filepath.Join(home, ArchiveDir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if got := texts(t, s)[1]; !strings.Contains(got, "zstd -d") {
		t.Errorf("a compressed segment says %q", got)
	}
	if got := texts(t, s2)[1]; !strings.Contains(got, "audit-0002") || !strings.Contains(got, "no such file") {
		t.Errorf("a segment that is gone says %q", got)
	}
}

// meddling is a file system in which something happens before a directory is listed.
type meddling struct {
	durable.FS
	before func(dir string)
	opened atomic.Int64
}

func (m *meddling) ReadDir(dir string) ([]fs.DirEntry, error) {
	m.before(filepath.Base(dir))
	return m.FS.ReadDir(dir)
}

func (m *meddling) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := m.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	m.opened.Add(1)
	return counted{f, m}, nil
}

type counted struct {
	durable.File
	m *meddling
}

func (c counted) Close() error { c.m.opened.Add(-1); return c.File.Close() }

func rotate(t *testing.T, home string, n int64) {
	t.Helper()
	live, next := filepath.Join(home, LiveName), filepath.Join(home, ".next")
	put(t, next, fmt.Sprintf("after %d\n", n))
	if err := errors.Join(os.Link(live, filepath.Join(home, ArchiveDir, Name{Number: n}.File(FormPlain))), os.Rename(next, live)); err != nil {
		t.Fatal(err)
	}
}

func TestF29SnapshotDuringRotations(t *testing.T) {
	for _, during := range []string{"home", ArchiveDir} {
		home := write(t, "audit.log")
		n := int64(0)
		m := &meddling{FS: durable.OS()}
		m.before = func(dir string) {
			if dir == during && n < 3 {
				n++
				rotate(t, home, n)
			}
		}
		s, err := OpenSnapshot(home, SnapshotOptions{FS: m})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%q", texts(t, s)); got != `["audit.log\n" "after 1\n" "after 2\n" "after 3\n"]` {
			t.Errorf("rotated while %s was listed: %s", during, got)
		}
		if err := s.Close(); err != nil || m.opened.Load() != 0 {
			t.Errorf("%d files left open (%v)", m.opened.Load(), err)
		}
	}
	home := write(t, "audit.log")
	n := int64(0)
	m := &meddling{FS: durable.OS(), before: func(dir string) { n++; rotate(t, home, n) }}
	if _, err := OpenSnapshot(home, SnapshotOptions{FS: m}); err == nil || !strings.Contains(err.Error(), "try again") || m.opened.Load() != 0 {
		t.Errorf("rotated without end: %v, %d files left open", err, m.opened.Load())
	}
}

// archiver is a disk on which a segment is archived while the directory is listed: the compressed form
// comes too late for the list, and the plain one goes too early.
type archiver struct {
	*durable.Mem
	archived bool
}

func (a *archiver) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := a.Mem.ReadDir(dir)
	if err != nil || a.archived || filepath.Base(dir) != ArchiveDir {
		return entries, err
	}
	a.archived = true
	plain := filepath.Join(dir, "audit-0001.jsonl")
	err = errors.Join(a.Place(plain+".zst", []byte("zstd"), 0o400), a.Remove(plain))
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == filepath.Base(plain) }), err
}

func TestSnapshotWhileASegmentIsArchived(t *testing.T) {
	m := memHome(t, 2)
	l := openLog(t, memOptions(m))
	if _, err := l.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := snap(t, testHome, SnapshotOptions{FS: &archiver{Mem: m}})
	if len(s.Sources) != 2 || s.Sources[0].State() != StateArchived {
		t.Errorf("%d sources", len(s.Sources))
	}
}

// The snapshot's live log is the file it saw, even after a rotation, as long as it saw it.
func TestSnapshotStandsStill(t *testing.T) {
	home := write(t, "audit.log")
	s := snap(t, home, SnapshotOptions{})
	live := filepath.Join(home, LiveName)
	put(t, live, "audit.log\nappended later\n")
	rotate(t, home, 1)
	for range 2 {
		if got := texts(t, s); !slices.Equal(got, []string{"audit.log\n"}) {
			t.Errorf("got %q", got)
		}
	}
}

package adopt_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/adopt"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

func sha(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }

// onDisk copies the homes of a disk in memory to one that has FIFOs and links.
func onDisk(t *testing.T) (old string, o adopt.Options) {
	t.Helper()
	m := newOld(t, 4, 3, 5)
	dir := t.TempDir()
	old = filepath.Join(dir, "old")
	check(t, os.MkdirAll(filepath.Join(old, segment.ArchiveDir), 0o700))
	for _, name := range listed(t, m, oldArchive) {
		check(t, os.WriteFile(filepath.Join(old, segment.ArchiveDir, name), readFile(t, m, oldArchive+"/"+name), 0o400))
	}
	check(t, os.WriteFile(filepath.Join(old, segment.LiveName), readFile(t, m, oldPath+"/"+segment.LiveName), 0o600))
	return old, adopt.Options{From: old, To: filepath.Join(dir, "new"), Log: segment.Options{State: filepath.Join(dir, "state"), Now: ticking(), Tool: "test 1"}}
}

// What stands in the place of a file of the log is not followed and not left out either.
func TestA10OddFilesRefuse(t *testing.T) {
	second := filepath.Join(segment.ArchiveDir, "audit-0002.jsonl")
	for name, spoil := range map[string]func(t *testing.T, old string) error{
		"symbolic link": func(t *testing.T, old string) error {
			check(t, os.Rename(filepath.Join(old, second), filepath.Join(old, "elsewhere")))
			return os.Symlink("../elsewhere", filepath.Join(old, second))
		},
		"fifo": func(t *testing.T, old string) error {
			check(t, os.Remove(filepath.Join(old, second)))
			return syscall.Mkfifo(filepath.Join(old, second), 0o600)
		},
		"live log a directory": func(t *testing.T, old string) error {
			check(t, os.Rename(filepath.Join(old, segment.LiveName), filepath.Join(old, "elsewhere")))
			return os.Mkdir(filepath.Join(old, segment.LiveName), 0o700)
		},
		"archive damaged": func(_ *testing.T, old string) error {
			return os.WriteFile(filepath.Join(old, segment.ArchiveDir, "audit-0009.jsonl.zst"), []byte("no zstd at all"), 0o600)
		},
		"last line no record": func(t *testing.T, old string) error {
			f, err := os.OpenFile(filepath.Join(old, segment.LiveName), os.O_WRONLY|os.O_APPEND, 0)
			check(t, err)
			_, err = f.WriteString("Segmentation fault\n")
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, o := onDisk(t)
			check(t, spoil(t, old))
			if _, err := adopt.Apply(t.Context(), o); !errors.Is(err, segment.ErrRefused) {
				t.Errorf("adopted with %v", err)
			}
			if _, err := os.Stat(o.To); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the new home: %v", err)
			}
		})
	}
}

func TestUnreadableFile(t *testing.T) {
	m := newOld(t, 3, 3, 2)
	m.Inject(durable.Fault{Op: durable.OpOpen, Name: "audit-0002.jsonl", For: durable.Always, Err: syscall.EACCES})
	if _, err := adopt.Apply(t.Context(), options(m)); !errors.Is(err, segment.ErrRefused) {
		t.Errorf("adopted with %v", err)
	}
}

func TestBranchesAreNotLeftBehind(t *testing.T) {
	m := newOld(t, 3, 3, 2)
	put(t, m, oldPath+"/"+segment.ArchiveDir+"/audit-0001-b1.jsonl", readFile(t, m, oldPath+"/"+segment.ArchiveDir+"/audit-0002.jsonl"))
	if _, err := adopt.Apply(t.Context(), options(m)); !errors.Is(err, segment.ErrRefused) {
		t.Errorf("adopted with %v", err)
	}
}

// Bytes that are no record come over like any others: NULs, a line that is longer than a record can be,
// one in the middle of a file that never ended.
func TestOddBytesComeOver(t *testing.T) {
	t.Parallel()
	old, o := onDisk(t)
	path := filepath.Join(old, segment.ArchiveDir, "audit-0002.jsonl")
	text, err := os.ReadFile(path)
	check(t, err)
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	odd := bytes.Join([][]byte{first, make([]byte, 700), bytes.Repeat([]byte("x"), chain.MaxLine+3), []byte("\r"), rest}, []byte("\n"))
	odd = bytes.TrimSuffix(odd, []byte("\n"))
	check(t, os.Chmod(path, 0o644))
	check(t, os.WriteFile(path, odd, 0o644))
	o.Log.Period = segment.PeriodNone
	res, err := adopt.Apply(t.Context(), o)
	check(t, err)
	if res.Lines != 3 {
		t.Errorf("%d lines that are no records, want 3", res.Lines)
	}
	got, err := os.ReadFile(filepath.Join(o.To, segment.ArchiveDir, "audit-0002.jsonl"))
	check(t, err)
	if !bytes.Equal(got, odd) {
		t.Error("the segment has other bytes than the old one")
	}
}

// A new home that holds anything of a log is refused, and nothing is changed there.
func TestNewHomeMustBeEmpty(t *testing.T) {
	base := newOld(t, 4, 5)
	for name, there := range map[string]func(m *durable.Mem){
		"a log":             func(m *durable.Mem) { grow(t, m, newPath, 0, 3) },
		"a segment":         func(m *durable.Mem) { put(t, m, newArchive+"/audit-0007.jsonl", []byte("x\n")) },
		"another segment 1": func(m *durable.Mem) { put(t, m, newArchive+"/audit-0001.jsonl", []byte("x\n")) },
		"an archive":        func(m *durable.Mem) { put(t, m, newArchive+"/audit-0001.jsonl.zst", []byte("x\n")) },
		"refused appends":   func(m *durable.Mem) { put(t, m, newPath+"/audit-refused.jsonl", []byte("{}\n")) },
		"bytes set aside":   func(m *durable.Mem) { put(t, m, newPath+"/audit.torn-1.partial", []byte("x")) },
		"another log remembered": func(m *durable.Mem) {
			memory, err := segment.OpenMemory(m, "/state", newPath)
			check(t, err)
			check(t, memory.SetMark(segment.Mark{Incarnation: 1, Segment: 1, Offset: 9, Head: chain.Hash{1}, Records: 2}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := base.Crash(durable.Loss{Kept: durable.KeptCache})
			check(t, m.Mkdir(newPath, 0o700))
			check(t, m.Mkdir(newArchive, 0o700))
			there(m)
			before := tree(t, m, newPath)
			if _, err := adopt.Apply(t.Context(), options(m)); !errors.Is(err, segment.ErrRefused) {
				t.Errorf("adopted with %v", err)
			}
			if tree(t, m, newPath) != before {
				t.Error("the new home has changed")
			}
		})
	}
}

// A home that was moved away may be adopted into the place where it was: what is remembered of that
// place is in it.
func TestAdoptIntoTheOldPlace(t *testing.T) {
	m := newOld(t, 4, 5)
	last := records(t, m, oldPath)
	memory, err := segment.OpenMemory(m, "/state", newPath)
	check(t, err)
	check(t, memory.SetMark(segment.Mark{LogID: last[0].Hash, Incarnation: 1, Segment: 2, Offset: 9, Head: last[len(last)-1].Hash, Records: 10}))
	adoptAll(t, options(m))
	check(t, broughtOver(t, m, last))
}

func TestPlaces(t *testing.T) {
	m := newOld(t, 3)
	for name, change := range map[string]func(*adopt.Options){
		"the same home":         func(o *adopt.Options) { o.To = oldPath },
		"within the old home":   func(o *adopt.Options) { o.To = oldPath + "/new" },
		"no old home":           func(o *adopt.Options) { o.From = "/nowhere" },
		"an old home of others": func(o *adopt.Options) { o.From = "/state" },
	} {
		o := options(m)
		change(&o)
		if _, err := adopt.Apply(t.Context(), o); !errors.Is(err, segment.ErrRefused) {
			t.Errorf("%s: adopted with %v", name, err)
		}
	}
}

// What this machine remembers of the old home and is gone from it is on the chain of the new one.
func TestWhatIsGoneStaysGone(t *testing.T) {
	m := newOld(t, 4, 5)
	o := options(m)
	o.Log.Period = segment.PeriodNone
	log, err := segment.Open(oldPath, o.Log)
	check(t, err)
	_, err = log.Append(t.Context(), segment.Event{Kind: "test.event", Payload: []byte(`{}`)})
	check(t, errors.Join(err, log.Close()))
	text := readFile(t, m, oldPath+"/audit.log")
	lines := bytes.SplitAfter(text, []byte("\n"))
	put(t, m, oldPath+"/audit.log", bytes.Join(lines[:len(lines)-3], nil))
	report, err := adopt.Look(t.Context(), o)
	check(t, err)
	if report.Exit != 3 || report.Counts["rolled-back"] != 1 || report.Refused != "" {
		t.Fatalf("%+v", report)
	}
	adoptAll(t, o)
	var kinds []string
	for _, r := range records(t, m, newPath) {
		if strings.HasPrefix(r.Event, "audit.") {
			kinds = append(kinds, r.Event)
		}
	}
	if got := strings.Join(kinds, " "); !strings.Contains(got, "audit.break audit.adopt") {
		t.Errorf("on the chain there is %s", got)
	}
}

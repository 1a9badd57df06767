package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// Segments that no writer of ours leaves are archived byte for byte all the same.
func TestRunArchivesOddSegments(t *testing.T) {
	long := bytes.Repeat([]byte("y"), 3*FrameSize)
	for name, text := range map[string][]byte{
		"empty":        nil,
		"no last LF":   []byte("{}\nnot a record"),
		"blank lines":  []byte("\n\n\n"),
		"not UTF-8":    []byte("\xff\x00\r\n\xc0\n"),
		"long lines":   slices.Concat([]byte("x\n"), long, []byte("\n"), long),
		"random bytes": randomBytes(3 * FrameSize / 2),
	} {
		t.Run(name, func(t *testing.T) {
			m := newHome(t, 3, 4)
			put(t, m, archivePath("audit-0001-r1.jsonl"), text)
			rs := mustRun(t, options(m))
			if len(rs) != 2 || rs[1].Segment != (segment.Name{Number: 1, Restored: 1}) || rs[1].Bytes != int64(len(text)) {
				t.Fatalf("%+v", rs)
			}
			if _, err := m.Stat(archivePath("audit-0001-r1.jsonl")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the plain file: %v", err)
			}
			if got := unzstd(t, readFile(t, m, archivePath("audit-0001-r1.jsonl.zst"))); !bytes.Equal(got, text) {
				t.Errorf("%d bytes of %d", len(got), len(text))
			}
			s := openTest(t, m, "audit-0001-r1.jsonl.zst")
			if got, err := readAll(s); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
			}
			if mf, err := ReadManifest(m, archivePath("audit-0001-r1.manifest.json")); err != nil || mf.Index != 3 {
				t.Errorf("%+v, %v", mf, err)
			}
			if again := mustRun(t, options(m)); len(again) != 0 {
				t.Errorf("a second run finds to do: %+v", again)
			}
		})
	}
}

// randomBytes do not compress, and hold few line ends.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 32)
	}
	return b
}

// A line that no reader takes whole keeps its segment plain.
func TestRunLeavesOverlongLines(t *testing.T) {
	home := t.TempDir()
	o := segment.Options{Period: segment.PeriodNone}
	fill(t, o, home, 2, 2)
	path := filepath.Join(home, "audit-archive/audit-0001-r1.jsonl")
	if err := os.WriteFile(path, append(bytes.Repeat([]byte("z"), chain.MaxLine+2), "\nx\n"...), 0o400); err != nil {
		t.Fatal(err)
	}
	rs, err := Run(t.Context(), home, o, Options{})
	if err != nil || len(rs) != 2 || rs[0].Err != nil || rs[1].Err == nil || !strings.Contains(rs[1].Err.Error(), "stays plain") {
		t.Fatalf("%+v, %v", rs, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"audit-0001-r1.jsonl", "audit-0001.idx", "audit-0001.jsonl.zst", "audit-0001.manifest.json", "audit-0002.jsonl"}; !slices.Equal(left, want) {
		t.Errorf("files %v", left)
	}
}

// Nobody who writes waits for an archive: appends and rotations go on beside it.
func TestAppendsGoOnBesideIt(t *testing.T) {
	home := t.TempDir()
	o := segment.Options{Period: segment.PeriodNone, MaxBytes: 20_000}
	fill(t, o, home, 300, 300, 300)
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan int)
	go func() {
		n := 0
		defer func() { written <- n }()
		l, err := segment.Open(home, o)
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close() //nolint:errcheck // nothing is lost with it
		for ; ctx.Err() == nil; n++ {
			if _, err := l.Append(t.Context(), event(n)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		rs, err := Run(t.Context(), home, o, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	stop()
	n := <-written
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{OpenArchived: Opener(durable.OS())})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close() //nolint:errcheck // reading only
	head, records, archived := chain.Genesis, 0, 0
	for _, s := range snap.Sources {
		data, err := readAll(s)
		if err != nil {
			t.Fatal(err)
		}
		if s.State() == segment.StateArchived {
			archived++
		}
		for line := range bytes.Lines(data) {
			r := chain.ReadLine(bytes.TrimSuffix(line, []byte("\n")))
			if !r.Class.Whole() || r.Record.Prev != head {
				t.Fatalf("%s: %s does not follow", s.Name(), line)
			}
			head = r.Record.Hash
			if r.Record.Event != chain.KindRotate && r.Record.Event != chain.KindArchive {
				records++
			}
		}
	}
	if records != 900+n || archived < 3 {
		t.Errorf("%d records of %d, %d segments archived", records, 900+n, archived)
	}
}

// Another process that archives is told from this one by a lock of the kernel.
func TestAnotherProcessArchives(t *testing.T) {
	home := t.TempDir()
	o := segment.Options{Period: segment.PeriodNone}
	fill(t, o, home, 2, 2)
	dir, err := os.Open(filepath.Join(home, segment.ArchiveDir))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), home, o, Options{}); !errors.Is(err, segment.ErrBusy) {
		t.Errorf("%v", err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if rs, err := Run(t.Context(), home, o, Options{}); err != nil || len(rs) != 1 || rs[0].Err != nil {
		t.Errorf("%+v, %v", rs, err)
	}
}

// What a killed run leaves is no stranger to a check of the log.
func TestLeftoversAreOwnFiles(t *testing.T) {
	m := newHome(t, 3, 4)
	put(t, m, archivePath(temporary(segment.Name{Number: 1})), nil)
	put(t, m, archivePath(".audit-0001.manifest.json123"), nil)
	put(t, m, archivePath(".audit-0001.manifest.jsonx"), nil)
	snap, err := segment.OpenSnapshot(testHome, segment.SnapshotOptions{FS: m})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close() //nolint:errcheck // reading only
	if !slices.Equal(snap.Others, []string{"audit-archive/.audit-0001.manifest.jsonx"}) {
		t.Errorf("strangers: %v", snap.Others)
	}
	mustRun(t, options(m))
	if got := listed(t, m); got[0] != ".audit-0001.manifest.jsonx" || slices.ContainsFunc(got[1:], func(s string) bool { return s[0] == '.' }) {
		t.Errorf("left: %v", got)
	}
}

// A log whose first segment is archived is still known by its first record, where no rotation says
// which log it is: those of other writers do not.
func TestWriterKnowsTheLogByItsArchive(t *testing.T) {
	m := newHome(t, 3, 4)
	before := mustHistory(t, m)
	mustRun(t, options(m))
	last := before[len(before)-2].Hash // the last but the rotation
	foreign, err := chain.Seal(last, "2026-10-06T00:00:00.000Z", chain.KindRotate, chain.SystemActor, fmt.Appendf(nil,
		`{"segment":"audit-0002.jsonl","archived_records":5,"first_hash":"%v","last_hash":"%v","cutoff":"2026-10-06T00:00:00.000Z"}`, before[3].Hash, last))
	if err != nil {
		t.Fatal(err)
	}
	for damaged, want := range []chain.Hash{before[0].Hash, {}} {
		put(t, m, testHome+"/audit.log", chain.AppendLine(nil, &foreign))
		if damaged == 1 {
			put(t, m, archivePath("audit-0001.jsonl.zst"), []byte("no archive"))
		}
		o := options(m)
		o.OpenArchived = Opener(m)
		l, err := segment.Open(testHome, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(t.Context(), event(1)); err != nil {
			t.Fatal(err)
		}
		rot, err := l.Rotate(t.Context())
		if err != nil || rot.Sealed.LogID != want {
			t.Errorf("log id %v, want %v (%v)", rot.Sealed.LogID, want, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

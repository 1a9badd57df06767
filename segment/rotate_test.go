package segment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

func rotatePayload(t *testing.T, r chain.Record) chain.Rotate {
	t.Helper()
	v, _, err := ecmajson.Parse(r.Payload, chain.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	p, err := chain.ParseRotate(r.Event, v)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// checkRotations compares every audit.rotate with the segment that it names.
func checkRotations(t *testing.T, h *walkedLog) {
	t.Helper()
	byFile := map[string][]chain.Record{}
	for i, r := range h.records {
		byFile[h.files[i]] = append(byFile[h.files[i]], r)
	}
	for file, records := range byFile {
		first := records[0]
		if first.Event != chain.KindRotate {
			if first.Prev != chain.Genesis {
				t.Errorf("%s does not start with an audit.rotate", file)
			}
			continue
		}
		p := rotatePayload(t, first)
		sealed := byFile[filepath.Join(ArchiveDir, p.Segment)]
		if len(sealed) == 0 {
			t.Errorf("%s says that %s was sealed, which is not there", file, p.Segment)
			continue
		}
		if p.Records != int64(len(sealed)) || p.FirstHash != sealed[0].Hash || p.LastHash != sealed[len(sealed)-1].Hash || p.LogID != h.records[0].Hash || p.Incarnation != 1 {
			t.Errorf("%s says of %s: %+v", file, p.Segment, p)
		}
	}
}

func TestRotateBySize(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	o.MaxBytes = 2000
	l := openLog(t, o)
	for n := range 30 {
		mustAppend(t, l, n)
	}
	h := mustWalk(t, m)
	checkRotations(t, h)
	if h.count("test.event") != 30 || h.count(chain.KindRotate) < 4 {
		t.Errorf("got %s", h.kinds())
	}
	for _, name := range listDir(t, m, testHome+"/audit-archive") {
		info, err := m.Stat(testHome + "/audit-archive/" + name)
		if err != nil || info.Size > 2000 || info.Mode.Perm() != 0o400 || info.Links != 1 {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
	}
	for _, r := range h.records {
		if r.Event == chain.KindRotate && rotatePayload(t, r).Reason != chain.ReasonSize {
			t.Errorf("payload %s", r.Payload)
		}
	}
}

func TestRotateABatchInTheMiddle(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	o.MaxBytes = 2000
	l := openLog(t, o)
	var es []Event
	for n := range 30 {
		es = append(es, event(n))
	}
	rs, err := l.AppendBatch(t.Context(), es)
	if err != nil || len(rs) != 30 {
		t.Fatalf("%d records, %v", len(rs), err)
	}
	h := mustWalk(t, m)
	checkRotations(t, h)
	if h.count(chain.KindRotate) < 4 {
		t.Errorf("got %s", h.kinds())
	}
}

func TestRotateRecordIsStampedAsItsTrigger(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	o.MaxBytes = 1024
	l := openLog(t, o)
	for n := range 6 {
		r := mustAppend(t, l, n)
		h := mustWalk(t, m)
		if before := h.records[max(0, len(h.records)-2)]; before.Event == chain.KindRotate && before.TS != r.TS {
			t.Errorf("audit.rotate is stamped %s, what follows %s", before.TS, r.TS)
		}
	}
}

func TestRotateByPeriod(t *testing.T) {
	for _, tt := range []struct {
		period Period
		times  []string
		want   string
	}{
		{PeriodYear, []string{"2026-12-31T23:59:59.000Z", "2027-01-01T00:00:00.000Z", "2027-12-01T00:00:00.000Z"}, "event audit.rotate event event"},
		{PeriodMonth, []string{"2026-12-31T23:59:59.000Z", "2027-01-01T00:00:00.000Z", "2027-12-01T00:00:00.000Z"}, "event audit.rotate event audit.rotate event"},
		{PeriodNone, []string{"2026-12-31T23:59:59.000Z", "2027-01-01T00:00:00.000Z"}, "event event"},
		{PeriodYear, []string{"2027-01-01T00:00:00.000Z", "2026-12-31T23:59:59.000Z", "2027-01-01T00:00:01.000Z"}, "event event audit.rotate event"},
		{PeriodYear, []string{"2099-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z", "2027-01-01T00:00:01.000Z"}, "event event event"},
	} {
		m := durable.NewMem()
		for n, ts := range tt.times {
			o := memOptions(m)
			o.Period, o.Now = tt.period, ticking(ts)
			mustAppend(t, openLog(t, o), n)
		}
		h := mustWalk(t, m)
		checkRotations(t, h)
		if h.kinds() != tt.want {
			t.Errorf("%v %v: %s, want %s", tt.period, tt.times, h.kinds(), tt.want)
		}
	}
}

func TestB4LongRecordHasASegmentToItself(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	o.MaxBytes = 1024
	l := openLog(t, o)
	long := Event{Kind: "long", Payload: fmt.Appendf(nil, `"%s"`, strings.Repeat("y", 3000))}
	for n := range 3 {
		mustAppend(t, l, n)
		if _, err := l.Append(t.Context(), long); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Append(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	h := mustWalk(t, m)
	checkRotations(t, h)
	if want := strings.Repeat("event audit.rotate long audit.rotate ", 3) + "long"; h.kinds() != want {
		t.Errorf("got  %s\nwant %s", h.kinds(), want)
	}
}

func TestRotateByHand(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	if _, err := l.Rotate(t.Context()); !errors.Is(err, ErrRefused) {
		t.Errorf("rotating nothing: %v", err)
	}
	if len(listDir(t, m, testHome+"/audit-archive")) != 0 {
		t.Error("something was sealed")
	}
	first, second := mustAppend(t, l, 0), mustAppend(t, l, 1)
	rot, err := l.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := rotatePayload(t, rot.Record)
	if rot.Segment != (Name{1, 0}) || rot.Path != testHome+"/audit-archive/audit-0001.jsonl" || rot.Reason != chain.ReasonManual || p != rot.Sealed ||
		p.FirstHash != first.Hash || p.LastHash != second.Hash || p.Reason != chain.ReasonManual || rot.Record.Prev != second.Hash {
		t.Errorf("got %+v, payload %+v", rot, p)
	}
	if info, err := m.Stat(rot.Path); err != nil || info.Size != rot.Bytes {
		t.Errorf("sealed %+v, %v", info, err)
	}
	if _, err := l.Rotate(t.Context()); !errors.Is(err, ErrRefused) {
		t.Errorf("rotating a segment that holds its audit.rotate alone: %v", err)
	}
	mustAppend(t, l, 2)
	checkRotations(t, mustWalk(t, m))
}

func TestRotateNumbers(t *testing.T) {
	for _, tt := range []struct {
		about string
		files []string
		want  string
	}{
		{"none", nil, "audit-0001.jsonl"},
		{"highest and one", []string{"audit-0001.jsonl", "audit-0003.jsonl"}, "audit-0004.jsonl"},
		{"a restored block has the number before it", []string{"audit-0003-r7.jsonl"}, "audit-0004.jsonl"},
		{"as numbers", []string{"audit-9999.jsonl", "audit-10000.jsonl"}, "audit-10001.jsonl"},
		{"a manifest alone", []string{"audit-0006.manifest.json"}, "audit-0007.jsonl"},
		{"a compressed segment", []string{"audit-0006.jsonl.zst"}, "audit-0007.jsonl"},
		{"others", []string{"audit-77.jsonl", "audit-0088.jsonl.bak"}, "audit-0001.jsonl"},
	} {
		m := durable.NewMem()
		l := openLog(t, memOptions(m))
		mustAppend(t, l, 0)
		if err := m.Mkdir(testHome+"/audit-archive", 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range tt.files {
			addTo(t, m, testHome+"/audit-archive/"+name, "")
		}
		rot, err := l.Rotate(t.Context())
		if err != nil || filepath.Base(rot.Path) != tt.want || rot.Sealed.Segment != tt.want {
			t.Errorf("%s: %v, %v, want %s", tt.about, rot.Path, err, tt.want)
		}
	}
}

// A number that was used is not used again, even when its files are gone.
func TestRotateNumbersAreNotReused(t *testing.T) {
	for name, forget := range map[string]func(*durable.Mem){"by the mark": func(*durable.Mem) {}, "by the log": func(m *durable.Mem) { removeMarks(t, m) }} {
		t.Run(name, func(t *testing.T) {
			m := durable.NewMem()
			l := openLog(t, memOptions(m))
			for n := range 3 {
				mustAppend(t, l, n)
				if _, err := l.Rotate(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			mustAppend(t, l, 3)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			forget(m)
			for _, name := range []string{"audit-0002.jsonl", "audit-0003.jsonl"} {
				if err := m.Remove(testHome + "/audit-archive/" + name); err != nil {
					t.Fatal(err)
				}
			}
			rot, err := openLog(t, memOptions(m)).Rotate(t.Context())
			if err != nil || rot.Segment.Number != 4 {
				t.Errorf("got %v, %v, want number 4", rot.Segment, err)
			}
		})
	}
}

func removeMarks(t *testing.T, m *durable.Mem) {
	t.Helper()
	for _, name := range listDir(t, m, testState) {
		if err := m.Remove(testState + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRotateNumbersEnd(t *testing.T) {
	m := durable.NewMem()
	var warnings []Warning
	o := memOptions(m)
	o.MaxBytes = 1024
	o.Warn = func(w Warning) { warnings = append(warnings, w) }
	l := openLog(t, o)
	mustAppend(t, l, 0)
	if err := m.Mkdir(testHome+"/audit-archive", 0o700); err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/audit-archive/audit-999999999999999.jsonl", "")
	if _, err := l.Rotate(t.Context()); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
	for n := range 6 {
		mustAppend(t, l, n)
	}
	if h := mustWalk(t, m); h.count("test.event") != 7 || len(warnings) == 0 || warnings[0].Kind != WarnRotation {
		t.Errorf("got %s, warnings %v", h.kinds(), warnings)
	}
}

// Bounds are soft, recording is not: whatever keeps a rotation from running, the append goes on.
func TestF14RotationThatCannotRun(t *testing.T) {
	for _, tt := range []struct {
		about string
		fault durable.Fault
	}{
		{"F21 no hard links", durable.Fault{Op: durable.OpLink, Name: "audit-0001.jsonl", Err: syscall.EPERM}},
		{"F21 across devices", durable.Fault{Op: durable.OpLink, Name: "audit-0001.jsonl", Err: syscall.EXDEV}},
		{"F8 disk full at the next live log", durable.Fault{Op: durable.OpWrite, Name: nextName, Err: syscall.ENOSPC, Keep: 50}},
		{"F8 no inode for the next live log", durable.Fault{Op: durable.OpCreate, Name: nextName, Err: syscall.ENOSPC}},
		{"F10 sync of the next live log", durable.Fault{Op: durable.OpSync, Name: nextName, Err: syscall.EIO}},
		{"F8 no room for the archive directory", durable.Fault{Op: durable.OpMkdir, Err: syscall.ENOSPC}},
		{"F10 sync of the archive directory", durable.Fault{Op: durable.OpSyncDir, Name: ArchiveDir, Err: syscall.EIO}},
		{"F30 the log may only be appended to", durable.Fault{Op: durable.OpRename, Name: LiveName, Err: syscall.EPERM}},
		{"F21 no file descriptors", durable.Fault{Op: durable.OpReadDir, Name: ArchiveDir, Err: syscall.EMFILE}},
	} {
		t.Run(tt.about, func(t *testing.T) {
			m := durable.NewMem()
			var warnings []Warning
			o := memOptions(m)
			o.MaxBytes = 1024
			o.Warn = func(w Warning) { warnings = append(warnings, w) }
			l := openLog(t, o)
			for n := range 4 {
				mustAppend(t, l, n)
			}
			m.Inject(tt.fault)
			mustAppend(t, l, 4)
			h := mustWalk(t, m)
			if h.kinds() != strings.TrimSpace(strings.Repeat("event ", 5)) {
				t.Errorf("got %s", h.kinds())
			}
			if len(warnings) != 1 || warnings[0].Kind != WarnRotation {
				t.Errorf("warnings %v", warnings)
			}
			for _, name := range listDir(t, m, testHome) {
				if name == nextName || name == RotateLockName {
					t.Errorf("%s is left", name)
				}
			}
			// Once the trouble is over the next process rotates.
			m.ClearFaults()
			mustAppend(t, openLog(t, o), 5)
			h = mustWalk(t, m)
			checkRotations(t, h)
			if h.count(chain.KindRotate) != 1 || h.count("test.event") != 6 {
				t.Errorf("later: %s", h.kinds())
			}
		})
	}
}

func TestF14RotationUnderWay(t *testing.T) {
	m := durable.NewMem()
	var warnings []Warning
	o := memOptions(m)
	o.MaxBytes = 1024
	o.Warn = func(w Warning) { warnings = append(warnings, w) }
	l := openLog(t, o)
	for n := range 4 {
		mustAppend(t, l, n)
	}
	addTo(t, m, testHome+"/audit.rotate.lock", "77\n"+testStart+"\n")
	_, err := l.Rotate(t.Context())
	if busy, ok := errors.AsType[*BusyError](err); !ok || busy.Holder != "process 77" {
		t.Errorf("got %v, want busy", err)
	}
	mustAppend(t, l, 4)
	if h := mustWalk(t, m); h.count(chain.KindRotate) != 0 || len(warnings) != 1 {
		t.Errorf("got %s, %v", h.kinds(), warnings)
	}
	m.SetClock(func() time.Time { return time.Now().Add(-11 * time.Minute) })
	if err := m.Remove(testHome + "/audit.rotate.lock"); err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/audit.rotate.lock", "77\n"+testStart+"\n")
	if _, err := l.Rotate(t.Context()); err != nil {
		t.Errorf("after ten minutes: %v", err)
	}
}

// swapper does something just before a segment gets its name.
type swapper struct {
	*durable.Mem
	swap func()
}

func (s *swapper) Link(old, new string) error {
	if strings.HasSuffix(new, ".jsonl") {
		s.swap()
	}
	return s.Mem.Link(old, new)
}

// What is sealed must be what was synced, whatever the name audit.log is moved to meanwhile.
func TestA14LiveLogSwappedInRotation(t *testing.T) {
	m := memHome(t, 2)
	s := &swapper{Mem: m, swap: func() {
		if err := m.Rename(testHome+"/planted", testHome+"/audit.log"); err != nil {
			t.Fatal(err)
		}
	}}
	addTo(t, m, testHome+"/planted", "planted\n")
	o := memOptions(m)
	o.FS = s
	if _, err := openLog(t, o).Rotate(t.Context()); err == nil || !strings.Contains(err.Error(), "was replaced") {
		t.Errorf("got %v", err)
	}
	if names := listDir(t, m, testHome+"/audit-archive"); len(names) != 0 {
		t.Errorf("sealed %v", names)
	}
}

// deaf is a disk whose answer to one rename over the live log gets lost, as it may on a network.
type deaf struct {
	*durable.Mem
	lost bool
}

func (d *deaf) Rename(old, new string) error {
	err := d.Mem.Rename(old, new)
	if err == nil && !d.lost && filepath.Base(new) == LiveName {
		d.lost, err = true, &os.LinkError{Op: "rename", Old: old, New: new, Err: syscall.EIO}
	}
	return err
}

// The live log is renamed over although the rename says otherwise: the sealed segment, which has one
// name left, keeps it, and nothing more is written to it.
func TestF21RenameDoneAndNotAnswered(t *testing.T) {
	m := memHome(t, 4)
	o := memOptions(m)
	o.FS, o.MaxBytes = &deaf{Mem: m}, 1024
	l := openLog(t, o)
	if _, err := l.Append(t.Context(), event(4)); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want the error", err)
	}
	mustAppend(t, l, 5)
	h := mustWalk(t, m.Crash(durable.Loss{Kept: durable.KeptNothing}))
	checkRotations(t, h)
	if h.count("test.event") != 5 || h.count(chain.KindAppendFailed) != 1 {
		t.Errorf("got %s", h.kinds())
	}
}

// A sync of the home that fails after the rename leaves it open which file is the live log. Then
// nothing may be acknowledged before that is settled.
func TestF10RotationWhoseLastSyncFails(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	o.MaxBytes = 1024
	l := openLog(t, o)
	for n := range 4 {
		mustAppend(t, l, n)
	}
	m.Inject(durable.Fault{Op: durable.OpSyncDir, Name: "h", Skip: 1, Err: syscall.EIO}) // one for the archive directory first
	if _, err := l.Append(t.Context(), event(4)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v, want the error", err)
	}
	before := len(m.Ops())
	mustAppend(t, l, 5)
	synced := false
	for _, op := range m.Ops()[before:] {
		synced = synced || op.Kind == durable.OpSyncDir && op.Name == testHome
	}
	if !synced {
		t.Error("an append was acknowledged without the home being synced")
	}
	crashed := m.Crash(durable.Loss{Kept: durable.KeptNothing})
	h := mustWalk(t, crashed)
	checkRotations(t, h)
	if h.count("test.event") != 5 || h.count(chain.KindAppendFailed) != 1 {
		t.Errorf("got %s", h.kinds())
	}
}

// Existing writers leave their segments writable and unsynced; the first append after makes good.
func TestSealedByOthersIsSynced(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 0)
	if _, err := l.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 1)
	path := testHome + "/audit-archive/audit-0001.jsonl"
	if err := m.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	before := len(m.Ops())
	mustAppend(t, openLog(t, memOptions(m)), 2)
	var did []string
	for _, op := range m.Ops()[before:] {
		if strings.Contains(op.Name, ArchiveDir) || op.Kind == durable.OpSyncDir {
			did = append(did, op.String())
		}
	}
	want := []string{"sync " + path, "syncdir " + testHome + "/audit-archive", "syncdir " + testHome, "chmod " + path}
	if strings.Join(did, "; ") != strings.Join(want, "; ") {
		t.Errorf("did %q, want %q", did, want)
	}
}

func TestF15AppendsDuringRotations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	o := Options{State: filepath.Join(dir, "state")}
	l, other := openOS(t, home, o), openOS(t, home, o)
	mustAppend(t, l, 0)
	done := make(chan int)
	go func() {
		n := 0
		for ; n < 50; n++ {
			if _, err := other.Append(t.Context(), event(n)); err != nil {
				t.Error(err)
			}
		}
		done <- n
	}()
	rotations, appended := 0, 0
	for appended == 0 {
		select {
		case appended = <-done:
		default:
		}
		if _, err := l.Rotate(t.Context()); err == nil {
			rotations++
		} else if !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
	}
	h, err := walkHome(durable.OS(), home)
	if err != nil {
		t.Fatal(err)
	}
	checkRotations(t, h)
	if h.count("test.event") != appended+1 || h.count(chain.KindRotate) != rotations || rotations == 0 {
		t.Errorf("%d events and %d rotations on the chain, want %d and %d", h.count("test.event"), h.count(chain.KindRotate), appended+1, rotations)
	}
	if _, err := os.Stat(filepath.Join(home, nextName)); err == nil {
		t.Error("the next live log is left")
	}
}

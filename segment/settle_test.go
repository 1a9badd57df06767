package segment

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// memHome is a home on a disk in memory that holds n events, and no Log that is open.
func memHome(t *testing.T, n int) *durable.Mem {
	t.Helper()
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	for i := range n {
		mustAppend(t, l, i)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}

// resettle appends once with a new Log and gives the history after it and the warnings.
func resettle(t *testing.T, m *durable.Mem) (*walkedLog, []Warning) {
	t.Helper()
	var warnings []Warning
	o := memOptions(m)
	o.Warn = func(w Warning) { warnings = append(warnings, w) }
	l := openLog(t, o)
	mustAppend(t, l, 1000)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return mustWalk(t, m), warnings
}

// keptFile checks that data was set aside under the name that the last torn_tail record gives.
func keptFile(t *testing.T, m *durable.Mem, h *walkedLog, data string) string {
	t.Helper()
	var record chain.Record
	for _, r := range h.records {
		if r.Event == chain.KindTornTail {
			record = r
		}
	}
	sum := sha256.Sum256([]byte(data))
	for _, dir := range []string{"", QuarantineDir + "/"} {
		for _, name := range listDir(t, m, testHome+"/"+dir) {
			name = dir + name
			if !strings.HasSuffix(name, keptSuffix) || !strings.Contains(string(record.Payload), `"kept":"`+name+`"`) {
				continue
			}
			if kept, err := readAll(m, testHome+"/"+name); err != nil || string(kept) != data {
				t.Errorf("%s holds %q, %v, want %q", name, kept, err, data)
			}
			if want := fmt.Sprintf(`"bytes":%d,"sha256":"%s"`, len(data), hex.EncodeToString(sum[:])); !strings.Contains(string(record.Payload), want) {
				t.Errorf("the record says %s, want %s", record.Payload, want)
			}
			return name
		}
	}
	t.Fatalf("no kept file for %q: %v, %s", data, listDir(t, m, testHome), h.kinds())
	return ""
}

func TestF3TornAppend(t *testing.T) {
	t.Parallel()
	r, err := chain.Seal(mustWalk(t, memHome(t, 2)).records[1].Hash, testStart, "x", "p", []byte(`{"text":"Zürich 🚀"}`))
	if err != nil {
		t.Fatal(err)
	}
	line := string(chain.AppendLine(nil, &r))
	for n := 1; n < len(line)-1; n++ { // every byte, so within each character, too
		m := memHome(t, 2)
		addTo(t, m, testHome+"/audit.log", line[:n])
		h, warnings := resettle(t, m)
		if h.kinds() != "event event audit.torn_tail event" || h.records[2].Prev != h.records[1].Hash {
			t.Fatalf("torn after %d bytes: %s", n, h.kinds())
		}
		keptFile(t, m, h, line[:n])
		if len(warnings) != 1 || warnings[0].Kind != WarnSetAside {
			t.Errorf("warnings %v", warnings)
		}
	}
}

// Two tears in one millisecond, or after the clock went back, keep both their bytes.
func TestF3KeptNamesAreNeverReused(t *testing.T) {
	m := memHome(t, 1)
	at, err := time.Parse(stampLayout, testStart)
	if err != nil {
		t.Fatal(err)
	}
	o := memOptions(m)
	o.Now = func() time.Time { return at }
	want := map[string]string{}
	for n := range 4 {
		data := fmt.Sprintf("torn %d", n)
		addTo(t, m, testHome+"/audit.log", data)
		mustAppend(t, openLog(t, o), n)
		want[keptFile(t, m, mustWalk(t, m), data)] = data
	}
	if len(want) != 4 {
		t.Fatalf("kept files %v", want)
	}
	for _, name := range []string{"audit.torn-2026-10-05T12-34-56-788Z.partial", "audit.torn-2026-10-05T12-34-56-788Z-2.partial", "audit.torn-2026-10-05T12-34-56-788Z-4.partial"} {
		data, err := readAll(m, testHome+"/"+name)
		if err != nil || string(data) != want[name] {
			t.Errorf("%s holds %q, %v", name, data, err)
		}
	}
}

func TestF4TornFirstRecordOfAFreshSegment(t *testing.T) {
	m := memHome(t, 2)
	l := openLog(t, memOptions(m))
	rot, err := l.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Remove(testHome + "/audit.log"); err != nil {
		t.Fatal(err)
	}
	removeMarks(t, m) // to the mark this would be a record that is gone
	addTo(t, m, testHome+"/audit.log", `{"ts":"2026`)
	h, _ := resettle(t, m)
	if h.kinds() != "event event audit.torn_tail event" || h.records[2].Prev != rot.Sealed.LastHash {
		t.Errorf("got %s", h.kinds())
	}
	keptFile(t, m, h, `{"ts":"2026`)
}

func TestF5RecordWithoutItsLF(t *testing.T) {
	m := memHome(t, 1)
	r, err := chain.Seal(mustWalk(t, m).records[0].Hash, testStart, "node", "p", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	line := string(chain.AppendLine(nil, &r))
	addTo(t, m, testHome+"/audit.log", line[:len(line)-1])
	h, warnings := resettle(t, m)
	if h.kinds() != "event node event" || len(warnings) != 0 {
		t.Errorf("right hash: %s, %v", h.kinds(), warnings)
	}

	m = memHome(t, 1)
	wrong := strings.Replace(line[:len(line)-1], "node", "nude", 1)
	addTo(t, m, testHome+"/audit.log", wrong)
	h, _ = resettle(t, m)
	if h.kinds() != "event audit.torn_tail event" {
		t.Errorf("wrong hash: %s", h.kinds())
	}
	keptFile(t, m, h, wrong)
}

func TestF6LastLineIsNoRecord(t *testing.T) {
	for _, line := range []string{"garbage that someone typed\n", `{"hash":"short"}` + "\n", "123\n", "null\n", "{}\n", `{"ts":"2026` + "\n", "\x00\x01\n", "\r\n", " \n"} {
		m := memHome(t, 2)
		before := mustWalk(t, m)
		addTo(t, m, testHome+"/audit.log", line)
		data, err := readAll(m, testHome+"/audit.log")
		if err != nil {
			t.Fatal(err)
		}
		l := openLog(t, memOptions(m))
		_, err = l.Append(t.Context(), event(2))
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok || refusal.Offset != int64(len(data)-len(line)) || refusal.Path != testHome+"/audit.log" || refusal.Next == "" {
			t.Errorf("%q: %v", line, err)
		}
		if _, err := l.Rotate(t.Context()); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: rotate: %v", line, err)
		}
		if after, err := readAll(m, testHome+"/audit.log"); err != nil || string(after) != string(data) {
			t.Errorf("%q: the log changed: %v", line, err)
		}
		// A person repairs it; the refused append is then counted.
		f, err := m.OpenFile(testHome+"/audit.log", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(int64(len(data)-len(line))), f.Close()); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, 3)
		h := mustWalk(t, m)
		if h.kinds() != "event event audit.append_failed event" || h.records[1].Hash != before.records[1].Hash {
			t.Errorf("%q: later %s", line, h.kinds())
		}
	}
}

// Whatever the last line is, its hash is the head: a copy of an older record, or an altered one.
func TestHeadIsTheLastLine(t *testing.T) {
	m := memHome(t, 3)
	data, err := readAll(m, testHome+"/audit.log")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	addTo(t, m, testHome+"/audit.log", strings.Replace(first, "test", "tost", 1)+"\n")
	l := openLog(t, memOptions(m))
	r := mustAppend(t, l, 9)
	if want := chain.ReadLine([]byte(first)).Record.Hash; r.Prev != want {
		t.Errorf("the new record follows %v, want %v", r.Prev, want)
	}
}

func TestOnlyAFragment(t *testing.T) {
	const fragment = `{"ts":"2026`
	m := durable.NewMem()
	if err := m.Mkdir(testHome, 0o700); err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/audit.log", fragment)
	for range 2 { // and no second time either
		if _, err := openLog(t, memOptions(m)).Append(t.Context(), event(0)); !errors.Is(err, ErrRefused) {
			t.Errorf("got %v, want a refusal", err)
		}
	}
	if data, err := readAll(m, testHome+"/audit.log"); err != nil || string(data) != fragment {
		t.Errorf("the log holds %q, %v", data, err)
	}

	// Where a mark says that there was more, the log goes on, and says what is gone.
	m = memHome(t, 2)
	if err := m.Remove(testHome + "/audit.log"); err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/audit.log", fragment)
	h, _ := resettle(t, m)
	if h.kinds() != "audit.torn_tail audit.break event" {
		t.Errorf("got %s", h.kinds())
	}
	keptFile(t, m, h, fragment)
}

func TestA6LogGone(t *testing.T) {
	sealed := func(t *testing.T) *durable.Mem {
		m := memHome(t, 2)
		l := openLog(t, memOptions(m))
		if _, err := l.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, 2)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return m
	}
	remove := func(t *testing.T, m *durable.Mem, names ...string) {
		for _, name := range names {
			if err := m.Remove(testHome + "/" + name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Run("live log removed", func(t *testing.T) {
		m := sealed(t)
		remove(t, m, LiveName)
		h, warnings := resettle(t, m)
		if h.kinds() != "event event audit.break event" || !strings.Contains(string(h.records[2].Payload), `"found":"live-missing"`) {
			t.Errorf("got %s, %s", h.kinds(), h.records[2].Payload)
		}
		if len(warnings) != 1 || warnings[0].Kind != WarnBreak {
			t.Errorf("warnings %v", warnings)
		}
		h, warnings = resettle(t, m)
		if h.kinds() != "event event audit.break event event" || len(warnings) != 0 {
			t.Errorf("later %s, %v", h.kinds(), warnings)
		}
	})
	t.Run("live log removed, and nothing remembered", func(t *testing.T) {
		m := sealed(t)
		remove(t, m, LiveName)
		removeMarks(t, m)
		h, _ := resettle(t, m)
		if h.kinds() != "event event audit.break event" || !strings.Contains(string(h.records[2].Payload), `"found":"live-missing"`) {
			t.Errorf("got %s", h.kinds())
		}
	})
	t.Run("live log removed, nothing remembered, and refusals pending", func(t *testing.T) {
		m := sealed(t)
		remove(t, m, LiveName)
		removeMarks(t, m)
		addTo(t, m, testHome+"/"+RefusedName, `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}`+"\n")
		if h, _ := resettle(t, m); h.kinds() != "event event audit.break audit.append_failed event" {
			t.Errorf("got %s", h.kinds())
		}
	})
	t.Run("everything removed", func(t *testing.T) {
		m := sealed(t)
		remove(t, m, LiveName, ArchiveDir+"/audit-0001.jsonl")
		h, _ := resettle(t, m)
		if h.kinds() != "audit.break event" || h.records[0].Prev != chain.Genesis || !strings.Contains(string(h.records[0].Payload), `"found":"rolled-back"`) {
			t.Errorf("got %s", h.kinds())
		}
		rot, err := openLog(t, memOptions(m)).Rotate(t.Context())
		if err != nil || rot.Segment.Number != 2 {
			t.Errorf("the next segment is %v, %v, want a number that was not used", rot.Segment, err)
		}
	})
	t.Run("the last records removed", func(t *testing.T) {
		m := memHome(t, 5)
		data, err := readAll(m, testHome+"/audit.log")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(data), "\n")
		remove(t, m, LiveName)
		addTo(t, m, testHome+"/audit.log", strings.Join(lines[:3], ""))
		h, _ := resettle(t, m)
		if h.kinds() != "event event event audit.break event" || !strings.Contains(string(h.records[3].Payload), `"lost":{"min":2,"max":2}`) {
			t.Errorf("got %s: %s", h.kinds(), h.records[3].Payload)
		}
	})
	t.Run("rolled back under an open Log", func(t *testing.T) {
		m := durable.NewMem()
		l := openLog(t, memOptions(m))
		for n := range 5 {
			mustAppend(t, l, n)
		}
		time.Sleep(10 * time.Millisecond) // the mark is moved when there is nothing else to do
		f, err := m.OpenFile(testHome+"/audit.log", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		data, err := readAll(m, testHome+"/audit.log")
		if err != nil {
			t.Fatal(err)
		}
		keep := len(strings.Join(strings.SplitAfter(string(data), "\n")[:3], ""))
		if err := errors.Join(f.Truncate(int64(keep)), f.Close()); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, 5)
		if h := mustWalk(t, m); h.kinds() != "event event event audit.break event" {
			t.Errorf("got %s", h.kinds())
		}
	})
	t.Run("another log in its place", func(t *testing.T) {
		m := memHome(t, 3)
		remove(t, m, LiveName)
		other := durable.NewMem()
		o := memOptions(other)
		o.Now = ticking("2020-01-01T00:00:00.000Z")
		l := openLog(t, o)
		for n := range 7 {
			mustAppend(t, l, 100+n)
		}
		data, err := readAll(other, testHome+"/audit.log")
		if err != nil {
			t.Fatal(err)
		}
		addTo(t, m, testHome+"/audit.log", string(data))
		h, _ := resettle(t, m)
		if h.count(chain.KindBreak) != 1 || !slices.ContainsFunc(h.records, func(r chain.Record) bool {
			return strings.Contains(string(r.Payload), `"found":"replaced"`)
		}) {
			t.Errorf("got %s", h.kinds())
		}
	})
}

// nosy calls look before each listing of the archive.
type nosy struct {
	*durable.Mem
	look func()
}

func (n *nosy) ReadDir(name string) ([]fs.DirEntry, error) {
	if strings.HasSuffix(name, ArchiveDir) {
		n.look()
	}
	return n.Mem.ReadDir(name)
}

// Looking for a head that is not where it was may take reading all of the log. Node writers can go on
// meanwhile, and what they write is not lost sight of.
func TestNodeAppendsDuringASearch(t *testing.T) {
	m := memHome(t, 5)
	data, err := readAll(m, testHome+"/audit.log")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(data), "\n")
	if err := m.Remove(testHome + "/audit.log"); err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/audit.log", strings.Join(lines[:3], ""))
	head := mustWalk(t, m).records[2].Hash
	if err := m.Mkdir(testHome+"/audit-archive", 0o700); err != nil {
		t.Fatal(err)
	}
	n := &nosy{Mem: m}
	n.look = func() {
		if _, err := m.Stat(testHome + "/audit.lock"); err == nil {
			return
		}
		n.look = func() {}
		r, err := chain.Seal(head, testStart, "node", "p", []byte("1"))
		if err != nil {
			t.Fatal(err)
		}
		addTo(t, m, testHome+"/audit.log", string(chain.AppendLine(nil, &r)))
	}
	o := memOptions(m)
	o.FS = n
	mustAppend(t, openLog(t, o), 9)
	if h := mustWalk(t, m); h.kinds() != "event event event node audit.break event" {
		t.Errorf("got %s", h.kinds())
	}
	if names := listDir(t, m, testHome); slices.Contains(names, LockName) {
		t.Errorf("the lock is left: %v", names)
	}
}

// What existing writers append between our appends is neither a break nor a reason to count anew.
func TestF20NodeAppendsBetween(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	head := mustAppend(t, l, 0)
	for n := range 3 {
		r, err := chain.Seal(head.Hash, testStart, "node", "p", fmt.Appendf(nil, "%d", n))
		if err != nil {
			t.Fatal(err)
		}
		addTo(t, m, testHome+"/audit.log", string(chain.AppendLine(nil, &r)))
		if head = mustAppend(t, l, n); head.Prev != r.Hash {
			t.Errorf("append %d does not follow the record before it", n)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	h := mustWalk(t, m)
	if h.kinds() != "event node event node event node event" {
		t.Errorf("got %s", h.kinds())
	}
	if mark, ok := l.w.mem.Mark(); !ok || mark.Records != 7 {
		t.Errorf("the mark counts %d records, want 7", mark.Records)
	}
}

// Where the log could not be compared the mark stays, for the next writer to compare.
func TestMarkStaysWhereNobodyCouldLook(t *testing.T) {
	m := memHome(t, 5)
	data, err := readAll(m, testHome+"/audit.log")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Remove(testHome + "/audit.log"); err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/audit.log", strings.Join(strings.SplitAfter(string(data), "\n")[:2], ""))
	m.Inject(durable.Fault{Op: durable.OpRead, Name: "*.mark", For: durable.Always, Err: syscall.EIO})
	h, warnings := resettle(t, m)
	if h.kinds() != "event event event" || len(warnings) == 0 || warnings[0].Kind != WarnMemory {
		t.Errorf("got %s, %v", h.kinds(), warnings)
	}
	m.ClearFaults()
	if h, _ := resettle(t, m); h.kinds() != "event event event audit.break event" {
		t.Errorf("later %s", h.kinds())
	}
}

// Damage in an old segment keeps nobody from recording, nor from rotating: where the oldest cannot be
// read, the log goes on without the name that its first record gives it.
func TestF24OldestSegmentUnreadable(t *testing.T) {
	for _, op := range []durable.OpKind{durable.OpOpen, durable.OpRead} {
		m := memHome(t, 3)
		o := memOptions(m)
		l := openLog(t, o)
		if _, err := l.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, 3)
		closeLog(t, l)
		m.Inject(durable.Fault{Op: op, Name: "audit-0001.jsonl", For: durable.Always, Err: syscall.EIO})
		o.State = "" // no mark says which log this is
		l = openLog(t, o)
		mustAppend(t, l, 4)
		if _, err := l.Rotate(t.Context()); err != nil {
			t.Errorf("%v: %v", op, err)
		}
		m.ClearFaults()
		h := mustWalk(t, m)
		checkRotations(t, h)
		if h.kinds() != "event event event audit.rotate event event audit.rotate" {
			t.Errorf("%v: %s", op, h.kinds())
		}
	}
}

// What is acknowledged survives a power cut, name and all, whoever made the file and its directories.
func TestNamesAreDurable(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	l, err := Open("/a/b/c", o)
	if err != nil {
		t.Fatal(err)
	}
	r := mustAppend(t, l, 0)
	if h, err := walkHome(m.Crash(durable.Loss{Kept: durable.KeptNothing}), "/a/b/c"); err != nil || !h.has(r.Hash) {
		t.Errorf("in new directories: %v, %v", h, err)
	}

	// Another writer has just made the log, and not synced its name.
	m = durable.NewMem()
	if err := m.Mkdir(testHome, 0o700); err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/audit.flock", "")
	m.SyncAll()
	first, err := chain.Seal(chain.Genesis, testStart, "node", "p", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/audit.log", string(chain.AppendLine(nil, &first)))
	r = mustAppend(t, openLog(t, memOptions(m)), 0)
	if h := mustWalk(t, m.Crash(durable.Loss{Kept: durable.KeptNothing})); !h.has(r.Hash) {
		t.Errorf("in a log that another writer made: %s", h.kinds())
	}
}

// An existing log is taken over as it is: nobody has counted its records.
func TestAdoptedLog(t *testing.T) {
	m := durable.NewMem()
	if err := m.Mkdir(testHome, 0o700); err != nil {
		t.Fatal(err)
	}
	head := chain.Genesis
	for n := range 3 {
		r, err := chain.Seal(head, testStart, "node", "p", fmt.Appendf(nil, "%d", n))
		if err != nil {
			t.Fatal(err)
		}
		addTo(t, m, testHome+"/audit.log", string(chain.AppendLine(nil, &r)))
		head = r.Hash
	}
	before := len(m.Ops())
	h, warnings := resettle(t, m)
	if h.kinds() != "node node node event" || len(warnings) != 0 {
		t.Errorf("got %s, %v", h.kinds(), warnings)
	}
	if !slices.ContainsFunc(m.Ops()[before:], func(op durable.Op) bool { return op.Kind == durable.OpSyncDir && op.Name == testHome }) {
		t.Error("nobody made the name of the log durable")
	}
	mem, err := OpenMemory(m, testState, testHome)
	if err != nil {
		t.Fatal(err)
	}
	if mark, ok := mem.Mark(); !ok || mark.Records != chain.UnknownCount || mark.LogID != h.records[0].Hash {
		t.Errorf("mark %+v", mark)
	}
}

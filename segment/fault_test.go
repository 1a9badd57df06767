package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// TestF9TransientSyncError: a sync fails once, the bytes stay readable, and every later sync says yes.
// They must not be acknowledged, nothing may be chained upon them, and they must not be thrown away.
func TestF9TransientSyncError(t *testing.T) {
	for _, reopen := range []string{"same process", "next process"} {
		for keep := int64(0); keep < 300; keep += 60 { // of the failing sync's bytes, some reach the medium
			t.Run(fmt.Sprintf("%s, %d bytes landed", reopen, keep), func(t *testing.T) {
				m := memHome(t, 3)
				var warnings []Warning
				o := memOptions(m)
				o.Warn = func(w Warning) { warnings = append(warnings, w) }
				l := openLog(t, o)
				first := mustAppend(t, l, 3)
				before, err := readAll(m, testHome+"/audit.log")
				if err != nil {
					t.Fatal(err)
				}
				m.Inject(durable.Fault{Op: durable.OpSync, Name: LiveName, Err: syscall.EIO, Keep: keep})
				_, err = l.Append(t.Context(), event(4))
				if e, ok := errors.AsType[*AppendError](err); !ok || e.Outcome != OutcomeUnknown || !errors.Is(err, syscall.EIO) {
					t.Fatalf("got %v, want the outcome unknown", err)
				}
				with, err := readAll(m, testHome+"/audit.log")
				if err != nil {
					t.Fatal(err)
				}
				ghost := string(with[len(before):])
				if !strings.Contains(ghost, `{"n":4}`) {
					t.Fatal("the bytes of the failed append are not readable: the fault does not do what it is for")
				}
				if reopen == "next process" {
					l = openLog(t, o)
				}
				next := mustAppend(t, l, 5)
				h := mustWalk(t, m)
				if h.kinds() != "event event event event audit.torn_tail event" || h.records[4].Prev != first.Hash {
					t.Fatalf("got %s", h.kinds())
				}
				if name := keptFile(t, m, h, ghost); !strings.HasPrefix(name, QuarantineDir+"/"+ghostPrefix) {
					t.Errorf("the ghost is in %s", name)
				}
				if !strings.Contains(string(h.records[4].Payload), chain.NoteGhost) || len(warnings) != 1 || warnings[0].Kind != WarnSetAside {
					t.Errorf("payload %s, warnings %v", h.records[4].Payload, warnings)
				}
				crashed := mustWalk(t, m.Crash(durable.Loss{Kept: durable.KeptNothing}))
				if !crashed.has(next.Hash) || !crashed.has(first.Hash) || len(crashed.records) != 6 {
					t.Errorf("after a power cut: %s", crashed.kinds())
				}
			})
		}
	}
}

// All of the failing sync's bytes may be on the medium all the same. Then there is no ghost to cut.
func TestF9SyncErrorWithoutAGhost(t *testing.T) {
	m := memHome(t, 1)
	l := openLog(t, memOptions(m))
	m.Inject(durable.Fault{Op: durable.OpSync, Name: LiveName, Err: syscall.EIO, Keep: 1 << 20})
	if _, err := l.Append(t.Context(), event(1)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	mustAppend(t, l, 2)
	if h := mustWalk(t, m.Crash(durable.Loss{Kept: durable.KeptNothing})); h.kinds() != "event event event" {
		t.Errorf("got %s", h.kinds())
	}
}

// Where nobody can look at the medium, all from the suspect offset on counts as ghost.
func TestF9NoMedium(t *testing.T) {
	m := memHome(t, 2)
	l := openLog(t, memOptions(m))
	m.Inject(durable.Fault{Op: durable.OpSync, Name: LiveName, Err: syscall.EIO, Keep: 1 << 20})
	m.Inject(durable.Fault{Op: durable.OpReadMedium, For: durable.Always, Err: durable.ErrNoMedium})
	if _, err := l.Append(t.Context(), event(2)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	mustAppend(t, l, 3)
	if h := mustWalk(t, m.Crash(durable.Loss{Kept: durable.KeptNothing})); h.kinds() != "event event audit.torn_tail event" {
		t.Errorf("got %s", h.kinds())
	}
}

// The sync that fails may be the one of a rotation in the middle of a batch. What is suspect then is all
// that the batch wrote before, and not the end of the file alone.
func TestF9RotationSyncError(t *testing.T) {
	for _, medium := range []error{nil, durable.ErrNoMedium} {
		t.Run(fmt.Sprintf("medium: %v", medium), func(t *testing.T) {
			m := memHome(t, 2)
			o := memOptions(m)
			o.MaxBytes = 1500
			l := openLog(t, o)
			m.Inject(durable.Fault{Op: durable.OpSync, Name: LiveName, Err: syscall.EIO})
			if medium != nil {
				m.Inject(durable.Fault{Op: durable.OpReadMedium, For: durable.Always, Err: medium})
			}
			if rs, err := l.AppendBatch(t.Context(), slices.Repeat([]Event{event(2)}, 10)); len(rs) != 0 || !errors.Is(err, syscall.EIO) {
				t.Fatalf("%d records, %v", len(rs), err)
			}
			r := mustAppend(t, l, 3)
			for _, loss := range durable.Losses(1, 4) {
				if h := mustWalk(t, m.Crash(loss)); !h.has(r.Hash) || h.count(chain.KindTornTail) != 1 {
					t.Errorf("after %v: %s", loss, h.kinds())
				}
			}
		})
	}
}

// Before the bytes whose sync failed there may be more that were never synced: a writer was killed in a
// large load. They go with the same error, and are found from where the mark is.
func TestF9GhostsOfAKilledWriter(t *testing.T) {
	m := memHome(t, 2)
	head := mustWalk(t, m).records[1].Hash
	var lines []byte
	for range 3 {
		r, err := chain.Seal(head, testStart, "load", "p", fmt.Appendf(nil, `"%s"`, strings.Repeat("x", suspectMargin/2)))
		if err != nil {
			t.Fatal(err)
		}
		lines, head = chain.AppendLine(lines, &r), r.Hash
	}
	addTo(t, m, testHome+"/audit.log", string(lines))
	m.Inject(durable.Fault{Op: durable.OpSync, Name: LiveName, Err: syscall.EIO})
	l := openLog(t, memOptions(m))
	if _, err := l.Append(t.Context(), event(2)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	r := mustAppend(t, l, 3)
	for _, disk := range []*durable.Mem{m, m.Crash(durable.Loss{Kept: durable.KeptNothing})} {
		if h := mustWalk(t, disk); !h.has(r.Hash) || h.kinds() != "event event audit.torn_tail event" {
			t.Errorf("got %s", h.kinds())
		}
	}
}

// A medium that cannot be read for another reason decides nothing: the log waits.
func TestF9MediumUnreadable(t *testing.T) {
	m := memHome(t, 2)
	l := openLog(t, memOptions(m))
	m.Inject(durable.Fault{Op: durable.OpSync, Name: LiveName, Err: syscall.EIO})
	m.Inject(durable.Fault{Op: durable.OpReadMedium, For: 2, Err: syscall.EIO})
	for n := range 3 {
		if _, err := l.Append(t.Context(), event(n)); !errors.Is(err, syscall.EIO) {
			t.Fatalf("append %d: %v", n, err)
		}
	}
	mustAppend(t, l, 9)
	if h := mustWalk(t, m); h.kinds() != "event event audit.torn_tail audit.append_failed event" {
		t.Errorf("got %s", h.kinds())
	}
}

// While the word stands nobody acknowledges, whose sync it ever was that failed.
func TestF9NobodyAcknowledgesUnderSuspicion(t *testing.T) {
	m := memHome(t, 2)
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 2)
	size := l.w.live.info.Size
	ino := l.w.live.info.ID.Ino
	release := l.o.Now
	l.o.Now = func() (now time.Time) { // under the lock, after settle: another process's sync fails now
		if err := l.w.locks.word.suspect(ino, size); err != nil {
			t.Error(err)
		}
		return release()
	}
	_, err := l.Append(t.Context(), event(3))
	if e, ok := errors.AsType[*AppendError](err); !ok || e.Outcome != OutcomeUnknown {
		t.Fatalf("got %v, want the outcome unknown", err)
	}
	l.o.Now = release
	mustAppend(t, l, 4)
	if h := mustWalk(t, m); h.kinds() != "event event event event event" { // it was on the medium
		t.Errorf("got %s", h.kinds())
	}
}

func TestBrokenSuspectWord(t *testing.T) {
	for _, medium := range []bool{true, false} {
		m := memHome(t, 3)
		f, err := m.OpenFile(testHome+"/audit.flock", syscall.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("rubbish"), 5); err != nil {
			t.Fatal(err)
		}
		if !medium {
			m.Inject(durable.Fault{Op: durable.OpReadMedium, For: durable.Always, Err: durable.ErrNoMedium})
		}
		h, warnings := resettle(t, m)
		if h.kinds() != "event event event event" || len(warnings) != 0 {
			t.Errorf("medium readable %v: %s, %v", medium, h.kinds(), warnings)
		}
		if word, err := readAll(m, testHome+"/audit.flock"); err != nil || !bytes.Equal(word, suspicion{}.word()) {
			t.Errorf("medium readable %v: the word is %q, %v", medium, word, err)
		}
	}
}

// A sync may fail in one process just as a rotation's sync of the same file succeeds in another.
func TestSuspicionOfASealedSegment(t *testing.T) {
	m := memHome(t, 2)
	l := openLog(t, memOptions(m))
	ghost := mustAppend(t, l, 2)
	ino := l.w.live.info.ID.Ino
	start := l.w.live.tail.start
	rot, err := l.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 3)
	if err := l.w.locks.word.suspect(ino, start); err != nil {
		t.Fatal(err)
	}
	h, warnings := resettle(t, m)
	if h.count(chain.KindTornTail) != 0 || len(warnings) != 0 {
		t.Errorf("nothing was wrong, and yet %s, %v", h.kinds(), warnings)
	}
	m.Inject(durable.Fault{Op: durable.OpReadMedium, For: durable.Always, Err: durable.ErrNoMedium})
	if err := l.w.locks.word.suspect(ino, start); err != nil {
		t.Fatal(err)
	}
	h, warnings = resettle(t, m)
	if !h.has(ghost.Hash) || len(warnings) != 1 || warnings[0].Path != rot.Path {
		t.Errorf("got %s, %v", h.kinds(), warnings)
	}
	kept := listDir(t, m, testHome+"/"+QuarantineDir)
	if len(kept) != 1 || !strings.HasSuffix(kept[0], keptSuffix) {
		t.Fatalf("kept %v", kept)
	}
	if data, err := readAll(m, testHome+"/"+QuarantineDir+"/"+kept[0]); err != nil || string(data) != string(chain.AppendLine(nil, &ghost)) {
		t.Errorf("kept %q, %v", data, err)
	}
}

// TestF7FullDiskAtEveryByte fills the disk at every byte of a batch. What is complete is acknowledged,
// the rest is refused and counted, and once there is room the log goes on by itself.
func TestF7FullDiskAtEveryByte(t *testing.T) {
	t.Parallel()
	m := memHome(t, 2)
	base, err := readAll(m, testHome+"/audit.log")
	if err != nil {
		t.Fatal(err)
	}
	probe := openLog(t, memOptions(m.Crash(durable.Loss{Kept: durable.KeptCache})))
	rs, err := probe.AppendBatch(t.Context(), []Event{event(0), event(1), event(2)})
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for i := range rs {
		size += len(chain.AppendLine(nil, &rs[i]))
	}
	for room := range size + 1 {
		m := m.Crash(durable.Loss{Kept: durable.KeptCache})
		l := openLog(t, memOptions(m))
		m.Inject(durable.Fault{Op: durable.OpWrite, Name: LiveName, Err: syscall.ENOSPC, Keep: int64(room)})
		rs, err := l.AppendBatch(t.Context(), []Event{event(0), event(1), event(2)})
		e, ok := errors.AsType[*AppendError](err)
		if !ok || !errors.Is(err, syscall.ENOSPC) || e.Index != len(rs) {
			if room < size || len(rs) != 3 {
				t.Fatalf("room for %d bytes: %d records, %v", room, len(rs), err)
			}
		}
		data, err := readAll(m, testHome+"/audit.log")
		if err != nil {
			t.Fatal(err)
		}
		torn := data[bytes.LastIndexByte(data, '\n')+1:]
		bare := chain.ReadLine(torn).Class.Whole() && len(torn) > 0
		if lines := bytes.Count(data[len(base):], []byte("\n")); lines != len(rs) {
			t.Fatalf("room for %d bytes: %d complete lines, %d acknowledged", room, lines, len(rs))
		}
		if ok && (e.Outcome == OutcomeUnknown) != bare {
			t.Fatalf("room for %d bytes: outcome %v, the record is in the file without its LF: %v", room, e.Outcome, bare)
		}
		if crashed := mustWalkPrefix(m.Crash(durable.Loss{Kept: durable.KeptNothing})); len(crashed.records) < 2+len(rs) {
			t.Fatalf("room for %d bytes: acknowledged records are lost", room)
		}
		m.ClearFaults()
		mustAppend(t, l, 9)
		h := mustWalk(t, m)
		want := "event event " + strings.Repeat("event ", len(rs))
		switch {
		case bare:
			want += "event "
		case len(torn) > 0:
			want += "audit.torn_tail "
		}
		if left := 3 - len(rs); left > 1 || left == 1 && !bare {
			want += "audit.append_failed "
		}
		if want += "event"; h.kinds() != want {
			t.Fatalf("room for %d bytes: %s, want %s", room, h.kinds(), want)
		}
	}
}

// mustWalkPrefix reads what is whole of a log that may end torn.
func mustWalkPrefix(m *durable.Mem) *walkedLog {
	h, err := walkHome(m, testHome)
	if h == nil {
		panic(err)
	}
	return h
}

// TestF7QuotaGrowsBack has a disk with room for so many bytes in all, for locks, kept files and
// refusals, too.
func TestF7QuotaGrowsBack(t *testing.T) {
	t.Parallel()
	base := memHome(t, 2)
	used := int64(0)
	for _, name := range []string{LiveName, FlockName} {
		info, err := base.Stat(testHome + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		used += info.Size
	}
	for room := int64(0); room < 2500; room += 13 {
		m := base.Crash(durable.Loss{Kept: durable.KeptCache})
		m.SetQuota(used + 1000 + room) // the mark has its share
		l := openLog(t, memOptions(m))
		var acked []chain.Record
		var failed error
		for n := 0; failed == nil; n++ {
			var r chain.Record
			if r, failed = l.Append(t.Context(), event(n)); failed == nil {
				acked = append(acked, r)
			}
		}
		if !errors.Is(failed, syscall.ENOSPC) {
			t.Fatalf("room for %d bytes: %v", room, failed)
		}
		if _, err := l.Append(t.Context(), event(77)); err == nil { // and again, on the torn tail
			t.Logf("room for %d bytes: the next one fits", room)
		}
		m.SetQuota(-1)
		mustAppend(t, l, 99)
		h := mustWalk(t, m)
		for _, r := range acked {
			if !h.has(r.Hash) {
				t.Fatalf("room for %d bytes: an acknowledged record is lost", room)
			}
		}
		if h.count(chain.KindBreak) != 0 {
			t.Fatalf("room for %d bytes: %s", room, h.kinds())
		}
	}
}

// TestF21EveryOperationFails makes each operation of a few appends and a rotation fail once, in every
// way, and lets the log go on.
func TestF21EveryOperationFails(t *testing.T) {
	t.Parallel()
	errnos := []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EACCES, syscall.EMFILE, syscall.ENOMEM, syscall.EDQUOT, syscall.ESTALE}
	for i, sc := range scenarios {
		if sc.name == "failed sync" || sc.name == "full disk" { // they bring their own faults
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			base := durable.NewMem()
			base.SetClock(ticking(testStart))
			if sc.prepare != nil {
				sc.prepare(t, base)
			}
			for kind := durable.OpCreate; kind <= durable.OpReadDir; kind++ {
				for skip, more := 0, true; more; skip++ {
					errno := errnos[(i+skip+int(kind))%len(errnos)]
					failOnce(t, sc, base, durable.Fault{Op: kind, Skip: skip, Err: errno})
					more = failOnce(t, sc, base, durable.Fault{Op: kind, Skip: skip, Err: errno, For: durable.Always})
				}
			}
		})
	}
}

// failOnce runs a scenario with a fault and then, the fault gone, lets the log go on. It tells whether
// the fault showed.
func failOnce(t *testing.T, sc scenario, base *durable.Mem, fault durable.Fault) (showed bool) {
	t.Helper()
	m := base.Crash(durable.Loss{Kept: durable.KeptCache})
	m.Inject(fault)
	warned := sc
	warned.options = func(o *Options) {
		if sc.options != nil {
			sc.options(o)
		}
		o.Warn = func(w Warning) { showed = showed || strings.Contains(w.Text, fault.Err.Error()) }
	}
	var acked []chain.Record
	l := openScenario(t, warned, m)
	err := sc.run(l, m, func(rs ...chain.Record) { acked = append(acked, rs...) })
	if err != nil && !errors.Is(err, fault.Err) && !errors.Is(err, ErrRefused) {
		t.Fatalf("%+v: the error is another: %v", fault, err)
	}
	closed := l.Close()
	if closed != nil && !errors.Is(closed, fault.Err) {
		t.Fatalf("%+v: close: %v", fault, closed)
	}
	m.ClearFaults()
	for _, disk := range []*durable.Mem{m.Crash(durable.Loss{Kept: durable.KeptNothing}), m} {
		if err := recovered(t, sc, disk, acked, 1); err != nil {
			t.Fatalf("%+v: %v", fault, err)
		}
	}
	return showed || err != nil || closed != nil
}

// TestF10ReadOnly turns the disk read-only: appends fail and say why, and nothing is lost.
func TestF10ReadOnly(t *testing.T) {
	m := memHome(t, 2)
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 2)
	for _, kind := range []durable.OpKind{durable.OpCreate, durable.OpWrite, durable.OpMkdir, durable.OpLink, durable.OpRename, durable.OpRemove, durable.OpTruncate} {
		m.Inject(durable.Fault{Op: kind, For: durable.Always, Err: syscall.EROFS})
	}
	for n := range 3 {
		if _, err := l.Append(context.Background(), event(n)); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), testHome) {
			t.Errorf("append: %v", err)
		}
	}
	if _, err := l.Rotate(context.Background()); !errors.Is(err, syscall.EROFS) {
		t.Errorf("rotate: %v", err)
	}
	m.ClearFaults()
	mustAppend(t, l, 9)
	if h := mustWalk(t, m); h.kinds() != "event event event event" && h.count(chain.KindAppendFailed) == 0 {
		t.Errorf("got %s", h.kinds())
	}
}

// A break is chained once, also where the mark cannot be moved: not by the next append, nor by one behind
// a rotation, nor once the disk takes the mark again.
func TestBreakIsChainedOnceWithoutAMark(t *testing.T) {
	m := durable.NewMem()
	m.SetClock(ticking(testStart))
	o := memOptions(m)
	l := openLog(t, o)
	mustAppend(t, l, 0)
	if _, err := l.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 1)
	closeLog(t, l)
	if err := m.Remove(testHome + "/audit.log"); err != nil {
		t.Fatal(err)
	}
	m.Inject(durable.Fault{Op: durable.OpWrite, Name: "*" + markSuffix, For: durable.Always, Err: syscall.EROFS})
	for n := range 4 {
		if n == 3 {
			m.ClearFaults()
		}
		l := openLog(t, o)
		mustAppend(t, l, 2+n)
		if _, err := l.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		closeLog(t, l)
		if h := mustWalk(t, m); h.count(chain.KindBreak) != 1 {
			t.Fatalf("after append %d: %s", n, h.kinds())
		}
	}
}

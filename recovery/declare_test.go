package recovery

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/crash"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// liveLost is a home of one sealed segment whose live log is gone.
func liveLost(t testing.TB) *durable.Mem {
	m := newDisk(t, 1)
	add(t, m, 2)
	remove(t, m, testHome+"/"+segment.LiveName)
	m.SyncAll()
	return m
}

// declare documents a break, in one go.
func declare(t testing.TB, m *durable.Mem, cause chain.Cause) error {
	o := options(m, time.Hour)
	p, err := PlanBreak(t.Context(), o, Declaration{Cause: cause, Reason: "test", Operator: "ops"})
	if err != nil {
		return err
	}
	return p.Apply(t.Context(), o)
}

// A disk that for a moment gives a segment to nobody is not documented as if the segment had not been
// there: either nothing is written, or what would have been without that.
func TestBreakIsNotDeclaredOfWhatCouldNotBeRead(t *testing.T) {
	for _, op := range []durable.OpKind{durable.OpOpen, durable.OpRead} {
		refused := 0
		for skip := range 40 {
			m := liveLost(t)
			m.Inject(durable.Fault{Op: op, Name: "audit-0001.jsonl", Skip: skip, Err: syscall.EACCES})
			first := declare(t, m, chain.CauseLiveLost)
			if first != nil {
				refused++
			}
			m.ClearFaults()
			if err := declare(t, m, chain.CauseLiveLost); err != nil && !errors.Is(err, segment.ErrRefused) {
				t.Fatalf("%v fails after %d: again: %v", op, skip, err)
			}
			out := examine(t, m)
			if n := len(out.Verdict.Anchors); out.Report.Exit != 0 || n != 1 {
				t.Errorf("%v fails after %d (%v): %s, %d anchors", op, skip, first, out.Report.Verdict, n)
			}
			for _, a := range out.Verdict.Anchors {
				if a.LogID != out.Verdict.LogID {
					t.Errorf("%v fails after %d: the anchor is about the log %v", op, skip, a.LogID)
				}
			}
		}
		if refused == 0 {
			t.Errorf("%v never failed: the test is broken", op)
		}
	}
}

// TestDeclareCrash stops a declaration before each operation that changes the disk and within each write,
// draws several disks from each, and declares again: there is one anchor, in force, nothing else is lost,
// and the segment that holds it is sealed.
func TestDeclareCrash(t *testing.T) {
	for name, c := range map[string]struct {
		lose  func(testing.TB) *durable.Mem
		cause chain.Cause
	}{
		"live log": {liveLost, chain.CauseLiveLost},
		"segment": {func(t testing.TB) *durable.Mem {
			m := newDisk(t, 3)
			remove(t, m, inArchive("audit-0002.jsonl"))
			m.SyncAll()
			return m
		}, chain.CauseSegmentLost},
		"tail": {func(t testing.TB) *durable.Mem {
			m := newDisk(t, 1)
			mirror(t, m, testHome, testBackup)
			add(t, m, 3)
			mirror(t, m, testBackup, testHome)
			return m
		}, chain.CauseBackupRestore},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := c.lose(t)
			before := files(t, base, testHome+"/"+segment.ArchiveDir)
			count := crash.Count(t, "declare-break")
			for state, disk := range count.Each(base, 1, func(m *durable.Mem) {
				if err := declare(t, m, c.cause); err != nil && !m.Crashed() {
					t.Fatalf("declaring fails without a crash: %v", err)
				}
			}) {
				at := "crash " + state.String()
				if err := declare(t, disk, c.cause); err != nil && !errors.Is(err, segment.ErrRefused) {
					t.Fatalf("%s: declaring again: %v", at, err)
				}
				out := examine(t, disk)
				if out.Report.Exit != 0 || len(out.Verdict.Anchors) != 1 || len(out.Verdict.Breaks) > 1 {
					t.Fatalf("%s: %s, %d anchors, %d breaks", at, out.Report.Verdict, len(out.Verdict.Anchors), len(out.Verdict.Breaks))
				}
				if out.Verdict.Sources[out.Verdict.Anchors[0].Place.Source].Live {
					t.Fatalf("%s: the segment of the anchor was not sealed", at)
				}
				if err := nothingGone(before, disk, t); err != nil {
					t.Fatalf("%s: %v", at, err)
				}
			}
			count.AtLeast(t, 50)
		})
	}
}

package adopt_test

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/adopt"
	"github.com/opscontext/opscontext/internal/crash"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// TestCrash stops an adoption before each operation that changes the disk and within each write, draws
// several disks from each, and adopts again: the end is the same, and the old home as it was.
func TestCrash(t *testing.T) {
	t.Parallel()
	base := newOld(t, 14, 3, 9)
	_, err := archive.Run(t.Context(), oldPath, logOptions(base), archive.Options{Workers: 1})
	check(t, err)
	base.SyncAll()
	old, before := records(t, base, oldPath), tree(t, base, oldPath)
	apply := func(m *durable.Mem) error {
		o := options(m)
		res, err := adopt.Apply(t.Context(), o)
		for _, a := range res.Archived {
			err = errors.Join(err, a.Err)
		}
		return err
	}
	done := base.Crash(durable.Loss{Kept: durable.KeptCache})
	check(t, apply(done))
	check(t, broughtOver(t, done, old))
	want := strings.Join(listed(t, done, newArchive), " ")
	count := crash.Count(t, "adopt")
	for at, disk := range count.Each(base, 0, func(m *durable.Mem) {
		if err := apply(m); err != nil && !m.Crashed() {
			t.Fatalf("adopting fails without a crash: %v", err)
		}
	}) {
		if strings.Contains(at.String(), ".zst") {
			break // archiving has a test of its own
		}
		err := apply(disk)
		if errors.Is(err, segment.ErrRefused) && strings.Contains(err.Error(), "adopted already; no record was left behind") {
			err = nil
		}
		if err != nil {
			t.Fatalf("crash %s: adopting again: %v", at, err)
		}
		_, err = archive.Run(t.Context(), newPath, logOptions(disk), archive.Options{Workers: 1})
		check(t, err)
		if err := broughtOver(t, disk, old); err != nil {
			t.Fatalf("crash %s: %v", at, err)
		}
		if got := strings.Join(listed(t, disk, newArchive), " "); got != want {
			t.Fatalf("crash %s: files %s, want %s", at, got, want)
		}
		if left := strings.Join(listed(t, disk, newPath), " "); strings.Contains(left, ".tmp") {
			t.Fatalf("crash %s: left is %s", at, left)
		}
		if now := tree(t, disk, oldPath); now != before {
			t.Fatalf("crash %s: the old home has changed:\n%s\nit was\n%s", at, now, before)
		}
	}
	count.AtLeast(t, 100)
}

// The old home grows after each crash: what came since is brought over, nothing twice.
func TestGrowthAfterCrash(t *testing.T) {
	t.Parallel()
	base := newOld(t, 14, 9)
	states := 0
	for p, stopped := range base.CrashPoints(func(m *durable.Mem) {
		if _, err := adopt.Apply(t.Context(), options(m)); err != nil && !m.Crashed() {
			t.Fatal(err)
		}
	}) {
		if strings.Contains(p.String(), ".zst") {
			break
		}
		disk := stopped.Crash(durable.Loss{Kept: durable.KeptCache})
		grow(t, disk, oldPath, 23, 30)
		if p.After%2 == 0 { // and its live log was sealed
			log := open(t, disk, oldPath)
			_, err := log.Rotate(t.Context())
			check(t, errors.Join(err, log.Close()))
		}
		old := records(t, disk, oldPath)
		_, err := adopt.Apply(t.Context(), options(disk))
		if errors.Is(err, segment.ErrRefused) {
			if !strings.Contains(err.Error(), "records were left behind in the old home, from audit.log on: "+old[24].Hash.String()) &&
				!strings.Contains(err.Error(), "were left behind in the old home, from "+segment.ArchiveDir) {
				t.Fatalf("after %v: %v", p, err)
			}
			continue
		}
		states++
		if err := errors.Join(err, broughtOver(t, disk, old)); err != nil {
			t.Fatalf("after %v: %v", p, err)
		}
	}
	if states < 20 {
		t.Errorf("only %d crash states before the adoption is closed: the sweep is broken", states)
	}
}

// Every operation fails once: what is told is an error, and the next run completes the adoption.
func TestFailingOperations(t *testing.T) {
	t.Parallel()
	kinds := []durable.OpKind{durable.OpCreate, durable.OpWrite, durable.OpSync, durable.OpLink, durable.OpRename, durable.OpRemove, durable.OpSyncDir}
	base := newOld(t, 14, 9)
	old := records(t, base, oldPath)
	for _, op := range kinds {
		for skip := range 12 {
			m := base.Crash(durable.Loss{Kept: durable.KeptCache})
			m.SetClock(ticking())
			m.Inject(durable.Fault{Op: op, Skip: skip, Err: syscall.ENOSPC})
			_, first := adopt.Apply(t.Context(), options(m))
			_, err := adopt.Apply(t.Context(), options(m))
			if errors.Is(err, segment.ErrRefused) && strings.Contains(err.Error(), "no record was left behind") {
				_, err = archive.Run(t.Context(), newPath, logOptions(m), archive.Options{})
			}
			if err := errors.Join(err, broughtOver(t, m, old)); err != nil {
				t.Errorf("%v fails after %d (%v): %v", op, skip, first, err)
			}
			if left := append(listed(t, m, newArchive), listed(t, m, newPath)...); slices.ContainsFunc(left, func(name string) bool { return strings.HasSuffix(name, ".tmp") }) {
				t.Errorf("%v fails after %d: %v is left", op, skip, left)
			}
		}
	}
}

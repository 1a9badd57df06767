package backup

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/internal/crash"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// lossSeeds is how many disks of each kind are drawn from each crash point, besides all and nothing.
const lossSeeds = 1

// TestCrash stops a backup before each operation that changes the disk and within each write, draws
// several disks from each, and looks at what a restore would give: all that the backup had before, at
// least. Then it is run again, and ends as without a crash.
func TestCrash(t *testing.T) {
	for _, c := range []struct {
		name  string
		first bool // there is an earlier backup
		after func(*testing.T, *durable.Mem)
	}{
		{"first", false, func(*testing.T, *durable.Mem) {}},
		{"appended", true, func(t *testing.T, m *durable.Mem) { fill(t, m, 2) }},
		{"rotated and archived", true, func(t *testing.T, m *durable.Mem) {
			fill(t, m, 2, 4, 3)
			archiveAll(t, m)
			fill(t, m, 2)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			base := newDisk(t)
			fill(t, base, 4, 6, 3)
			had := ""
			if c.first {
				mustTake(t, base)
				_, had = judged(t, base, testDir)
			}
			c.after(t, base)
			base.SyncAll()
			done := base.Crash(durable.Loss{Kept: durable.KeptCache})
			mustTake(t, done)
			count := crash.Count(t, "backup")
			for at, disk := range count.Each(base, lossSeeds, func(m *durable.Mem) {
				if _, err := take(m); err != nil && !m.Crashed() {
					t.Fatalf("the backup fails without a crash: %v", err)
				}
			}) {
				if c.first {
					if exit, _ := judged(t, disk, testDir); exit != 0 || !holds(t, disk, had) {
						t.Fatalf("crash %s: a restore gives %d, and has the earlier head: %v", at, exit, holds(t, disk, had))
					}
				}
				for range 1 + count.States()%8/7 { // a sample is run twice
					if _, err := take(disk); err != nil {
						t.Fatalf("crash %s: again: %v", at, err)
					}
				}
				if want, got := contents(t, done, testDir), contents(t, disk, testDir); !maps.Equal(want, got) {
					t.Fatalf("crash %s: files %v, want %v", at, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
				}
			}
			count.AtLeast(t, 50)
		})
	}
}

// Every operation on the backup fails once: it is reported, nothing that was there is lost, and the
// next run completes it.
func TestFailingOperations(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		for _, op := range []durable.OpKind{durable.OpCreate, durable.OpWrite, durable.OpSync, durable.OpRename, durable.OpRemove, durable.OpSyncDir, durable.OpRead} {
			for _, nth := range []int{0, 1, 3, 6, 10} {
				m := newDisk(t)
				fill(t, m, 4, 6, 3)
				mustTake(t, m)
				_, had := judged(t, m, testDir)
				fill(t, m, 2, 4)
				archiveAll(t, m)
				_, head := judged(t, m, testHome)
				m.Inject(durable.Fault{Op: op, Skip: nth, Err: errno})
				res, err := take(m)
				m.ClearFaults()
				at := fmt.Sprintf("%v of %v, after %d (%v)", errno, op, nth, err)
				exit, now := judged(t, m, testDir)
				if exit != 0 || !holds(t, m, had) || err == nil && now != head {
					t.Errorf("%s: a restore gives %d, head %s", at, exit, now)
				}
				if err == nil && res.Unlocked == nil && res.Report.Exit == 0 {
					sameHome(t, m, testHome, testDir)
				}
				mustTake(t, m)
				sameHome(t, m, testHome, testDir)
			}
		}
	}
}

// What a copy reads back is what the medium has, not what the cache shows.
func TestCopyThatDoesNotReachTheMedium(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 4, 6, 3)
	m.Inject(durable.Fault{Op: durable.OpSync, Name: temporary + "*", Err: syscall.EIO})
	if _, err := take(m); err == nil {
		t.Fatal("a failed sync went unnoticed")
	}
	for name := range contents(t, m, testDir) {
		t.Errorf("%s is there", name)
	}
	mustTake(t, m)
	sameHome(t, m, testHome, testDir)
}

// holds reports whether the backup has a record with this hash, in whatever file.
func holds(t *testing.T, m *durable.Mem, hash string) bool {
	t.Helper()
	snap, err := openLog(m, testDir)
	check(t, err)
	found := false
	for _, src := range snap.Sources {
		for _, e := range src.Extents(segment.DefaultExtent) {
			c, err := src.Read(e, nil)
			check(t, err)
			found = found || bytes.Contains(c.Data, []byte(`"hash":"`+hash+`"`))
		}
	}
	check(t, snap.Close())
	return found
}

package recovery

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/crash"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// losses are the disks that restorations are tried on: each needs one.
var losses = map[string]func(t testing.TB) (m *durable.Mem, from string){
	"gap": func(t testing.TB) (*durable.Mem, string) {
		m := newDisk(t, 3)
		mirror(t, m, testHome, testBackup)
		remove(t, m, inArchive("audit-0002.jsonl"))
		return m, testBackup
	},
	"branch": func(t testing.TB) (*durable.Mem, string) {
		m := newDisk(t, 1)
		mirror(t, m, testHome, testBackup)
		add(t, m, 3)
		seal(t, m)
		mirror(t, m, testHome, "/lost")
		mirror(t, m, testBackup, testHome)
		add(t, m, 1)
		o := options(m, 0)
		p, err := PlanBreak(t.Context(), o, Declaration{Cause: chain.CauseBackupRestore, Reason: "test", Operator: "ops"})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		return m, "/lost"
	},
	"segment": func(t testing.TB) (*durable.Mem, string) {
		m := newDisk(t, 2)
		mirror(t, m, testHome, testBackup)
		spoil(t, m, "audit-0001.jsonl", `"i":2`, `"i":3`)
		return m, testBackup
	},
	"archive from plain": func(t testing.TB) (*durable.Mem, string) {
		m := newDisk(t, 2)
		mirror(t, m, testHome, testBackup)
		compress(t, m)
		spoil(t, m, "audit-0001.jsonl.zst", "\x28\xb5\x2f\xfd", "\x00\x00\x00\x00")
		return m, testBackup
	},
}

// spoil changes a file in the archive.
func spoil(t testing.TB, m *durable.Mem, base, old, text string) {
	t.Helper()
	was := string(read(t, m, inArchive(base)))
	if !strings.Contains(was, old) {
		t.Fatalf("%s has no %q", base, old)
	}
	put(t, m, inArchive(base), strings.Replace(was, old, text, 1))
}

// TestRestoreCrash stops a restoration before each operation that changes the disk and within each
// write, draws several disks from each, and restores again: the end is the same, nothing is there
// twice, and no byte of a damaged file is gone at any moment.
func TestRestoreCrash(t *testing.T) {
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, from := lose(t)
			base.SyncAll()
			damaged := files(t, base, testHome+"/"+segment.ArchiveDir)
			done := base.Crash(durable.Loss{Kept: durable.KeptCache})
			if err := putBack(done, from); err != nil {
				t.Fatal(err)
			}
			if out := examine(t, done); out.Report.Exit != 0 || len(out.Verdict.Restores) != 1 {
				t.Fatalf("without a crash: %s, %d records of restorations", out.Report.Verdict, len(out.Verdict.Restores))
			}
			want := kept(t, done)
			count := crash.Count(t, "restore")
			for state, disk := range count.Each(base, 1, func(m *durable.Mem) {
				if err := putBack(m, from); err != nil && !m.Crashed() {
					t.Fatalf("restoring fails without a crash: %v", err)
				}
			}) {
				at := "crash " + state.String()
				whole := func() error { return nothingGone(damaged, disk, t) }
				if err := whole(); err != nil {
					t.Fatalf("%s: %v", at, err)
				}
				for range 2 {
					if err := putBack(disk, from); err != nil && !errors.Is(err, segment.ErrRefused) {
						t.Fatalf("%s: restoring again: %v", at, err)
					}
					if err := whole(); err != nil {
						t.Fatalf("%s, then restored: %v", at, err)
					}
				}
				if out := examine(t, disk); out.Report.Exit != 0 || len(out.Verdict.Restores) != 1 {
					t.Fatalf("%s: %s, %d records of restorations", at, out.Report.Verdict, len(out.Verdict.Restores))
				}
				if got := kept(t, disk); !maps.Equal(got, want) {
					t.Fatalf("%s: files %v, want %v", at, names(got), names(want))
				}
			}
			count.AtLeast(t, 50)
		})
	}
}

// kept is what lies in the archive and in quarantine.
func kept(t testing.TB, m *durable.Mem) map[string]string {
	all := files(t, m, testHome+"/"+segment.ArchiveDir)
	for name, text := range files(t, m, testHome+"/"+segment.QuarantineDir) {
		all["quarantine/"+name] = text
	}
	return all
}

func names(all map[string]string) (list []string) {
	for name := range all {
		list = append(list, name)
	}
	return list
}

// nothingGone is an error if the content of a file is not anywhere any more.
func nothingGone(was map[string]string, m *durable.Mem, t testing.TB) error {
	now := map[string]bool{}
	for _, text := range kept(t, m) {
		now[text] = true
	}
	for name, text := range was {
		if !now[text] {
			return fmt.Errorf("the content of %s is gone", name)
		}
	}
	return nil
}

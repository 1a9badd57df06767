package segment

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAside(t *testing.T) {
	home := write(t, LiveName, "audit.torn-2026-01-01T00-00-00-000Z.partial", "audit.torn-2026-01-02T00-00-00-000Z-2.partial.unrecorded",
		"audit.torn-2026-01-03T00-00-00-000Z.partial.copying", "audit.torn-notes", "other.partial", RefusedName, "audit-archive/audit-0001.jsonl")
	if err := os.Mkdir(filepath.Join(home, QuarantineDir), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"audit.odd-2026-01-01T00-00-00-000Z.partial", "audit.ghost-2026-01-01T00-00-00-000Z.partial.copying", "audit-0003.0123456789abcdef.jsonl"} {
		put(t, filepath.Join(home, QuarantineDir, name), "bytes")
	}
	got, err := snap(t, home, SnapshotOptions{}).Aside()
	want := []string{"audit-quarantine/audit-0003.0123456789abcdef.jsonl", "audit-quarantine/audit.odd-2026-01-01T00-00-00-000Z.partial",
		"audit.torn-2026-01-01T00-00-00-000Z.partial", "audit.torn-2026-01-02T00-00-00-000Z-2.partial.unrecorded"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestAsideOfNothing(t *testing.T) {
	if got, err := snap(t, filepath.Join(t.TempDir(), "none"), SnapshotOptions{}).Aside(); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// What cannot be listed is not taken for nothing.
func TestAsideThatCannotBeListed(t *testing.T) {
	home := write(t, LiveName)
	put(t, filepath.Join(home, QuarantineDir), "no directory")
	if got, err := snap(t, home, SnapshotOptions{}).Aside(); err == nil {
		t.Errorf("%v", got)
	}
}

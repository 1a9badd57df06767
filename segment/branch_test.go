package segment

import (
	"testing"

	"pgregory.net/rapid"
)

func TestBranchNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := BranchName{rapid.Int64Range(0, maxNumber).Draw(t, "number"), rapid.Int64Range(1, maxNumber).Draw(t, "index")}
		if got, ok := ParseBranchName(n.String()); !ok || got != n {
			t.Fatalf("%s reads as %v, %t", n, got, ok)
		}
		if _, _, ok := ParseName(n.String()); ok {
			t.Fatalf("%s is taken for a segment", n)
		}
	})
	for _, name := range []string{"", "audit-0001.jsonl", "audit-0001-r1.jsonl", "audit-0001-b0.jsonl", "audit-0001-b01.jsonl", "audit-1-b1.jsonl",
		"audit-0001-b1.jsonl.zst", "audit-0001-b1", "audit-0001-b.jsonl", "Audit-0001-b1.jsonl"} {
		if n, ok := ParseBranchName(name); ok {
			t.Errorf("%q reads as %v", name, n)
		}
	}
}

// A branch is in the snapshot, and no part of what is read as the log.
func TestSnapshotKeepsBranchesApart(t *testing.T) {
	s := snap(t, write(t, "audit-archive/audit-0001.jsonl", "audit-archive/audit-0001-b10.jsonl", "audit-archive/audit-0001-b9.jsonl",
		"audit-archive/audit-0007-b1.jsonl"), SnapshotOptions{})
	var branches []string
	for _, b := range s.Branches {
		branches = append(branches, b.Name()+" "+b.State().String())
	}
	if len(s.Sources) != 1 || s.Next != 2 || len(s.Others) != 0 {
		t.Errorf("%d segments, next %d, others %v", len(s.Sources), s.Next, s.Others)
	}
	want := []string{"audit-0001-b9.jsonl abandoned", "audit-0001-b10.jsonl abandoned", "audit-0007-b1.jsonl abandoned"}
	if len(branches) != len(want) {
		t.Fatalf("branches %v, want %v", branches, want)
	}
	for i := range want {
		if branches[i] != want[i] {
			t.Errorf("branch %d is %s, want %s", i, branches[i], want[i])
		}
	}
}

package segment

import (
	"slices"
	"testing"

	"github.com/opscontext/opscontext/internal/durable"
)

func TestPendingListsWhatAnAppendSettles(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 1)
	if _, err := l.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	if list, err := Pending(m, testHome); err != nil || len(list) > 0 {
		t.Fatalf("of a log at rest: %v, %v", list, err)
	}
	if err := m.Mkdir(testHome+"/"+QuarantineDir, 0o700); err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/"+RefusedName, "{}\n")
	addTo(t, m, testHome+"/audit.torn-x.partial.unrecorded", "x")
	addTo(t, m, testHome+"/"+QuarantineDir+"/audit.odd-x.partial.unrecorded", "x")
	addTo(t, m, testHome+"/"+QuarantineDir+"/audit.odd-y.partial", "y") // on the chain
	if err := m.Link(testHome+"/"+LiveName, testHome+"/"+ArchiveDir+"/audit-0002.jsonl"); err != nil {
		t.Fatal(err)
	}
	f, err := openFlockFile(m, testHome+"/"+FlockName)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.suspect(7, 0); err != nil {
		t.Fatal(err)
	}
	want := []Unfinished{{UnfinishedRefusals, RefusedName}, {UnfinishedSync, FlockName}, {UnfinishedAside, "audit.torn-x.partial.unrecorded"},
		{UnfinishedAside, QuarantineDir + "/audit.odd-x.partial.unrecorded"}, {UnfinishedRotation, ArchiveDir + "/audit-0002.jsonl"}}
	list, err := Pending(m, testHome)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range want {
		if !slices.Contains(list, u) {
			t.Errorf("%v is not listed: %v", u, list)
		}
	}
	if len(list) != len(want) {
		t.Errorf("listed are %v, want %v", list, want)
	}
}

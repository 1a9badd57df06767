package segment

import (
	"errors"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/internal/durable"
)

// What a copy holds is in the log after a power cut: bytes that a writer had not synced are synced
// before the copy is begun.
func TestHoldSyncsTheLiveLog(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 0)
	addTo(t, m, testHome+"/audit.log", "written and not synced\n")
	var before, after string
	read := func(disk *durable.Mem) string {
		data, err := readAll(disk, testHome+"/audit.log")
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	before = read(m.Crash(durable.Loss{Kept: durable.KeptNothing}))
	if err := l.Hold(t.Context(), func() error {
		after = read(m.Crash(durable.Loss{Kept: durable.KeptNothing}))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if whole := read(m); after != whole || before == whole {
		t.Errorf("a power cut during Hold leaves %d bytes of %d, before it %d", len(after), len(whole), len(before))
	}
}

// A sync that fails here is nobody else's to notice, if the writer is dead: the next one compares.
func TestHoldSuspectsWhatItCannotSync(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 0)
	addTo(t, m, testHome+"/audit.log", `{"a ghost":1}`+"\n")
	m.Inject(durable.Fault{Op: durable.OpSync, Name: LiveName, Err: syscall.EIO})
	called := false
	err := l.Hold(t.Context(), func() error { called = true; return nil })
	if !errors.Is(err, syscall.EIO) || called {
		t.Fatalf("Hold gives %v, and ran f: %v", err, called)
	}
	word, err := readAll(m, testHome+"/audit.flock")
	if err != nil || !parseSuspicion(word).set {
		t.Fatalf("the suspect word is %q, %v", word, err)
	}
	mustAppend(t, l, 1)
	closeLog(t, l)
	h := mustWalk(t, m)
	if len(h.records) < 2 {
		t.Errorf("%d records", len(h.records))
	}
}

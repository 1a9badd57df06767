package durable

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestCrashAfter(t *testing.T) {
	m := NewMem()
	must(t, m.Mkdir("d", 0o700))
	f := open(t, m, "d/a")
	m.CrashAfter(2)
	put(t, f, "one")
	must(t, f.Sync())
	wantText(t, m, "d/a", "one") // looking is free
	if m.Crashed() {
		t.Fatal("stopped early")
	}
	n, err := f.Write([]byte("two"))
	wantErr(t, err, ErrCrashed, "d/a")
	if n != 0 || !m.Crashed() {
		t.Errorf("%d bytes landed, crashed: %v", n, m.Crashed())
	}
	// From then on nothing works, and nothing hangs.
	_, openErr := m.OpenFile("d/a", os.O_RDONLY, 0)
	_, statErr := m.Stat("d/a")
	_, readErr := f.ReadAt(make([]byte, 1), 0)
	for _, err := range []error{openErr, statErr, f.Sync(), f.Close()} {
		wantErr(t, err, ErrCrashed, "d/a")
	}
	wantErr(t, readErr, ErrCrashed, "d/a")
	wantErr(t, m.SyncDir("d"), ErrCrashed, "d")
	wantErr(t, m.Rename("d/a", "d/b"), ErrCrashed, "d/b")
	want := []Op{{Kind: OpMkdir, Name: "d"}, {Kind: OpCreate, Name: "d/a"}, {Kind: OpWrite, Name: "d/a", Len: 3}, {Kind: OpSync, Name: "d/a"}}
	if got := m.Ops(); !slices.Equal(got, want) {
		t.Errorf("operations %v, want %v", got, want)
	}
	c := m.Crash(Loss{Kept: KeptCache})
	wantText(t, c, "d/a", "one")
	if c.Crashed() || len(c.Ops()) != 0 {
		t.Error("the disk after the crash does not start anew")
	}
	write(t, c, "d/b", "goes on")
	if _, err := f.Stat(); err == nil {
		t.Error("a file of the stopped disk is still open")
	}
}

func TestCrashPoints(t *testing.T) {
	m := NewMem()
	write(t, m, "old", "x")
	var got []string
	for p, disk := range m.CrashPoints(func(m *Mem) {
		f, err := m.OpenFile("a", os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return
		}
		if _, err := f.Write([]byte("12345")); err != nil {
			return
		}
		_ = f.Sync()
	}) {
		wantText(t, disk.Crash(Loss{Kept: KeptCache}), "old", "x")
		got = append(got, fmt.Sprintf("%v: %s", p, contents(t, disk.Crash(Loss{Kept: KeptCache}))))
	}
	want := []string{
		"after 0 operations, in create a, 0 bytes landed: old=x",
		"after 1 operations, in write a 0+5, 0 bytes landed: a= old=x",
		"after 1 operations, in write a 0+5, 1 bytes landed: a=1 old=x",
		"after 1 operations, in write a 0+5, 2 bytes landed: a=12 old=x",
		"after 1 operations, in write a 0+5, 4 bytes landed: a=1234 old=x",
		"after 2 operations, in sync a, 0 bytes landed: a=12345 old=x",
		"at the end, after 3 operations: a=12345 old=x",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for range m.CrashPoints(func(*Mem) {}) {
		break // may be left early
	}
}

func TestLossString(t *testing.T) {
	var got []string
	for _, l := range append(Losses(5, 2), Loss{Kept: 9}) {
		got = append(got, l.String())
	}
	if s := strings.Join(got, " "); s != "nothing cache prefix/5 subset/5 prefix/6 subset/6 Kept(9)/0" {
		t.Error(s)
	}
	for op, want := range map[Op]string{
		{Kind: OpRename, Name: "a", New: "b"}:           "rename a b",
		{Kind: OpTruncate, Name: "a", Off: 5}:           "truncate a 5",
		{Kind: OpReadMedium, Name: "a", Off: 5, Len: 6}: "read medium a 5+6",
		{Kind: 99, Name: "a"}:                           "OpKind(99) a",
	} {
		if op.String() != want {
			t.Errorf("%q, want %q", op.String(), want)
		}
	}
	if err := (Op{Kind: OpReadDir, Name: "d"}).wrap(syscall.EIO); err.Error() != "readdir d: input/output error" {
		t.Error(err)
	}
}

package segment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

func remember(t *testing.T, dir, home string) *Memory {
	t.Helper()
	m, err := OpenMemory(durable.OS(), dir, home)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMemoryOnDisk(t *testing.T) {
	home := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(home, link); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(t.TempDir(), "a", "state")
	m := remember(t, state, link)
	if _, ok := m.Mark(); ok {
		t.Error("there is a mark before one was set")
	}
	if _, err := os.Stat(filepath.Dir(state)); err == nil {
		t.Error("looking made the state directory")
	}
	mark := Mark{LogID: chain.Hash{1}, Incarnation: 1, Segment: 2, Offset: 300, Head: chain.Hash{4}, Records: 5}
	point := Point{LogID: chain.Hash{1}, Segment: 1, Offset: 30, Hash: chain.Hash{3}, Records: 1}
	for _, err := range []error{m.SetMark(mark), m.AddPoint(point), m.SetVerdict([]byte("fine")), m.SetVerdict([]byte("bad"))} {
		if err != nil {
			t.Fatal(err)
		}
	}

	real, err := filepath.EvalSymlinks(home)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(real))
	base := filepath.Join(state, hex.EncodeToString(sum[:]))
	for name, want := range map[string]os.FileMode{base + ".mark": 0o600, base + ".points": 0o600, base + ".verdict": 0o600, state: 0o700 | os.ModeDir, filepath.Dir(state): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v (%v), want %v", name, info.Mode(), err, want)
		}
	}

	again := remember(t, state, home)
	got, ok := again.Mark()
	if !ok || got != mark {
		t.Errorf("mark %+v %v, want %+v", got, ok, mark)
	}
	if points, err := again.Points(); err != nil || fmt.Sprint(points) != fmt.Sprint([]Point{point}) {
		t.Errorf("points %+v (%v), want %+v", points, err, point)
	}
	if v, err := again.Verdict(); err != nil || string(v) != "bad" {
		t.Errorf("verdict %q (%v)", v, err)
	}
}

func TestMemoryWithoutAState(t *testing.T) {
	m := remember(t, "", t.TempDir())
	for _, err := range []error{m.SetMark(Mark{}), m.AddPoint(Point{}), m.SetVerdict([]byte("x")), m.Supersede(Continuity{})} {
		if err != nil {
			t.Error(err)
		}
	}
	points, err := m.Points()
	verdict, err2 := m.Verdict()
	others, err3 := m.OtherMarks(chain.Hash{1})
	if _, ok := m.Mark(); ok || len(points)+len(verdict)+len(others) > 0 || err != nil || err2 != nil || err3 != nil {
		t.Errorf("remembered %v %v %q %v (%v %v %v)", ok, points, verdict, others, err, err2, err3)
	}
}

// A line that a crash cut short costs itself and nothing else.
func TestPointsAfterATornLine(t *testing.T) {
	m := remember(t, t.TempDir(), t.TempDir())
	a, b := Point{Hash: chain.Hash{1}}, Point{Hash: chain.Hash{2}}
	if err := m.AddPoint(a); err != nil {
		t.Fatal(err)
	}
	path := m.path(pointsSuffix)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, string(file)+string(file[:40]))
	if err := m.AddPoint(b); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Points(); err != nil || fmt.Sprint(got) != fmt.Sprint([]Point{a, b}) {
		t.Errorf("points %+v (%v)", got, err)
	}
}

func TestMarkOverwritesWhatIsThere(t *testing.T) {
	m := remember(t, t.TempDir(), t.TempDir())
	for _, junk := range []string{"", "x", strings.Repeat("\x00", markSize), strings.Repeat("{", 3*markSize)} {
		put(t, m.path(markSuffix), junk)
		if _, ok := m.Mark(); ok {
			t.Errorf("%.20q is a mark", junk)
		}
		want := Mark{Offset: int64(len(junk)), Records: chain.UnknownCount}
		if err := m.SetMark(want); err != nil {
			t.Fatal(err)
		}
		if got, ok := m.Mark(); !ok || got != want {
			t.Errorf("after %.20q: %+v %v", junk, got, ok)
		}
	}
	if err := os.Remove(m.path(markSuffix)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", m.path(markSuffix)); err != nil {
		t.Fatal(err)
	}
	if err := m.SetMark(Mark{}); err == nil {
		t.Error("a mark was written through a symbolic link")
	}
	if _, err := m.Check(t.Context(), HomeView{}); err == nil {
		t.Error("a mark that cannot be read is no error")
	}
}

func TestMarksFromManyGoroutines(t *testing.T) {
	m := remember(t, t.TempDir(), t.TempDir())
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 50 {
				mark := Mark{Segment: int64(w), Offset: int64(i), Records: int64(i)}
				if err := m.SetMark(mark); err != nil {
					t.Error(err)
				}
				if got, ok := m.Mark(); ok && got.Offset != got.Records {
					t.Errorf("read a mixture: %+v", got)
				}
			}
		})
	}
	all.Wait()
	if got, ok := m.Mark(); !ok || got.Offset != 49 {
		t.Errorf("in the end: %+v %v", got, ok)
	}
}

func TestOtherMarks(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	here := remember(t, state, filepath.Join(t.TempDir(), "here"))
	if marks, err := here.OtherMarks(chain.Hash{1}); err != nil || len(marks) != 0 {
		t.Errorf("without a directory: %v (%v)", marks, err)
	}
	there := Mark{LogID: chain.Hash{1}, Head: chain.Hash{9}, Records: 90}
	for name, mark := range map[string]Mark{"here": {LogID: chain.Hash{1}}, "there": there, "another log": {LogID: chain.Hash{2}}} {
		m := here
		if name != "here" {
			m = remember(t, state, filepath.Join(t.TempDir(), name))
		}
		if err := m.SetMark(mark); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(state, "broken.mark"), "x")
	put(t, filepath.Join(state, "notes.txt"), "x")
	marks, err := here.OtherMarks(chain.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Mark{there}, marks); diff != "" {
		t.Errorf("other marks (-want +got):\n%s", diff)
	}
}

func TestStateDir(t *testing.T) {
	home := t.TempDir()
	for _, c := range []struct {
		name, xdg, home, want, fails string
	}{
		{"default", "", "/home/u", "/home/u/.local/state/opscontext", ""},
		{"XDG_STATE_HOME", "/var/state", "/home/u", "/var/state/opscontext", ""},
		{"relative XDG_STATE_HOME", "state", "/home/u", "/home/u/.local/state/opscontext", ""},
		{"XDG_STATE_HOME alone", "/var/state", "", "/var/state/opscontext", ""},
		{"nothing", "", "", "", "HOME"},
		{"relative HOME", "", "u", "", "HOME"},
	} {
		env := map[string]string{"XDG_STATE_HOME": c.xdg, "HOME": c.home}
		got, err := StateDir(home, func(name string) string { return env[name] })
		if got != c.want || (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

// Root looks at a user's log with what the user's own appends remembered.
func TestStateDirOfRootIsTheOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to look at another user's home")
	}
	home := t.TempDir()
	env := func(string) string { return "/root/of/env" }
	if err := os.Chown(home, 1, -1); err != nil { // daemon, whose home directory every system knows
		t.Fatal(err)
	}
	got, err := StateDir(home, env)
	if err != nil || !strings.HasSuffix(got, "/.local/state/opscontext") || strings.HasPrefix(got, "/root") {
		t.Errorf("uid 1: %q (%v)", got, err)
	}
	if err := os.Chown(home, 54321, -1); err != nil {
		t.Fatal(err)
	}
	if got, err := StateDir(home, env); err == nil || !strings.Contains(err.Error(), "--state") {
		t.Errorf("a user nobody knows: %q (%v), want an error that names --state", got, err)
	}
}

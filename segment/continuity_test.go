package segment

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// history is a chain of records and what this machine remembers of it.
type history struct {
	records []chain.Record
	lines   [][]byte
	clock   time.Time
}

// grow adds n records, a second apart.
func (h *history) grow(n int, payload string) {
	if h.clock.IsZero() {
		h.clock = time.Date(2026, 5, 2, 22, 0, 0, 0, time.UTC)
	}
	prev := chain.Genesis
	if len(h.records) > 0 {
		prev = h.records[len(h.records)-1].Hash
	}
	for range n {
		h.clock = h.clock.Add(time.Second)
		ts, err := stamp(h.clock)
		if err != nil {
			panic(err)
		}
		r, err := chain.Seal(prev, ts, "test", "system", []byte(payload))
		if err != nil {
			panic(err)
		}
		prev = r.Hash
		h.records = append(h.records, r)
		h.lines = append(h.lines, chain.AppendLine(nil, &r))
	}
}

func made(n int) *history {
	h := &history{}
	h.grow(n, `{"made":true}`)
	return h
}

// first gives a copy of the first n records, an older state of the same log.
func (h *history) first(n int) *history {
	return &history{slices.Clone(h.records[:n]), slices.Clone(h.lines[:n]), h.clock}
}

func (h *history) text(from, to int) string { return string(bytes.Join(h.lines[from:to], nil)) }

func (h *history) offset(n int) int64 { return int64(len(h.text(0, n))) }

// place lays the history out: a segment ends after each number of records in seals.
func (h *history) place(t testing.TB, home string, seals ...int) {
	t.Helper()
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(home, ArchiveDir), 0o700); err != nil {
		t.Fatal(err)
	}
	from := 0
	for i, to := range append(seals, len(h.records)) {
		path := filepath.Join(home, LiveName)
		if i < len(seals) {
			path = filepath.Join(home, ArchiveDir, Name{Number: int64(i + 1)}.File(FormPlain))
		}
		if err := os.WriteFile(path, []byte(h.text(from, to)), 0o600); err != nil {
			t.Fatal(err)
		}
		from = to
	}
}

// remember moves the mark to the head of a history that was laid out with seals, and remembers the
// first record, those at points (counted from 1) and the last of each segment.
func (h *history) remember(t testing.TB, m *Memory, seals, points []int) {
	t.Helper()
	at := func(n int) (segment, offset int64) {
		from := 0
		for i, to := range seals {
			if n <= to {
				return int64(i + 1), int64(len(h.text(from, n)))
			}
			from = to
		}
		return int64(len(seals) + 1), int64(len(h.text(from, n)))
	}
	all := slices.Concat([]int{1}, seals, points)
	slices.Sort(all)
	for _, n := range slices.Compact(all) {
		r := h.records[n-1]
		segment, offset := at(n)
		if err := m.AddPoint(Point{LogID: h.records[0].Hash, Segment: segment, Offset: offset, Hash: r.Hash, Records: int64(n), TS: r.TS}); err != nil {
			t.Fatal(err)
		}
	}
	segment, offset := at(len(h.records))
	head := h.records[len(h.records)-1]
	mark := Mark{LogID: h.records[0].Hash, Incarnation: 1, Segment: segment, Offset: offset, Head: head.Hash, Records: int64(len(h.records)), TS: head.TS}
	if err := m.SetMark(mark); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, m *Memory, home string) Continuity {
	t.Helper()
	s := snap(t, home, SnapshotOptions{})
	short, err := m.Check(t.Context(), HomeView{Live: s.Live})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := m.Check(t.Context(), HomeView{Live: s.Live, Snapshot: s})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(short) != fmt.Sprint(whole) {
		t.Errorf("a writer sees %+v\nverify sees   %+v", short, whole)
	}
	return whole
}

func TestContinuity(t *testing.T) {
	const hundred, fifty = 100, 50
	other := &history{clock: time.Date(2026, 5, 2, 22, 0, 0, 500, time.UTC)}
	other.grow(160, `{"other":true}`)
	for _, c := range []struct {
		name   string
		seals  []int // of what is remembered: 150 records
		points []int
		then   func(t *testing.T, h *history, home string)
		want   string // standing or class, and what is lost
		agree  string
		clock  time.Duration // how far the clock moves after 100 records
	}{
		{name: "nothing moved", want: "agrees at audit-0001"},
		{name: "nothing moved, with segments", seals: []int{50, 100}, want: "agrees at audit-0003"},
		{name: "others appended", want: "agrees at audit-0001", then: func(t *testing.T, h *history, home string) {
			h.grow(60, "1")
			h.place(t, home)
		}},
		{name: "rotated as we do", seals: []int{50}, want: "agrees at audit-0002", then: func(t *testing.T, h *history, home string) {
			h.grow(60, "1")
			h.place(t, home, 50, 150)
		}},
		{name: "rotated as we do, mark in the middle of the sealed segment", want: "agrees at audit-0001", then: func(t *testing.T, h *history, home string) {
			h.grow(60, "1")
			h.place(t, home, 180)
		}},
		{name: "rotated as Node does, the head stays live", want: "agrees at audit-0002", then: func(t *testing.T, h *history, home string) {
			h.place(t, home, 100)
		}},
		{name: "rotated as Node does, the head moves", want: "agrees at audit-0001", then: func(t *testing.T, h *history, home string) {
			h.grow(60, "1")
			h.place(t, home, 170)
		}},
		{name: "spelled anew while it was rotated", want: "agrees at audit-0002", then: func(t *testing.T, h *history, home string) {
			for i, l := range h.lines {
				h.lines[i] = bytes.Replace(l, []byte(`{"ts":`), []byte(`{ "ts" : `), 1)
				h.lines[i] = bytes.Replace(h.lines[i], []byte("}\n"), []byte(" }\r\n"), 1)
			}
			h.place(t, home, 120)
		}},
		{name: "a block was put back before it", seals: []int{100}, want: "agrees at audit-0002", then: func(t *testing.T, h *history, home string) {
			put(t, filepath.Join(home, ArchiveDir, "audit-0001-r1.jsonl"), other.text(0, 3))
		}},

		{name: "older copy put back", want: "rolled-back 50..50 of audit.log", agree: "1 yes", then: func(t *testing.T, h *history, home string) {
			h.first(hundred).place(t, home)
		}},
		{name: "older copy, then others appended past the old end", want: "rolled-back 1..50 of audit.log", agree: "1 yes", then: func(t *testing.T, h *history, home string) {
			old := h.first(hundred)
			old.grow(60, `{"made":"by others"}`)
			old.place(t, home)
		}},
		{name: "older copy, a point of the lost part lies before the new end", points: []int{120}, want: "rolled-back 1..50 of audit.log", agree: "1 yes, 120 absent",
			then: func(t *testing.T, h *history, home string) {
				old := h.first(hundred)
				old.grow(60, `{"made":"by others"}`)
				old.place(t, home)
			}},
		{name: "older copy from before a rotation", seals: []int{50, 120}, points: []int{130}, want: "rolled-back 50..50 of audit.log", agree: "50 yes, 120 absent", then: func(t *testing.T, h *history, home string) {
			h.first(hundred).place(t, home, 50)
		}},
		{name: "tail cut within a record", want: "rolled-back 51..51 of audit.log", agree: "1 yes", then: func(t *testing.T, h *history, home string) {
			put(t, filepath.Join(home, LiveName), h.text(0, 99)+string(h.lines[99][:50]))
		}},
		{name: "last record alone cut", want: "rolled-back 1..1 of audit.log", agree: "1 yes", then: func(t *testing.T, h *history, home string) {
			h.first(149).place(t, home)
		}},
		{name: "older copy, the clock was set back in the lost part", points: []int{120}, want: "rolled-back 50..60 of audit.log", agree: "1 yes, 120 absent", then: func(t *testing.T, h *history, home string) {
			h.first(hundred).place(t, home)
		}, clock: -time.Minute},
		{name: "older copy, the clock was set back after others appended", want: "rolled-back 10..50 of audit.log", agree: "1 yes", then: func(t *testing.T, h *history, home string) {
			old := h.first(hundred)
			old.grow(30, `{"made":"by others"}`)
			old.clock = old.clock.Add(-time.Hour)
			old.grow(10, `{"made":"by others"}`)
			old.place(t, home, 130)
		}},
		{name: "nothing left", want: "rolled-back 150..150 of ", agree: "1 absent", then: func(t *testing.T, h *history, home string) {
			if err := os.RemoveAll(home); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "an empty log left", want: "rolled-back 150..150 of ", agree: "1 absent", then: func(t *testing.T, h *history, home string) {
			put(t, filepath.Join(home, LiveName), "")
		}},
		{name: "written anew from the middle", points: []int{120}, want: "diverged 1..149 of audit.log", agree: "1 yes, 120 no", then: func(t *testing.T, h *history, home string) {
			clock := h.records[hundred].TS
			forged := h.first(hundred)
			forged.clock, _ = time.Parse(time.RFC3339, clock)
			forged.clock = forged.clock.Add(-time.Second)
			forged.grow(50, `{"forged":true}`)
			forged.place(t, home)
		}},
		{name: "written anew from the middle, and the live log removed", seals: []int{130}, points: []int{120}, want: "diverged 10..149 of audit-0001.jsonl", agree: "1 yes, 120 no",
			then: func(t *testing.T, h *history, home string) {
				clock := h.records[hundred].TS
				forged := h.first(hundred)
				forged.clock, _ = time.Parse(time.RFC3339, clock)
				forged.clock = forged.clock.Add(-time.Second)
				forged.grow(50, `{"forged":true}`)
				forged.place(t, home, 140)
				put(t, filepath.Join(home, LiveName), "")
			}},
		{name: "a remembered record in the middle is gone", points: []int{20, 60}, want: "diverged 2..149 of audit.log", agree: "60 yes, 20 no", then: func(t *testing.T, h *history, home string) {
			put(t, filepath.Join(home, LiveName), h.text(0, 19)+h.text(20, 149))
		}},
		{name: "another log", want: "replaced 150..150 of audit.log", agree: "1 absent", then: func(t *testing.T, h *history, home string) {
			other.place(t, home)
		}},
		{name: "live log removed", seals: []int{50, 100}, want: "live-missing 50..50 of audit-0002.jsonl", agree: "100 yes", then: func(t *testing.T, h *history, home string) {
			if err := os.Remove(filepath.Join(home, LiveName)); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "live log emptied", seals: []int{50, 100}, want: "live-missing 50..50 of audit-0002.jsonl", agree: "100 yes", then: func(t *testing.T, h *history, home string) {
			put(t, filepath.Join(home, LiveName), "")
		}},
		{name: "live log removed after the head was sealed", want: "live-missing 0..? of audit-0001.jsonl", agree: "1 yes", then: func(t *testing.T, h *history, home string) {
			h.place(t, home, 150)
			if err := os.Remove(filepath.Join(home, LiveName)); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "older copy of a log whose older segments are compressed", seals: []int{50, 100}, want: "rolled-back 1..50 of audit.log", agree: "100 yes", then: func(t *testing.T, h *history, home string) {
			h.first(120).place(t, home, 50, 100)
			compress(t, home, 1)
		}},
		{name: "the segment of the head is compressed", seals: []int{50}, want: "unjudged audit-0002.jsonl", then: func(t *testing.T, h *history, home string) {
			h.grow(60, "1")
			h.place(t, home, 50, 180)
			compress(t, home, 2)
		}},
		{name: "first segment lost, and the live log put back", seals: []int{50}, want: "rolled-back 80..80 of audit.log", agree: "1 absent", then: func(t *testing.T, h *history, home string) {
			rotation := chain.Rotate{Segment: "audit-0001.jsonl", LogID: h.records[0].Hash, Incarnation: 1}
			r, err := chain.Seal(h.records[49].Hash, h.records[49].TS, chain.KindRotate, chain.SystemActor, rotation.Payload())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(home, ArchiveDir)); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(home, LiveName), string(chain.AppendLine(nil, &r))+h.text(60, 129))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "home")
			m := remember(t, filepath.Join(t.TempDir(), "state"), home)
			h := made(hundred)
			h.clock = h.clock.Add(c.clock)
			h.grow(fifty, `{"made":true}`)
			h.place(t, home, c.seals...)
			// What is remembered of a log that was here before this one says nothing about it.
			if err := m.AddPoint(Point{LogID: chain.Hash{1}, Segment: 1, Offset: 10, Hash: chain.Hash{2}, Records: 1, TS: h.records[1].TS}); err != nil {
				t.Fatal(err)
			}
			h.remember(t, m, c.seals, c.points)
			whole := h.first(150)
			if c.then != nil {
				c.then(t, h, home)
			}
			got := check(t, m, home)
			if s := said(got); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
			if got.Standing == Broken && c.agree != "" {
				if s := saidOf(got.Points, whole); s != c.agree {
					t.Errorf("points %q, want %q", s, c.agree)
				}
			}
			if got.Standing == Broken {
				readsBack(t, got)
				if same := got.LogID == whole.records[0].Hash; same != (got.Class != chain.Replaced) && got.Surviving.File != "" {
					t.Errorf("log id %v of a log that is %s", got.LogID.Short(), got.Class)
				}
			}
		})
	}
}

func compress(t *testing.T, home string, n int64) {
	t.Helper()
	path := filepath.Join(home, ArchiveDir, Name{Number: n}.File(FormPlain))
	if err := os.Rename(path, path+".zst"); err != nil {
		t.Fatal(err)
	}
}

// said puts a continuity in a few words.
func said(c Continuity) string {
	switch c.Standing {
	case Unremembered:
		return "unremembered"
	case Agrees:
		return "agrees at " + c.At.String()
	case Unjudged:
		name, _, _ := strings.Cut(c.Why, ":")
		return "unjudged " + name
	}
	most := fmt.Sprint(c.Lost.Max)
	if c.Lost.Max == chain.UnknownCount {
		most = "?"
	}
	return fmt.Sprintf("%s %d..%s of %s", c.Class, c.Lost.Min, most, c.Surviving.File)
}

func saidOf(points []chain.RememberedPoint, h *history) string {
	var all []string
	for _, p := range points {
		n := slices.IndexFunc(h.records, func(r chain.Record) bool { return r.Hash == p.Hash })
		all = append(all, fmt.Sprintf("%d %s", n+1, p.Agrees))
	}
	return strings.Join(all, ", ")
}

// readsBack checks that the break a writer chains says what was found.
func readsBack(t *testing.T, c Continuity) {
	t.Helper()
	v, _, err := ecmajson.Parse(c.Break().Payload(), chain.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	b, err := chain.ParseBreak(v)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(b) != fmt.Sprint(c.Break()) || b.Found != c.Class || b.Remembered.Head != c.Mark.Head {
		t.Errorf("the break reads back as %+v, want %+v", b, c.Break())
	}
}

func TestContinuityNamesWhatSurvives(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	m := remember(t, t.TempDir(), home)
	h := made(30)
	h.grow(1, `"`+strings.Repeat("x", 3<<20)+`"`)
	h.grow(3, "3")
	h.place(t, home)
	h.remember(t, m, nil, nil)
	for _, n := range []int{1, 30, 31, 33} {
		old := h.first(n)
		old.place(t, home)
		c := check(t, m, home)
		text := []byte(old.text(0, n))
		want := chain.Surviving{File: LiveName, Bytes: int64(len(text)), Head: old.records[n-1].Hash}
		want.SHA256 = sum(text[max(0, len(text)-survivingTail):])
		if c.Surviving != want || c.LogID != h.records[0].Hash {
			t.Errorf("of %d records: log %v, surviving %+v, want %+v", n, c.LogID.Short(), c.Surviving, want)
		}
	}
}

func TestContinuityWithoutAMark(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	m := remember(t, t.TempDir(), home)
	if got := said(check(t, m, home)); got != "unremembered" {
		t.Errorf("nothing there: %s", got)
	}
	h := made(30)
	h.place(t, home, 10)
	if got := said(check(t, m, home)); got != "unremembered" {
		t.Errorf("with records: %s", got)
	}
	if err := os.Remove(filepath.Join(home, LiveName)); err != nil {
		t.Fatal(err)
	}
	c := check(t, m, home)
	if got := said(c); got != "live-missing 0..? of audit-0001.jsonl" || c.Break().Remembered.Records != chain.UnknownCount {
		t.Errorf("without a live log: %s, %+v", got, c.Break())
	}
	readsBack(t, c)
	compress(t, home, 1)
	if got := said(check(t, m, home)); got != "live-missing 0..? of " {
		t.Errorf("without a live log or a segment that can be read: %s", got)
	}
}

func TestContinuityWhereNobodyCounted(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	m := remember(t, t.TempDir(), home)
	h := made(30)
	h.remember(t, m, nil, nil)
	mark, _ := m.Mark()
	for name, c := range map[string]struct {
		change func(*Mark)
		want   string
	}{
		"no count": {func(m *Mark) { m.Records = chain.UnknownCount }, "rolled-back 1..? of audit.log"},
		"no time":  {func(m *Mark) { m.TS = "" }, "rolled-back 10..29 of audit.log"},
	} {
		changed := mark
		c.change(&changed)
		if err := m.SetMark(changed); err != nil {
			t.Fatal(err)
		}
		h.first(20).place(t, home)
		if got := said(check(t, m, home)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A second roll-back is judged by what was remembered since the first.
func TestContinuityAfterABreak(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	m := remember(t, t.TempDir(), home)
	h := made(150)
	h.remember(t, m, nil, []int{40, 120})
	old := h.first(100)
	old.place(t, home)
	c := check(t, m, home)
	if got := said(c); got != "rolled-back 50..50 of audit.log" {
		t.Fatal(got)
	}
	if err := m.Supersede(c); err != nil {
		t.Fatal(err)
	}
	old.clock = h.clock
	old.grow(80, `{"after":"the break"}`)
	old.place(t, home)
	old.remember(t, m, nil, nil)
	if got := said(check(t, m, home)); got != "agrees at audit-0001" {
		t.Error(got)
	}
	old.first(170).place(t, home)
	if got := said(check(t, m, home)); got != "rolled-back 10..10 of audit.log" {
		t.Error(got)
	}
}

// However the log is laid out and wherever it is cut: a head that is there is found, one that is
// not is missed, and the loss is told: to the record unless others appended since.
func TestContinuityOfAnyCut(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 60).Draw(rt, "records")
		h := made(n)
		home := filepath.Join(dir, "home")
		if err := os.RemoveAll(filepath.Join(dir, "state")); err != nil {
			rt.Fatal(err)
		}
		m := remember(t, filepath.Join(dir, "state"), home)
		number := rapid.IntRange(1, n)
		seals := func(name string, n int) []int {
			all := rapid.SliceOfNDistinct(rapid.IntRange(1, n-1), 0, min(3, n-1), rapid.ID[int]).Draw(rt, name)
			slices.Sort(all)
			return all
		}
		h.remember(t, m, seals("seals", n), rapid.SliceOfN(number, 0, 4).Draw(rt, "points"))
		kept := rapid.IntRange(2, n).Draw(rt, "kept")
		now := h.first(kept)
		appended := rapid.IntRange(0, 40).Draw(rt, "appended")
		now.grow(appended, `{"by":"others"}`)
		now.place(t, home, seals("seals now", len(now.records))...)
		want := fmt.Sprintf("rolled-back %d..%d of audit.log", max(1, n-kept-appended), n-kept)
		c := check(t, m, home)
		if kept == n {
			if c.Standing != Agrees {
				rt.Fatalf("got %s, want it to agree", said(c))
			}
			end := int64(0)
			s := snap(t, home, SnapshotOptions{})
			for _, src := range s.Sources {
				if src.Segment() == c.At {
					there, err := endsLine(src, c.Offset, c.Mark.Head)
					if err != nil || !there {
						rt.Fatalf("the head does not end at %d of %v (%v)", c.Offset, c.At, err)
					}
					end = c.Offset
				}
			}
			if end == 0 {
				rt.Fatalf("%v is no segment", c.At)
			}
		} else if got := said(c); got != want {
			rt.Fatalf("got %s, want %s", got, want)
		}
	})
}

// counting is a file system that counts what is read.
type counting struct {
	durable.FS
	listed int
	read   int
}

func (c *counting) ReadDir(dir string) ([]fs.DirEntry, error) {
	c.listed++
	return c.FS.ReadDir(dir)
}

func (c *counting) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := c.FS.OpenFile(name, flag, perm)
	return countingFile{f, c}, err
}

type countingFile struct {
	durable.File
	c *counting
}

func (f countingFile) ReadAt(p []byte, off int64) (int, error) {
	f.c.read += len(p)
	return f.File.ReadAt(p, off)
}

// Where nothing moved, a long log costs no more than a short one; a long last line its own length.
func TestCheckIsShort(t *testing.T) {
	for _, c := range []struct{ records, head, limit int }{
		{10, 10, 256 << 10}, {4_000, 10, 256 << 10}, {4_000, 5 << 10, 512 << 10}, {10, 1 << 20, 8 << 20},
	} {
		home := filepath.Join(t.TempDir(), "home")
		fsys := &counting{FS: durable.OS()}
		m, err := OpenMemory(fsys, t.TempDir(), home)
		if err != nil {
			t.Fatal(err)
		}
		h := made(c.records)
		h.grow(1, `"`+strings.Repeat("x", c.head)+`"`)
		h.place(t, home)
		h.remember(t, m, nil, nil)
		h.grow(5, "5")
		h.place(t, home)
		s := snap(t, home, SnapshotOptions{FS: fsys})
		*fsys = counting{FS: durable.OS()}
		got, err := m.Check(t.Context(), HomeView{Live: s.Live})
		if err != nil || got.Standing != Agrees || fsys.listed != 0 || fsys.read > c.limit {
			t.Errorf("%+v: %s (%v), %d listings, %d bytes read", c, said(got), err, fsys.listed, fsys.read)
		}
	}
}

func TestEndsLine(t *testing.T) {
	h := made(3)
	h.grow(1, `"`+strings.Repeat("x", 100<<10)+`"`)
	h.grow(1, "5")
	p := onDisk(t, []byte(h.text(0, 5)+"torn"), fullReach)
	for i := range h.records {
		for d := int64(-2); d <= 2; d++ {
			for k := range h.records {
				got, err := endsLine(p, h.offset(i+1)+d, h.records[k].Hash)
				if want := d == 0 && i == k; got != want || err != nil {
					t.Errorf("record %d at the end of %d%+d: %v (%v), want %v", k, i, d, got, err, want)
				}
			}
		}
	}
	for _, offset := range []int64{-1, 0, 1, h.offset(5) + 4, 1 << 60} {
		if got, err := endsLine(p, offset, h.records[4].Hash); got || err != nil {
			t.Errorf("at %d: %v (%v)", offset, got, err)
		}
	}
}

// A hash that a record only names, as its parent or in its payload, is not that record.
func TestSearchFindsRecordsAlone(t *testing.T) {
	h := made(3)
	head := h.records[2].Hash
	h.grow(1, `{"last_hash":"`+head.String()+`","hash":"`+head.String()+`"}`)
	decoy := `{"hash":"` + head.String() + `","nothing":"else"` + "\n" + `no record: "hash":"` + head.String() + `"}` + "\n"
	p := onDisk(t, []byte(h.text(0, 2)+h.text(3, 4)+decoy), fullReach)
	found, err := search(t.Context(), []Source{p}, Mark{Head: head, LogID: h.records[0].Hash}, nil, head)
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := found.places[head]; ok {
		t.Errorf("found at %+v", at)
	}
	if found.records != 3 || found.first != h.records[0].Hash || found.head != h.records[3].Hash || !found.sameLog {
		t.Errorf("found %+v", found)
	}
}

func sum(b []byte) chain.Hash { return sha256.Sum256(b) }

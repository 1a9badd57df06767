package segment

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
)

// lineOf is a record's line with LF whose length is at least size.
func lineOf(prev chain.Hash, size int) (chain.Record, []byte) {
	pad := 0
	for {
		r, err := chain.Seal(prev, testStart, "test.event", "system", fmt.Appendf(nil, `{"pad":"%s"}`, strings.Repeat("x", pad)))
		if err != nil {
			panic(err)
		}
		line := chain.AppendLine(nil, &r)
		if len(line) >= size {
			return r, line
		}
		pad += size - len(line)
	}
}

// slowTail is readTail as one would write it with the whole file in memory.
func slowTail(data []byte) (t tail, headless bool) {
	end := bytes.LastIndexByte(data, '\n') + 1
	t.end = int64(end)
	if rest := data[end:]; len(rest) > 0 {
		t.after = torn
		if chain.ReadLine(rest).Class.Whole() {
			t.after, t.bare = wholeRecord, rest
		}
	}
	text := bytes.TrimRight(data[:end], "\n")
	if len(text) == 0 {
		return t, false
	}
	start := bytes.LastIndexByte(text, '\n') + 1
	t.start, t.line = int64(start), text[start:]
	h, err := chain.HeadOf(t.line)
	t.head = h
	return t, err != nil
}

func checkTail(t interface {
	Helper()
	Errorf(string, ...any)
}, data []byte) {
	t.Helper()
	want, headless := slowTail(data)
	got, err := readTail(bytes.NewReader(data), int64(len(data)))
	if headless {
		if noHead, ok := errors.AsType[*errNoHead](err); !ok || noHead.offset != want.start {
			t.Errorf("tail of %d bytes: %v, want no head at %d", len(data), err, want.start)
		}
		return
	}
	if err != nil || got.end != want.end || got.start != want.start || got.head != want.head || got.after != want.after ||
		!bytes.Equal(got.line, want.line) || !bytes.Equal(got.bare, want.bare) {
		t.Errorf("tail of %d bytes:\n got %+v %v\nwant %+v", len(data), got, err, want)
	}
}

func TestB4TailAtWindowEdges(t *testing.T) {
	t.Parallel()
	_, first := lineOf(chain.Genesis, 0)
	for _, size := range []int{0, 4 << 10, 8 << 10, 64 << 10, 1 << 20} {
		for d := -2; d <= 2; d++ {
			_, last := lineOf(chain.Genesis, max(0, size+d))
			checkTail(t, last)
			checkTail(t, append(bytes.Clone(first), last...))
			checkTail(t, append(bytes.Clone(last), first...))
			checkTail(t, append(bytes.Clone(first), last[:len(last)-1]...))
			checkTail(t, append(bytes.Clone(first), last[:len(last)/2]...))
			checkTail(t, append(append(bytes.Clone(first), last...), "\n\n"...))
			checkTail(t, append(append(bytes.Clone(first), make([]byte, max(0, size+d))...), '\n'))
		}
	}
}

func TestTailIsTheSlowTail(t *testing.T) {
	_, record := lineOf(chain.Genesis, 0)
	pieces := [][]byte{record, record[:len(record)-1], record[:40], {'\n'}, []byte("garbage\n"), []byte(`{"hash":"short"}` + "\n"),
		bytes.Repeat([]byte{0}, 5000), []byte("\xe2\x82"), {}, bytes.Repeat([]byte("y"), 4095)}
	rapid.Check(t, func(t *rapid.T) {
		var data []byte
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			data = append(data, rapid.SampledFrom(pieces).Draw(t, "piece")...)
		}
		checkTail(t, data)
	})
}

func FuzzHead(f *testing.F) {
	_, record := lineOf(chain.Genesis, 0)
	for _, data := range [][]byte{nil, record, record[:50], append(bytes.Clone(record), "x"...), []byte("\n\n"), []byte("123\n"), make([]byte, 4097)} {
		f.Add(data, uint16(0))
		f.Add(data, uint16(4090))
	}
	f.Fuzz(func(t *testing.T, data []byte, pad uint16) {
		checkTail(t, append(bytes.Repeat([]byte("p"), int(pad)%9000), data...))
		checkTail(t, append(bytes.Repeat([]byte("\n"), int(pad)%9000), data...))
	})
}

// endless is a file of one byte over and over, with no line end: reading its tail must not take its
// size in memory, nor for ever.
type endless struct{ reads int64 }

func (e *endless) ReadAt(p []byte, _ int64) (int, error) {
	e.reads += int64(len(p))
	return len(p), nil
}

func TestB4TailOfAnEndlessLine(t *testing.T) {
	t.Parallel()
	e := &endless{}
	got, err := readTail(e, 300<<20)
	if err != nil || got.end != 0 || got.after != torn {
		t.Errorf("got %+v, %v", got, err)
	}
	if e.reads > 301<<20 {
		t.Errorf("read %d MiB of a file of 300", e.reads>>20)
	}
}

func TestFindHole(t *testing.T) {
	text := func(n int) []byte { return bytes.Repeat([]byte("a"), n) }
	nul := func(data []byte, from, to int) []byte {
		clear(data[from:to])
		return data
	}
	for _, c := range []struct {
		name string
		data []byte
		from int64
		want int64
	}{
		{"none", text(3000), 0, -1},
		{"empty", nil, 0, -1},
		{"a whole sector", nul(text(3000), 1024, 1536), 0, 1024},
		{"the rest of a sector", nul(text(3000), 700, 1024), 0, 700},
		{"at the end", nul(text(3000), 2990, 3000), 0, 2990},
		{"up to the last LF", append(nul(text(3000), 2990, 3000), '\n'), 0, 2990},
		{"all", make([]byte, 700), 0, 0},
		{"before where it looks", nul(text(3000), 512, 1024), 1500, -1},
		{"where it looks from", nul(text(3000), 600, 1024), 600, 600},
		{"F24 a NUL in the middle of a sector is no hole", nul(text(3000), 700, 701), 0, -1},
		{"F24 nor are many", nul(text(3000), 1030, 1500), 0, -1},
		{"nor at its start", nul(text(3000), 1024, 1100), 0, -1},
		{"up to the next record", append(nul(text(200), 100, 200), recordStart...), 0, 100},
		{"F24 a line end that became a NUL", append(nul(text(200), 199, 200), recordStart...), 0, -1},
		{"F24 a byte before the last LF", append(nul(text(200), 199, 200), '\n'), 0, -1},
		{"behind a window", nul(text(3<<20), 2<<20, 2<<20+512), 5, 2 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := findHole(bytes.NewReader(c.data), c.from, int64(len(c.data))); err != nil || got != c.want {
				t.Errorf("got %d, %v, want %d", got, err, c.want)
			}
		})
	}
}

func TestCountLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "bb", "", "", "\r", strings.Repeat("c", 1<<20)}), 0, 6).Draw(t, "lines"), "\n") +
			rapid.SampledFrom([]string{"", "\n", "\n\n"}).Draw(t, "end")
		var want int64
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" {
				want++
			}
		}
		if got, err := countLines(strings.NewReader(text), int64(len(text))); err != nil || got != want {
			t.Errorf("got %d, %v, want %d in %d bytes", got, err, want, len(text))
		}
	})
}

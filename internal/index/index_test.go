package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/timerange"
)

const testPath = "/a.idx"

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// written builds an index of frames of lines and gives its file.
func written(frames [][]string) []byte {
	b := NewBuilder()
	var at int64
	for _, lines := range frames {
		p := NewPart()
		begin := at
		for _, line := range lines {
			if o, ok := chain.OutlineOf([]byte(line)); ok {
				p.Add(at, []byte(line), &o)
			} else {
				p.Add(at, []byte(line), nil)
			}
			at += int64(len(line)) + 1
		}
		p.Done()
		b.Add(p, 7, at-begin)
	}
	return b.Encode([]byte("manifest"))
}

func opened(t testing.TB, file []byte) (*Index, error) {
	t.Helper()
	m := durable.NewMem()
	check(t, m.Replace(testPath, file, 0o600))
	return Open(m, testPath)
}

func looked(t testing.TB, file []byte, w Want) Found {
	t.Helper()
	x, err := opened(t, file)
	check(t, err)
	found, err := x.Look(w)
	check(t, errors.Join(err, x.Close()))
	return found
}

func numbers(f Found) (ns []int) {
	for _, at := range f.Frames {
		ns = append(ns, at.Number)
	}
	return ns
}

// sealer makes records.
type sealer struct{ head chain.Hash }

func (s *sealer) line(t testing.TB, ts, kind, actor, payload string) string {
	t.Helper()
	r, err := chain.Seal(s.head, ts, kind, actor, []byte(payload))
	check(t, err)
	s.head = r.Hash
	return string(bytes.TrimSuffix(chain.AppendLine(nil, &r), []byte("\n")))
}

func is(name string) func(string) bool { return func(s string) bool { return s == name } }

func TestLook(t *testing.T) {
	var s sealer
	frames := [][]string{
		{s.line(t, "2026-01-01T00:00:00.000Z", "a", "x", `{"ip":"10.0.0.7"}`), s.line(t, "2026-01-02T00:00:00.000Z", "b", "x", `{}`)},
		{s.line(t, "2026-02-01T00:00:00.000Z", "b", "y", `{"text":"one\ntwo \"quoted\""}`), ""},
		{`{"ts": "2026-03-01T00:00:00.000Z", "event": "c", "payload": "\u006eew"}`},
		{`garbage`},
		{""},
		{`{"event":"d","ts":7}`},
	}
	file := written(frames)
	long := strings.Repeat("k", maxText+1)
	for _, c := range []struct {
		name string
		want Want
		ns   []int
	}{
		{"all", Want{}, []int{0, 1, 2, 3, 4, 5}},
		{"time", Want{Span: timerange.Range{Since: "2026-02-01", Until: "2026-02-28"}}, []int{1, 3, 5}},
		{"kind", Want{Kind: is("b")}, []int{0, 1, 3}},
		{"respelled kind", Want{Kind: is("c")}, []int{2, 3}},
		{"actor", Want{Actor: is("y")}, []int{1, 3}},
		{"kind and actor", Want{Kind: is("a"), Actor: is("y")}, []int{3}},
		{"no such kind", Want{Kind: is("z")}, []int{3}},
		{"long kind", Want{Kind: is(long)}, []int{3}},
		{"text", Want{Texts: []string{"10.0.0.7"}}, []int{0, 3}},
		{"two texts", Want{Texts: []string{"10.0.0.7", "quoted"}}, []int{3}},
		{"with escapes", Want{Texts: []string{"one\ntwo \"quoted\""}}, []int{1, 3}},
		{"respelled text", Want{Texts: []string{"new"}}, []int{2, 3}},
		{"short text", Want{Texts: []string{"ab"}}, []int{0, 1, 2, 3, 4, 5}},
		{"digits of a hash", Want{Texts: []string{"abcdef0123"}}, []int{0, 1, 2, 3, 4, 5}},
		{"time and text", Want{Span: timerange.Range{Until: "2026-01-31"}, Texts: []string{"quoted"}}, []int{3}},
	} {
		if got := numbers(looked(t, file, c.want)); !slices.Equal(got, c.ns) {
			t.Errorf("%s: frames %v, want %v", c.name, got, c.ns)
		}
	}
	found := looked(t, file, Want{Kind: is("b")})
	second := int64(len(frames[0][0])) + 1
	if f := found.Frames[0]; !f.Some || !slices.Equal(f.Lines, []int64{second}) || !f.Usual || f.Offset != 0 || f.Records != 2 {
		t.Errorf("frame 0 of kind b: %+v", f)
	}
	if f := found.Frames[2]; f.Some || f.Usual {
		t.Errorf("the frame with a line that is no record: %+v", f)
	}
	if found.Skipped != 3 || found.Records != 2 {
		t.Errorf("skipped %d frames, %d records", found.Skipped, found.Records)
	}
}

// A kind that is frequent is known by its frames alone, and one too many or too long not at all.
func TestNamesAreBounded(t *testing.T) {
	var s sealer
	const ts = "2026-01-01T00:00:00.000Z"
	var many []string
	for range rareHits + 1 {
		many = append(many, s.line(t, ts, "often", "a", `{}`))
	}
	var others []string
	for i := range maxNames + 5 {
		others = append(others, s.line(t, ts, fmt.Sprintf("kind%05d", i), "a", `{}`))
	}
	file := written([][]string{{s.line(t, ts, "once", "a", `{}`)}, many, others, {s.line(t, ts, strings.Repeat("k", maxText+1), "a", `{}`)}})
	found := looked(t, file, Want{Kind: is("often")})
	if got := numbers(found); !slices.Equal(got, []int{1, 2, 3}) || found.Frames[0].Some || found.Frames[1].Some {
		t.Errorf("of a frequent kind: %+v", found.Frames)
	}
	if got := numbers(looked(t, file, Want{Kind: is("kind04100")})); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("of a kind that is not listed: %v", got)
	}
	found = looked(t, file, Want{Kind: is("once")})
	if f := found.Frames[0]; f.Number != 0 || !f.Some {
		t.Errorf("of a rare kind: %+v", found.Frames)
	}
}

// Every substring of what a record says is found in its frame, across escapes and hashes.
func TestNoSubstringIsRuledOut(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var s sealer
		var frames [][]string
		var shown []string
		for range rapid.IntRange(1, 4).Draw(rt, "frames") {
			text := rapid.StringOf(rapid.SampledFrom([]rune("ab7 \"\\\n\tü😀{}:,"))).Draw(rt, "text")
			line := s.line(t, "2026-01-01T00:00:00.000Z", "k", "a", string(quoted(text)))
			i := strings.Index(line, `"payload":`) + len(`"payload":`)
			shown = append(shown, line[:i]+`"`+text+`"`+line[i+len(quoted(text)):])
			frames = append(frames, []string{line})
		}
		file := written(frames)
		n := rapid.IntRange(0, len(frames)-1).Draw(rt, "frame")
		from := rapid.IntRange(0, len(shown[n])-1).Draw(rt, "from")
		to := rapid.IntRange(from+1, len(shown[n])).Draw(rt, "to")
		if needle := shown[n][from:to]; !slices.Contains(numbers(looked(t, file, Want{Texts: []string{needle}})), n) {
			rt.Errorf("%q is ruled out of %q", needle, frames[n])
		}
	})
}

// quoted is the canonical spelling of a string of the letters above.
func quoted(s string) []byte {
	return []byte(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`)
}

// An index that was damaged anywhere is refused, or says what it said.
func TestDamageIsSeen(t *testing.T) {
	var s sealer
	var frames [][]string
	for i := range 3 {
		frames = append(frames, []string{s.line(t, "2026-01-01T00:00:00.000Z", fmt.Sprint("k", i), "a", fmt.Sprintf(`{"n":"number %d"}`, i))})
	}
	file := written(frames)
	want := Want{Kind: is("k1"), Texts: []string{"number 1"}}
	refused := func(at string, file []byte) {
		t.Helper()
		x, err := opened(t, file)
		if err == nil {
			_, err = x.Look(want)
			check(t, x.Close())
		}
		if !errors.Is(err, ErrFormat) {
			t.Fatalf("%s: %v", at, err)
		}
	}
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		refused(fmt.Sprintf("byte %d flipped", i), bad)
		refused(fmt.Sprintf("cut at %d", i), file[:i])
	}
	refused("a byte more", append(bytes.Clone(file), 0))
	newer := bytes.Replace(file, []byte(Format), []byte("opscontext-idx/2"), 1)
	refused("a newer format", newer)
	if _, err := Open(durable.NewMem(), testPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

// The same lines make the same bytes.
func TestDeterministic(t *testing.T) {
	var s sealer
	r := rand.New(rand.NewPCG(1, 2))
	var lines []string
	for range 200 {
		lines = append(lines, s.line(t, "2026-01-01T00:00:00.000Z", fmt.Sprint("k", r.IntN(30)), fmt.Sprint("a", r.IntN(9)), fmt.Sprintf(`{"n":%d}`, r.Uint64())))
	}
	frames := [][]string{lines[:50], lines[50:]}
	if !bytes.Equal(written(frames), written(frames)) {
		t.Error("two indexes of the same lines differ")
	}
}

// summed puts the sums of a file right, as far as it has sections.
func summed(file []byte) []byte {
	h := header{}
	if int64(len(file)) < headerSize {
		return file
	}
	le := binary.LittleEndian
	at := headerSize
	for i := range sections {
		place := file[len(Format)+chain.HashLen/2+4+4+i*(8+4):]
		if h.sizes[i] = le.Uint64(place); h.sizes[i] > uint64(int64(len(file))-at) {
			return file
		}
		le.PutUint32(place[8:], crc32.Checksum(file[at:at+int64(h.sizes[i])], castagnoli))
		at += int64(h.sizes[i])
	}
	le.PutUint32(file[headerSize-4:], crc32.Checksum(file[:headerSize-4], castagnoli))
	return file
}

// Whatever stands in the file, with its sums put right, is read without a panic.
func FuzzOpen(f *testing.F) {
	var s sealer
	file := written([][]string{{s.line(f, "2026-01-01T00:00:00.000Z", "k", "a", `{"n":"text"}`)}, {"x", ""}})
	f.Add(file, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, file []byte, at uint16, b byte) {
		if len(file) > 0 {
			file[int(at)%len(file)] ^= b
		}
		x, err := opened(t, summed(file))
		if err != nil {
			return
		}
		found, err := x.Look(Want{Span: timerange.Range{Since: "2026"}, Kind: is("k"), Actor: is("a"), Texts: []string{"text", "needle"}})
		if err == nil && len(found.Frames)+found.Skipped != x.Frames() {
			t.Errorf("%d frames and %d skipped are not %d", len(found.Frames), found.Skipped, x.Frames())
		}
		check(t, x.Close())
	})
}

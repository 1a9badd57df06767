package segment

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
)

// someMark draws a mark, the widest ones included.
func someMark(t *rapid.T) Mark {
	number := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 1<<53), rapid.Just(int64(1<<53)))
	return Mark{LogID: someHash(t), Incarnation: int(number.Draw(t, "incarnation")), Segment: number.Draw(t, "segment"),
		Offset: number.Draw(t, "offset"), Head: someHash(t), Records: someCount(t),
		TS: rapid.SampledFrom([]string{"", "2026-12-31T23:59:59.999Z"}).Draw(t, "ts")}
}

func someHash(t *rapid.T) (h chain.Hash) {
	copy(h[:], rapid.SliceOfN(rapid.Byte(), len(h), len(h)).Draw(t, "hash"))
	return h
}

func someCount(t *rapid.T) int64 {
	return rapid.OneOf(rapid.Just(int64(chain.UnknownCount)), rapid.Int64Range(0, 1<<53)).Draw(t, "records")
}

func TestMarkReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := someMark(t)
		file := m.encode()
		if len(file) != markSize {
			t.Fatalf("%d bytes, want %d: %s", len(file), markSize, file)
		}
		got, err := parseMark(file)
		if err != nil || got != m {
			t.Fatalf("read back %+v (%v), want %+v", got, err, m)
		}
	})
}

// A mark of a foreign writer's record must not grow beyond its sector.
func TestMarkDropsAForeignTime(t *testing.T) {
	for _, ts := range []string{strings.Repeat("x", 1000), `2026-12-31T23:59:59.999"`, "2026-12-31T23:59:59Z"} {
		got, err := parseMark(Mark{TS: ts}.encode())
		if err != nil || got.TS != "" {
			t.Errorf("ts %.30q: read back %q (%v), want none", ts, got.TS, err)
		}
	}
}

// The sum is what printf '%s' TEXT | sha256sum gives of the text before it.
func TestMarkExample(t *testing.T) {
	m := Mark{LogID: chain.Hash{0xab}, Incarnation: 1, Segment: 7, Offset: 1234, Head: chain.Hash{0xcd}, Records: 150, TS: "2026-05-02T03:04:05.678Z"}
	want := `{"v":1,"log_id":"ab00000000000000000000000000000000000000000000000000000000000000","incarnation":1,"segment":7,"offset":1234,` +
		`"head":"cd00000000000000000000000000000000000000000000000000000000000000","records":150,"ts":"2026-05-02T03:04:05.678Z",` +
		`"sum":"04a4762705ba3ada53d5c246606014da8f41c66632bf6ea0de4cbf9c06a1cbe4"}`
	if got := strings.TrimRight(string(m.encode()), " \n"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBrokenMarkIsNone(t *testing.T) {
	file := Mark{LogID: chain.Hash{1}, Head: chain.Hash{2}, Incarnation: 1, Segment: 3, Offset: 400, Records: chain.UnknownCount}.encode()
	for i := range file {
		for _, b := range []byte{0, file[i] ^ 1, file[i] ^ 0x20, '9'} {
			broken := bytes.Clone(file)
			broken[i] = b
			if m, err := parseMark(broken); err == nil && b != file[i] {
				t.Errorf("byte %d set to %#x: read as %+v", i, b, m)
			}
		}
		if _, err := parseMark(file[:i]); err == nil {
			t.Errorf("the first %d bytes read as a mark", i)
		}
	}
	other := appendSum([]byte(`{"v":2,"log_id":"` + chain.Genesis.String() + `","incarnation":1,"segment":3,"offset":400,"head":"` + chain.Genesis.String() + `","records":null,"ts":""`))
	for name, text := range map[string]string{
		"empty": "", "zeros": strings.Repeat("\x00", markSize), "another version": fmt.Sprintf("%-511s\n", other), "too long": string(file) + "\n",
	} {
		if m, err := parseMark([]byte(text)); err == nil {
			t.Errorf("%s: read as %+v", name, m)
		}
	}
}

func TestPointsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []Point
		var file []byte
		for range rapid.IntRange(0, 10).Draw(t, "lines") {
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				kept := rapid.IntRange(0, 12).Draw(t, "kept")
				file = append(file, encodeCut(kept)...)
				want = want[:min(kept, len(want))]
			case 1:
				file = append(file, rapid.SampledFrom([]string{"", "{}", "null", `{"v":1,"kept":0}`, strings.Repeat("x", 5000), "\xff\x00"}).Draw(t, "junk")+"\n"...)
			case 2:
				p := Point{Records: someCount(t)}.encode()
				file = append(append(file, p[:rapid.IntRange(0, len(p)-2).Draw(t, "torn")]...), '\n')
			default:
				p := Point{LogID: someHash(t), Segment: rapid.Int64Range(0, 1<<53).Draw(t, "segment"), Offset: rapid.Int64Range(0, 1<<53).Draw(t, "offset"),
					Hash: someHash(t), Records: someCount(t), TS: rapid.SampledFrom([]string{"", "2026-12-31T23:59:59.999Z"}).Draw(t, "ts")}
				file = append(file, p.encode()...)
				want = append(want, p)
			}
		}
		got := parsePoints(file)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func FuzzMark(f *testing.F) {
	f.Add(Mark{Records: chain.UnknownCount}.encode())
	f.Add(Mark{Incarnation: 1, Segment: 1 << 53, Offset: 1 << 53, Records: 1 << 53, TS: "2026-12-31T23:59:59.999Z"}.encode())
	f.Add([]byte(`{"v":1,"log_id":1e400,"incarnation":-1,"segment":1.5,"offset":{},"head":null,"records":"","ts":[[[]]],"sum":""}`))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := parseMark(file)
		if err == nil && !bytes.Equal(m.encode(), file) {
			t.Errorf("%q read as %+v", file, m)
		}
	})
}

func FuzzPoints(f *testing.F) {
	f.Add(append(Point{Records: chain.UnknownCount, TS: "2026-12-31T23:59:59.999Z"}.encode(), encodeCut(1)...))
	f.Add([]byte("{\"v\":1}\n\n\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, p := range parsePoints(file) {
			if !bytes.Contains(file, p.encode()[:longestPointHead]) {
				t.Errorf("%+v is not in the file", p)
			}
		}
	})
}

// longestPointHead is as much of a point's line as stands before its numbers.
const longestPointHead = len(`{"v":1,"log_id":"`) + chain.HashLen

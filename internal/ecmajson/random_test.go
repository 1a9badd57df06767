package ecmajson

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// dice is a source of choices: a seeded generator, or rapid, which knows how to make a failure smaller.
type dice interface{ IntN(n int) int }

type rapidDice struct{ t *rapid.T }

func (d rapidDice) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "choice") }

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

// randomText gives a text that is JSON more often than not: spelled in any way, spelled as
// JSON.stringify would, or either with a few bytes changed.
func randomText(d dice) []byte {
	text := randomSpace(d, randomValue(d, randomSpace(d, nil), 0))
	if d.IntN(2) == 0 {
		if v, _, err := Parse(text, MaxDepth); err == nil {
			text = AppendStringify(nil, v)
		}
	}
	if d.IntN(4) == 0 {
		for range 1 + d.IntN(2) {
			at := d.IntN(len(text) + 1)
			text = slices.Replace(text, at, min(at+d.IntN(3), len(text)), pick(d, oddBytes)...)
		}
	}
	return text
}

var oddBytes = [][]byte{
	nil, []byte(`"`), []byte(`\`), []byte(`,`), []byte(`:`), []byte(`0`), []byte(`1`), []byte(`-`), []byte(`.`), []byte(`e`), []byte(` `),
	[]byte(`{`), []byte(`}`), []byte(`[`), []byte(`]`), {0}, {0x1F}, {0x7F}, {0x80}, {0xC3}, {0xED, 0xA0, 0x80}, {0xF0, 0x9F}, {0xFF}, []byte(`\u00`), []byte(`\ud800`), []byte("é"),
}

func randomSpace(d dice, dst []byte) []byte {
	return append(dst, pick(d, []string{"", "", "", "", "", "", " ", "\n", "\t\r "})...)
}

func randomValue(d dice, dst []byte, depth int) []byte {
	kinds := 9
	if depth > 5 {
		kinds = 6
	}
	switch d.IntN(kinds) {
	case 0:
		return append(dst, pick(d, []string{"null", "true", "false"})...)
	case 1, 2:
		return randomNumber(d, dst)
	case 3, 4, 5:
		return randomString(d, dst)
	case 6:
		dst = append(dst, '[')
		for i := range d.IntN(5) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = randomSpace(d, randomValue(d, randomSpace(d, dst), depth+1))
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	count := d.IntN(6)
	if d.IntN(40) == 0 {
		count = manyNames - 2 + d.IntN(20)
	}
	for i := range count {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = randomSpace(d, randomName(d, randomSpace(d, dst)))
		dst = randomValue(d, randomSpace(d, append(dst, ':')), depth+1)
	}
	return append(dst, '}')
}

func randomName(d dice, dst []byte) []byte {
	switch d.IntN(4) {
	case 0:
		n := pick(d, []uint64{10, 100, 1 << 32, 1 << 40})
		at := uint64(d.IntN(1 << 30))
		return append(strconv.AppendUint(append(dst, '"'), (n-5+at%10)%n, 10), '"')
	case 1:
		return append(append(append(dst, '"'), pick(d, []string{
			"00", "01", "-1", "-0", "1.5", "1e3", "", " ", "__proto__", "constructor", "4294967294", "4294967295", `\u0031`, `\u0061`, `\ud800`, `\uD800`, `é`, "\xff", "\xfe",
		})...), '"')
	case 2:
		return append(strconv.AppendInt(append(dst, `"name`...), int64(d.IntN(60)), 10), '"')
	}
	return randomString(d, dst)
}

func randomString(d dice, dst []byte) []byte {
	dst = append(dst, '"')
	for range d.IntN(5) {
		switch d.IntN(6) {
		case 0:
			dst = append(dst, "plain text of some length"[:d.IntN(26)]...)
		case 1:
			dst = append(append(dst, '\\'), pick(d, []string{`"`, `\`, `/`, `b`, `f`, `n`, `r`, `t`})...)
		case 2:
			const upper = "0123456789ABCDEF"
			unit := pick(d, []int{d.IntN(0x20), d.IntN(0x80), 0xD800 + d.IntN(0x800), 0xD83D, 0xDE00, d.IntN(0x10000)})
			dst = appendUnicodeEscape(dst, rune(unit))
			if d.IntN(4) == 0 {
				dst = append(dst[:len(dst)-4], upper[unit>>12], upper[unit>>8&15], upper[unit>>4&15], upper[unit&15])
			}
		case 3:
			dst = append(dst, pick(d, []string{"é", "日本語", "😀", "\u2028", "\uFFFD", "\u007F", "\uFEFF", "e\u0301", "</&>"})...)
		case 4:
			dst = utf8.AppendRune(dst, rune(0x80+d.IntN(0x10FFFF-0x80)))
		case 5:
			if d.IntN(4) == 0 {
				dst = append(dst, pick(d, []string{"\xE2\x82", "\xF0\x9F\x98", "\xED\xA0\x80", "\xFF", "\x80", "\xC0\xAF", "\xF4\x90\x80\x80", "\xE0\x80\xAF"})...)
			}
		}
	}
	return append(dst, '"')
}

func randomNumber(d dice, dst []byte) []byte {
	digits := func(n int) {
		for range n {
			dst = append(dst, '0'+byte(d.IntN(10)))
		}
	}
	if d.IntN(4) == 0 {
		dst = append(dst, '-')
	}
	switch d.IntN(6) {
	case 0:
		return append(dst, pick(d, []string{"0", "0.0", "1e400", "1e21", "1e-7", "0.000001", "5e-324", "9007199254740993", "1.7976931348623157e+308", "2.4703282292062328e-324"})...)
	case 1:
		return strconv.AppendInt(dst, int64(d.IntN(100_000)), 10)
	case 2:
		bits := uint64(d.IntN(1<<31))<<33 | uint64(d.IntN(1<<31))<<2 | uint64(d.IntN(4))
		if f := math.Abs(math.Float64frombits(bits)); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return strconv.AppendFloat(dst, f, pick(d, []byte("gef")), pick(d, []int{-1, 5, 15, 17, 20}), 64)
		}
		return append(dst, '7')
	}
	dst = append(dst, '0'+byte(d.IntN(10)))
	if dst[len(dst)-1] != '0' {
		digits(d.IntN(21))
	}
	if d.IntN(2) == 0 {
		dst = append(dst, '.')
		digits(1 + d.IntN(19))
	}
	if d.IntN(3) == 0 {
		dst = append(dst, pick(d, []string{"e", "E", "e+", "e-", "E-"})...)
		digits(1 + d.IntN(3))
	}
	return dst
}

// agrees makes sure that reading, writing and scanning tell one story about text: that ECMAScript
// reads it, and writes want.
func agrees(t rapid.TB, text, want []byte) {
	t.Helper()
	v, odd, err := Parse(text, MaxDepth)
	if err != nil {
		t.Fatalf("Parse(%q): %v, although ECMAScript reads it", clip(text), err)
	}
	got := AppendStringify(nil, v)
	if string(got) != string(want) {
		t.Fatalf("text      %q\nwritten   %q\nECMAScript %q", clip(text), clip(got), clip(want))
	}
	end, canonical := ScanValue(text, 0, MaxDepth), string(text) == string(want)
	if (end == len(text)) != canonical {
		t.Fatalf("ScanValue(%q) = %d of %d, canonical: %v", clip(text), end, len(text), canonical)
	}
	if canonical && odd != 0 {
		t.Fatalf("Parse(%q) finds it canonical, but with %v", clip(text), odd)
	}
	if odd.Has(IllFormedUTF8) == utf8.Valid(text) {
		t.Fatalf("Parse(%q) finds %v", clip(text), odd)
	}
	if end := ScanValue(got, 0, MaxDepth); end != len(got) {
		t.Fatalf("ScanValue(%q) = %d of %d for what AppendStringify wrote", clip(got), end, len(got))
	}
}

// refuses makes sure that text is not taken for JSON.
func refuses(t rapid.TB, text []byte) {
	t.Helper()
	if _, _, err := Parse(text, MaxDepth); err == nil {
		t.Fatalf("Parse(%q) reads what ECMAScript refuses", clip(text))
	}
	if ScanValue(text, 0, MaxDepth) == len(text) {
		t.Fatalf("ScanValue(%q) accepts what is not JSON", clip(text))
	}
}

func clip(text []byte) string {
	if len(text) > 2000 {
		return string(text[:2000]) + "…"
	}
	return string(text)
}

package ecmajson

import (
	"math"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

func TestAppendString(t *testing.T) {
	const high, low = "\xED\xA0\xBD", "\xED\xB8\x80" // U+D83D and U+DE00 in WTF-8
	for _, c := range []struct{ s, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{"\x00\x07\b\t\n\v\f\r\x1f \x7f", `"\u0000\u0007\b\t\n\u000b\f\r\u001f ` + "\x7f\""},
		{`"\/`, `"\"\\/"`},
		{"</&>\u2028\u2029\u00a0\ufeff😀", "\"</&>\u2028\u2029\u00a0\ufeff😀\""},
		{high, `"\ud83d"`},
		{low, `"\ude00"`},
		{low + high, `"\ude00\ud83d"`},
		{high + low, `"😀"`},
		{high + high + low + low, `"\ud83d😀\ude00"`},
		{"a" + high + "\n" + low + "é", `"a\ud83d\n\ude00é"`},
		{"\xFF" + high + "\xE2\x82" + low, "\"\uFFFD\\ud83d\uFFFD\\ude00\""},
		{"\xF0\x9F" + high, "\"\uFFFD\\ud83d\""},
		{"\xED\xA0", "\"\uFFFD\uFFFD\""},
		{"\xED\x9F\xBF", "\"\uD7FF\""},
	} {
		if got := string(AppendString([]byte("x"), c.s)); got != "x"+c.want {
			t.Errorf("%q is written %q, want %q", c.s, got, c.want)
		}
	}
}

func TestAppendStringifyOfBuiltValues(t *testing.T) {
	for _, c := range []struct {
		v    Value
		want string
	}{
		{Value{}, "null"},
		{Value{Kind: Number, Num: math.NaN()}, "null"},
		{Value{Kind: Number, Num: math.Inf(-1)}, "null"},
		{Value{Kind: Number, Num: math.Copysign(0, -1)}, "0"},
		{Value{Kind: Bool, Bool: true, Str: "not looked at"}, "true"},
		{Value{Kind: Object, Members: []Member{{"b", Value{}}, {"a", Value{Kind: Array}}}}, `{"b":null,"a":[]}`},
		{Value{Kind: Object + 1}, "null"},
	} {
		if got := string(AppendStringify(nil, c.v)); got != c.want {
			t.Errorf("%+v is written %s, want %s", c.v, got, c.want)
		}
	}
}

// What AppendString writes for any bytes at all, ScanString takes for canonical and Parse for JSON.
func TestAppendStringIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(rapid.OneOf(
			rapid.String(),
			rapid.SampledFrom([]string{"\xED\xA0\xBD", "\xED\xB8\x80", "\xE2\x82", "\xFF", "\xF0\x90", "\"", "\\", "\n", "\x01", "plain and long enough for words"}),
		)).Draw(t, "parts"), "")
		b := append(AppendString(nil, s), "rest"...)
		end := len(b) - len("rest")
		if got := ScanString(b, 0); got != end {
			t.Fatalf("ScanString(%q) = %d, want %d", b, got, end)
		}
		v, odd, err := Parse(b[:end], 0)
		if err != nil || odd != 0 {
			t.Fatalf("Parse(%q): %v, %v", b[:end], odd, err)
		}
		if again := AppendString(nil, v.Str); string(again) != string(b[:end]) {
			t.Fatalf("%q became %q", b[:end], again)
		}
	})
}

// golang.org/x/text decodes UTF-8 as the WHATWG Encoding Standard does.
func TestRepairLikeTheEncodingStandard(t *testing.T) {
	check := func(t rapid.TB, s string) {
		want, err := unicode.UTF8.NewDecoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := repair(s); got != want {
			t.Fatalf("%q is read as %q, want %q", s, got, want)
		}
	}
	for a := range 256 { // every pair of bytes before a continuation and before a letter
		for b := range 256 {
			check(t, string([]byte{byte(a), byte(b)}))
			check(t, string([]byte{byte(a), byte(b), 0x80, 'x'}))
			check(t, string([]byte{byte(a), byte(b), 0xBF, 0x80, 0x80}))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, string(rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{0x80, 0xBF, 0xC2, 0xE0, 0xA0, 0xED, 0x9F, 0xF0, 0x90, 0xF4, 0x8F}))).Draw(t, "bytes")))
	})
}

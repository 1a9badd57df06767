package terminal

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestA17Escape(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", `learning.save a-b_c "q" {1}`, `learning.save a-b_c "q" {1}`},
		{"letters of other scripts", "æøå 日本 🚀", "æøå 日本 🚀"},
		{"clear the screen", "\x1b[2Jgone", `\x1b[2Jgone`},
		{"title", "\x1b]0;owned\x07", `\x1b]0;owned\a`},
		{"carriage return and backspace", "bad\rgood\b\b", `bad\rgood\b\b`},
		{"line ends", "a\nb\u2028c\u0085d", `a\nb\u2028c\u0085d`},
		{"C1 control sequence introducer", "\u009b31m", `\u009b31m`},
		{"NUL and DEL", "\x00\x7f", `\x00\x7f`},
		{"right to left override", "exe\u202egnp", `exe\u202egnp`},
		{"isolates", "\u2066x\u2069", `\u2066x\u2069`},
		{"zero width", "ad\u200bmin\ufeff", `ad\u200bmin\ufeff`},
		{"fillers and variation selectors", "a\u3164\u115f\ufe0f\U000e0100", `a\u3164\u115f\ufe0f\U000e0100`},
		{"tags", "\U000e0041", `\U000e0041`},
		{"spaces that are not U+0020", "a\u00a0b\u3000c\td", `a\u00a0b\u3000c\td`},
		{"backslash", `C:\n`, `C:\\n`},
		{"not UTF-8", "a\xff\xc3b", `a\xff\xc3b`},
		{"a lone surrogate as three bytes", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"the replacement character itself", "\ufffd", "\ufffd"},
		{"private use", "\ue000", `\ue000`},
		{"a homoglyph stays", "аdmin", "аdmin"},
		{"empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Escape(c.in); got != c.want {
				t.Errorf("Escape(%q) = %s, want %s", c.in, got, c.want)
			}
		})
	}
}

func TestA17Clip(t *testing.T) {
	for _, c := range []struct {
		in      string
		columns int
		want    string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"", 3, ""},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"ab\x1bcd", 6, `ab…`}, // an escape is never cut in two
		{"ab\x1bcd", 7, `ab\x1b…`},
		{strings.Repeat("x", 1<<20), 10, "xxxxxxxxx…"},
	} {
		if got := Clip(c.in, c.columns); got != c.want {
			t.Errorf("Clip(%.20q, %d) = %s, want %s", c.in, c.columns, got, c.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[2J\u202e\u009b", "\xff\xed\xa0\x80", `\n`, "日本\u200b", "\U000e0001\ufffd"} {
		f.Add(seed, uint8(12))
	}
	f.Fuzz(func(t *testing.T, s string, columns uint8) {
		shown := Escape(s)
		for i, r := range shown {
			if r == utf8.RuneError && !strings.HasPrefix(shown[i:], "\ufffd") || !visible(r) {
				t.Fatalf("Escape(%q) shows %q", s, r)
			}
		}
		back, err := strconv.Unquote(`"` + strings.ReplaceAll(shown, `"`, `\"`) + `"`)
		if err != nil || back != s {
			t.Fatalf("Escape(%q) = %s reads back as %q, %v", s, shown, back, err)
		}
		if columns == 0 {
			return
		}
		clipped := Clip(s, int(columns))
		if width(clipped) > int(columns) {
			t.Fatalf("Clip(%q, %d) = %s takes %d columns", s, columns, clipped, width(clipped))
		}
		if width(shown) <= int(columns) != (clipped == shown) {
			t.Fatalf("Clip(%q, %d) = %s, escaped %s", s, columns, clipped, shown)
		}
	})
}

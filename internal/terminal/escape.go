package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
)

// Escape gives s so that it can be shown on one line of a terminal: whatever moves the cursor, ends
// the line, changes direction, or cannot be seen is written out as a Go escape (\n, \x1b, \u202e),
// bytes that are not UTF-8 as \xNN, and a backslash as \\, so that two different strings never look
// the same for that reason. Letters that merely resemble others are left alone.
func Escape(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		b.WriteString(escapeRune(r, s[:size]))
		s = s[size:]
	}
	return b.String()
}

// Clip is [Escape] cut to at most columns columns, with … where something is left out.
// It looks at no more of s than it shows.
func Clip(s string, columns int) string {
	var b strings.Builder
	used, fit := 0, 0 // columns written; bytes of b that leave room for the …
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		piece := escapeRune(r, s[:size])
		w := width(piece)
		if used+w > columns {
			return b.String()[:fit] + "…"
		}
		b.WriteString(piece)
		if used += w; used < columns {
			fit = b.Len()
		}
		s = s[size:]
	}
	return b.String()
}

// plain reports whether Escape would give s unchanged, for the common case.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}

// escapeRune gives the shown form of r, which was decoded from raw.
func escapeRune(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\\':
		return `\\`
	case visible(r):
		return raw
	}
	quoted := strconv.QuoteRuneToASCII(r)
	return quoted[1 : len(quoted)-1]
}

// visible reports whether r shows as itself and does nothing else. strconv.IsPrint excludes
// controls, format characters (bidi, zero width) and every space but U+0020; what Unicode says may
// be ignored in display (fillers, variation selectors) is excluded as well.
func visible(r rune) bool {
	return strconv.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// width is the number of columns that safe takes.
func width(safe string) int { return text.StringWidthWithoutEscSequences(safe) }

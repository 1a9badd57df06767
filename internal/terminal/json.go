package terminal

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// IndentJSON gives JSON text without white space between its tokens, as lines that can be shown: each
// member and element on its own, indented by its depth. What [Escape] would write out stands as an
// escape of JSON, so that the lines together are the same JSON value. safe lines are not clipped.
func IndentJSON(text []byte, indent string) (lines []string) {
	var line strings.Builder
	depth := 0
	next := func() {
		lines = append(lines, line.String())
		line.Reset()
		line.WriteString(strings.Repeat(indent, depth))
	}
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '"':
			end := stringEnd(text, i)
			appendShownJSON(&line, string(text[i:end]))
			i = end
			continue
		case '{', '[':
			line.WriteByte(c)
			if i+1 < len(text) && text[i+1] == c+2 { // the closing ones are two further on in ASCII
				line.WriteByte(c + 2)
				i += 2
				continue
			}
			depth++
			next()
		case '}', ']':
			depth = max(depth-1, 0)
			next()
			line.WriteByte(c)
		case ',':
			line.WriteByte(c)
			next()
		case ':':
			line.WriteString(": ")
		default:
			appendShownJSON(&line, string(text[i:i+1]))
		}
		i++
	}
	return append(lines, line.String())
}

// stringEnd is where the JSON string that starts at i ends, with its quotes.
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// appendShownJSON appends a part of JSON text.
func appendShownJSON(b *strings.Builder, s string) {
	for _, r := range s {
		switch {
		case r == '\\' || visible(r):
			b.WriteRune(r)
		case r == utf8.RuneError: // bytes that are not UTF-8 are no JSON
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
}

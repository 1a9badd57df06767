package ecmajson

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote gives the value of a string literal from what stands between its quotes, which is known to
// be right but for its UTF-8.
func (r *reader) unquote(raw string) string {
	plain, rest, escaped := strings.Cut(raw, `\`)
	if !escaped {
		return r.decode(raw)
	}
	b := make([]byte, 0, len(raw))
	for escaped {
		b = append(b, r.decode(plain)...)
		switch c := rest[0]; c {
		case 'u':
			var unit rune
			unit, rest = hex4(rest[1:]), rest[5:]
			if isHigh(unit) && strings.HasPrefix(rest, `\u`) && isLow(hex4(rest[2:])) {
				unit, rest = utf16.DecodeRune(unit, hex4(rest[2:])), rest[6:]
			}
			if isSurrogate(unit) {
				b = appendSurrogate(b, unit)
			} else {
				b = utf8.AppendRune(b, unit)
			}
		default:
			b, rest = append(b, unescape(c)), rest[1:]
		}
		plain, rest, escaped = strings.Cut(rest, `\`)
	}
	return string(append(b, r.decode(plain)...))
}

// decode gives the characters of a run of bytes between quotes and escapes.
func (r *reader) decode(raw string) string {
	if r.valid || utf8.ValidString(raw) {
		return raw
	}
	return repair(raw)
}

// unescape gives the character that the letter after a backslash stands for.
func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // quote, backslash and slash stand for themselves
}

// hex4 reads four hexadecimal digits of either case.
func hex4(s string) rune {
	var n rune
	for _, c := range []byte(s[:4]) {
		switch {
		case c <= '9':
			n = n<<4 | rune(c-'0')
		default:
			n = n<<4 | rune(c|0x20-'a'+10)
		}
	}
	return n
}

package ecmajson

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string or the name of a member.
func (b *builder) string() string {
	start := b.at + 1
	end := start
	for {
		end += strings.IndexByte(b.text[end:], '"')
		if !escapesNext(b.text[start:end]) {
			break
		}
		end++
	}
	b.at = end + 1
	return b.unquote(b.text[start:end])
}

// escapesNext reports whether the character behind s is escaped: an odd number of backslashes stands
// before it.
func escapesNext(s string) bool {
	n := len(s) - len(strings.TrimRight(s, `\`))
	return n%2 == 1
}

// unquote gives the value of a string from what stands between its quotes.
func (b *builder) unquote(raw string) string {
	plain, rest, escaped := strings.Cut(raw, `\`)
	if !escaped {
		return b.decode(raw)
	}
	s := make([]byte, 0, len(raw))
	for escaped {
		s = append(s, b.decode(plain)...)
		switch c := rest[0]; c {
		case 'u':
			var unit rune
			unit, rest = hex4(rest[1:]), rest[5:]
			if isHigh(unit) && strings.HasPrefix(rest, `\u`) && isLow(hex4(rest[2:])) {
				unit, rest = utf16.DecodeRune(unit, hex4(rest[2:])), rest[6:]
			}
			if isSurrogate(unit) {
				s = appendSurrogate(s, unit)
			} else {
				s = utf8.AppendRune(s, unit)
			}
		default:
			s, rest = append(s, unescape(c)), rest[1:]
		}
		plain, rest, escaped = strings.Cut(rest, `\`)
	}
	return string(append(s, b.decode(plain)...))
}

// decode gives the characters of a run of bytes between quotes and escapes.
func (b *builder) decode(raw string) string {
	if b.valid || utf8.ValidString(raw) {
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

package ecmajson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// AppendStringify appends the text that JSON.stringify gives for v. Members are written in the order
// they have in v.
func AppendStringify(dst []byte, v Value) []byte {
	switch v.Kind {
	case Bool:
		if v.Bool {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case Number:
		return appendNumber(dst, v.Num)
	case String:
		return AppendString(dst, v.Str)
	case Array:
		dst = append(dst, '[')
		for i := range v.Elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendStringify(dst, v.Elems[i])
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendString(dst, v.Members[i].Name)
			dst = append(dst, ':')
			dst = AppendStringify(dst, v.Members[i].Value)
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}

// AppendString appends the text that JSON.stringify gives for the string s. A lone surrogate in its
// WTF-8 form becomes an escape; two that make a pair become their character; every other maximal
// ill-formed part becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	at := len(dst)
	if dst = append(dst, s...); isPlain(dst[at:]) { // nearly all are
		return append(dst, '"')
	}
	dst = dst[:at]
	for !utf8.ValidString(s) {
		before, unit, after, ok := cutSurrogate(s)
		dst = appendEscaped(dst, repair(before))
		s = after
		if !ok {
			break
		}
		if low, ok := surrogateAt(s); ok && isHigh(unit) && isLow(low) {
			dst = utf8.AppendRune(dst, utf16.DecodeRune(unit, low))
			s = s[surrogateLen:]
		} else {
			dst = appendUnicodeEscape(dst, unit)
		}
	}
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped appends well-formed UTF-8 with what must be escaped escaped.
func appendEscaped(dst []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		if short := shortEscape(c); short != 0 {
			dst = append(dst, '\\', short)
		} else {
			dst = appendUnicodeEscape(dst, rune(c))
		}
	}
	return append(dst, s[start:]...)
}

// shortEscape gives the letter that escapes c after a backslash, 0 where there is none.
func shortEscape(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	}
	return 0
}

func appendUnicodeEscape(dst []byte, unit rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[unit>>12&0xF], digits[unit>>8&0xF], digits[unit>>4&0xF], digits[unit&0xF])
}

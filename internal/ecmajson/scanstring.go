package ecmajson

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// ScanString is [ScanValue] for one string: it returns the end of the literal whose opening quote is
// b[i], or -1 where JSON.stringify would have written its value another way.
func ScanString(b []byte, i int) int {
	if uint(i) >= uint(len(b)) || b[i] != '"' {
		return -1
	}
	i++
	for {
		i = skipPlain(b, i)
		if i >= len(b) {
			return -1
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i = scanEscape(b, i+1)
		case c < ' ':
			return -1
		default:
			i = scanRunes(b, i)
		}
		if i < 0 {
			return -1
		}
	}
}

// skipPlain returns the first place from i on that needs a look: a quote, a backslash, a control
// character or a byte that is not ASCII; len(b) where there is none.
func skipPlain(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
	}
	return i
}

// special looks at eight bytes at once. The lowest bit it sets is the top bit of the first byte that
// is a quote, a backslash, a control character or not ASCII; bits above that one mean nothing,
// because subtracting borrows from the byte above only where a byte was special.
func special(w uint64) uint64 {
	const (
		each      = 0x0101010101010101
		top       = each * 0x80
		quote     = each * '"'
		backslash = each * '\\'
		space     = each * ' '
	)
	return (w | (w - space) | ((w ^ quote) - each) | ((w ^ backslash) - each)) & top
}

// scanRunes passes over characters beyond ASCII from i on, or returns -1 for bytes that are no UTF-8.
func scanRunes(b []byte, i int) int {
	for i < len(b) && b[i] >= utf8.RuneSelf {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return -1
		}
		i += n
	}
	return i
}

// scanEscape passes over the escape whose backslash is before i, or returns -1 where JSON.stringify
// does not write it. Surrogates that make a pair it writes as the character, so of two escaped ones
// in a row, the first must not open a pair that the second closes.
func scanEscape(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	if b[i] != 'u' {
		if strings.IndexByte(`"\bfnrt`, b[i]) < 0 {
			return -1
		}
		return i + 1
	}
	unit, ok := escapedUnit(b, i-1)
	switch {
	case !ok:
		return -1
	case unit < ' ':
		if shortEscape(byte(unit)) != 0 {
			return -1
		}
	case isHigh(unit):
		if next, ok := escapedUnit(b, i+5); ok && isLow(next) {
			return -1
		}
	case !isLow(unit):
		return -1
	}
	return i + 5
}

// escapedUnit reads an escape of the form \u00ab whose backslash is b[i], with lower-case digits.
func escapedUnit(b []byte, i int) (unit rune, ok bool) {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return 0, false
	}
	for _, c := range b[i+2 : i+6] {
		switch {
		case '0' <= c && c <= '9':
			unit = unit<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			unit = unit<<4 | rune(c-'a'+10)
		default:
			return 0, false
		}
	}
	return unit, true
}

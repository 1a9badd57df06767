package ecmajson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// ScanString is [ScanValue] for one string: it returns the end of the literal whose opening quote is
// b[i], or -1 where JSON.stringify would have written its value another way.
func ScanString(b []byte, i int) int {
	if uint(i) >= uint(len(b)) || b[i] != '"' {
		return -1
	}
	for j := i + 1; j+16 <= len(b); j += 16 {
		m := special(binary.LittleEndian.Uint64(b[j : j+8]))
		if m == 0 {
			if m = special(binary.LittleEndian.Uint64(b[j+8 : j+16])); m == 0 {
				continue
			}
			j += 8
		}
		j += bits.TrailingZeros64(m) / 8
		if b[j] == '"' {
			return j + 1
		}
		return scanRest(b, i+1, j)
	}
	return scanRest(b, i+1, i+1)
}

// isPlain reports whether text is ASCII of which nothing is escaped in a literal.
func isPlain(text []byte) bool {
	for ; len(text) >= 8; text = text[8:] {
		if special(binary.LittleEndian.Uint64(text)) != 0 {
			return false
		}
	}
	for _, c := range text {
		if isSpecial[c] || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// scanRest scans the literal that begins at start from i on.
func scanRest(b []byte, start, i int) int {
	high := uint64(0) // its top bits tell whether a byte was not ASCII
	for {
		// Eight bytes at a time as long as they are plain, then the last few one by one.
		for ; i+8 <= len(b); i += 8 {
			w := binary.LittleEndian.Uint64(b[i:])
			if m := special(w) &^ w; m != 0 {
				high |= w & (m - 1)
				i += bits.TrailingZeros64(m) / 8
				break
			}
			high |= w
		}
		for ; i < len(b) && !isSpecial[b[i]]; i++ {
			high |= uint64(b[i])
		}
		if i >= len(b) {
			return -1
		}
		if b[i] == '"' {
			if high&tops != 0 && !utf8.Valid(b[start:i]) {
				return -1
			}
			return i + 1
		}
		if i = scanEscape(b, i); i < 0 {
			return -1
		}
	}
}

const (
	ones = 0x0101010101010101 // in each of eight bytes
	tops = ones * 0x80
)

// special looks at eight bytes at once. It sets the top bit of each byte that is a quote, a backslash,
// a control character or not ASCII. From the first of the former three on, bits may be wrong: there
// a subtraction borrows from the byte above, and nowhere else.
func special(w uint64) uint64 {
	return (w | ((w ^ ones*2) - ones*0x21) | ((w ^ ones*'\\') - ones)) & tops
}

// isSpecial is special for one byte.
var isSpecial = func() (t [256]bool) {
	for c := range ' ' {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// scanEscape passes over the escape at b[i], or returns -1 where JSON.stringify does not write it.
// Surrogates that make a pair are written as their character, so an escaped one that opens a pair is
// right only where the next does not close it.
func scanEscape(b []byte, i int) int {
	if b[i] != '\\' || i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return i + 2
	}
	unit, ok := escapedUnit(b, i)
	switch {
	case !ok:
		return -1
	case unit < ' ':
		if shortEscape(byte(unit)) != 0 {
			return -1
		}
	case isHigh(unit):
		if next, ok := escapedUnit(b, i+6); ok && isLow(next) {
			return -1
		}
	case !isLow(unit):
		return -1
	}
	return i + 6
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

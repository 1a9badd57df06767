package ecmajson

import (
	"strings"
	"unicode/utf8"
)

// repair puts U+FFFD in place of each maximal ill-formed part of s, as the WHATWG Encoding Standard
// has UTF-8 decoded. A text can be repaired in parts if each ends before an ASCII byte.
func repair(s string) string {
	var b strings.Builder
	for {
		bad := illFormedAt(s)
		b.WriteString(s[:bad])
		if bad == len(s) {
			return b.String()
		}
		b.WriteRune(utf8.RuneError)
		s = s[bad+illFormedLen(s[bad:]):]
	}
}

// illFormedAt returns where the first ill-formed part of s begins, len(s) where there is none.
func illFormedAt(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(s)
}

// illFormedLen returns the length of the maximal ill-formed part at the start of s: as many bytes as
// begin a character of UTF-8, at least one (Unicode, 3.9, "U+FFFD Substitution of Maximal Subparts").
func illFormedLen(s string) int {
	const continuation, lastContinuation = 0x80, 0xBF
	length, low, high := 1, byte(continuation), byte(lastContinuation) // of the second byte
	switch lead := s[0]; {
	case lead >= 0xC2 && lead <= 0xDF:
		length = 2
	case lead >= 0xE0 && lead <= 0xEF:
		length = 3
	case lead >= 0xF0 && lead <= 0xF4:
		length = 4
	}
	switch s[0] { // a shorter form, a surrogate or a number beyond U+10FFFF is no character
	case 0xE0:
		low = 0xA0
	case 0xED:
		high = 0x9F
	case 0xF0:
		low = 0x90
	case 0xF4:
		high = 0x8F
	}
	n := 1
	for n < min(length, len(s)) && low <= s[n] && s[n] <= high {
		n++
		low, high = continuation, lastContinuation
	}
	return n
}

const (
	surrogateLen  = 3    // bytes of a surrogate in WTF-8
	surrogateLead = 0xED // its first byte

	highSurrogate  = 0xD800 // the first to open a pair
	lowSurrogate   = 0xDC00 // the first to close one
	afterSurrogate = 0xE000
)

func isSurrogate(unit rune) bool { return highSurrogate <= unit && unit < afterSurrogate }
func isHigh(unit rune) bool      { return highSurrogate <= unit && unit < lowSurrogate }
func isLow(unit rune) bool       { return lowSurrogate <= unit && unit < afterSurrogate }

// appendSurrogate writes the WTF-8 form of a surrogate.
func appendSurrogate(dst []byte, unit rune) []byte {
	return append(dst, surrogateLead, 0x80|byte(unit>>6)&0x3F, 0x80|byte(unit)&0x3F)
}

// surrogateAt reads the surrogate at the start of s, if there is one.
func surrogateAt(s string) (rune, bool) {
	if len(s) < surrogateLen || s[0] != surrogateLead || s[1]&0xE0 != 0xA0 || s[2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), true
}

// cutSurrogate cuts s before its first surrogate. ok is false where there is none.
func cutSurrogate(s string) (before string, unit rune, after string, ok bool) {
	for i := 0; ; i++ {
		n := strings.IndexByte(s[i:], surrogateLead)
		if n < 0 {
			return s, 0, "", false
		}
		i += n
		if unit, ok := surrogateAt(s[i:]); ok {
			return s[:i], unit, s[i+surrogateLen:], true
		}
	}
}

package ecmajson

import (
	"strings"

	"golang.org/x/text/encoding/unicode"
)

// repair puts U+FFFD in place of each maximal ill-formed part of s, as the WHATWG Encoding Standard
// has UTF-8 decoded. A text can be repaired in parts if each ends before an ASCII byte.
func repair(s string) string {
	// The decoder replaces what it cannot read, so it has no error to give.
	repaired, err := unicode.UTF8.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return repaired
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

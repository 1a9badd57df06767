package ecmajson

import (
	"encoding/binary"
	"math/bits"
)

const (
	// safeDigits is the number of decimal digits that a double always keeps.
	safeDigits = 15
	// longestNumber is the length of the longest number that JSON.stringify writes:
	// -0.0000012345678901234567.
	longestNumber = 25
)

// scanNumber returns the end of the number at i, or -1 where JSON.stringify would have written it
// another way.
func scanNumber(b []byte, i int) int {
	start := i
	if b[i] == '-' {
		i++
	}
	first := i
	i = skipDigits(b, i)
	whole := i - first
	if i == len(b) || !inNumber(b[i]) {
		switch {
		case whole == 0 || b[first] == '0' && i-start > 1:
			return -1
		case whole <= safeDigits:
			return i
		}
		return scanLongNumber(b, start, i)
	}
	if b[i] == '.' && whole > 0 && (b[first] != '0' || whole == 1) {
		point := i
		i = skipDigits(b, i+1)
		// Up to 15 digits name a double of their own, so no shorter text can stand for it; a zero at
		// the end would be one digit too many. Below a millionth the form has an exponent.
		if (i == len(b) || !inNumber(b[i])) && i-first-1 <= safeDigits && b[i-1]-'1' < 9 &&
			(b[first] != '0' || nonZeroWithin(b[point+1:i], 6)) {
			return i
		}
	}
	for i < len(b) && inNumber(b[i]) {
		i++
	}
	return scanLongNumber(b, start, i)
}

// skipDigits returns the first place from i on where no digit stands.
func skipDigits(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:i+8]) ^ ones*'0'
		if m := (x | (x + ones*0x76)) & tops; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// nonZeroWithin reports whether one of the first n digits is not zero.
func nonZeroWithin(digits []byte, n int) bool {
	for _, d := range digits[:min(n, len(digits))] {
		if d != '0' {
			return true
		}
	}
	return false
}

// scanLongNumber decides about b[start:end] by reading and writing it.
func scanLongNumber(b []byte, start, end int) int {
	if end-start > longestNumber {
		return -1
	}
	var buf [2 * longestNumber]byte
	literal := string(b[start:end])
	f, finite := parseNumber(literal)
	if !finite || string(appendNumber(buf[:0], f)) != literal {
		return -1
	}
	return end
}

func inNumber(c byte) bool {
	switch c {
	case '+', '-', '.', 'e', 'E', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return true
	}
	return false
}

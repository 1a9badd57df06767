package ecmajson

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// appendNumber writes f as JSON.stringify does: the shortest digits that read back as f, no sign on
// zero, null for what is not finite.
func appendNumber(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		return append(dst, "null"...)
	case f == 0:
		return append(dst, '0')
	}
	return jsontext.AppendFloat(dst, f, 64)
}

// parseNumber reads a JSON number as the nearest double. finite is false where that is an infinity.
func parseNumber(literal string) (f float64, finite bool) {
	if len(literal) > strconvExact {
		return parseLongNumber(literal)
	}
	f, err := strconv.ParseFloat(literal, 64)
	return f, err == nil
}

// strconv.ParseFloat stops counting an exponent at 10,000, which is exact as long as the digits
// before it cannot bring the number back into range: 0.000…0001e10001 with 10,000 zeros is 1.
const strconvExact = 1000

// parseLongNumber is parseNumber for literals whose digits may outweigh their exponent: it moves the
// decimal point behind the first digit that is not zero, so that the exponent says it all.
func parseLongNumber(literal string) (f float64, finite bool) {
	rest, negative := strings.CutPrefix(literal, "-")
	mantissa, exponent := rest, int64(0)
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent = rest[:i], clampedInt(rest[i+1:])
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	zeros := len(digits) - len(strings.TrimLeft(digits, "0"))
	digits = digits[zeros:]
	exponent += int64(len(whole) - zeros - 1)
	sign := 1
	if negative {
		sign = -1
	}
	const beyond = 400 // a double ranges from 5e-324 to 1.8e308
	switch {
	case digits == "" || exponent < -beyond:
		return math.Copysign(0, float64(sign)), true
	case exponent > beyond:
		return math.Inf(sign), false
	}
	f, err := strconv.ParseFloat(digits[:1]+"."+digits[1:]+"e"+strconv.FormatInt(exponent, 10), 64)
	return math.Copysign(f, float64(sign)), err == nil
}

// clampedInt reads the digits of an exponent, with or without a sign. Beyond ±2⁵⁰, further than any
// text can move a decimal point, it stops counting.
func clampedInt(s string) int64 {
	digits := strings.TrimLeft(s, "+-")
	var n int64
	for i := 0; i < len(digits) && n < 1<<50; i++ {
		n = 10*n + int64(digits[i]-'0')
	}
	if s[0] == '-' {
		return -n
	}
	return n
}

package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Count gives n with its thousands apart: 5,000,150.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Plural gives n and the noun that goes with it: 1 record, 2,000 records. The plural form is the
// singular one with an s.
func Plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Count(n) + " " + noun
}

// Bytes gives a size in the largest binary unit that leaves at least 1, with one decimal unless
// the size is whole or has three digits: 999 B, 1.5 KiB, 256 MiB.
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	size, unit := float64(n), -1
	for size >= 1023.5 && unit < len(units)-1 { // never "1024 KiB"
		size, unit = size/1024, unit+1
	}
	decimals := 1
	if size >= 100 || size == float64(int64(size)) {
		decimals = 0
	}
	return fmt.Sprintf("%.*f %ciB", decimals, size, units[unit])
}

// Duration gives a span as a person would say it: 350 ms, 1.2 s, 2 min 05 s, 3 h 07 min.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 59950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour-500*time.Millisecond:
		s := int(d.Round(time.Second).Seconds())
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	}
	m := int(d.Round(time.Minute).Minutes())
	return fmt.Sprintf("%d h %02d min", m/60, m%60)
}

package segment

import (
	"fmt"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// Period is the stretch of the calendar, in UTC, that a segment does not go beyond.
type Period int

// The periods.
const (
	PeriodYear Period = iota
	PeriodMonth
	PeriodDay
	PeriodNone
)

var periodNames = [...]string{PeriodYear: "year", PeriodMonth: "month", PeriodDay: "day", PeriodNone: "none"}

// String is the word for p in the configuration.
func (p Period) String() string {
	if p < 0 || int(p) >= len(periodNames) {
		return fmt.Sprintf("Period(%d)", int(p))
	}
	return periodNames[p]
}

// ParsePeriod reads the word for a period.
func ParsePeriod(word string) (Period, error) {
	for p, name := range periodNames {
		if name == word {
			return Period(p), nil
		}
	}
	return 0, fmt.Errorf("period %q: want year, month, day or none", word)
}

// periodDigits is how much of a time stamp names the period it lies in.
var periodDigits = [...]int{PeriodYear: len("2006"), PeriodMonth: len("2006-01"), PeriodDay: len("2006-01-02"), PeriodNone: 0}

// maxAhead is how far a record's time may lie ahead of the clock and still end a period: what a
// broken clock stamps must not seal segments of years to come.
const maxAhead = 24 * time.Hour

// ended reports whether a record stamped ts lies in a later period than the one stamped last. Times
// are strings as in records, so that later is greater; anything else a record may have as its ts
// ends nothing. now is the clock.
func (p Period) ended(last, ts string, now func() time.Time) bool {
	n := periodDigits[p]
	return n > 0 && len(ts) >= n && len(last) >= n && ts[:n] > last[:n] && isStamp(last) && isStamp(ts) && !ahead(ts, now())
}

// sameAs reports whether two time stamps lie in one period.
func (p Period) sameAs(a, b string) bool {
	n := periodDigits[p]
	return len(a) >= n && len(b) >= n && a[:n] == b[:n] && isStamp(a) && isStamp(b)
}

// ahead reports whether ts lies so far ahead of the clock that it says nothing of the time.
func ahead(ts string, now time.Time) bool {
	limit, err := stamp(now.Add(maxAhead))
	return err == nil && ts > limit
}

const (
	stampLayout  = chain.TimeLayout
	stampExample = "2026-05-02T09:14:05.123Z"
)

// stamp writes a time as ECMAScript's toISOString does, years 0000 to 9999.
func stamp(t time.Time) (string, error) {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return "", fmt.Errorf("the clock says year %d: want 0000 to 9999", y)
	}
	return t.Format(stampLayout), nil
}

// isStamp reports whether a record's ts has the form that stamp gives. It is asked several times for each
// record of an import: so it looks at eight bytes at a time.
func isStamp(ts string) bool {
	if len(ts) != len(stampLayout) {
		return false
	}
	bad := uint64(0)
	for i, w := range stampShape {
		// Where there is a digit this leaves its value, and elsewhere 0.
		got := eightBytes(ts[8*i:]) ^ w.text
		bad |= got&w.fixed | (got+0x7676767676767676|got)&0x8080808080808080
	}
	return bad == 0
}

// stampShape is the form of a time stamp, eight bytes each: text has a 0 for each digit, and fixed has
// bits where there is none.
var stampShape = func() (shape [len(stampLayout) / 8]struct{ text, fixed uint64 }) {
	const text = "0000-00-00T00:00:00.000Z"
	for i := range text {
		w, shift := &shape[i/8], 8*(i%8)
		w.text |= uint64(text[i]) << shift
		if text[i] != '0' {
			w.fixed |= 0xff << shift
		}
	}
	return shape
}()

// eightBytes is the start of s, its first byte in the low eight bits.
func eightBytes(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// isTime reports whether ts is a time in the form that stamp gives: one that there is.
func isTime(ts string) bool {
	if !isStamp(ts) {
		return false
	}
	two := func(at int) int { return 10*int(ts[at]-'0') + int(ts[at+1]-'0') }
	year, month, day := 100*two(0)+two(2), two(5), two(8)
	if month < 1 || month > 12 || day < 1 || two(11) > 23 || two(14) > 59 || two(17) > 59 {
		return false
	}
	// Day 0 of the next month is the last of this one.
	return day <= 28 || day <= time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

package timerange

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const forms = "want a time (2026-12-31T23:59:59Z, with any offset), a date (2026-12-31), a month (2026-12), a quarter (2026-Q4), a year (2026), " +
	"a time before now (36h, 7d, 2w), today, or seconds since 1970 (@1798761599)"

// span is what a word means: from start up to, and without, end. An instant has end right after it.
type span struct{ start, end time.Time }

// first is the first millisecond of s.
func (s span) first() time.Time {
	t := s.start.Truncate(time.Millisecond)
	if t.Before(s.start) {
		t = t.Add(time.Millisecond)
	}
	return t
}

// last is the last millisecond of s.
func (s span) last() time.Time { return s.end.Add(-1).Truncate(time.Millisecond) }

func instant(t time.Time) span { return span{t, t.Add(1)} }

// parseWord says what a word means, or why it means nothing.
func parseWord(word string, now time.Time) (s span, why string) {
	switch {
	case word == "today":
		now = now.UTC()
		day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
		return span{day, day.AddDate(0, 0, 1)}, ""
	case word[0] == '@':
		return parseUnix(word[1:])
	case strings.Contains(word, "T"):
		return parseTime(word)
	case strings.Contains(word, "-") || len(word) == len("2006") && allDigits(word):
		return parseUnit(word)
	}
	return parseAgo(word, now)
}

func parseUnix(digits string) (span, string) {
	n, err := strconv.ParseInt(digits, 10, 64)
	const year10000 = 253402300800
	if err != nil || !allDigits(digits) {
		return span{}, "want whole seconds since 1970 after the @, as in @1798761599"
	}
	if n >= year10000 {
		return span{}, "beyond the years 0000 to 9999: are these milliseconds? want seconds"
	}
	return span{time.Unix(n, 0), time.Unix(n+1, 0)}, ""
}

// parseTime reads a date with a time of day. Without an offset it is UTC; without a fraction it is
// the whole second.
func parseTime(word string) (span, string) {
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05"} {
		t, err := time.Parse(layout, word)
		if err != nil || strings.Contains(word, ",") {
			continue
		}
		if strings.Contains(word, ".") {
			return instant(t), ""
		}
		return span{t, t.Add(time.Second)}, ""
	}
	return span{}, "not a time that exists: " + forms
}

// parseUnit reads a date, a month, a quarter or a year.
func parseUnit(word string) (span, string) {
	year, quarter, ok := strings.Cut(word, "-Q")
	if ok {
		start, err := time.Parse("2006", year)
		if err != nil || len(quarter) != 1 || quarter[0] < '1' || quarter[0] > '4' {
			return span{}, "want a quarter from 2026-Q1 to 2026-Q4"
		}
		start = start.AddDate(0, 3*int(quarter[0]-'1'), 0)
		return span{start, start.AddDate(0, 3, 0)}, ""
	}
	for _, unit := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {"2006-01-02", 0, 0, 1}} {
		if len(word) != len(unit.layout) {
			continue
		}
		if start, err := time.Parse(unit.layout, word); err == nil {
			return span{start, start.AddDate(unit.years, unit.months, unit.days)}, ""
		}
	}
	return span{}, "not a date that exists: " + forms
}

// parseAgo reads a time before now.
func parseAgo(word string, now time.Time) (span, string) {
	unit, ok := map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[word[len(word)-1]]
	digits := word[:len(word)-1]
	if !ok || !allDigits(digits) {
		return span{}, forms
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > int64(math.MaxInt64/unit) {
		return span{}, "longer ago than can be counted"
	}
	return instant(now.Add(-time.Duration(n) * unit).Truncate(time.Millisecond)), ""
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

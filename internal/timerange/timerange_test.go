package timerange

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var now = time.Date(2026, 5, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 2*3600))

func TestParse(t *testing.T) {
	for _, c := range []struct{ word, first, last string }{
		{"2026", "2026-01-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z"},
		{"0000", "0000-01-01T00:00:00.000Z", "0000-12-31T23:59:59.999Z"},
		{"9999", "9999-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"},
		{"2026-02", "2026-02-01T00:00:00.000Z", "2026-02-28T23:59:59.999Z"},
		{"2024-02", "2024-02-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"},
		{"2026-12", "2026-12-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z"},
		{"2026-Q1", "2026-01-01T00:00:00.000Z", "2026-03-31T23:59:59.999Z"},
		{"2026-Q3", "2026-07-01T00:00:00.000Z", "2026-09-30T23:59:59.999Z"},
		{"2026-Q4", "2026-10-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z"},
		{"2026-12-31", "2026-12-31T00:00:00.000Z", "2026-12-31T23:59:59.999Z"},
		{"2026-12-31T23:59:59Z", "2026-12-31T23:59:59.000Z", "2026-12-31T23:59:59.999Z"},
		{"2026-12-31T23:59:59", "2026-12-31T23:59:59.000Z", "2026-12-31T23:59:59.999Z"},
		{"2026-12-31T23:59:59.5Z", "2026-12-31T23:59:59.500Z", "2026-12-31T23:59:59.500Z"},
		{"2026-12-31T23:59:59.123Z", "2026-12-31T23:59:59.123Z", "2026-12-31T23:59:59.123Z"},
		{"2026-12-31T23:59:59.123456Z", "2026-12-31T23:59:59.124Z", "2026-12-31T23:59:59.123Z"},
		{"2026-12-31T23:59:59.123", "2026-12-31T23:59:59.123Z", "2026-12-31T23:59:59.123Z"},
		{"2026-01-01T00:30:00+02:00", "2025-12-31T22:30:00.000Z", "2025-12-31T22:30:00.999Z"},
		{"2026-12-31T20:30:00-05:00", "2027-01-01T01:30:00.000Z", "2027-01-01T01:30:00.999Z"},
		{"36h", "2026-04-30T13:04:05.678Z", "2026-04-30T13:04:05.678Z"},
		{"0h", "2026-05-02T01:04:05.678Z", "2026-05-02T01:04:05.678Z"},
		{"7d", "2026-04-25T01:04:05.678Z", "2026-04-25T01:04:05.678Z"},
		{"2w", "2026-04-18T01:04:05.678Z", "2026-04-18T01:04:05.678Z"},
		{"3650d", "2016-05-04T01:04:05.678Z", "2016-05-04T01:04:05.678Z"},
		{"today", "2026-05-02T00:00:00.000Z", "2026-05-02T23:59:59.999Z"},
		{"@0", "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.999Z"},
		{"@1798761599", "2026-12-31T23:59:59.000Z", "2026-12-31T23:59:59.999Z"},
		{"@253402300799", "9999-12-31T23:59:59.000Z", "9999-12-31T23:59:59.999Z"},
	} {
		for _, q := range []struct {
			since, until string
			want         Range
		}{
			{c.word, "", Range{Since: c.first}},
			{"", c.word, Range{Until: c.last}},
		} {
			got, err := Parse(q.since, q.until, now)
			if err != nil || got != q.want {
				t.Errorf("since %q until %q: %+v (%v), want %+v", q.since, q.until, got, err, q.want)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for word, why := range map[string]string{
		"yesterday": "want a time", "x": "want a time", "7": "want a time", "d": "want a time", "-7d": "not a date", "7m": "want a time", "7 d": "want a time", "1.5d": "want a time", "٣d": "want a time",
		"99999999999999999999d": "longer ago", "106752d": "longer ago", "106751d": "", "20270w": "longer ago",
		"2026-13": "not a date", "2026-02-30": "not a date", "2026-1-1": "not a date", "20261": "want a time", "26-01": "not a date", "2026-01-01 10:00:00": "not a date",
		"2026-Q0": "quarter", "2026-Q5": "quarter", "2026-Q": "quarter", "2026-Q11": "quarter", "26-Q1": "quarter", "-Q1": "quarter",
		"2026-12-31T24:00:00Z": "not a time", "2026-12-31T23:59:60Z": "not a time", "2026-12-31T23:59Z": "not a time", "2026-12-31T": "not a time", "T": "not a time",
		"2026-12-31T10:00:00,5Z": "not a time", "2026-02-30T10:00:00Z": "not a time", "2026-12-31T10:00:00+25:00": "not a time",
		"0000-01-01T00:00:00+01:00": "beyond the years", "9999-12-31T23:59:59-01:00": "beyond the years",
		"@": "whole seconds", "@x": "whole seconds", "@-1": "whole seconds", "@+1": "whole seconds", "@1.5": "whole seconds", "@99999999999999999999": "whole seconds", "@1798761599000": "milliseconds", "@253402300800": "beyond",
		"\x00": "want a time", "\xff\xfe": "want a time", "2026\n": "want a time", " ": "want a time",
	} {
		for _, flag := range []string{"--since", "--until"} {
			since, until := word, ""
			if flag == "--until" {
				since, until = until, since
			}
			_, err := Parse(since, until, now)
			if why == "" {
				if err != nil {
					t.Errorf("%s %q: %v", flag, word, err)
				}
				continue
			}
			var e *Error
			if !errors.As(err, &e) || e.Flag != flag || e.Value != word || !strings.Contains(err.Error(), why) || !strings.HasPrefix(err.Error(), flag) {
				t.Errorf("%s %q: %v, want an error that says %q", flag, word, err, why)
			}
		}
	}
}

func TestParseOrder(t *testing.T) {
	if r, err := Parse("2026", "2026", now); err != nil || r.String() != "2026-01-01T00:00:00.000Z to 2026-12-31T23:59:59.999Z" {
		t.Errorf("one year: %v (%v)", r, err)
	}
	if r, err := Parse("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", now); err != nil || !r.Contains("2026-01-01T00:00:00.000Z") {
		t.Errorf("one instant: %v (%v)", r, err)
	}
	_, err := Parse("2026-01-01", "2025", now)
	if err == nil || !strings.Contains(err.Error(), `--since "2026-01-01": begins 2026-01-01T00:00:00.000Z, after the end of --until "2025", 2025-12-31T23:59:59.999Z`) {
		t.Errorf("the wrong way round: %v", err)
	}
	if _, err := Parse("2026-12-31T23:59:59.1231Z", "2026-12-31T23:59:59.1239Z", now); err == nil {
		t.Error("a range between two milliseconds holds no record, and is no error")
	}
}

func TestContains(t *testing.T) {
	day := Range{"2026-12-31T00:00:00.000Z", "2026-12-31T23:59:59.999Z"}
	for _, c := range []struct {
		r    Range
		ts   string
		want bool
	}{
		{day, "2026-12-31T00:00:00.000Z", true}, {day, "2026-12-31T23:59:59.999Z", true}, {day, "2026-12-30T23:59:59.999Z", false}, {day, "2027-01-01T00:00:00.000Z", false},
		// Odd times are text like any other.
		{day, "2026-12-31", false}, {day, "2026-12-31T12:00:00+02:00", true}, {day, "", false}, {day, "yesterday", false}, {day, "2026-12-31T23:59:59.9999999Z", true},
		{Range{Until: day.Until}, "", true}, {Range{Until: day.Until}, "2026-12-31", true}, {Range{Since: day.Since}, "yesterday", true}, {Range{Since: day.Since}, "", false},
		{Range{}, "", true}, {Range{}, "yesterday", true},
	} {
		if got := c.r.Contains(c.ts); got != c.want {
			t.Errorf("%v contains %q: %v, want %v", c.r, c.ts, got, c.want)
		}
	}
}

func TestString(t *testing.T) {
	for want, r := range map[string]Range{"all times": {}, "since a": {Since: "a"}, "until b": {Until: "b"}, "a to b": {"a", "b"}} {
		if got := r.String(); got != want || r.All() != (want == "all times") {
			t.Errorf("%+v: %q, all %v, want %q", r, got, r.All(), want)
		}
	}
}

// Text order is time order: a time lies in a range exactly if its instant does.
func TestContainsGoesByTime(t *testing.T) {
	first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC).UnixMilli()
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(first, last)
		a, b, c := ms.Draw(t, "a"), ms.Draw(t, "b"), ms.Draw(t, "c")
		since, until := min(a, b), max(a, b)
		text := func(ms int64) string { return time.UnixMilli(ms).UTC().Format(layout) }
		r, err := Parse(text(since), text(until), now)
		if err != nil {
			t.Fatal(err)
		}
		for _, ts := range []int64{c, since, until, max(first, since-1), min(last, until+1)} {
			if got, want := r.Contains(text(ts)), since <= ts && ts <= until; got != want {
				t.Fatalf("%v contains %s: %v", r, text(ts), got)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, word := range []string{"2026", "2026-Q3", "7d", "today", "@1", "2026-12-31T23:59:59.5+02:00", "2026-02-29", "@", "h", "T", "-", ""} {
		f.Add(word, "2026-12-31")
	}
	f.Fuzz(func(t *testing.T, since, until string) {
		r, err := Parse(since, until, now)
		if err != nil {
			if r != (Range{}) {
				t.Errorf("%q %q: %+v beside an error", since, until, r)
			}
			return
		}
		for _, b := range []string{r.Since, r.Until} {
			if b == "" {
				continue
			}
			if _, err := time.Parse(layout, b); err != nil {
				t.Errorf("%q %q: bound %q", since, until, b)
			}
		}
		if (r.Since == "") != (since == "") || (r.Until == "") != (until == "") || r.Until != "" && r.Since > r.Until {
			t.Errorf("%q %q: %+v", since, until, r)
		}
	})
}

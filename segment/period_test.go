package segment

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPeriodEnded(t *testing.T) {
	now := func() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		about    string
		period   Period
		last, ts string
		want     bool
	}{
		{"next year", PeriodYear, "2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z", true},
		{"same year", PeriodYear, "2026-01-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z", false},
		{"next month", PeriodMonth, "2026-11-30T23:59:59.999Z", "2026-12-01T00:00:00.000Z", true},
		{"same month", PeriodMonth, "2026-12-01T00:00:00.000Z", "2026-12-31T00:00:00.000Z", false},
		{"next day", PeriodDay, "2026-12-30T23:59:59.999Z", "2026-12-31T00:00:00.000Z", true},
		{"same day", PeriodDay, "2026-12-31T00:00:00.000Z", "2026-12-31T23:59:59.999Z", false},
		{"none", PeriodNone, "1999-12-31T23:59:59.999Z", "2026-12-31T00:00:00.000Z", false},
		{"F27 the clock went back", PeriodYear, "2027-01-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z", false},
		{"F27 the last record is from years to come", PeriodYear, "2099-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z", false},
		{"F27 a time a day ahead of the clock", PeriodYear, "2026-12-31T23:59:59.999Z", "2027-01-02T00:00:00.000Z", true},
		{"F27 a time more than a day ahead of the clock", PeriodYear, "2026-12-31T23:59:59.999Z", "2027-01-02T00:00:00.001Z", false},
		{"F27 year 9999", PeriodYear, "2026-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z", false},
		{"F27 from year 1", PeriodYear, "0001-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z", true},
		{"B6 the last ts is no time", PeriodYear, "yesterday", "2027-01-01T00:00:00.000Z", false},
		{"B6 the last ts has an offset", PeriodYear, "2026-12-31T23:59:59+02:00", "2027-01-01T00:00:00.000Z", false},
		{"B6 no ts", PeriodYear, "", "2027-01-01T00:00:00.000Z", false},
	} {
		if got := tt.period.ended(tt.last, tt.ts, now); got != tt.want {
			t.Errorf("%s: %v.ended(%q, %q) = %v", tt.about, tt.period, tt.last, tt.ts, got)
		}
	}
}

func TestStamp(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"2026-10-05T14:34:56.7899+02:00", "2026-10-05T12:34:56.789Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
		{"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999Z"},
	} {
		in, err := time.Parse(time.RFC3339Nano, tt.in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := stamp(in)
		if err != nil || got != tt.want || !isStamp(got) {
			t.Errorf("stamp(%s) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
	if got, err := stamp(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Errorf("year 10000 is %q, want an error", got)
	}
}

func TestPeriodWords(t *testing.T) {
	for p := PeriodYear; p <= PeriodNone; p++ {
		if q, err := ParsePeriod(p.String()); err != nil || q != p {
			t.Errorf("%v reads as %v, %v", p, q, err)
		}
	}
	if p, err := ParsePeriod("fortnight"); err == nil {
		t.Errorf("fortnight reads as %v", p)
	}
}

// A time is what the time package reads as one.
func TestIsTime(t *testing.T) {
	for _, year := range []int{0, 1900, 2000, 2023, 2024, 9999} {
		for month := range 14 {
			for day := range 33 {
				ts := fmt.Sprintf("%04d-%02d-%02dT12:34:56.789Z", year, month, day)
				_, err := time.Parse(stampLayout, ts)
				if got := isTime(ts); got != (err == nil) {
					t.Errorf("isTime(%q) = %v, the time package says %v", ts, got, err)
				}
			}
		}
	}
	for _, clock := range []string{"00:00:00.000", "23:59:59.999", "24:00:00.000", "23:60:00.000", "23:59:60.000"} {
		ts := "2024-02-29T" + clock + "Z"
		_, err := time.Parse(stampLayout, ts)
		if got := isTime(ts); got != (err == nil) {
			t.Errorf("isTime(%q) = %v, the time package says %v", ts, got, err)
		}
	}
}

// A time stamp has the form that the expression says, whatever byte is changed in it.
func TestIsStamp(t *testing.T) {
	form := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	for _, whole := range []string{"2026-05-02T09:14:05.123Z", "9999-99-99T99:99:99.999Z", "0000-00-00T00:00:00.000Z"} {
		for at := range whole {
			for c := range 256 {
				text := []byte(whole)
				text[at] = byte(c)
				if ts := string(text); isStamp(ts) != form.MatchString(ts) {
					t.Fatalf("%q is a stamp: %v", ts, isStamp(ts))
				}
			}
		}
		for n := range whole {
			if isStamp(whole[:n]) || isStamp(whole+whole[:n+1]) {
				t.Errorf("%q or %q is a stamp", whole[:n], whole+whole[:n+1])
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		ts := rapid.OneOf(rapid.StringMatching(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`), rapid.StringN(24, 24, 24)).Draw(t, "ts")
		if isStamp(ts) != form.MatchString(ts) {
			t.Fatalf("%q is a stamp: %v", ts, isStamp(ts))
		}
	})
}

package coverage

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// on makes a tally with a record on each of some days, counted from 2026-01-01.
func on(days ...int) *Tally {
	t := &Tally{}
	for _, d := range days {
		t.Add(at(d).Format("2006-01-02T15:04:05.000Z"))
	}
	return t
}

func at(day int) time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, day) }

// endOf is the last millisecond of a day.
func endOf(day int) time.Time { return at(day).Add(12*time.Hour - time.Millisecond) }

// every gives the days from 0 to n that are not left out.
func every(n int, out func(int) bool) (days []int) {
	for d := range n {
		if !out(d) {
			days = append(days, d)
		}
	}
	return days
}

func TestDayOf(t *testing.T) {
	for ts, want := range map[string]string{
		"2026-02-28T23:59:59.999Z": "2026-02-28",
		"1969-12-31T00:00:00.000Z": "1969-12-31",
		"0000-01-01T00:00:00.000Z": "0000-01-01",
		"9999-12-31T":              "9999-12-31",
		"2024-02-29Tanything":      "2024-02-29",
		"2026-02-29T00:00:00.000Z": "",
		"2026-02-28":               "",
		"2026-02-28 00:00:00":      "",
		"2026-2-28T00:00:00.000Z":  "",
		"yesterday":                "",
		"":                         "",
	} {
		d, ok := DayOf(ts)
		if got := d.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%q lies in %s, %v; want %q", ts, got, ok, want)
		}
	}
}

func TestFirstAndLast(t *testing.T) {
	tally := on(4, 2, 9, 3)
	tally.Join(on(5, 1), math.MaxInt)
	tally.Join(&Tally{Records: 1, Undated: 1}, math.MaxInt)
	if tally.First != "2026-01-02T12:00:00.000Z" || tally.Last != "2026-01-10T12:00:00.000Z" || tally.Records != 7 || tally.Undated != 1 {
		t.Errorf("%+v", tally)
	}
}

func TestSilence(t *testing.T) {
	never := func(int) bool { return false }
	weekend := func(d int) bool { return d%7 > 4 }
	for _, c := range []struct {
		name string
		days []int
		end  time.Time
		want Silence // without Last
		yes  bool
	}{
		{"nothing", nil, endOf(10), Silence{}, false},
		{"daily, still", every(30, never), endOf(29), Silence{Days: 30}, false},
		{"daily, a day short", every(30, never), endOf(35), Silence{Days: 30, Quiet: 6}, false},
		{"daily, gone", every(30, never), endOf(36), Silence{Days: 30, Quiet: 7}, true},
		{"a day that is not over is no quiet day", every(30, never), endOf(36).Add(-time.Millisecond), Silence{Days: 30, Quiet: 6}, false},
		{"on weekdays", every(26, weekend), endOf(32), Silence{Days: 20, Pause: 2, Quiet: 7}, true},
		{"twice the pause is not longer", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 13}, endOf(21), Silence{Days: 10, Pause: 4, Quiet: 8}, false},
		{"longer than twice the pause", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 13}, endOf(22), Silence{Days: 10, Pause: 4, Quiet: 9}, true},
		{"too few days", every(9, never), endOf(300), Silence{Days: 9, Quiet: 292}, false},
		{"an outage a year ago is forgotten", append([]int{0}, every(800, func(d int) bool { return d < 300 })...), endOf(810), Silence{Days: 365, Quiet: 11}, true},
		{"one within the year is not", append([]int{0}, every(400, func(d int) bool { return 100 < d && d < 140 })...), endOf(450), Silence{Days: 365 - 39, Pause: 39, Quiet: 51}, false},
		{"what comes after the end is not looked at", append(every(30, never), 400), endOf(40), Silence{Days: 30, Quiet: 11}, true},
		{"nothing up to the end", []int{50}, endOf(40), Silence{}, false},
	} {
		got := on(c.days...).SilenceAt(c.end)
		got.Last = 0
		if got != c.want || got.Silent() != c.yes {
			t.Errorf("%s: %+v, silent: %v; want %+v, %v", c.name, got, got.Silent(), c.want, c.yes)
		}
	}
}

func names(ps []Period) string {
	var words []string
	for _, p := range ps {
		words = append(words, fmt.Sprintf("%s=%d", p.Name, p.Records))
	}
	return strings.Join(words, ", ")
}

func TestPeriods(t *testing.T) {
	tally := &Tally{}
	for _, ts := range []string{"0001-05-05T", "2019-12-31T", "2020-01-01T", "2024-06-01T", "2025-01-31T", "2025-02-01T", "2025-02-02T", "2025-05-01T", "2026-01-15T", "2026-02-02T", "no time"} {
		tally.Add(ts)
	}
	end := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	if got, want := names(tally.Periods(time.Time{}, end, Years)), "0001=1, 0002 to 2018=0, 2019=1, 2020=1, 2021 to 2023=0, 2024=1, "+
		"2025-01=1, 2025-02=2, 2025-03 to 04=0, 2025-05=1, 2025-06 to 12=0, 2026-01=1, 2026-02=0"; got != want {
		t.Errorf("by year\n%s, want\n%s", got, want)
	}
	since := time.Date(2024, 12, 15, 0, 0, 0, 0, time.UTC)
	late := &Tally{}
	late.Add("2025-02-28T")
	if got, want := names(late.Periods(since, end, Months)), "2024-12 to 2025-01=0, 2025-02=1, 2025-03 to 2026-02=0"; got != want {
		t.Errorf("by month\n%s, want\n%s", got, want)
	}
	if got, want := names(late.Periods(time.Time{}, end, Days)), "2025-02-28=1, 2025-03-01 to 2026-02-01=0"; got != want {
		t.Errorf("by day\n%s, want\n%s", got, want)
	}
	if ps := (&Tally{}).Periods(since, end, Months); ps != nil {
		t.Errorf("nothing has the periods %v", ps)
	}
}

func TestGaps(t *testing.T) {
	for _, c := range []struct {
		since time.Time
		end   time.Time
		want  string
	}{
		{time.Time{}, endOf(9), "[2026-01-09 to 2026-01-10, 2026-01-05 to 2026-01-06, 2026-01-03 to 2026-01-03] of 9"},
		{time.Time{}, at(9), "[2026-01-05 to 2026-01-06, 2026-01-09 to 2026-01-09, 2026-01-03 to 2026-01-03] of 8"},
		{at(0), endOf(3), "[2026-01-03 to 2026-01-03] of 3"}, // the day that since cuts is no whole one
		{endOf(-2).Add(time.Millisecond), endOf(3), "[2025-12-31 to 2026-01-01, 2026-01-03 to 2026-01-03] of 5"},
		{time.Time{}, at(0), "[] of 0"},
	} {
		gaps, of := on(1, 3, 6, 7).Gaps(c.since, c.end)
		words := []string{}
		for _, g := range gaps {
			words = append(words, g.First.String()+" to "+g.Last.String())
		}
		if got := fmt.Sprintf("[%s] of %d", strings.Join(words, ", "), of); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.since, c.end, got, c.want)
		}
	}
}

// Days that there is no room for are counted, and in no period.
func TestJoinIsBounded(t *testing.T) {
	to := on(1)
	if room := to.Join(on(1, 2, 3, 4), 2); room != 0 || to.Records != 5 || to.Undated != 1 || len(to.Days()) != 3 {
		t.Errorf("room %d, %+v", room, to)
	}
}

// Whatever was counted in whatever parts: the tally is that of all at once, and what periods, gaps and
// silence say of it is what going through it day by day shows.
func TestTallyIsWhatADayByDayLookShows(t *testing.T) {
	const span = 900
	rapid.Check(t, func(t *rapid.T) {
		perDay := make([]int64, span)
		whole, joined := &Tally{}, &Tally{}
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			part := &Tally{}
			for _, d := range rapid.SliceOfN(rapid.IntRange(0, span-1), 0, 40).Draw(t, "days") {
				ts := at(d).Format("2006-01-02T15:04:05.000Z")
				part.Add(ts)
				whole.Add(ts)
				perDay[d]++
			}
			joined.Join(part, math.MaxInt)
		}
		if joined.Records != whole.Records || joined.First != whole.First || joined.Last != whole.Last || !slices.Equal(joined.Days(), whole.Days()) {
			t.Fatalf("joined %+v, at once %+v", joined, whole)
		}
		last := rapid.IntRange(0, span-1).Draw(t, "end")
		end, zero := endOf(last), dayAt(at(0))
		first := slices.IndexFunc(perDay[:last+1], func(n int64) bool { return n > 0 })
		periods := joined.Periods(time.Time{}, end, rapid.SampledFrom([]Unit{Days, Months, Years}).Draw(t, "unit"))
		gaps, of := joined.Gaps(time.Time{}, end)
		silence := joined.SilenceAt(end)
		if first < 0 {
			if periods != nil || gaps != nil || silence != (Silence{}) {
				t.Fatalf("nothing up to the end has %v, %v, %v", periods, gaps, silence)
			}
			return
		}
		next, sum := zero+Day(first), int64(0)
		for i, p := range periods {
			if p.First != next || p.Last < p.First || i > 0 && p.Records == 0 && periods[i-1].Records == 0 {
				t.Fatalf("period %d is %+v: %v", i, p, names(periods))
			}
			n := int64(0)
			for d := p.First; d <= p.Last; d++ {
				n += perDay[d-zero]
			}
			if n != p.Records {
				t.Fatalf("%+v has %d records", p, n)
			}
			next, sum = p.Last+1, sum+n
		}
		if next != zero+Day(last)+1 || sum+joined.After(end) != joined.Records {
			t.Fatalf("the periods end with %v and have %d of %d records", next-1, sum, joined.Records)
		}
		without := 0
		for _, n := range perDay[first : last+1] {
			if n == 0 {
				without++
			}
		}
		for _, g := range gaps {
			without -= g.Days()
			for d := g.First; d <= g.Last; d++ {
				if perDay[d-zero] != 0 {
					t.Fatalf("%v is in the gap %v", d, g)
				}
			}
		}
		if without != 0 || of != last-first+1 {
			t.Fatalf("the gaps %v leave out %d days, of %d", gaps, without, of)
		}
		want, pause := Silence{}, 0
		for d := last; d >= 0 && (want.Days == 0 || d > int(want.Last-zero)-PastDays); d-- {
			switch {
			case perDay[d] == 0 && want.Days == 0:
				want.Quiet++
			case perDay[d] == 0:
				pause++
			default:
				if want.Days == 0 {
					want.Last = zero + Day(d)
				}
				want.Days++
				want.Pause, pause = max(want.Pause, pause), 0
			}
		}
		if silence != want {
			t.Fatalf("%+v, want %+v", silence, want)
		}
	})
}

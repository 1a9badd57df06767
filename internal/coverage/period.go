package coverage

import (
	"slices"
	"time"
)

// Period is a run of days.
type Period struct {
	Name        string // a day, a month or a year; of several in a row, the first and the last
	First, Last Day
	Records     int64
}

// Unit is how long a [Period] is.
type Unit int

// The units.
const (
	// Days, each on its own.
	Days Unit = iota
	// Months likewise.
	Months
	// Years, but the months of the last one and of the one before.
	Years
)

// Periods cuts the days from the first that has records of t, or from since if that is not zero, to
// end. Two and more in a row without any record are one.
func (t *Tally) Periods(since, end time.Time, unit Unit) []Period {
	days := t.upTo(end)
	if len(days) == 0 {
		return nil
	}
	first := days[0]
	if !since.IsZero() {
		first = min(first, dayAt(since))
	}
	var all []Period
	for d, last := first, dayAt(end); d <= last; {
		p := periodOf(d, last, unit)
		i, _ := slices.BinarySearch(days, d)
		if i == len(days) || days[i] > p.Last {
			// A jump: years of nothing are not gone through day by day.
			next := last + 1
			if i < len(days) {
				next = periodOf(days[i], last, unit).First
			}
			p.join(periodOf(next-1, last, unit))
		}
		p.First, p.Last = max(p.First, first), min(p.Last, last)
		p.Records = t.Between(p.First, p.Last)
		all = append(all, p)
		d = p.Last + 1
	}
	return all
}

// join adds the periods up to q. A year that both have is named once.
func (p *Period) join(q Period) {
	if q.First <= p.First {
		return
	}
	name := q.Name
	if year := len(yearForm); len(p.Name) > year && len(name) > year && p.Name[:year] == name[:year] {
		name = name[year+1:]
	}
	p.Name, p.Last = p.Name+" to "+name, q.Last
}

// periodOf gives the period of a unit that d lies in, where the last day is another.
func periodOf(d, last Day, unit Unit) Period {
	t := d.time()
	whole := func(from time.Time, years, months int, form string) Period {
		return Period{Name: from.Format(form), First: dayAt(from), Last: dayAt(from.AddDate(years, months, 0)) - 1}
	}
	switch {
	case unit == Days:
		return Period{Name: d.String(), First: d, Last: d}
	case unit == Years && t.Year() < last.time().Year()-1:
		return whole(time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC), 1, 0, yearForm)
	}
	return whole(time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC), 0, 1, monthForm)
}

// upTo gives the days with records up to the one that end lies in.
func (t *Tally) upTo(end time.Time) []Day {
	days := t.Days()
	i, found := slices.BinarySearch(days, dayAt(end))
	if found {
		i++
	}
	return days[:i]
}

// Gap is a run of days without any record.
type Gap struct{ First, Last Day }

// Days is how many there are.
func (g Gap) Days() int { return int(g.Last-g.First) + 1 }

// Gaps gives the runs of whole days without a record of t, from the first day that has any, or from
// since if that is not zero, to end; the longest first, then the latest. Of is how many days that is.
func (t *Tally) Gaps(since, end time.Time) (gaps []Gap, of int) {
	days := t.upTo(end)
	if len(days) == 0 {
		return nil, 0
	}
	first, last := days[0], wholeDaysTo(end)
	if !since.IsZero() {
		first = min(first, dayAt(since.Add(24*time.Hour-time.Millisecond)))
	}
	next := first
	for _, d := range append(days, max(last, days[len(days)-1])+1) {
		if d > next {
			gaps = append(gaps, Gap{next, d - 1})
		}
		next = d + 1
	}
	slices.SortStableFunc(gaps, func(a, b Gap) int {
		if n := b.Days() - a.Days(); n != 0 {
			return n
		}
		return int(b.First - a.First)
	})
	return gaps, int(next - 1 - first)
}

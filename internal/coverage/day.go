package coverage

import "time"

// Day is a day in UTC, counted from 1970-01-01.
type Day int

const (
	dayForm   = "2006-01-02"
	monthForm = "2006-01"
	yearForm  = "2006"
)

// DayOf gives the day of a record's ts: of text that begins as a time of records does.
func DayOf(ts string) (d Day, ok bool) {
	if len(ts) <= len(dayForm) || ts[len(dayForm)] != 'T' {
		return 0, false
	}
	t, err := time.Parse(dayForm, ts[:len(dayForm)])
	return dayAt(t), err == nil
}

// dayAt gives the day that t lies in; t is UTC.
func dayAt(t time.Time) Day {
	const seconds = 24 * 60 * 60
	s := t.Unix()
	if s < 0 {
		s -= seconds - 1 // towards the past
	}
	return Day(s / seconds)
}

func (d Day) time() time.Time { return time.Unix(0, 0).UTC().AddDate(0, 0, int(d)) }

func (d Day) String() string { return d.time().Format(dayForm) }

package coverage

import (
	"slices"
	"time"
)

// The rule of silence. It holds something against its own past and nothing else, so that what comes
// each hour and what comes each quarter are measured alike, and one long outage is forgotten after a
// year.
const (
	PastDays    = 365 // how far back from its last day with records something is looked at
	JudgedDays  = 10  // on how many days of those it must have had records
	PauseFactor = 2   // how many times its longest pause then it must be quiet
	QuietDays   = 7   // and for how many days at least
)

// Silence says whether something that used to have records has them no more.
type Silence struct {
	// Last is the last day with records, of no meaning where Days is 0.
	Last Day
	// Days of the [PastDays] up to the last one with records that have any.
	Days int
	// Pause is the longest run of days without any between two of those.
	Pause int
	// Quiet is how many whole days passed since Last, up to the end of the range.
	Quiet int
}

// Judged reports whether there are days enough to say anything.
func (s Silence) Judged() bool { return s.Days >= JudgedDays }

// Silent reports whether it has been quiet for longer than its past explains.
func (s Silence) Silent() bool {
	return s.Judged() && s.Quiet >= QuietDays && s.Quiet > PauseFactor*s.Pause
}

// SilenceAt judges t at the end of a range. Days after that are not looked at.
func (t *Tally) SilenceAt(end time.Time) (s Silence) {
	days := t.upTo(end)
	if len(days) == 0 {
		return s
	}
	s.Last = days[len(days)-1]
	i, _ := slices.BinarySearch(days, s.Last-PastDays+1)
	days = days[i:]
	for i := range days[1:] {
		s.Pause = max(s.Pause, int(days[i+1]-days[i])-1)
	}
	s.Days, s.Quiet = len(days), max(0, int(wholeDaysTo(end)-s.Last))
	return s
}

// wholeDaysTo is the last day that is over at end, which belongs to the range.
func wholeDaysTo(end time.Time) Day { return dayAt(end.Add(time.Millisecond)) - 1 }

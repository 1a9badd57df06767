package coverage

import (
	"maps"
	"slices"
	"time"
)

// Tally counts the records of something by day. The zero value has none. It is not safe for
// concurrent use; tallies of parts of a log are joined in any order.
type Tally struct {
	Records     int64
	Undated     int64  // of the records: those of which no day is known
	First, Last string // the least and the greatest ts of the others
	days        map[Day]int64
}

// Add counts a record. A ts that is no time, such as none, makes it undated.
func (t *Tally) Add(ts string) {
	t.Records++
	d, ok := DayOf(ts)
	if !ok {
		t.Undated++
		return
	}
	t.span(ts, ts)
	t.on(d, 1)
}

// Join adds what more counted. Days that t does not have yet are told apart as long as room lasts, and
// are undated beyond; what is left of room is given back.
func (t *Tally) Join(more *Tally, room int) int {
	t.Records += more.Records
	t.Undated += more.Undated
	t.span(more.First, more.Last)
	for d, n := range more.days {
		if _, known := t.days[d]; !known {
			if room <= 0 {
				t.Undated += n
				continue
			}
			room--
		}
		t.on(d, n)
	}
	return room
}

func (t *Tally) span(first, last string) {
	if first != "" && (t.First == "" || first < t.First) {
		t.First = first
	}
	t.Last = max(t.Last, last)
}

func (t *Tally) on(d Day, n int64) {
	if t.days == nil {
		t.days = map[Day]int64{}
	}
	t.days[d] += n
}

// Days are those that have records, in order.
func (t *Tally) Days() []Day { return slices.Sorted(maps.Keys(t.days)) }

// Between counts the records of the days from first to last.
func (t *Tally) Between(first, last Day) (n int64) {
	if int(last-first) < len(t.days) {
		for d := first; d <= last; d++ {
			n += t.days[d]
		}
		return n
	}
	for d, more := range t.days {
		if first <= d && d <= last {
			n += more
		}
	}
	return n
}

// After counts the records of the days after the one that end lies in.
func (t *Tally) After(end time.Time) (n int64) {
	for d, more := range t.days {
		if d > dayAt(end) {
			n += more
		}
	}
	return n
}

// Package timerange turns the times that people type into bounds on the ts of records.
//
// Records carry UTC times as text of one form, 2026-12-31T23:59:59.999Z, whose order as text is
// their order in time. A [Range] is therefore two texts, and what lies in it is a matter of
// comparing text: that also gives records with an odd ts one place, the same for every reader.
package timerange

import (
	"fmt"
	"time"
)

// layout is the form of a record's ts, as ECMAScript's toISOString writes it.
const layout = "2006-01-02T15:04:05.000Z"

// Range is a stretch of time. Both ends belong to it. The zero value is all of time.
type Range struct {
	Since string // the first ts in it, in the form of a record's; empty: no bound
	Until string // the last
}

// Error is a flag's value that means no time.
type Error struct {
	Flag  string // "--since" or "--until"
	Value string
	Why   string
}

func (e *Error) Error() string { return fmt.Sprintf("%s %q: %s", e.Flag, e.Value, e.Why) }

// Parse resolves the values of --since and --until; an empty one sets no bound. now is what words
// such as 7d and today are counted from. An error is an [*Error].
//
// A value that names a unit means the whole of it: --since 2026 begins with the first millisecond
// of that year, --until 2026 ends with the last, and --until 2026-12-31 includes that day.
func Parse(since, until string, now time.Time) (Range, error) {
	var r Range
	for _, v := range []struct {
		flag, value string
		bound       *string
		end         func(span) time.Time
	}{
		{"--since", since, &r.Since, span.first},
		{"--until", until, &r.Until, span.last},
	} {
		if v.value == "" {
			continue
		}
		s, why := parseWord(v.value, now)
		if why != "" {
			return Range{}, &Error{v.flag, v.value, why}
		}
		t := v.end(s).UTC()
		if y := t.Year(); y < 0 || y > 9999 {
			return Range{}, &Error{v.flag, v.value, "beyond the years 0000 to 9999"}
		}
		*v.bound = t.Format(layout)
	}
	if r.Since != "" && r.Until != "" && r.Since > r.Until {
		return Range{}, &Error{"--since", since, fmt.Sprintf("begins %s, after the end of --until %q, %s", r.Since, until, r.Until)}
	}
	return r, nil
}

// All reports whether r has no bound.
func (r Range) All() bool { return r == Range{} }

// Contains reports whether a record with this ts lies in r. ts may be any text and is compared as
// such. A record whose ts is no text at all lies in every range: nothing shows that it is outside.
func (r Range) Contains(ts string) bool {
	return ts >= r.Since && (r.Until == "" || ts <= r.Until)
}

// String says what r is, in UTC and with both ends.
func (r Range) String() string {
	switch {
	case r.All():
		return "all times"
	case r.Until == "":
		return "since " + r.Since
	case r.Since == "":
		return "until " + r.Until
	}
	return r.Since + " to " + r.Until
}

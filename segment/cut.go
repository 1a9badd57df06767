package segment

import (
	"time"

	"github.com/opscontext/opscontext/chain"
)

// Cutter says where the lines of a file that is there already are cut into segments: where an append
// would have begun a new one. It depends on the lines before a cut alone, so that a file which has
// grown is cut at the same places. The zero Cutter of a file's first line has nothing before it.
type Cutter struct {
	MaxBytes int64 // as in Options; 0: nothing is cut by size
	Period   Period
	// Now is the clock: a time more than a day ahead of it ends no period.
	Now time.Time

	size   int64
	period string
}

// Begins is told of the file's next line, of n bytes with its LF, and reports whether it begins a
// segment. r is its record, of which time and kind matter, and nil if it is none: such a line, blank
// or unreadable, belongs to whatever is before it.
func (c *Cutter) Begins(r *chain.Record, n int64) bool {
	now := func() time.Time { return c.Now }
	begins := r != nil && c.size > 0 && !ofSegment(r.Event) &&
		(c.MaxBytes > 0 && c.size+n > c.MaxBytes || c.Period.ended(c.period, r.TS, now))
	if begins {
		c.size, c.period = 0, ""
	}
	switch {
	case r == nil:
	case c.size == 0:
		c.period = r.TS
	default:
		c.period = laterPeriod(c.period, r, now)
	}
	c.size += n
	return begins
}

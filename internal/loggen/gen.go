// Package loggen makes the events of an imaginary team's AI tooling: who did what, when, with the
// kinds, payload shapes and daily rhythm of real installs. Demos, tests and benchmarks take their
// logs from it.
//
// The same seed, start and rate give the same events on every machine and in every release: all
// arithmetic is on integers (fused floating-point instructions differ between processors), nothing
// asks a clock, and nothing iterates over a map. It makes events only; chaining, hashing and
// writing them is the business of the packages under test.
package loggen

import (
	"math/rand/v2"
	"time"
)

// Gen is a stream of events. It is not safe for concurrent use.
type Gen struct {
	rng   *rand.Rand
	now   time.Time
	gap   int64 // mean time between events in milliseconds
	kinds []kind
	total int // sum of their weights
	files []string
	teams [4]session
}

// session is a stretch of work: its events share an id and a project.
type session struct {
	id, project string
	left        int // events until it ends
}

// New starts a stream whose first event comes shortly after start. perDay is the mean number of
// events a day over a whole week, from 0.001 (one in three years) to 864,000 (ten a second).
func New(seed uint64, start time.Time, perDay float64) *Gen {
	return newGen(kinds, seed, start, perDay)
}

func newGen(kinds []kind, seed uint64, start time.Time, perDay float64) *Gen {
	g := &Gen{
		rng:   rand.New(rand.NewPCG(seed, 0)),
		now:   start.UTC().Truncate(time.Millisecond),
		gap:   day.Milliseconds() * 1000 / int64(perDay*1000),
		kinds: kinds,
	}
	for _, k := range kinds {
		g.total += k.weight
	}
	for range 400 {
		g.files = append(g.files, g.pick(folders)+"/"+g.pick(stems)+"-"+g.pick(stems)+g.pick(suffixes))
	}
	return g
}

// Next gives the next event. Times never go back and are whole milliseconds in UTC. payload is one
// JSON object spelled as JSON.stringify spells it, and the caller's to keep.
func (g *Gen) Next() (ts time.Time, kind, actor string, payload []byte) {
	g.advance()
	x := g.rng.IntN(g.total)
	i := 0
	for x >= g.kinds[i].weight {
		x -= g.kinds[i].weight
		i++
	}
	k, o := g.kinds[i], object{buf: []byte{'{'}}
	k.payload(g, &o, g.session())
	return g.now, k.name, k.actor, append(o.buf, '}')
}

const day = 24 * time.Hour

// hours is how busy each hour of a working day is, UTC.
var hours = [24]int64{5, 3, 2, 2, 2, 4, 10, 25, 60, 95, 110, 105, 70, 85, 110, 115, 105, 90, 60, 40, 35, 25, 15, 8}

// weekend is the share of a working day's activity that a Saturday or Sunday sees, in percent.
const weekend = 15

func busy(t time.Time) int64 {
	if wd := t.Weekday(); wd == time.Saturday || wd == time.Sunday {
		return hours[t.Hour()] * weekend
	}
	return hours[t.Hour()] * 100
}

// meanBusy is the mean of busy over the hours of a week.
var meanBusy = func() int64 {
	var sum int64
	for _, h := range hours {
		sum += h * (5*100 + 2*weekend)
	}
	return sum / (7 * 24)
}()

// advance moves the clock to the next event. Events come in bursts: most follow closely, the rest
// after a pause, together one per mean gap. The gap is work to be done; an hour does as much of it
// as it is busy.
func (g *Gen) advance() {
	work := g.rng.Int64N(g.gap/4 + 1)
	if g.rng.IntN(10) < 3 {
		work = g.rng.Int64N(g.gap*61/10 + 1)
	}
	work *= meanBusy
	for {
		rest := g.now.Truncate(time.Hour).Add(time.Hour).Sub(g.now).Milliseconds()
		rate := busy(g.now)
		if work < rest*rate {
			g.now = g.now.Add(time.Duration(work/rate) * time.Millisecond)
			return
		}
		work -= rest * rate
		g.now = g.now.Add(time.Duration(rest) * time.Millisecond)
	}
}

// session picks the stretch of work that the next event belongs to.
func (g *Gen) session() *session {
	s := &g.teams[g.skewed(len(g.teams))]
	if s.left == 0 {
		*s = session{id: g.hex(16), project: g.pick(projects), left: 20 + g.rng.IntN(300)}
	}
	s.left--
	return s
}

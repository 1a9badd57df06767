package segment

import (
	"time"

	"github.com/opscontext/opscontext/chain"
)

// request is one call waiting for its turn.
type request struct {
	drafts   []Draft
	stop     error             // what is wrong with the event after the drafts
	before   func(Place) error // set: it has a turn to itself, and this comes first
	rotation *Rotation         // set: not an append but a rotation
	repair   bool              // set: see Log.Repair
	load     bool              // set: see Log.Load
	at       time.Time         // when the wait began
	done     chan struct{}     // gets a value when it is over

	written           int // records
	first, last, sure chain.Record
	records           []chain.Record // those written, as far as there is room: a load is too long for that
	durable           int            // how many of them are; sure is then the last of those
	unsure            int            // how many events after them may be in the log, or will be once settled
	err               error
}

// keptDrafts is for how many events a request is kept for the calls to come. With hundreds of
// goroutines, collecting them as garbage would be a good part of what an append takes.
const keptDrafts = 1 << 10

func (l *Log) newRequest() *request {
	if r, ok := l.requests.Get().(*request); ok {
		return r
	}
	return &request{done: make(chan struct{}, 1)}
}

// free keeps a request that is over and that nobody else has any more. Its drafts must be its own.
func (l *Log) free(r *request) {
	if cap(r.drafts) > keptDrafts {
		return
	}
	clear(r.drafts)
	*r = request{drafts: r.drafts[:0], done: r.done}
	l.requests.Put(r)
}

// over tells whoever waits. From here on the request is theirs.
func (r *request) over() { r.done <- struct{}{} }

func (r *request) wrote(record *chain.Record) {
	if r.written == 0 {
		r.first = *record
	}
	r.written++
	r.last = *record
	if len(r.records) < cap(r.records) {
		r.records = append(r.records, *record)
	}
}

package segment

import (
	"context"

	"github.com/opscontext/opscontext/chain"
)

// Place is where in the log a Load begins.
type Place struct {
	Head   chain.Hash // of the last record, chain.Genesis if there is none
	HeadTS string     // of that record, "" if there is none
	Stamp  string     // on records that bring no time of their own
}

// Loaded is what a Load made durable.
type Loaded struct {
	Records     int
	First, Last chain.Record // zero if there are none
}

// Load is AppendBatch for the past, in large pieces: the drafts are written in one turn and synced
// once. before is called when the log has been settled and the lock is held, and before a byte is
// written: an error from it stops the load with nothing written. What it makes durable tells the
// next process, should this one be killed, where to look for what was written: the records follow
// place.Head, in order, with nothing of other writers between them but what rotation puts there.
//
// A load that fails is not counted as a refused append: whoever loads can do it again. For the same
// reason it fails where a segment should end and cannot. It takes no memory to speak of beside that of
// the drafts, whose payloads the first and last record share. It does not share its turn with appends,
// which wait for it to be written, and not for its sync.
func (l *Log) Load(ctx context.Context, drafts []Draft, before func(place Place) error) (Loaded, error) {
	if len(drafts) == 0 {
		return Loaded{}, nil
	}
	r := l.newRequest()
	r.drafts, r.before, r.load = drafts, before, true
	if err := l.do(ctx, r); err != nil {
		return Loaded{}, err
	}
	if r.durable == 0 {
		return Loaded{}, r.err
	}
	return Loaded{r.durable, r.first, r.sure}, r.err
}

package search

import (
	"sync"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// piece is what one extent gives.
type piece struct {
	*room
	records   int64
	groups    *groups
	bad       []badLine
	undecided int64   // records that could be hits
	first     badLine // of them
}

// room is for what is written of a piece's hits, and is used again once that was done.
type room struct {
	text []byte
	hits []kept
}

var rooms = sync.Pool{New: func() any { return new(room) }}

// roomy is how large the text of a piece may be without moving, in bytes: what of it is not written
// costs nothing. keptRoom is the largest text that room is kept for, in bytes.
const (
	roomy    = segment.DefaultExtent * 5 / 4
	keptRoom = 4 << 20
)

func (r *room) free() {
	if cap(r.text) <= keptRoom {
		r.text, r.hits = r.text[:0], r.hits[:0]
		rooms.Put(r)
	}
}

// kept is what is still to be known of a hit when pieces are joined.
type kept struct {
	end       int // of its text
	offset    int64
	own       chain.LineClass
	abandoned bool
	undecided int64 // records that come before it in its piece
}

// badLine is a line that could not be searched.
type badLine struct {
	offset int64
	why    string
	// unfinished: the live log ends with it, and it with no line end.
	unfinished bool
}

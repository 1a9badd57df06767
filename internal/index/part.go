package index

import (
	"bytes"
	"sync"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/recordtext"
)

// maxText is the longest ts, kind or actor in bytes that an index names. Of a longer one it says that
// the frame has some.
const maxText = 256

// flags say of a frame what its lists leave out.
type flags uint8

const (
	// broken: a line is no record. Whoever searches has to say so, so the frame is always read.
	broken flags = 1 << iota
	// respelled: a record is not spelled as this program writes it.
	respelled
	// untimed: a record has a ts that is no text, or a long one.
	untimed
	// moreKinds, moreActors: there are others than the lists name.
	moreKinds
	moreActors
	// unfiltered: nothing is known of what occurs in it.
	unfiltered

	allFlags = unfiltered<<1 - 1
)

// Part is what an index says of one frame. Parts are made in any order, each by one goroutine, and
// added to a [Builder] in theirs.
type Part struct {
	flags         flags
	records       uint32
	times         bool // tsMin and tsMax are set
	tsMin, tsMax  []byte
	kinds, actors places
	filter        []byte
	seen          *grams
}

// places are where the records of each name lie, in raw bytes.
type places map[string]*[]int64

// gramSets are empty between uses: each is 2 MiB.
var gramSets = sync.Pool{New: func() any { return new(grams) }}

// NewPart begins a frame.
func NewPart() *Part {
	return &Part{kinds: places{}, actors: places{}, seen: gramSets.Get().(*grams)}
}

// Add adds the frame's next line, which starts at offset in the segment's raw bytes. o is its outline,
// nil if [chain.OutlineOf] gives none.
func (p *Part) Add(offset int64, line []byte, o *chain.Outline) {
	if len(line) == 0 {
		return
	}
	if o != nil && o.Said != nil {
		p.add(offset, o)
		return
	}
	p.addOdd(offset, line)
}

func (p *Part) add(offset int64, o *chain.Outline) {
	p.records++
	switch {
	case o.TS == nil || len(o.TS) > maxText:
		p.flags |= untimed
	default:
		p.time(o.TS)
	}
	p.name(p.kinds, o.Event, offset, moreKinds)
	p.name(p.actors, o.Actor, offset, moreActors)
	p.seen.addSaid(o.Said)
}

func (p *Part) time(ts []byte) {
	if !p.times || bytes.Compare(ts, p.tsMin) < 0 {
		p.tsMin = append(p.tsMin[:0], ts...)
	}
	if !p.times || bytes.Compare(ts, p.tsMax) > 0 {
		p.tsMax = append(p.tsMax[:0], ts...)
	}
	p.times = true
}

func (p *Part) name(of places, text []byte, offset int64, more flags) {
	switch {
	case text == nil: // no text: no glob matches it
		return
	case len(text) > maxText:
		p.flags |= more
		return
	}
	at := of[string(text)]
	if at == nil {
		at = new([]int64)
		of[string(text)] = at
	}
	*at = append(*at, offset)
}

// addOdd adds a line that is not spelled as this program writes it, as a search reads it.
func (p *Part) addOdd(offset int64, line []byte) {
	if _, ok := recordtext.IsRecord(line); !ok {
		p.flags |= broken
		return
	}
	p.flags |= respelled
	line = recordtext.Canonical(line)
	if o, ok := chain.OutlineOf(line); ok && o.Said != nil {
		p.add(offset, &o)
		return
	}
	var o chain.Outline
	for member, value := range recordtext.Members(line) {
		text, ok := recordtext.TextOf(value)
		if !ok {
			continue
		}
		switch string(member) {
		case "ts":
			o.TS = []byte(text)
		case "event":
			o.Event = []byte(text)
		case "actor":
			o.Actor = []byte(text)
		}
	}
	o.Said = line
	p.add(offset, &o)
}

// Done ends the frame.
func (p *Part) Done() {
	if p.filter = p.seen.filter(); p.filter == nil && p.records > 0 {
		p.flags |= unfiltered
	}
	p.seen.clear()
	gramSets.Put(p.seen)
	p.seen = nil
}

package index

import (
	"bytes"
	"math"
	"slices"
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
	tsMin, tsMax  string
	kinds, actors map[string][]int64 // where the records lie, by name
	filter        []byte
	seen          *grams
}

// gramSets are empty between uses: each is 2 MiB.
var gramSets = sync.Pool{New: func() any { return new(grams) }}

// NewPart begins a frame.
func NewPart() *Part {
	return &Part{kinds: map[string][]int64{}, actors: map[string][]int64{}, seen: gramSets.Get().(*grams)}
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
	name(p.kinds, o.Event, offset, &p.flags, moreKinds)
	name(p.actors, o.Actor, offset, &p.flags, moreActors)
	p.seen.addSaid(o.Said)
}

func (p *Part) time(ts []byte) {
	if !p.times || string(ts) < p.tsMin {
		p.tsMin = string(ts)
	}
	if !p.times || string(ts) > p.tsMax {
		p.tsMax = string(ts)
	}
	p.times = true
}

func name(names map[string][]int64, text []byte, offset int64, f *flags, more flags) {
	switch {
	case text == nil: // no text: no glob matches it
	case len(text) > maxText:
		*f |= more
	default:
		names[string(text)] = append(names[string(text)], offset)
	}
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

// grams is the set of what a filter is made of, see [gramsOf]. Trigrams are kept flat, a bit for each
// that there can be; of the longer ones, which are few, it is remembered which came lately.
type grams struct {
	bits   [1 << 24 / 64]uint64
	lately [1 << 12]uint64
	list   []uint64 // trigrams
	longer []uint64 // not each only once
	shown  []byte
}

// addSaid adds those of what a record says, with its strings as they read.
func (s *grams) addSaid(said []byte) {
	if bytes.IndexByte(said, '\\') >= 0 {
		s.shown = recordtext.AppendShown(s.shown[:0], said)
		said = s.shown
	}
	for g := range gramsOf(rest(said)) {
		if g&long != 0 {
			if last := &s.lately[g*fibonacci>>52]; *last != g {
				*last = g
				s.longer = append(s.longer, g)
			}
			continue
		}
		if w, bit := &s.bits[g>>6], uint64(1)<<(g&63); *w&bit == 0 {
			*w |= bit
			s.list = append(s.list, g)
		}
	}
}

// fibonacci spreads numbers over the upper bits of their product with it.
const fibonacci = 0x9e3779b97f4a7c15

// keys gives each member of the set once.
func (s *grams) keys() []uint64 {
	slices.Sort(s.longer)
	return slices.Concat(s.list, slices.Compact(s.longer))
}

func (s *grams) clear() {
	for _, g := range s.list {
		s.bits[g>>6] = 0
	}
	s.list, s.longer = s.list[:0], s.longer[:0]
	clear(s.lately[:])
	if cap(s.shown) > math.MaxUint16 {
		s.shown = nil
	}
}

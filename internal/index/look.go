package index

import (
	"slices"
	"sort"

	"github.com/FastFilter/xorfilter"

	"github.com/opscontext/opscontext/internal/timerange"
)

// Want is what a record must be for a frame to be of interest. The zero value wants every record.
type Want struct {
	Span timerange.Range // of ts; a record whose ts is no text lies in it
	// Kind and Actor say which are wanted; a record that has none is not. nil: all records are.
	Kind, Actor func(name string) bool
	// Texts must all occur in a record, as its strings read.
	Texts []string
}

// Frame is a frame that may hold a record that is wanted.
type Frame struct {
	Number       int
	Offset, Size int64 // in the segment's raw bytes
	Records      int64
	// Usual: all of its lines are records, spelled as this program writes them.
	Usual bool
	// Some: only lines that start at one of Lines may be wanted; else all may.
	Some  bool
	Lines []int64 // offsets in the segment's raw bytes, ascending
}

// Found is what an index says to a [Want].
type Found struct {
	Frames  []Frame // in order
	Skipped int     // frames that hold nothing wanted
	Records int64   // in those
}

// Look says which frames may hold what is wanted. It reads what it needs to know it: ErrFormat if that
// was damaged.
func (x *Index) Look(w Want) (Found, error) {
	kinds, actors, err := x.named(w)
	if err != nil {
		return Found{}, err
	}
	filters, err := x.asked(w.Texts)
	if err != nil {
		return Found{}, err
	}
	var found Found
	for i := range x.frames {
		f := &x.frames[i]
		at := Frame{Number: i, Offset: x.starts[i], Size: f.rawSize, Records: int64(f.records), Usual: f.flags&(broken|respelled) == 0}
		if f.flags&broken != 0 || f.inTime(w.Span) && kinds.narrow(&at, f.flags&moreKinds) && actors.narrow(&at, f.flags&moreActors) && filters.mayHold(i, f) {
			found.Frames = append(found.Frames, at)
			continue
		}
		found.Skipped++
		found.Records += int64(f.records)
	}
	return found, nil
}

func (f *frame) inTime(span timerange.Range) bool {
	switch {
	case span.All() || f.flags&untimed != 0:
		return true
	case f.records == 0:
		return false
	}
	return f.tsMax >= span.Since && (span.Until == "" || f.tsMin <= span.Until)
}

// chosen are the postings of the names that are wanted.
type chosen struct {
	all    bool
	lines  []int64      // of rare names
	frames map[int]bool // that have common ones
}

// named looks up the kinds and actors that are wanted.
func (x *Index) named(w Want) (kinds, actors *chosen, err error) {
	if w.Kind == nil && w.Actor == nil {
		return choose(nil, nil), choose(nil, nil), nil
	}
	ks, as, err := x.names()
	if err != nil {
		return nil, nil, err
	}
	return choose(ks, w.Kind), choose(as, w.Actor), nil
}

func choose(names map[string]*posting, want func(string) bool) *chosen {
	c := &chosen{all: want == nil, frames: map[int]bool{}}
	for name, p := range names {
		if c.all || !want(name) {
			continue
		}
		c.lines = append(c.lines, p.lines...)
		for _, n := range p.frames {
			c.frames[int(n)] = true
		}
	}
	slices.Sort(c.lines)
	return c
}

// narrow leaves of a frame what the postings leave, and reports whether that is anything.
func (c *chosen) narrow(at *Frame, more flags) bool {
	if c.all || more != 0 || c.frames[at.Number] {
		return true
	}
	from := sort.Search(len(c.lines), func(i int) bool { return c.lines[i] >= at.Offset })
	to := sort.Search(len(c.lines), func(i int) bool { return c.lines[i] >= at.Offset+at.Size })
	lines := c.lines[from:to]
	if at.Some {
		lines = slices.DeleteFunc(slices.Clone(lines), func(line int64) bool {
			_, both := slices.BinarySearch(at.Lines, line)
			return !both
		})
	}
	at.Some, at.Lines = true, lines
	return len(lines) > 0
}

// asked are the filters of a segment and what they are asked.
type asked struct {
	ways    [][][]uint32 // for each text, the trigrams of each way in which it may occur
	filters []xorfilter.BinaryFuse[uint8]
}

// asked reads the filters if a text can be looked up in them.
func (x *Index) asked(texts []string) (*asked, error) {
	a := &asked{}
	for _, text := range texts {
		if w := ways(text); w != nil {
			a.ways = append(a.ways, w)
		}
	}
	if len(a.ways) == 0 {
		return a, nil
	}
	text, err := x.section(sectionFilters)
	if err != nil {
		return nil, err
	}
	a.filters = make([]xorfilter.BinaryFuse[uint8], len(x.frames))
	for i, f := range x.frames {
		if f.filter == 0 {
			continue
		}
		if a.filters[i], err = parseFilter(text[:f.filter]); err != nil {
			return nil, err
		}
		text = text[f.filter:]
	}
	return a, nil
}

// mayHold reports whether each text may occur in frame i.
func (a *asked) mayHold(i int, f *frame) bool {
	if f.flags&unfiltered != 0 || len(a.ways) == 0 {
		return true
	}
	if f.filter == 0 {
		return false // it has no record
	}
	for _, text := range a.ways {
		if !slices.ContainsFunc(text, func(way []uint32) bool { return holdsAll(&a.filters[i], way) }) {
			return false
		}
	}
	return true
}

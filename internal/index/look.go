package index

import (
	"hash/crc32"
	"slices"
	"sort"

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

// Everything reports whether every record is wanted.
func (w *Want) Everything() bool {
	return w.Span.All() && w.Kind == nil && w.Actor == nil && len(w.Texts) == 0
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
	if !slices.ContainsFunc(x.frames, func(f frame) bool { return f.flags&broken != 0 || f.inTime(w.Span) }) {
		w = Want{Span: w.Span} // which says it all
	}
	kinds, actors, err := x.named(w)
	if err != nil {
		return Found{}, err
	}
	may, err := x.mayHold(w.Texts)
	if err != nil {
		return Found{}, err
	}
	var found Found
	for i := range x.frames {
		f := &x.frames[i]
		at := Frame{Number: i, Offset: x.starts[i], Size: f.rawSize, Records: int64(f.records), Usual: f.flags&(broken|respelled) == 0}
		if f.flags&broken != 0 || f.inTime(w.Span) && kinds.narrow(&at, f.flags&moreKinds) && actors.narrow(&at, f.flags&moreActors) && (may == nil || may[i]) {
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
	var ks, as []*posting
	if w.Kind != nil || w.Actor != nil {
		if ks, as, err = x.names(w); err != nil {
			return nil, nil, err
		}
	}
	return choose(ks, w.Kind), choose(as, w.Actor), nil
}

func choose(wanted []*posting, want func(string) bool) *chosen {
	c := &chosen{all: want == nil, frames: map[int]bool{}}
	for _, p := range wanted {
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

// filterBuffer is how many bytes of filters are read at a time: they are asked while they are in the
// cache of the processor.
const filterBuffer = 256 << 10

// mayHold reports of each frame whether each text may occur in it; nil if no text can be looked up.
// What the filters say is believed once all of them were read and their sum is right.
func (x *Index) mayHold(texts []string) ([]bool, error) {
	var all [][][]uint64 // for each text, the grams of each way in which it may occur
	for _, text := range texts {
		if w := ways(text); w != nil {
			all = append(all, w)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	may := make([]bool, len(x.frames))
	buf := make([]byte, 0, filterBuffer)
	off, sum := x.header.offset(sectionFilters), uint32(0)
	for from := 0; from < len(may); {
		to, size := from, int64(0)
		for ; to < len(may) && (to == from || size+int64(x.frames[to].filter) <= filterBuffer); to++ {
			size += int64(x.frames[to].filter)
		}
		text := slices.Grow(buf[:0], int(size))[:size]
		if n, err := x.file.ReadAt(text, off); int64(n) < size {
			return nil, err
		}
		off, sum, buf = off+size, crc32.Update(sum, castagnoli, text), text
		for ; from < to; from++ {
			f := &x.frames[from]
			if f.filter == 0 {
				may[from] = f.flags&unfiltered != 0 // else it has no record
				continue
			}
			filter, err := parseFilter(text[:f.filter])
			if err != nil {
				return nil, err
			}
			text = text[f.filter:]
			may[from] = holdsAll(&filter, all)
		}
	}
	if sum != x.header.sums[sectionFilters] {
		return nil, errDamaged
	}
	return may, nil
}

package intake

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// BadLine is a line that cannot be taken in.
type BadLine struct {
	Line int64 // from 1; blank lines count
	Err  error

	offset int64 // of its first byte
}

// maxBad is how many bad lines are kept to be shown.
const maxBad = 10

// tally is what was counted in lines.
type tally struct {
	lines, events int64
	first, last   string           // ts of the first and the last event, where times are kept
	back          int64            // events with an earlier ts than the one before
	bad           []BadLine        // the first that cannot be taken in
	nbad          int64            // all of those
	ignored       map[string]int64 // lines by member that is no record's
	odd           int64            // lines with such a member
	renamed       int64            // events whose kind is one of the log's own
}

// part is what was read of a run of lines, counted from its start.
type part struct {
	tally
	size   int64
	drafts *[]segment.Draft // from draftLists; nil if nobody wants them
	kept   []segment.Event  // the events of the drafts, likewise
}

// want says what is kept of the events that are read.
type want int

const (
	wantNothing want = iota // they are looked at, and that is all
	wantDrafts
	wantEvents // and drafts
)

// draftLists are lists of the drafts of parts, used again.
var draftLists = sync.Pool{New: func() any { return new([]segment.Draft) }}

// readPart reads the lines of data, which events and drafts alias.
func readPart(log *segment.Log, times Times, data []byte, keep want) part {
	p := part{size: int64(len(data))}
	if keep >= wantDrafts {
		p.drafts = draftLists.Get().(*[]segment.Draft)
	}
	r := newReader(times, &p.tally)
	for at := 0; at < len(data); {
		line := data[at:]
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			line = line[:n]
		}
		e, ok, err := r.event(line)
		var d segment.Draft
		if err == nil && ok {
			d, err = log.PrepareCanonical(e)
		}
		if err != nil {
			if p.nbad++; p.nbad <= maxBad {
				p.bad = append(p.bad, BadLine{Line: p.lines + 1, Err: err, offset: int64(at)})
			}
		} else if ok {
			p.add(e, d, keep)
		}
		p.lines++
		at += len(line) + 1
	}
	return p
}

func (p *part) add(e segment.Event, d segment.Draft, keep want) {
	if p.tally.events++; p.tally.events == 1 {
		p.first = e.TS
	}
	if e.TS < p.last {
		p.back++
	}
	p.last = e.TS
	if keep >= wantDrafts {
		*p.drafts = append(*p.drafts, d)
	}
	if keep >= wantEvents {
		p.kept = append(p.kept, e)
	}
}

// give appends the drafts to those of the parts before.
func (p *part) give(all []segment.Draft) []segment.Draft {
	all = append(all, *p.drafts...)
	clear(*p.drafts) // they point into the source's lines
	*p.drafts = (*p.drafts)[:0]
	draftLists.Put(p.drafts)
	return all
}

// add adds the part that follows, which begins at offset.
func (t *tally) add(p *part, offset int64) {
	for _, b := range p.bad {
		if len(t.bad) < maxBad {
			t.bad = append(t.bad, BadLine{Line: t.lines + b.Line, Err: b.Err, offset: offset + b.offset})
		}
	}
	t.nbad += p.nbad
	t.join(&p.tally)
}

// join adds what was counted in the lines that follow, but for bad ones.
func (t *tally) join(p *tally) {
	switch {
	case p.events == 0:
	case t.events == 0:
		t.first, t.last = p.first, p.last
	default:
		if p.first < t.last {
			t.back++
		}
		t.last = p.last
	}
	t.back += p.back
	t.lines += p.lines
	t.events += p.events
	t.odd += p.odd
	t.renamed += p.renamed
	if t.ignored == nil && len(p.ignored) > 0 {
		t.ignored = map[string]int64{}
	}
	for name, n := range p.ignored {
		t.ignored[bounded(t.ignored, name)] += n
	}
}

// bounded is the name under which to count one, of no more than maxWords.
func bounded(counts map[string]int64, name string) string {
	if _, known := counts[name]; !known && len(counts) >= maxWords {
		return otherMembers
	}
	return name
}

// shownMembers is how many of the members that were left out are named.
const shownMembers = 5

// members are those that were left out most often.
func (t *tally) members() []chain.Count {
	var all []chain.Count
	for name, n := range t.ignored {
		all = append(all, chain.Count{Name: name, Count: n})
	}
	slices.SortFunc(all, func(a, b chain.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return all[:min(len(all), shownMembers)]
}

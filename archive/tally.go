package archive

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/index"
	"github.com/opscontext/opscontext/segment"
)

// tally is what a manifest says of the lines of one frame. Frames are tallied in any order and added
// up in theirs.
type tally struct {
	records, lines int64
	first, last    *Edge
	tsMin, tsMax   string
	events, actors names
	system         []SystemRecord
	leaves         []tlog.Hash // of the tree over the records' hashes
	part           *index.Part // nil if no index is made
}

// tallyChunk reads the lines of a chunk, into part as well if that is not nil.
func tallyChunk(c segment.Chunk, part *index.Part) *tally {
	t := &tally{events: names{}, actors: names{}, part: part}
	if part != nil {
		defer part.Done()
	}
	var tsMin, tsMax []byte
	var first, last chain.Outline
	for at, line := range c.Lines() {
		t.lines++
		o, ok := chain.OutlineOf(line)
		if !ok {
			if part != nil {
				part.Add(at, line, nil)
			}
			continue
		}
		if part != nil {
			part.Add(at, line, &o)
		}
		if t.records == 0 {
			first = o
		}
		last = o
		t.records++
		t.leaves = append(t.leaves, leafOf(o.Hash))
		t.events.add(o.Event)
		t.actors.add(o.Actor)
		if o.System() {
			t.system = append(t.system, SystemRecord{Event: clipped(o.Event), Hash: o.Hash, Offset: at})
		}
		if len(o.TS) == 0 || len(o.TS) > maxTS {
			continue
		}
		if tsMin == nil || bytes.Compare(o.TS, tsMin) < 0 {
			tsMin = o.TS
		}
		if tsMax == nil || bytes.Compare(o.TS, tsMax) > 0 {
			tsMax = o.TS
		}
	}
	t.tsMin, t.tsMax = string(tsMin), string(tsMax)
	if t.records > 0 {
		t.first, t.last = edge(&first), edge(&last)
	}
	return t
}

func edge(o *chain.Outline) *Edge {
	e := &Edge{Prev: o.Prev, Hash: o.Hash}
	if len(o.TS) <= maxTS {
		e.TS = string(o.TS)
	}
	return e
}

// clipped is an event kind as the list of system records has it: what it starts with, if it is longer
// than a name that is counted.
func clipped(event []byte) string {
	if len(event) <= maxName {
		return string(event)
	}
	return strings.ToValidUTF8(string(event[:maxName]), "\uFFFD")
}

// names counts names in the order of their first appearance.
type names map[string]*nameCount

type nameCount struct {
	order int
	count int64
}

// tooLong gathers the names that are not counted by themselves. No name is spelled so: it is longer.
var tooLong = strings.Repeat("…", maxName)

func (n names) add(name []byte) {
	if len(name) > maxName {
		name = []byte(tooLong)
	}
	if c := n[string(name)]; c != nil {
		c.count++
		return
	}
	n[string(name)] = &nameCount{order: len(n), count: 1}
}

// follow adds the names of what comes next.
func (n names) follow(next names, other *int64) {
	fresh := make([]string, 0, len(next))
	for name, c := range next {
		if have := n[name]; have != nil {
			have.count += c.count
		} else {
			fresh = append(fresh, name)
		}
	}
	slices.SortFunc(fresh, func(a, b string) int { return cmp.Compare(next[a].order, next[b].order) })
	for _, name := range fresh {
		if name == tooLong || len(n) == maxNames {
			*other += next[name].count
			continue
		}
		n[name] = &nameCount{order: len(n), count: next[name].count}
	}
}

// moreFrequent orders counts for the list of them.
func moreFrequent(a, b chain.Count) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
}

func (n names) top(other int64) Counts {
	all := make([]chain.Count, 0, len(n))
	for name, c := range n {
		all = append(all, chain.Count{Name: name, Count: c.count})
	}
	slices.SortFunc(all, moreFrequent)
	for _, c := range all[min(len(all), TopNames):] {
		other += c.Count
	}
	return Counts{Top: slices.Clip(all[:min(len(all), TopNames)]), Other: other}
}

// total adds up the tallies of a segment in order.
type total struct {
	m                        *Manifest
	events, actors           names
	otherEvents, otherActors int64
	tooManySystem            bool
	tree                     tree
}

func newTotal(m *Manifest) *total {
	m.System = []SystemRecord{}
	return &total{m: m, events: names{}, actors: names{}}
}

func (s *total) add(p place, t *tally) {
	m := s.m
	m.Archived.Frames = append(m.Archived.Frames, Frame{Offset: p.offset, Size: p.size, RawOffset: p.rawOffset, RawSize: p.rawSize,
		Records: t.records, TSMin: t.tsMin, TSMax: t.tsMax})
	if m.First == nil {
		m.First = t.first
	}
	if t.last != nil {
		m.Last = t.last
	}
	m.Records += t.records
	m.Lines += t.lines
	if t.tsMin != "" && (m.TSMin == "" || t.tsMin < m.TSMin) {
		m.TSMin = t.tsMin
	}
	m.TSMax = max(m.TSMax, t.tsMax)
	s.events.follow(t.events, &s.otherEvents)
	s.actors.follow(t.actors, &s.otherActors)
	if s.tooManySystem = s.tooManySystem || len(m.System)+len(t.system) > MaxSystem; s.tooManySystem {
		m.System = nil
	} else {
		m.System = append(m.System, t.system...)
	}
	for _, h := range t.leaves {
		s.tree.add(h)
	}
}

// done completes the manifest.
func (s *total) done() {
	s.m.Events, s.m.Actors = s.events.top(s.otherEvents), s.actors.top(s.otherActors)
	s.m.Root = s.tree.root()
}

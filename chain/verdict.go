package chain

import (
	"context"
	"iter"
	"slices"
	"strings"
)

// Verdict is what the records alone show. Whether the log has the length that something outside
// remembers is for the caller to add.
type Verdict struct {
	Records     int64 // in reading order, second copies included
	Copies      int64 // second copies among them
	Hashed      int64 // records whose hash was recomputed
	LogID       Hash  // hash of the first record; Genesis if unknown
	Incarnation int
	Head        Hash // hash of the last record that is no copy
	HeadTS      string
	Seam        int64 // copies that an interrupted rotation left at the start of the live log
	Sources     []SourceSummary
	Findings    []Finding // in reading order
	Breaks      []BreakFound
	Anchors     []AnchorFound    // what the audit.anchor records say, in reading order
	Archives    []Archive        // what the audit.archive records say, in reading order
	Restores    []Restore        // what the audit.restore records say, in reading order
	Found       map[Hash][]Place // of Rules.Find, in reading order; absent if nowhere
	Compat      Compat

	blocks []blockRef
}

// BlockRecords gives the positions of the first and the last record in the blocks from (inclusive)
// to (exclusive), counted in the order they were joined; -1 if there is none.
func (v *Verdict) BlockRecords(from, to int) (first, last int64) {
	first, last = -1, -1
	for _, b := range v.blocks[from:to] {
		if b.count == 0 {
			continue
		}
		at := v.Sources[b.source].base + b.records
		if first < 0 {
			first = at
		}
		last = at + b.count - 1
	}
	return first, last
}

// Breaking reports whether an audit.break on the chain is about the loss of a remembered head. The mark
// can be behind it: its writer was killed before it moved the mark.
func (v *Verdict) Breaking(head Hash) bool {
	return slices.ContainsFunc(v.Breaks, func(b BreakFound) bool { return b.Remembered.Head == head })
}

// Finding is one thing to say about a place.
type Finding struct {
	Class Class
	Place
	Hash    Hash  // of the record, Genesis if it has none
	Records int64 // records or lines concerned, counted from Place on
	Unread  int64 // bytes from Place on that could not be read at all; Line is then unknown
	Detail  string
	// Anchor is the anchor in force that documents the finding, Genesis if none does. Of an altered
	// record it acknowledges that it is.
	Anchor Hash

	Parent  Hash // the record's parent, as it names it
	Follows Hash // of a finding about a link: the record that it was read after, Genesis if none
	// The times of those two records, "" if unknown, and how many are gone before a record whose
	// parent is missing, as the chain itself shows.
	TS, FollowsTS string
	Gone          Bounds
	OutOfOrder    bool // the missing parent is read, but only later

	*alteration // nil but of altered records
}

// alteration is what a finding about altered records says besides.
type alteration struct {
	content Hash      // of the record
	more    []Finding // records that follow it and were added to it
}

// BreakFound is an audit.break on the chain: what the machine remembered and what it found.
type BreakFound struct {
	Place
	Hash      Hash
	TS        string
	FollowsTS string // of the record before it
	Break
}

// Rules are the judge's settings.
type Rules struct {
	// Forks is the class of a fork that racing writers explain: Fork while writers without a common
	// lock may share the log, ImplausibleFork where none can.
	Forks Class
	// Find are hashes to look for; Verdict.Found says where they are.
	Find []Hash
	// Branches are runs of records that were found after a break had been documented and are kept
	// beside the log, whole: they heal what an anchor documents.
	Branches []Stretch
}

// Finish gives the verdict over the blocks that were joined. again reads blocks a second time; it is
// called only where something is not simply next.
func (j *Judge) Finish(ctx context.Context, again Again, rules Rules) (*Verdict, error) {
	if err := j.findSeam(ctx, again); err != nil {
		return nil, err
	}
	walk := j.number()
	runs := j.findRuns(walk)
	found, wanted := j.findEnds(rules.Find)
	f := &finder{j: j, rules: rules}
	f.findAnchors(walk)
	l, err := j.resolve(ctx, again, walk, slices.Concat(wanted, runs.wanted, f.wantedByAnchors()))
	if err != nil {
		return nil, err
	}
	reds := findRedactions(walk)
	v := &Verdict{Records: j.records, Hashed: min(j.hashed, j.records), Incarnation: 1, Head: j.head(l), HeadTS: j.last.ts, Seam: j.seam, Sources: j.sources, blocks: j.blocks}
	for _, s := range l.copies {
		v.Copies += s.to - s.from
	}
	for _, h := range slices.Compact(slices.SortedFunc(slices.Values(wanted), compareKeys)) {
		for _, p := range l.seen.of(h) {
			found[h] = append(found[h], p.at)
		}
	}
	v.Found = found
	j.identify(v, walk)
	f.l, f.v = l, v
	f.lines(reds)
	f.links()
	f.copies()
	f.runs(runs)
	f.breaks(walk)
	f.archives(walk)
	f.restores(walk)
	f.imports(walk)
	if err := f.weighAnchors(); err != nil {
		return nil, err
	}
	v.Findings = f.sorted()
	v.Compat = j.compat(l, reds)
	return v, ctx.Err()
}

// findEnds finds hashes among the last records of the sources, which takes no second look, and says
// which others have to be looked for.
func (j *Judge) findEnds(hashes []Hash) (found map[Hash][]Place, rest []Hash) {
	found = map[Hash][]Place{}
next:
	for _, h := range hashes {
		for i := range j.sources {
			if s := &j.sources[i]; s.Records > 0 && s.Last == h {
				found[h] = []Place{{Source: i, Line: s.Lines, Record: s.base + s.Records - 1}}
				continue next
			}
		}
		rest = append(rest, h)
	}
	return found, rest
}

// head is the hash of the last record that is neither a copy nor something else than a record.
func (j *Judge) head(l *linkage) Hash {
	tail := j.last.hash
	for r := j.records - 1; r >= 0; r-- {
		s, copied := l.copySpan(r)
		it := l.items[r]
		switch {
		case copied:
			r = s.from
			if first := l.items[r]; first != nil {
				tail = first.before
			}
		case it != nil && it.class == LineUnreadable:
			tail = it.before
		default:
			return tail
		}
	}
	return Genesis
}

// identify finds the log's id: the hash of its first record, or what a rotation says it is where the
// first record is gone. The incarnation is the last one that a system record names.
func (j *Judge) identify(v *Verdict, walk []*item) {
	for i := range j.sources {
		if s := &j.sources[i]; s.first != nil {
			if s.first.prev == Genesis {
				v.LogID = s.first.hash
			}
			break
		}
	}
	for _, it := range walk {
		if it.kind == KindAnchor && it.class.Whole() {
			if a, err := ParseAnchor(it.payload()); err == nil {
				v.Incarnation = max(v.Incarnation, a.Incarnation)
			}
		}
		if it.kind != KindRotate || it.class > LineReEncoded {
			continue
		}
		if p, err := ParseRotate(it.kind, it.payload()); err == nil {
			if v.LogID == Genesis {
				v.LogID = p.LogID
			}
			v.Incarnation = max(v.Incarnation, p.Incarnation)
		}
	}
}

// sorted gives the findings in reading order, runs of one class in neighbouring records as one, and
// what is only said once a source.
func (f *finder) sorted() []Finding {
	slices.SortStableFunc(f.found, func(a, b Finding) int {
		if a.Source != b.Source {
			return a.Source - b.Source
		}
		if a.Line != b.Line {
			return int(min(max(a.Line-b.Line, -1), 1))
		}
		return strings.Compare(string(a.Class), string(b.Class))
	})
	type group struct {
		class  Class
		source int
	}
	last := map[group]int{}
	out := f.found[:0] // it never grows past what was read, and the findings are not there twice
	for _, n := range f.found {
		info, _ := n.Class.Info()
		g := group{n.Class, n.Source}
		if i, ok := last[g]; ok {
			p := &out[i]
			next := p.Line+p.Records == n.Line && p.Detail == n.Detail && p.Anchor == n.Anchor && !linkClass(n.Class)
			if next || info.Severity == Note && n.Class != Imported {
				p.Records += n.Records
				if n.alteration != nil && p.alteration != nil {
					p.more = append(p.more, n)
				}
				continue
			}
		}
		last[g] = len(out)
		out = append(out, n)
	}
	return out
}

// linkClass reports whether findings of the class are about a link, so that each stands alone.
func linkClass(c Class) bool {
	switch c {
	case Missing, SecondGenesis, Fork, ImplausibleFork, RotateMismatch:
		return true
	}
	return false
}

// Each gives a finding about altered records as one for each record: what it is about, without those
// that were added to it because they follow it.
func (f *Finding) Each() iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		first := *f
		if f.alteration == nil {
			yield(first)
			return
		}
		first.Records, first.alteration = f.Records-int64(len(f.more)), &alteration{content: f.content}
		if !yield(first) {
			return
		}
		for _, n := range f.more {
			if !yield(n) {
				return
			}
		}
	}
}

// Content is the hash of what an altered record holds now; ok is false for any other finding.
func (f *Finding) Content() (h Hash, ok bool) {
	if f.alteration == nil {
		return h, false
	}
	return f.content, true
}

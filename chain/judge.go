package chain

import (
	"cmp"
	"context"
	"slices"
)

// SourceInfo names a source of the history: a segment or the live log.
type SourceInfo struct {
	Name string
	Live bool // at most one, the last
}

// SourceSummary is what the judge counted in a source.
type SourceSummary struct {
	Name    string
	Live    bool
	Records int64 // lines that are JSON
	Lines   int64 // all lines
	Filled  int64 // lines that are not empty
	Bytes   int64
	First   Hash // of the first and last record, Genesis if there is none
	Last    Hash
	TSMin   string // true bounds of ts, empty if no record has a plain one
	TSMax   string

	reEncoded tally
	earlier   tally

	base    int64 // position in reading order of the first record
	first   *item
	entered bool
}

// Judge joins judged blocks to one history and gives the verdict. Memory grows with what is wrong,
// not with the length of the history. It is not safe for concurrent use.
type Judge struct {
	sources []SourceSummary
	blocks  []blockRef
	items   []*item // in reading order; Record counts within the source until number
	last    edge
	records int64
	hashed  int64
	notJSON map[lineAt]bool
	seam    int64 // leading records of the live log that are copies of the last segment's
}

// blockRef finds a block's place again.
type blockRef struct {
	source  int
	records int64 // records of its source before it
	count   int64
	lines   int64 // lines of its source before it
}

// NewJudge starts a verdict over sources in reading order.
func NewJudge(sources []SourceInfo) *Judge {
	j := &Judge{sources: make([]SourceSummary, len(sources)), notJSON: map[lineAt]bool{}}
	for i, s := range sources {
		j.sources[i].Name, j.sources[i].Live = s.Name, s.Live
	}
	return j
}

// Join adds the next block in reading order.
func (j *Judge) Join(b *Block) {
	s := &j.sources[b.source]
	j.blocks = append(j.blocks, blockRef{source: b.source, records: s.Records, count: b.records, lines: s.Lines})
	for _, it := range b.items {
		it.Line += s.Lines
		it.Record += s.Records
		if !it.json {
			j.notJSON[lineAt{it.Source, it.Offset}] = true
		}
	}
	if b.first != nil {
		j.joinFirst(b, s)
	}
	j.items = append(j.items, b.items...)
	s.reEncoded.join(b.reEncoded, s.Lines, s.Records)
	s.earlier.join(b.earlier, s.Lines, s.Records)
	s.Filled += b.filled
	s.Records += b.records
	s.Lines += b.lines
	s.Bytes += b.size
	s.TSMin, s.TSMax = earliest(s.TSMin, b.tsMin), latest(s.TSMax, b.tsMax)
	j.records += b.records
	j.hashed += b.hashed
	switch {
	case b.records > 0:
		s.Last = b.last.hash
		ts := b.last.ts
		if ts == "" {
			ts = j.last.ts
		}
		j.last = edge{hash: b.last.hash, ts: ts, item: b.last.item}
	case b.last.unread:
		j.last.unread = true
	}
}

// joinFirst links the first record of a block to the record before it, which lies in another block.
func (j *Judge) joinFirst(b *Block, s *SourceSummary) {
	it := b.first
	at, listed := slices.BinarySearchFunc(b.items, it, func(a, b *item) int { return cmp.Compare(a.Offset, b.Offset) })
	if !listed {
		it.Line += s.Lines
		it.Record += s.Records
	}
	if j.last.item != nil && j.last.item.class == LineAltered {
		j.last.item.afterTS = it.tsText
	}
	it.before, it.beforeTS = j.last.hash, j.last.ts
	it.blind = j.last.unread
	it.mismatch = it.prev != it.before
	it.behind = j.last.item != nil && j.last.item.mismatch
	if it.beforeTS != "" && it.tsText != "" && it.tsText < it.beforeTS {
		s.earlier.add(it.Place)
	}
	if !s.entered {
		s.entered, s.first, s.First = true, it, it.hash
	}
	if !listed && (it.mismatch || it.behind) {
		b.items = slices.Insert(b.items, at, it)
	}
}

func earliest(a, b string) string {
	if a == "" || (b != "" && b < a) {
		return b
	}
	return a
}

func latest(a, b string) string { return max(a, b) }

// Again gives blocks from (inclusive) to (exclusive) once more, counted in the order they were
// joined. It may call each for different blocks at the same time. A block that cannot be read
// any more is left out.
type Again func(ctx context.Context, from, to int, each func(i int, in Input)) error

// number gives every item its position in reading order and takes the copies at the seam between
// the last segment and the live log out of the walk.
func (j *Judge) number() (walk []*item) {
	var base int64
	for i := range j.sources {
		s := &j.sources[i]
		s.base = base
		base += s.Records
		if s.Live {
			base -= j.seam
			s.base -= j.seam
		}
	}
	for _, it := range j.items {
		s := &j.sources[it.Source]
		within := it.Record
		it.Record += s.base
		if s.Live && within < j.seam {
			it.seam = true
			continue
		}
		walk = append(walk, it)
	}
	j.records = base
	return walk
}

// liveSource is the index of the live log and of the segment file before it, -1 where there is none.
func (j *Judge) liveSource() (live, segment int) {
	n := len(j.sources)
	if n == 0 || !j.sources[n-1].Live {
		return -1, n - 1
	}
	return n - 1, n - 2
}

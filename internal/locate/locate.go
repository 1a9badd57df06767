package locate

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/segment"
)

// Query says which record is wanted: exactly one of the three.
type Query struct {
	Index  int64  // position in reading order, from 0; where the others are empty
	Hash   string // its first digits in lower case, as many as are known
	Source string // name of a segment or branch; Offset is that of the line's first byte there
	Offset int64
}

func (q *Query) byIndex() bool { return q.Hash == "" && q.Source == "" }

// Place is where a record stands.
type Place struct {
	Source segment.Source
	Index  int64      // in reading order; -1 in a branch, which has no part in it
	Line   int64      // from 1; blank lines count
	Offset int64      // of the line's first byte in the source's raw bytes
	Hash   chain.Hash // the one it bears; Genesis if it bears none
	// Copy says that it is one of those that an interrupted rotation left in the live log, which have no
	// position. It is found by its place alone.
	Copy bool
}

// Abandoned reports whether the record is in a branch that is no part of the log's history.
func (p *Place) Abandoned() bool { return p.Source.State() == segment.StateAbandoned }

// Result is what was found, and what was looked at.
type Result struct {
	// Places of the records that are wanted, in reading order, those of branches last: several if a hash
	// begins so in several places, of which no more than 16 are given.
	Places   []Place
	Records  int64 // as far as the search went, those of branches included
	Segments int
	Branches int
	Unread   []string // what could not be read; where there is anything, positions behind it are as if it held nothing
	Odd      int64    // lines that are not JSON

	snap *segment.Snapshot
	seam int64 // records of the live log that start before are copies
}

// maxFound bounds the places that are given.
const maxFound = 16

// Find looks for a record. An error means that the search did not come to its end. progress is told how
// many of the bytes to read are done; it may be nil.
func Find(ctx context.Context, snap *segment.Snapshot, q Query, progress func(done, total int64)) (*Result, error) {
	f := &finder{Result: Result{snap: snap}, q: q, progress: progress, sources: snap.Sources, line: 1}
	if !q.byIndex() {
		f.sources = slices.Concat(snap.Sources, snap.Branches)
	}
	for _, fact := range snap.Facts {
		if fact.Kind == segment.FactNotRegular {
			f.Unread = append(f.Unread, fact.File+": "+fact.Detail)
		}
	}
	for _, src := range f.sources {
		f.total += src.Size()
		if src.State() == segment.StateAbandoned {
			f.Branches++
		} else {
			f.Segments++
		}
	}
	var err error
	if f.seam, err = search.SeamEnd(ctx, snap); err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx) // another error is met again below
	}
	err = segment.Walk(ctx, f.sources, segment.WalkOptions{}, f.work, f.join)
	if err != nil && !errors.Is(err, errFound) {
		return nil, err
	}
	return &f.Result, nil
}

// errFound ends a search that needs to go no further.
var errFound = errors.New("found")

type finder struct {
	Result
	q        Query
	sources  []segment.Source
	progress func(done, total int64)

	source      int   // being joined
	line, index int64 // of the next line of it
	done, total int64 // bytes
}

// piece is what one extent holds.
type piece struct {
	lines, records, odd int64
	hits                []Place // Line and Index count from its beginning
}

// entry is a line that counts as a record.
type entry struct {
	offset        int64
	line          []byte
	hash          chain.Hash
	lineNo, recNo int64 // from 0, within the piece
	copy          bool
}

// entries gives the records of a piece of src.
func (p *piece) entries(src segment.Source, c segment.Chunk, seam int64) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for offset, line := range c.Lines() {
			p.lines++
			if len(line) == 0 {
				continue
			}
			hash, ok := counted(line)
			if !ok {
				p.odd++
				continue
			}
			e := entry{offset: offset, line: line, hash: hash, lineNo: p.lines - 1, recNo: p.records}
			if e.copy = src.State() == segment.StateLive && offset < seam; !e.copy {
				p.records++
			}
			if !yield(e) {
				return
			}
		}
	}
}

func (f *finder) work(at segment.Position, c segment.Chunk) (p piece, _ error) {
	src := f.sources[at.Source]
	for e := range p.entries(src, c, f.seam) {
		if f.q.wants(src, &e) && len(p.hits) < maxFound {
			p.hits = append(p.hits, e.place(src))
		}
	}
	return p, nil
}

func (e *entry) place(src segment.Source) Place {
	return Place{Source: src, Index: e.recNo, Line: e.lineNo, Offset: e.offset, Hash: e.hash, Copy: e.copy}
}

// nth gives the n-th record of an extent, which was read before.
func (f *finder) nth(at segment.Position, n int64) ([]Place, error) {
	src := f.sources[at.Source]
	c, err := src.Read(at.Extent, nil)
	if err != nil {
		return nil, err
	}
	var p piece
	for e := range p.entries(src, c, f.seam) {
		if e.recNo == n && !e.copy {
			return []Place{e.place(src)}, nil
		}
	}
	return nil, fmt.Errorf("%s %w", src.Name(), segment.ErrReplaced)
}

// wants reports whether a record is wanted for more than its position.
func (q *Query) wants(src segment.Source, e *entry) bool {
	switch {
	case q.Source != "":
		return e.offset == q.Offset && src.Name() == q.Source
	case q.Hash == "" || e.copy:
		return false
	}
	var digits [chain.HashLen]byte
	hex.Encode(digits[:], e.hash[:])
	return string(digits[:len(q.Hash)]) == q.Hash
}

// counted gives the hash that a line bears, Genesis for none. ok is false for a line that has no
// position.
func counted(line []byte) (hash chain.Hash, ok bool) {
	if h, err := chain.HeadOf(line); err == nil {
		return h, len(line) <= chain.MaxLine
	}
	if len(line) > chain.MaxLine {
		return hash, false
	}
	_, _, err := ecmajson.Parse(line, chain.MaxDepth)
	return hash, err == nil
}

func (f *finder) join(at segment.Position, p piece, err error) error {
	if at.Source != f.source {
		f.source, f.line = at.Source, 1
	}
	if err != nil {
		f.Unread = append(f.Unread, err.Error())
	}
	if n := f.q.Index - f.index; f.q.byIndex() && n >= 0 && n < p.records {
		if p.hits, err = f.nth(at, n); err != nil {
			return err
		}
	}
	for _, hit := range p.hits {
		hit.Line += f.line
		if hit.Index += f.index; hit.Copy || hit.Abandoned() {
			hit.Index = -1
		}
		if len(f.Places) < maxFound {
			f.Places = append(f.Places, hit)
		}
	}
	f.line += p.lines
	f.index += p.records
	f.Records += p.records
	f.Odd += p.odd
	if f.done += at.Size; f.progress != nil {
		f.progress(f.done, f.total)
	}
	if len(f.Places) > 0 && f.q.Hash == "" {
		return errFound
	}
	return nil
}

// ParseHash checks the beginning of a hash.
func ParseHash(digits string) error {
	if len(digits) < MinDigits || len(digits) > chain.HashLen {
		return fmt.Errorf("%d digits: a hash is given by %d to %d", len(digits), MinDigits, chain.HashLen)
	}
	for _, d := range digits {
		if (d < '0' || d > '9') && (d < 'a' || d > 'f') {
			return fmt.Errorf("%q is no lower-case hexadecimal digit", d)
		}
	}
	return nil
}

// MinDigits is how many digits of a hash are enough to look for it.
const MinDigits = 8

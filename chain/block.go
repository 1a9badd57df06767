package chain

import (
	"bytes"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// Place is where a line lies.
type Place struct {
	Source int   // index of the source, in reading order
	Line   int64 // from 1; empty lines count
	Offset int64 // of the line's first byte in the source's raw bytes
	Record int64 // position in reading order, from 0
}

// Input is a piece of a source that holds whole lines. The last line of a source may lack its LF.
type Input struct {
	Source int
	Offset int64 // of Data[0] in the source's raw bytes
	Data   []byte
}

// Depth says how far [JudgeBlock] looks into records.
type Depth int

// The depths.
const (
	// Full recomputes the hash of every record.
	Full Depth = iota
	// Links reads hashes and times and recomputes system records only: for what lies outside the
	// range that is asked for.
	Links
)

// Look says how to look at a block.
type Look struct {
	Depth Depth
	// Since and Until bound the records that are counted as in range, by their ts, both inclusive
	// and compared as text. Empty: no bound.
	Since, Until string
}

func (k *Look) holds(ts []byte) bool {
	return string(ts) >= k.Since && (k.Until == "" || string(ts) <= k.Until)
}

// Block is the judgement of one piece by itself. Blocks of a source are handed to [Judge.Join] in
// order; until then they may be made in any order and in parallel.
type Block struct {
	source  int
	offset  int64
	size    int64
	lines   int64 // all lines
	filled  int64 // lines that are not empty
	records int64 // lines that are JSON, which existing verifiers count
	hashed  int64 // records whose hash was recomputed
	first   *item // the first of records
	last    edge  // the last of records
	items   []*item
	tsMin   string // true bounds over records with a plain ts; empty if there are none
	tsMax   string
	inRange int64

	reEncoded tally
	earlier   tally // records with a ts before the preceding record's
}

// InRange is how many records lie in the range of the [Look].
func (b *Block) InRange() int64 { return b.inRange }

// edge is the end of a block that the next one joins on to.
type edge struct {
	hash   key
	ts     string
	item   *item // the last record's item, if it has one
	unread bool  // bytes before this point could not be read, so the hash is not known
}

// item is a line that is not simply the next record of the chain.
type item struct {
	Place      // Line and Record count from the block's start until joined
	hash, prev key
	before     key // hash of the preceding record, Genesis for the first
	tsText     string
	beforeTS   string
	*remark    // never nil
	class      LineClass
	json       bool // see facts
	null       bool
	mismatch   bool // prev is not before
	behind     bool // the record before it has a mismatch, so that it may be the first behind copies
	blind      bool // bytes before it could not be read, so its link is not judged
	seam       bool // a copy that an interrupted rotation left; not part of the history
	unended    bool // the last line of its source, without LF
}

// remark is what there is to say of few items only. Most share one that is empty.
type remark struct {
	content Hash // of an altered record
	afterTS string
	kind    string
	why     string
	record  *ecmajson.Value // of a system record
	unread  int64           // bytes that could not be read at all, the line is then unknown
}

var unremarked = &remark{}

// payload is the payload of a system record.
func (it *item) payload() ecmajson.Value {
	v, _ := it.record.Member("payload")
	return v
}

// tally counts lines of which only the number matters, and where the first is.
type tally struct {
	count int64
	first Place
}

func (t *tally) add(p Place) {
	if t.count == 0 {
		t.first = p
	}
	t.count++
}

// join adds the tally of a block that begins after some lines and records.
func (t *tally) join(o tally, lines, records int64) {
	if t.count == 0 {
		t.first = o.first
		t.first.Line += lines
		t.first.Record += records
	}
	t.count += o.count
}

// JudgeBlock judges the lines of in by themselves and their links among each other. It is pure and
// safe for concurrent use; the result does not alias in.Data.
func JudgeBlock(in Input, look Look) *Block {
	b := &Block{source: in.Source, offset: in.Offset, size: int64(len(in.Data))}
	var s scratch
	var prevTS, tsMin, tsMax []byte
	var waiting *item // an item that wants to know the next record's ts
	data := in.Data
	for at := 0; at < len(data); {
		line, ended := data[at:], false
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			line, ended = line[:n], true
		}
		offset := in.Offset + int64(at)
		at += len(line) + 1
		ended = ended || len(line) > MaxLine // cut by whoever read it
		b.lines++
		if len(line) == 0 {
			continue
		}
		b.filled++
		f := s.readAt(line, look.Depth)
		place := Place{Source: in.Source, Line: b.lines, Offset: offset, Record: b.records}
		if !f.json {
			it := newItem(&f, nil)
			it.Place, it.unended = place, !ended
			b.items = append(b.items, it)
			continue
		}
		if f.class == LineReEncoded {
			b.reEncoded.add(place)
		}
		if f.ts != nil && prevTS != nil && bytes.Compare(f.ts, prevTS) < 0 {
			b.earlier.add(place)
		}
		if waiting != nil {
			waiting.afterTS = string(f.ts)
			waiting = nil
		}
		var it *item
		mismatch := b.records > 0 && f.prev != b.last.hash
		behind := b.last.item != nil && b.last.item.mismatch
		odd := mismatch || behind || f.class >= LineAmbiguous || f.system || !ended
		if odd || b.records == 0 {
			it = newItem(&f, line)
			it.Place, it.mismatch, it.behind, it.unended = place, mismatch, behind, !ended
			it.before = b.last.hash
			switch last := b.last.item; { // many are behind one another, at one time
			case string(prevTS) == it.tsText:
				it.beforeTS = it.tsText
			case last != nil && string(prevTS) == last.tsText:
				it.beforeTS = last.tsText
			default:
				it.beforeTS = string(prevTS)
			}
			if b.records == 0 {
				b.first = it
			}
			if odd {
				b.items = append(b.items, it)
			}
			if f.class == LineAltered {
				waiting = it
			}
		}
		b.records++
		if look.holds(f.ts) {
			b.inRange++
		}
		b.last.hash, b.last.item = f.hash, it
		if f.ts != nil {
			prevTS = f.ts
			if tsMin == nil || bytes.Compare(f.ts, tsMin) < 0 {
				tsMin = f.ts
			}
			if tsMax == nil || bytes.Compare(f.ts, tsMax) > 0 {
				tsMax = f.ts
			}
		}
		if look.Depth == Full || f.system {
			b.hashed++
		}
	}
	b.last.ts, b.tsMin, b.tsMax = string(prevTS), string(tsMin), string(tsMax)
	return b
}

// Unread is the block that stands for size bytes of a source that could not be read. Records in them
// are not judged, and the link of the record after them is not either.
func Unread(source int, offset, size int64, why error) *Block {
	b := &Block{source: source, offset: offset, size: size}
	b.items = []*item{{Place: Place{Source: source, Line: 1, Offset: offset}, class: LineUnreadable, remark: &remark{why: why.Error(), unread: size}}}
	b.last.unread = true
	return b
}

// newItem keeps what later steps need of a line, without holding on to the block's bytes.
func newItem(f *facts, line []byte) *item {
	it := &item{class: f.class, json: f.json, null: f.null, hash: f.hash, prev: f.prev, tsText: string(f.ts), remark: unremarked}
	if f.system || f.why != "" || f.class == LineAltered || f.class == LineUnreadable {
		it.remark = &remark{why: f.why}
	}
	switch {
	case f.system:
		v := f.value
		if !f.parsed {
			v, _, _ = ecmajson.Parse(line, MaxDepth) // the fast path accepted the bytes, so they parse
		}
		it.record, it.kind = &v, stringMember(v, "event")
		it.content = f.content
	case f.class == LineAltered:
		it.kind, it.content = stringMember(f.value, "event"), f.content
	case f.class == LineUnreadable:
		it.content = f.content
	}
	return it
}

// readAt reads a line as deep as asked.
func (s *scratch) readAt(line []byte, depth Depth) facts {
	if depth == Full {
		return s.read(line)
	}
	if t, ok := tailOf(line); ok {
		var f facts
		if decodeHash(&f.prev, t.prev) && decodeHash(&f.hash, t.hash) {
			if ts, event, ok := glance(line); ok && !bytes.HasPrefix(event, []byte(SystemPrefix)) {
				f.json, f.ts = true, ts
				return f
			}
		}
	}
	return s.read(line)
}

// glance reads the ts and the event of a line in the usual spelling, and nothing else of it.
func glance(line []byte) (ts, event []byte, ok bool) {
	const start, middle = `{"ts":"`, `","event":"`
	rest, ok := bytes.CutPrefix(line, []byte(start))
	if !ok {
		return nil, nil, false
	}
	n := bytes.IndexByte(rest, '"')
	if n < 0 || bytes.IndexByte(rest[:n], '\\') >= 0 || !bytes.HasPrefix(rest[n:], []byte(middle)) {
		return nil, nil, false
	}
	ts, rest = rest[:n], rest[n+len(middle):]
	n = bytes.IndexByte(rest, '"')
	if n < 0 || bytes.IndexByte(rest[:n], '\\') >= 0 {
		return nil, nil, false
	}
	return ts, rest[:n], true
}

package segment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// searched is what a search for remembered records found.
type searched struct {
	places  map[chain.Hash]place // where the wanted records lie, as far as they were found
	numbers map[int64]struct{}   // of the segments that are there
	records int64                // all, in what was read
	first   chain.Hash           // the first record in reading order
	firstTS string               // the first ts
	head    chain.Hash           // the last
	sameLog bool                 // a remembered record, or a rotation of the remembered log, was found
	told    bool                 // an audit.break says that the mark's head was not found

	// Which of the records are from before the mark's time, in reading order.
	oldRun int64  // records before the first one of a later time
	oldEnd place  // where the run of oldRun ends
	oldTS  string // the last ts in that run
	later  bool   // there is a record of a later time

	repeats bool // the live log is nothing but records that a sealed segment has as well; not counted

	unread     string // what could not be read, and why; empty if all was
	unreadFrom int64  // the highest number of a segment that could not be read
}

// place is where a record's line ends.
type place struct {
	name Name
	end  int64
}

// search looks for the mark's head and for points, newest source first, and ends with the source
// that holds the record stop: only where that is not found do the counts mean anything.
func search(ctx context.Context, srcs []Source, mark Mark, points []Point, stop chain.Hash) (*searched, error) {
	want := map[chain.Hash]struct{}{mark.Head: {}, mark.LogID: {}}
	for _, p := range points {
		want[p.Hash] = struct{}{}
	}
	delete(want, chain.Genesis)
	all := &searched{places: map[chain.Hash]place{}, numbers: map[int64]struct{}{}}
	for _, src := range srcs {
		all.numbers[src.Segment().Number] = struct{}{}
	}
	parts := make([]*searched, 0, len(srcs))
	for _, src := range slices.Backward(srcs) {
		part, err := searchSource(ctx, src, mark, want)
		if err != nil {
			return nil, err
		}
		for h, p := range part.places {
			all.places[h] = p
		}
		if _, ok := part.places[stop]; ok {
			return all, nil
		}
		if len(parts) == 0 && src.State() == StateLive && part.records > 0 {
			want[part.first], want[part.head] = struct{}{}, struct{}{}
		}
		parts = append(parts, part)
	}
	if all.repeats = repeated(parts); all.repeats {
		parts = parts[1:]
	}
	for _, part := range slices.Backward(parts) {
		all.follow(part)
	}
	return all, nil
}

// repeated reports whether the first of some parts, newest first, holds only records of the others: its
// first and its last are in one of them, and what lies between follows from one to the other.
func repeated(parts []*searched) bool {
	if len(parts) == 0 || parts[0].records == 0 {
		return false
	}
	has := func(h chain.Hash) bool {
		return slices.ContainsFunc(parts[1:], func(p *searched) bool { _, ok := p.places[h]; return ok })
	}
	return has(parts[0].first) && has(parts[0].head)
}

// searchSource reads one source.
func searchSource(ctx context.Context, src Source, mark Mark, want map[chain.Hash]struct{}) (*searched, error) {
	all := &searched{places: map[chain.Hash]place{}}
	work := func(_ Position, c Chunk) (*searched, error) { return searchChunk(src.Segment(), c, mark, want), nil }
	err := Walk(ctx, []Source{src}, WalkOptions{}, work, func(_ Position, part *searched, err error) error {
		if err == nil {
			all.follow(part)
		} else {
			all.unread, all.unreadFrom = err.Error(), src.Segment().Number
		}
		return nil
	})
	return all, err
}

// searchChunk reads the hash and the time of each record, and no more.
func searchChunk(name Name, c Chunk, mark Mark, want map[chain.Hash]struct{}) *searched {
	s := &searched{places: map[chain.Hash]place{}}
	rotation, lost := []byte(`"log_id":"`+mark.LogID.String()+`"`), []byte(`"head":"`+mark.Head.String()+`"`)
	var oldTS []byte
	for at, line := range c.Lines() {
		h, ok := hashOf(line, want)
		if !ok {
			continue
		}
		end := place{name, at + int64(len(line)) + 1}
		if s.records++; s.records == 1 {
			s.first = h
		}
		s.head = h
		if _, ok := want[h]; ok {
			s.places[h], s.sameLog = end, true
		}
		if !s.sameLog && bytes.Contains(line, rotation) {
			r := chain.ReadLine(line)
			s.sameLog = r.Class.Whole() && r.Record.Event == chain.KindRotate
		}
		s.told = s.told || bytes.Contains(line, lost) && tells(line, mark.Head)
		ts := timeOf(line)
		if s.firstTS == "" {
			s.firstTS = string(ts)
		}
		s.later = s.later || string(ts) > mark.TS
		if !s.later {
			s.oldRun, s.oldEnd = s.records, end
			if ts != nil {
				oldTS = ts
			}
		}
	}
	s.oldTS = string(oldTS)
	return s
}

// tells reports whether a line is an audit.break about a head.
func tells(line []byte, head chain.Hash) bool {
	r := chain.ReadLine(line)
	if !r.Class.Whole() || r.Record.Event != chain.KindBreak {
		return false
	}
	v, _, err := ecmajson.Parse(r.Record.Payload, chain.MaxDepth)
	if err != nil {
		return false
	}
	b, err := chain.ParseBreak(v)
	return err == nil && b.Remembered.Head == head
}

// follow adds what was found in the lines after those of s.
func (s *searched) follow(next *searched) {
	for h, p := range next.places {
		s.places[h] = p
	}
	if s.records == 0 {
		s.first = next.first
	}
	if s.firstTS == "" {
		s.firstTS = next.firstTS
	}
	if !s.later && next.oldRun > 0 {
		s.oldRun, s.oldEnd = s.records+next.oldRun, next.oldEnd
		if next.oldTS != "" {
			s.oldTS = next.oldTS
		}
	}
	if next.records > 0 {
		s.head = next.head
	}
	s.records += next.records
	s.sameLog = s.sameLog || next.sameLog
	s.told = s.told || next.told
	s.later = s.later || next.later
	if next.unread != "" && (s.unread == "" || next.unreadFrom > s.unreadFrom) {
		s.unread, s.unreadFrom = next.unread, next.unreadFrom
	}
}

// hashOf gives the hash of a record. In the usual spelling hash is the last member, and one glance
// tells that it is not wanted; whatever else the line holds then does not matter here.
func hashOf(line []byte, want map[chain.Hash]struct{}) (chain.Hash, bool) {
	const start, end = `"hash":"`, `"}`
	if n := len(line) - len(end) - chain.HashLen; n > len(start) && string(line[n-len(start):n]) == start && string(line[len(line)-len(end):]) == end {
		var h chain.Hash
		if err := h.UnmarshalText(line[n : n+chain.HashLen]); err == nil {
			if _, ok := want[h]; !ok {
				return h, true
			}
		}
	}
	h, err := chain.HeadOf(line)
	return h, err == nil
}

// timeOf gives the ts of a record in the usual spelling if it has the form that stamp gives, else
// nil.
func timeOf(line []byte) []byte {
	const start = `{"ts":"`
	if len(line) < len(start)+len(stampLayout) || string(line[:len(start)]) != start {
		return nil
	}
	ts := line[len(start) : len(start)+len(stampLayout)]
	if !isStamp(string(ts)) {
		return nil
	}
	return ts
}

// firstLook is the first read back from where a line ends, in bytes.
const firstLook = 4 << 10

// endsLine reports whether a record with the hash h ends at offset. However long the source is, it
// reads the end of that line, and all of it only if it is long.
func endsLine(src Source, offset int64, h chain.Hash) (bool, error) {
	if offset < 1 || offset > src.Size() {
		return false, nil
	}
	for look := int64(firstLook); ; look *= 16 {
		look = min(look, offset, chain.MaxLine)
		c, err := src.Read(Extent{Offset: offset - look, Size: look}, nil)
		if err != nil {
			return false, err
		}
		for at, line := range c.Lines() {
			if at+int64(len(line))+1 == offset {
				got, err := chain.HeadOf(line)
				return err == nil && got == h, nil
			}
		}
		if len(c.Data) > 0 || look == min(offset, chain.MaxLine) {
			return false, nil
		}
	}
}

// survivingTail is how much of the end of a file vouches for it.
const survivingTail = 1 << 20

// surviving describes the last segment that holds anything.
func surviving(srcs []Source, head chain.Hash) (chain.Surviving, error) {
	for _, src := range slices.Backward(srcs) {
		size := src.Size()
		if size == 0 {
			continue
		}
		tail, err := lastBytes(src, min(size, survivingTail))
		return chain.Surviving{File: src.Name(), Bytes: size, SHA256: sha256.Sum256(tail), Head: head}, err
	}
	return chain.Surviving{}, nil
}

// lastBytes gives the last n bytes of a source, which is read by lines: from the start of the line
// that holds the first of them. Of a line too long to be read whole it gives what is read.
func lastBytes(src Source, n int64) ([]byte, error) {
	size := src.Size()
	for look := n; ; look *= 2 {
		look = min(look, size, chain.MaxLine)
		c, err := src.Read(Extent{Offset: size - look, Size: look}, nil)
		if err != nil {
			return nil, err
		}
		if int64(len(c.Data)) >= n || look == size || look == chain.MaxLine {
			return c.Data[max(0, int64(len(c.Data))-n):], nil
		}
	}
}

package chain

import (
	"bytes"
	"context"
	"sort"
	"sync"
)

// position is where a wanted hash was seen.
type position struct {
	record int64
	place  Place
	ts     string
}

// hits are the places of the hashes that were looked for, in reading order.
type hits struct {
	records  map[key][]position // records with that hash
	children map[key]position   // the first record with that parent
}

// lookup finds, in one pass over the history that recomputes nothing, the records whose hash is in
// records and the first record whose parent is in children. Linkage needs no set of all hashes
// because only records that are not simply next are ever looked for.
func (j *Judge) lookup(ctx context.Context, again Again, records, children map[key]bool) (hits, error) {
	h := hits{records: map[key][]position{}, children: map[key]position{}}
	if len(records)+len(children) == 0 {
		return h, nil
	}
	var sieve [1 << 13]uint64 // one bit for the first 19 bits of each wanted hash
	for _, set := range []map[key]bool{records, children} {
		for k := range set {
			sieve[sieveWord(k)] |= sieveBit(k)
		}
	}
	var mu sync.Mutex
	found := make([]hits, len(j.blocks))
	err := again(ctx, 0, len(j.blocks), func(i int, in Input) {
		var local hits
		j.eachRecord(i, in, func(k, parent key, p func() position) bool {
			if sieve[sieveWord(k)]&sieveBit(k) != 0 && records[k] {
				if local.records == nil {
					local.records = map[key][]position{}
				}
				local.records[k] = append(local.records[k], p())
			}
			if sieve[sieveWord(parent)]&sieveBit(parent) != 0 && children[parent] {
				if _, seen := local.children[parent]; !seen {
					if local.children == nil {
						local.children = map[key]position{}
					}
					local.children[parent] = p()
				}
			}
			return true
		})
		mu.Lock()
		found[i] = local
		mu.Unlock()
	})
	for _, local := range found {
		for k, ps := range local.records {
			h.records[k] = append(h.records[k], ps...)
		}
		for k, p := range local.children {
			if _, seen := h.children[k]; !seen {
				h.children[k] = p
			}
		}
	}
	return h, err
}

func sieveWord(k key) int { return int(k[0])<<5 | int(k[1])>>3 }

func sieveBit(k key) uint64 { return 1 << (k[2] & 63) }

// eachRecord gives the keys of the records of block i, those of the seam left out, until f returns
// false. Lines that were found not to be JSON are passed over without being parsed again.
func (j *Judge) eachRecord(i int, in Input, f func(k, parent key, p func() position) bool) {
	ref := j.blocks[i]
	src := &j.sources[ref.source]
	var s scratch
	within, lineNo := ref.records, ref.lines
	data := in.Data
	for at := 0; at < len(data); {
		line := data[at:]
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			line = line[:n]
		}
		offset := in.Offset + int64(at)
		at += len(line) + 1
		lineNo++
		if len(line) == 0 || j.notJSON[lineAt{ref.source, offset}] {
			continue
		}
		k, parent, ts, ok := s.keys(line)
		if !ok {
			continue
		}
		index := src.base + within
		within++
		if src.Live && within <= j.seam {
			continue
		}
		if !f(k, parent, func() position {
			return position{record: index, ts: string(ts), place: Place{Source: ref.source, Line: lineNo, Offset: offset, Record: index}}
		}) {
			return
		}
	}
}

// lineAt names a line by where it starts.
type lineAt struct {
	source int
	offset int64
}

// keys reads the hash, the parent and the ts of a line known to be JSON. A line of JSON that ends
// like a record has those two members last, so they are the ones that count.
func (s *scratch) keys(line []byte) (k, parent key, ts []byte, ok bool) {
	if t, ok := tailOf(line); ok && decodeHash(&parent, t.prev) && decodeHash(&k, t.hash) {
		if ts, _, ok := glance(line); ok {
			return k, parent, ts, true
		}
	}
	f := s.readValues(line)
	return f.hash, f.prev, f.ts, f.json
}

// cursor walks the records from a position on, block by block.
type cursor struct {
	j     *Judge
	ctx   context.Context
	again Again
	block int
	from  int64 // records before this one are passed over
	queue []link
	err   error
}

// link is a record as the cursor gives it.
type link struct {
	hash, prev key
	position
}

// cursorAt starts a cursor at the record with that position in reading order.
func (j *Judge) cursorAt(ctx context.Context, again Again, record int64) *cursor {
	block := sort.Search(len(j.blocks), func(i int) bool {
		ref := j.blocks[i]
		src := &j.sources[ref.source]
		end := src.base + ref.records + ref.count
		if src.Live {
			end = max(end, src.base+j.seam) // the copies at the seam have no position of their own
		}
		return end > record
	})
	return &cursor{j: j, ctx: ctx, again: again, from: record, block: block}
}

// next gives the next record; ok is false at the end of the history or after an error.
func (c *cursor) next() (l link, ok bool) {
	for len(c.queue) == 0 {
		if c.err != nil || c.block >= len(c.j.blocks) {
			return l, false
		}
		c.err = c.again(c.ctx, c.block, c.block+1, func(i int, in Input) {
			c.j.eachRecord(i, in, func(k, parent key, p func() position) bool {
				if at := p(); at.record >= c.from {
					c.queue = append(c.queue, link{hash: k, prev: parent, position: at})
				}
				return true
			})
		})
		c.block++
	}
	l, c.queue = c.queue[0], c.queue[1:]
	return l, true
}

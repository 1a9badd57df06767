package chain

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sort"
	"sync"
)

// hit is a record that was looked for, by its own hash or by that of its parent. There are some for each
// thing that is wrong, so it holds no pointer.
type hit struct {
	key
	at   Place
	when instant
}

// hits are in the order of their keys, those of one key in reading order. There are as many as things
// that are wrong, so they lie in one piece rather than in a map.
type hits []hit

// of gives the hits of a key.
func (h hits) of(k key) hits {
	from, _ := slices.BinarySearchFunc(h, k, func(x hit, k key) int { return compareKeys(x.key, k) })
	n := sort.Search(len(h)-from, func(i int) bool { return h[from+i].key != k })
	return h[from : from+n]
}

// with adds the hits of other keys.
func (h hits) with(others hits) hits {
	if len(h) == 0 {
		return others
	}
	h = append(h, others...)
	h.sort()
	return h
}

func (h hits) sort() {
	slices.SortFunc(h, func(a, b hit) int { return cmp.Or(compareKeys(a.key, b.key), cmp.Compare(a.at.Record, b.at.Record)) })
}

// keys are hashes to look for, in order, each once.
type keys []key

// sortedKeys makes keys of hashes in any order, in their memory.
func sortedKeys(all []key) keys {
	slices.SortFunc(all, compareKeys)
	return slices.Compact(all)
}

func (ks keys) has(k key) bool {
	_, ok := slices.BinarySearchFunc(ks, k, compareKeys)
	return ok
}

// with adds other keys.
func (ks keys) with(others keys) keys {
	if len(ks) == 0 {
		return others
	}
	return sortedKeys(append(ks, others...))
}

func compareKeys(a, b key) int { return bytes.Compare(a[:], b[:]) }

// lookup finds, in one pass over the history that recomputes nothing, the records whose hash is in
// records and the first record whose parent is in parents. Linkage needs no set of all hashes
// because only records that are not simply next are ever looked for.
func (j *Judge) lookup(ctx context.Context, again Again, records, parents keys) (seen, children hits, err error) {
	if len(records)+len(parents) == 0 {
		return nil, nil, nil
	}
	var sieve [1 << 13]uint64 // one bit for the first 19 bits of each wanted hash
	for _, wanted := range []keys{records, parents} {
		for _, k := range wanted {
			sieve[sieveWord(k)] |= sieveBit(k)
		}
	}
	// Most are there once, some twice; who has a branch for a child has another child.
	seen, children = make(hits, 0, len(records)+len(records)/4), make(hits, 0, len(parents)+len(parents)/2)
	var mu sync.Mutex
	found := func(to *hits, k key, r *passed) {
		h := hit{k, r.at, instantOf(r.ts())}
		mu.Lock()
		defer mu.Unlock()
		*to = append(*to, h)
	}
	err = again(ctx, 0, len(j.blocks), func(i int, in Input) {
		j.eachRecord(i, in, func(r *passed) {
			if sieve[sieveWord(r.hash)]&sieveBit(r.hash) != 0 && records.has(r.hash) {
				found(&seen, r.hash, r)
			}
			if sieve[sieveWord(r.prev)]&sieveBit(r.prev) != 0 && parents.has(r.prev) {
				found(&children, r.prev, r)
			}
		})
	})
	seen.sort()
	children.sort()
	return seen, slices.CompactFunc(children, func(a, b hit) bool { return a.key == b.key }), err
}

func sieveWord(k key) int { return int(k[0])<<5 | int(k[1])>>3 }

func sieveBit(k key) uint64 { return 1 << (k[2] & 63) }

// passed is a record as it is passed by.
type passed struct {
	hash, prev key
	at         Place
	line       []byte
	last       []byte // hash as the line spells it; nil if it is another way than usual
	scratch    scratch
}

// ts is the record's time, as it is written.
func (r *passed) ts() string {
	ts, _, ok := glance(r.line)
	if !ok {
		ts = r.scratch.readValues(r.line).ts
	}
	return string(ts)
}

// eachRecord gives the records of block i, those of the seam left out; what f is given is overwritten
// once it returns. Lines that were found not to be JSON are passed over without being parsed again.
func (j *Judge) eachRecord(i int, in Input, f func(*passed)) {
	ref := j.blocks[i]
	src := &j.sources[ref.source]
	r := &passed{at: Place{Source: ref.source}}
	within, lineNo := ref.records, ref.lines
	data := in.Data
	for at := 0; at < len(data); {
		r.line = data[at:]
		if n := bytes.IndexByte(r.line, '\n'); n >= 0 {
			r.line = r.line[:n]
		}
		offset := in.Offset + int64(at)
		at += len(r.line) + 1
		lineNo++
		if len(r.line) == 0 || len(j.notJSON) > 0 && j.notJSON[lineAt{ref.source, offset}] || !r.read() {
			continue
		}
		index := src.base + within
		within++
		if src.Live && within <= j.seam {
			continue
		}
		r.at.Record, r.at.Line, r.at.Offset = index, lineNo, offset
		f(r)
	}
}

// lineAt names a line by where it starts.
type lineAt struct {
	source int
	offset int64
}

// read reads the hash and the parent of a line known to be JSON. A line of JSON that ends like a record
// has those two members last, so they are the ones that count.
func (r *passed) read() (ok bool) {
	if t, ok := tailOf(r.line); ok {
		if ok = bytes.Equal(t.prev, r.last); ok { // nearly always
			r.prev = r.hash
		} else {
			ok = decodeHash(&r.prev, t.prev)
		}
		if r.last = t.hash; ok && decodeHash(&r.hash, t.hash) {
			return true
		}
	}
	f := r.scratch.readValues(r.line)
	r.hash, r.prev, r.last = f.hash, f.prev, nil
	return f.json
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
	at         Place
	ts         string
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
			c.j.eachRecord(i, in, func(r *passed) {
				if r.at.Record >= c.from {
					c.queue = append(c.queue, link{hash: r.hash, prev: r.prev, at: r.at, ts: r.ts()})
				}
			})
		})
		c.block++
	}
	l, c.queue = c.queue[0], c.queue[1:]
	return l, true
}

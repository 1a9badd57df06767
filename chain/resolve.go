package chain

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// span is a run of records: from (inclusive) to (exclusive).
type span struct{ from, to int64 }

// linkage knows, for every record that is not simply next, where its hash and its parent were seen,
// and which records are second copies.
//
// Why looking at those records is enough: take a record R that follows the record before it (same
// hash as R's parent), whose content has its hash, and which is not right after a second copy. If
// R's hash was seen earlier, at E, then E has the same content and so the same parent. Either E did
// not simply follow its parent either, or was altered: then its hash was looked for and R was found.
// Or E followed a record with that parent's hash, after which the head was E; for R to follow the
// same hash again, a record with it would have had to become the head a second time, which a second
// copy never does. So R is no copy. Records right after a copy are looked for one by one; as a copy mostly
// stands alone, the record behind each that could be one is looked for at once, in the same pass.
type linkage struct {
	j     *Judge
	ctx   context.Context
	again Again

	items    map[int64]*item // by position: every record that is not simply next
	seen     hits            // by their own hash
	children hits            // the first of each parent
	asked    keys            // looked for among records
	parents  keys            // looked for among parents
	copies   []span          // second copies, in order, not touching
}

// resolve looks until nothing new turns up.
func (j *Judge) resolve(ctx context.Context, again Again, walk []*item, extra []key) (*linkage, error) {
	l := &linkage{j: j, ctx: ctx, again: again, items: make(map[int64]*item, len(walk))}
	want, parents := slices.Grow(extra, len(walk)*3/2), []key(nil)
	for _, it := range walk {
		if it.json && (it.mismatch || it.behind || it.class >= LineAltered) {
			l.items[it.Record] = it
			if n := len(want); n == 0 || want[n-1] != it.prev { // as it is where one stands behind another
				want = append(want, it.prev)
			}
			want = append(want, it.hash)
			if it.mismatch || it.behind {
				parents = append(parents, it.prev)
			}
		}
	}
	want, err := l.afterSeam(want)
	if err != nil {
		return nil, err
	}
	for len(want)+len(parents) > 0 {
		if err := l.find(sortedKeys(want), sortedKeys(parents)); err != nil {
			return nil, err
		}
		if want, parents, err = l.extend(); err != nil {
			return nil, err
		}
	}
	l.asked, l.parents = nil, nil
	return l, nil
}

// afterSeam judges the link of the first live record that is kept, which lies behind the copies, and
// adds what has to be looked for.
func (l *linkage) afterSeam(want []key) ([]key, error) {
	live, segment := l.j.liveSource()
	if l.j.seam == 0 || l.j.sources[live].Records == l.j.seam {
		return want, nil
	}
	it, err := l.item(l.j.sources[live].base + l.j.seam)
	if err != nil || it == nil {
		return want, err
	}
	it.before = l.j.sources[segment].Last
	it.mismatch = it.prev != it.before
	return append(want, it.hash, it.prev), nil
}

// find looks for hashes that were not looked for before.
func (l *linkage) find(want, parents keys) error {
	seen, children, err := l.j.lookup(l.ctx, l.again, want, parents)
	if err != nil {
		return err
	}
	l.asked, l.parents = l.asked.with(want), l.parents.with(parents)
	l.seen, l.children = l.seen.with(seen), l.children.with(children)
	return nil
}

// extend turns what was found into spans of copies and says what has to be looked for next.
func (l *linkage) extend() (want, parents []key, err error) {
	var starts []int64
	for i, h := range l.seen {
		if second := i > 0 && l.seen[i-1].key == h.key; (second || h.key == Genesis) && !l.isCopy(h.at.Record) {
			starts = append(starts, h.at.Record)
		}
	}
	slices.Sort(starts)
	var spans []span
	for _, at := range starts {
		if n := len(spans); n > 0 && at < spans[n-1].to {
			continue
		}
		end, err := l.copyRun(at)
		if err != nil {
			return nil, nil, err
		}
		spans = append(spans, span{at, end})
		if _, err := l.item(at); err != nil { // follow needs the head before the copies
			return nil, nil, err
		}
		next, err := l.item(end)
		if err != nil {
			return nil, nil, err
		}
		if next == nil {
			continue
		}
		for _, k := range []key{next.hash, next.prev} {
			if !l.asked.has(k) {
				want = append(want, k)
			}
		}
		if !l.parents.has(next.prev) {
			parents = append(parents, next.prev)
		}
	}
	l.copies = mergeSpans(append(l.copies, spans...))
	return want, parents, nil
}

// copyRun gives the end of the run of copies that starts at a record known to be one: as long as the
// records after it are the same as those after the original.
func (l *linkage) copyRun(at int64) (int64, error) {
	if l.items[at+1] != nil {
		return at + 1, nil // looked for by itself
	}
	copied := l.j.cursorAt(l.ctx, l.again, at)
	first, ok := copied.next()
	if !ok {
		return at + 1, copied.err
	}
	ps := l.seen.of(first.hash)
	if len(ps) == 0 || ps[0].at.Record >= at {
		return at + 1, nil
	}
	original := l.j.cursorAt(l.ctx, l.again, ps[0].at.Record+1)
	end := at + 1
	for {
		a, okA := copied.next()
		b, okB := original.next()
		// The original may run into the copies themselves; beyond the start they are no originals.
		if !okA || !okB || a.hash != b.hash || b.at.Record >= at {
			return end, cmp.Or(copied.err, original.err)
		}
		end = a.at.Record + 1
	}
}

// item gives the record at a position, as an item made for it if it was none; nil past the end.
func (l *linkage) item(record int64) (*item, error) {
	if it, ok := l.items[record]; ok {
		return it, nil
	}
	c := l.j.cursorAt(l.ctx, l.again, max(record-1, 0))
	var before key
	for {
		r, ok := c.next()
		if !ok {
			return nil, c.err
		}
		if r.at.Record == record {
			it := &item{Place: r.at, tsText: r.ts, before: before, remark: unremarked}
			it.json, it.hash, it.prev = true, r.hash, r.prev
			it.mismatch = it.prev != it.before
			l.items[record] = it
			return it, nil
		}
		before = r.hash
	}
}

// mergeSpans puts spans in order and joins those that touch.
func mergeSpans(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	merged := spans[:0]
	for _, s := range spans {
		if n := len(merged); n > 0 && s.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, s.to)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// copySpan gives the span of second copies around a record.
func (l *linkage) copySpan(record int64) (span, bool) {
	at, exact := slices.BinarySearchFunc(l.copies, record, func(c span, r int64) int { return cmp.Compare(c.from, r) })
	if !exact {
		at--
	}
	if at < 0 || record >= l.copies[at].to {
		return span{}, false
	}
	return l.copies[at], true
}

// isCopy reports whether the record at a position is a second copy.
func (l *linkage) isCopy(record int64) bool {
	_, ok := l.copySpan(record)
	return ok
}

// seenBefore gives the positions of a hash before a record.
func (l *linkage) seenBefore(k key, record int64) hits {
	ps := l.seen.of(k)
	n, _ := slices.BinarySearchFunc(ps, record, func(h hit, r int64) int { return cmp.Compare(h.at.Record, r) })
	return ps[:n]
}

// unlinked is a record whose parent is not the head.
type unlinked struct {
	*item
	known bool // its parent was read before it
	head  key  // the record that it was read after
}

// follow walks the head through the history and gives the records that do not follow it. skip says
// which records, besides second copies, leave the head where it is.
func (l *linkage) follow(skip func(*item) bool) []unlinked {
	order := slices.AppendSeq(make([]*item, 0, len(l.items)), maps.Values(l.items))
	slices.SortFunc(order, func(a, b *item) int { return cmp.Compare(a.Record, b.Record) })
	var out []unlinked
	var held key // the head before the records that were skipped last
	heldEnd := int64(-1)
	headAt := func(it *item) key {
		switch {
		case it.Record == heldEnd:
			return held
		case it.Record == 0:
			return Genesis
		}
		return it.before
	}
	for _, it := range order {
		if s, ok := l.copySpan(it.Record); ok {
			if heldEnd <= it.Record {
				held, heldEnd = headAt(it), s.to
			}
			continue
		}
		head := headAt(it)
		if skip(it) {
			held, heldEnd = head, it.Record+1
			continue
		}
		if it.prev != head {
			out = append(out, unlinked{it, it.prev == Genesis || len(l.seenBefore(it.prev, it.Record)) > 0, head})
		}
	}
	return out
}

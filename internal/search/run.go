package search

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/index"
	"github.com/opscontext/opscontext/internal/recordtext"
	"github.com/opscontext/opscontext/internal/where"
	"github.com/opscontext/opscontext/segment"
)

// Options says what to look for and what to make of it. The zero value finds every record and
// counts it.
type Options struct {
	Query Query
	// Where must hold of a record that Query wants. Where it cannot be evaluated on one, the record is
	// no hit, and counted. nil holds of every record.
	Where *where.Expr
	// Reverse gives the latest record first. Abandoned branches come last all the same.
	Reverse bool
	Limit   int64 // hits after which the search ends; 0: none
	// Context is how many records before and behind each hit are written with it: those beside it in its
	// branch, or in the log. They are no hits, and their hashes are not looked at. What is written twice
	// otherwise is written once, a record that is a hit only as one; but behind the last hit that Limit
	// lets through hits may follow as context.
	Context int
	// Apart is written between hits that do not adjoin, where there is context.
	Apart []byte
	// Verify has the hash of each hit recomputed.
	Verify bool
	// By has hits counted by a value; empty: they are not.
	By By
	// Dated has each value counted by day as well: see [Group.When].
	Dated bool
	// Append appends what is to be written of a hit, or of a record beside one. It is called by several
	// goroutines at once and must not keep the line. nil: hits are counted only.
	Append func(dst []byte, h Hit) []byte
	// Write is given what Append made of some hits, in order, by one goroutine; an error ends the
	// search. nil where Append is.
	Write func(text []byte) error
	// Problem is told of each place that could not be searched and, with Verify, of each hit whose
	// own hash is not right. nil: nobody is.
	Problem func(text string)
	// Progress is told how many of the bytes to read are searched. nil: nobody is.
	Progress func(done, total int64)

	Workers    int // as in segment.WalkOptions
	ExtentSize int
}

// Hit is a record that was wanted.
type Hit struct {
	Source string // label of the segment or branch
	State  segment.State
	Offset int64  // of the line's first byte in the source's raw bytes
	Line   []byte // the bytes on disk, without the LF
	// Own is what the record's own hash says, if that was asked for, else LineExact: nothing about
	// whether the record stands where it should.
	Own chain.LineClass
	// Context says that the record is no hit, but beside one.
	Context bool
}

// Abandoned reports whether the hit is in a branch that is no part of the log's history.
func (h Hit) Abandoned() bool { return h.State == segment.StateAbandoned }

// Summary says what was searched and what came of it.
type Summary struct {
	Hits, Abandoned    int64 // abandoned ones are among the hits
	Records            int64 // that were looked at, as far as the limit let
	Segments, Searched int64 // of the log; those of which anything could be read
	Branches           int64 // abandoned ones that were searched beside it
	Unreadable         int64 // lines, pieces and files that could not be searched
	Quarantined        int64 // files of bytes set aside, which are not searched; or Unknown
	Wrong              int64 // hits whose own hash is not right
	Undecided          int64 // records that Where could not be evaluated on
	// FirstUndecided is the place of the first of them, and why.
	FirstUndecided  string
	Frames, Skipped int64 // of the archived segments that have an index; those it ruled out
	Unindexed       int64 // archived segments without an index that could be used
	// Common: no index can rule out a frame by the texts looked for, as each has fewer than three
	// bytes or may stand in a ts or a hash.
	Common  bool
	Limited bool // the search ended at the limit: what comes after was not looked at
	Groups  []Group
}

// errEnough ends a search that has as many hits as were asked for.
var errEnough = errors.New("enough")

// Run searches a snapshot. What cannot be read is told and counted; an error means that the search
// did not come to its end: ctx did, or Write failed.
func Run(ctx context.Context, snap *segment.Snapshot, o Options) (Summary, error) {
	r := &run{ctx: ctx, snap: snap, o: o, broken: map[segment.Position]bool{}, groups: newGroups(&o), finder: newFinder(plainPart(o.Query.texts()))}
	r.files(snap.Facts)
	r.aside(snap)
	// A live log whose beginning cannot be read is met again, and told, by the walk.
	var err error
	if r.seam, err = SeamEnd(ctx, snap); err != nil && ctx.Err() != nil {
		return r.sum, context.Cause(ctx)
	}
	r.sources = slices.Clone(snap.Sources)
	branches := slices.Clone(snap.Branches)
	if o.Reverse {
		slices.Reverse(r.sources)
		slices.Reverse(branches)
	}
	r.sources = append(r.sources, branches...)
	r.around = r.newAround(ctx) // of all there is, whatever will not have to be read for hits
	r.narrow()
	for i, src := range r.sources {
		if n := r.narrowed[i]; n != nil {
			r.total += n.size()
			continue
		}
		r.total += src.Size()
	}
	r.reached, r.read = make([]bool, len(r.sources)), make([]bool, len(r.sources))
	walked := r.sources
	if o.Reverse {
		walked = backwards(r.sources)
	}
	err = segment.Walk(ctx, walked, segment.WalkOptions{Workers: o.Workers, ExtentSize: o.ExtentSize}, r.work, r.join)
	if r.sum.Limited = errors.Is(err, errEnough); r.sum.Limited {
		err = nil
	}
	if r.around != nil {
		err = r.around.end(ctx, err)
	}
	r.count()
	r.sum.Groups = r.groups.list()
	return r.sum, err
}

type run struct {
	ctx     context.Context
	snap    *segment.Snapshot
	o       Options
	sources []segment.Source // in the order in which they are searched
	// narrowed are those of them of which only some frames are read; nil for the others.
	narrowed []*narrowed
	finder   *finder // of what stands in each usual record that is wanted; nil if nothing
	seam     int64   // records of the live log that start before are copies
	sum      Summary
	groups   *groups
	around   *around // nil where only hits are written
	// broken are the pieces that could not be read, each of which is told once.
	broken map[segment.Position]bool

	done, total   int64  // bytes
	reached, read []bool // by source: whether any extent of it was come to, and could be read
}

func (r *run) work(at segment.Position, c segment.Chunk) (piece, error) {
	src := r.sources[at.Source]
	name, state := src.Name(), src.State()
	p := piece{room: rooms.Get().(*room), groups: newGroups(&r.o)}
	frame := r.narrowed[at.Source].frame(at.Offset)
	if frame != nil {
		p.records = frame.Records
	}
	for offset, line := range r.lines(c, frame) {
		if len(line) == 0 {
			continue
		}
		wanted, why := r.examine(line, frame)
		if why != "" {
			p.bad = append(p.bad, badLine{offset, why, Unfinished(src, c, offset, line)})
			continue
		}
		if state == segment.StateLive && offset < r.seam {
			continue
		}
		if frame == nil {
			p.records++
		}
		if wanted && r.o.Where != nil {
			var err error
			if wanted, err = r.o.Where.Match(recordtext.Canonical(line)); err != nil {
				if p.undecided++; p.undecided == 1 {
					p.first = badLine{offset: offset, why: err.Error()}
				}
			}
		}
		if !wanted {
			continue
		}
		r.hit(&p, Hit{Source: name, State: state, Offset: offset, Line: line})
		if r.o.Limit > 0 && int64(len(p.hits)) == r.o.Limit {
			break
		}
	}
	return p, nil
}

// examine reports whether a line is a record that is wanted; why says why it is no record. Of what the
// index calls a usual frame no line is anything else.
func (r *run) examine(line []byte, frame *index.Frame) (wanted bool, why string) {
	if frame != nil && frame.Usual {
		return r.o.Query.wantsCanonical(line), ""
	}
	if o, ok := chain.OutlineOf(line); ok && o.Said != nil {
		return r.o.Query.wantsCanonical(line), ""
	}
	if why, ok := recordtext.IsRecord(line); !ok {
		return false, why
	}
	return r.o.Query.Wants(line), ""
}

func (r *run) hit(p *piece, h Hit) {
	if r.o.Verify {
		h.Own = chain.ReadLine(h.Line).Class
	}
	if r.o.Append != nil {
		if cap(p.text) == 0 {
			p.text = make([]byte, 0, roomy)
		}
		p.text = r.o.Append(p.text, h)
	}
	if p.groups != nil {
		p.groups.add(h.Line)
	}
	p.hits = append(p.hits, kept{len(p.text), h.Offset, h.Own, h.Abandoned(), p.undecided})
}

func (r *run) join(at segment.Position, p piece, err error) error {
	r.reached[at.Source] = true
	name := r.sources[at.Source].Name()
	if err != nil {
		r.unreadable(at, err)
		return nil
	}
	defer p.free()
	r.read[at.Source] = true
	for _, b := range p.bad {
		if b.unfinished && InFlight(r.ctx, r.snap) {
			continue
		}
		r.problem(fmt.Sprintf("%s, byte %d: not a record, and not searched: %s", name, b.offset, b.why))
	}
	enough := r.o.Limit > 0 && r.sum.Hits+int64(len(p.hits)) >= r.o.Limit
	if enough {
		p.hits = p.hits[:r.o.Limit-r.sum.Hits]
		last := p.hits[len(p.hits)-1]
		p.text, p.undecided = p.text[:last.end], last.undecided
	}
	if p.undecided > 0 && r.sum.Undecided == 0 {
		r.sum.FirstUndecided = fmt.Sprintf("%s, byte %d: %s", name, p.first.offset, p.first.why)
	}
	r.sum.Undecided += p.undecided
	for _, h := range p.hits {
		r.sum.Hits++
		if h.abandoned {
			r.sum.Abandoned++
		}
		if !h.own.Whole() {
			r.sum.Wrong++
			r.tell(fmt.Sprintf("%s, byte %d: the record does not have its own hash: run audit_verify, which says whether that is documented", name, h.offset))
		}
	}
	r.sum.Records += p.records
	if p.groups != nil {
		r.groups.join(p.groups)
	}
	if err := r.write(at, p); err != nil {
		return err
	}
	r.done += at.Size
	if r.o.Progress != nil {
		r.o.Progress(r.done, r.total)
	}
	if enough {
		return errEnough
	}
	return nil
}

func (r *run) write(at segment.Position, p piece) error {
	if r.around == nil {
		if len(p.text) == 0 {
			return nil
		}
		return r.o.Write(p.text)
	}
	from := 0
	for _, h := range p.hits {
		if err := r.around.hit(at.Source, h.offset, p.text[from:h.end]); err != nil {
			return err
		}
		from = h.end
	}
	return r.around.flush(0)
}

// unreadable tells of a piece that cannot be read.
func (r *run) unreadable(at segment.Position, err error) {
	if r.broken[at] {
		return
	}
	r.broken[at] = true
	r.problem(err.Error())
}

func (r *run) problem(text string) {
	r.sum.Unreadable++
	r.tell(text)
}

func (r *run) tell(text string) {
	if r.o.Problem != nil {
		r.o.Problem(text)
	}
}

// files tells of what has the name of a segment and is no file.
func (r *run) files(facts []segment.Fact) {
	for _, f := range facts {
		if f.Kind == segment.FactNotRegular {
			r.problem(fmt.Sprintf("%s cannot be searched: %s", f.File, f.Detail))
		}
	}
}

// count says how many sources were searched. One without bytes was, if the search came that far.
func (r *run) count() {
	last := len(r.sources)
	if r.sum.Limited {
		last = 0
		for i := range r.sources {
			if r.reached[i] {
				last = i + 1
			}
		}
	}
	for i, src := range r.sources {
		switch searched := i < last && (r.read[i] || !r.reached[i]); {
		case src.State() != segment.StateAbandoned:
			r.sum.Segments++
			if searched {
				r.sum.Searched++
			}
		case searched:
			r.sum.Branches++
		}
	}
}

package search

import (
	"errors"
	"io/fs"
	"iter"
	"runtime"
	"slices"
	"sort"
	"sync"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/index"
	"github.com/opscontext/opscontext/segment"
)

// narrowed is an archived segment of which only some frames are read.
type narrowed struct {
	segment.Source
	found index.Found
}

func (n *narrowed) Extents(int) []segment.Extent {
	es := make([]segment.Extent, len(n.found.Frames))
	for i, f := range n.found.Frames {
		es[i] = segment.Extent{Offset: f.Offset, Size: f.Size}
	}
	return es
}

// fewLines is the number of lines up to which it is quicker to decode a frame as far as the last of
// them and to hash each than to decode all of it.
const fewLines = 8

// Read reads a frame, and of one of which the index names a few lines no more than is needed for them,
// if that turns out to be records with the right hash each. If not, all of it is read, which tells a
// frame that was damaged from a record that was altered.
func (n *narrowed) Read(e segment.Extent, buf []byte) (segment.Chunk, error) {
	if f := n.frame(e.Offset); f != nil && f.Some && len(f.Lines) <= fewLines {
		first := segment.Extent{Offset: e.Offset, Size: f.Lines[len(f.Lines)-1] + 1 - e.Offset}
		c, err := archive.Prefix(n.Source, first, buf)
		if err == nil {
			if lines, ok := linesAt(c, f.Lines); ok && allRight(lines) {
				return c, nil
			}
		}
	}
	return n.Source.Read(e, buf)
}

func allRight(lines iter.Seq2[int64, []byte]) bool {
	for _, line := range lines {
		if !chain.ReadLine(line).Class.Whole() {
			return false
		}
	}
	return true
}

func (n *narrowed) size() (bytes int64) {
	for _, f := range n.found.Frames {
		bytes += f.Size
	}
	return bytes
}

// frame is what the index says of the frame at offset; nil if nothing.
func (n *narrowed) frame(offset int64) *index.Frame {
	if n == nil {
		return nil
	}
	fs := n.found.Frames
	i := sort.Search(len(fs), func(i int) bool { return fs[i].Offset >= offset })
	if i == len(fs) || fs[i].Offset != offset {
		return nil
	}
	return &fs[i]
}

// want is what a query asks of an index.
func (q *Query) want() index.Want {
	w := index.Want{Span: q.Span, Texts: q.texts()}
	needs := q.needs()
	if needs&needKind != 0 {
		w.Kind = q.wantsKind
	}
	if needs&needActor != 0 {
		w.Actor = q.wantsActor
	}
	return w
}

// narrow asks the indexes of the archived segments. Where there is none to use, all is read. For the
// first or last few records of all no index is opened: there is nothing to rule out, and a long log has
// many.
func (r *run) narrow() {
	r.narrowed = make([]*narrowed, len(r.sources))
	want := r.o.Query.want()
	if r.o.Limit > 0 && r.o.Where == nil && want.Everything() {
		return
	}
	r.sum.Common = len(want.Texts) > 0 && !slices.ContainsFunc(want.Texts, index.Narrows)
	refused := make([]error, len(r.sources))
	var asking sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, src := range r.sources {
		if src.State() != segment.StateArchived {
			continue
		}
		asking.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found, err := ask(src, want)
			if refused[i] = err; err == nil {
				r.narrowed[i] = &narrowed{src, found}
			}
		})
	}
	asking.Wait()
	for i, n := range r.narrowed {
		switch err := refused[i]; {
		case n != nil:
			r.sum.Frames += int64(len(n.found.Frames) + n.found.Skipped)
			r.sum.Skipped += int64(n.found.Skipped)
			r.sum.Records += n.found.Records
			r.sources[i] = n
		case errors.Is(err, archive.ErrNotArchived): // nothing of it can be read, as is told
		case err != nil:
			r.sum.Unindexed++
			if !errors.Is(err, fs.ErrNotExist) {
				r.tell(err.Error() + ": it was searched without its index; archive --reindex makes a new one")
			}
		}
	}
}

func ask(src segment.Source, w index.Want) (found index.Found, err error) {
	x, err := archive.OpenIndex(src)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	return x.Look(w)
}

package segment

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// DefaultExtent is the size in bytes of the pieces that [Walk] hands out.
const DefaultExtent = 1 << 20

// keptBuffer is the longest buffer that a worker of [Walk] keeps after an overlong line.
const keptBuffer = 4 << 20

// WalkOptions bounds a [Walk].
type WalkOptions struct {
	Workers    int // 0: one for each processor Go may use
	ExtentSize int // bytes; 0: [DefaultExtent]
}

// Position says which piece of which source something is about.
type Position struct {
	Source int // index into the sources
	Extent     // the piece of it
}

// ReadError says that a piece of a source could not be read. The pieces around it can.
type ReadError struct {
	Name   string // of the source
	Extent Extent
	Err    error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("%s: bytes %d to %d cannot be read: %v", e.Name, e.Extent.Offset, e.Extent.Offset+e.Extent.Size, e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }

// Walk reads all lines of srcs, in parallel, and joins what work made of them in reading order.
//
// work is called by several goroutines at once, with chunks in no order; the chunk's bytes are
// reused once it returns. join is called by the caller's goroutine alone, strictly in order, once
// for each extent of each source: with the result and the error of work, or with a zero result and
// a [*ReadError] if there was nothing to work on. Neither ends the walk: what to make of an error
// is for join to say. An error from join does, and so does the end of ctx; Walk returns it.
//
// At most Workers+2 extents are in flight, so memory is bounded by the buffers of the workers
// (ExtentSize and 64 KiB each, more while a longer line is read) and that many results. A source
// is closed when its last extent is joined; all are closed when Walk returns.
func Walk[T any](ctx context.Context, srcs []Source, o WalkOptions, work func(Position, Chunk) (T, error), join func(Position, T, error) error) error {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.ExtentSize <= 0 {
		o.ExtentSize = DefaultExtent
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &walk[T]{ctx: ctx, srcs: srcs, o: o, work: work,
		jobs:    make(chan job),
		results: make(chan result[T], o.Workers+2),
		slots:   make(chan struct{}, o.Workers+2),
	}
	return w.run(cancel, join)
}

type walk[T any] struct {
	ctx  context.Context
	srcs []Source
	o    WalkOptions
	work func(Position, Chunk) (T, error)

	jobs    chan job
	results chan result[T] // never blocks: it holds as many as there are slots
	slots   chan struct{}  // one for each extent in flight
}

// job is an extent to read. seq counts extents through all sources.
type job struct {
	seq  int
	pos  Position
	last bool // of its source
}

type result[T any] struct {
	job
	value T
	err   error
}

func (w *walk[T]) run(cancel context.CancelCauseFunc, join func(Position, T, error) error) (err error) {
	var working sync.WaitGroup
	working.Go(w.hand)
	for range w.o.Workers {
		working.Go(w.toil)
	}
	go func() {
		working.Wait()
		close(w.results)
	}()

	closed := 0
	// done results wait here for those before them; slots keep two from sharing a place.
	done := make([]result[T], cap(w.slots))
	ready := make([]bool, cap(w.slots))
	next := 0
	for r := range w.results {
		done[r.seq%len(done)], ready[r.seq%len(done)] = r, true
		for i := next % len(done); ready[i] && err == nil; i = next % len(done) {
			r := done[i]
			done[i], ready[i] = result[T]{}, false
			next++
			if err = context.Cause(w.ctx); err == nil {
				err = join(r.pos, r.value, r.err)
			}
			<-w.slots
			if r.last {
				err = closeAll(w.srcs[closed:r.pos.Source+1], err)
				closed = r.pos.Source + 1
			}
			if err != nil {
				cancel(err)
			}
		}
	}
	// The workers are gone, so closing is safe; sources never opened have nothing to close.
	if err == nil {
		err = context.Cause(w.ctx)
	}
	return closeAll(w.srcs[closed:], err)
}

// closeAll closes every source and adds what went wrong to err.
func closeAll(srcs []Source, err error) error {
	for _, s := range srcs {
		if e := s.Close(); e != nil {
			err = errors.Join(err, e)
		}
	}
	return err
}

// hand gives out the extents in order, each as soon as there is a slot for it.
func (w *walk[T]) hand() {
	defer close(w.jobs)
	seq := 0
	for i, s := range w.srcs {
		extents := s.Extents(w.o.ExtentSize)
		for k, e := range extents {
			j := job{seq: seq, pos: Position{Source: i, Extent: e}, last: k == len(extents)-1}
			seq++
			select {
			case w.slots <- struct{}{}:
			case <-w.ctx.Done():
				return
			}
			select {
			case w.jobs <- j:
			case <-w.ctx.Done():
				return
			}
		}
	}
}

// toil reads and works on extents with one buffer.
func (w *walk[T]) toil() {
	var buf []byte // as large as a source needs: Read makes it
	for j := range w.jobs {
		r := result[T]{job: j}
		s := w.srcs[j.pos.Source]
		c, err := s.Read(j.pos.Extent, buf)
		if err != nil {
			r.err = &ReadError{Name: s.Name(), Extent: j.pos.Extent, Err: err}
		} else {
			r.value, r.err = w.work(j.pos, c)
		}
		if n := cap(c.Data); n > cap(buf) && n <= keptBuffer {
			buf = c.Data[:0]
		}
		w.results <- r
	}
}

package intake

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/opscontext/opscontext/segment"
)

// loaded is a piece of the source, ready to be written. A piece that is read into it takes the place of
// the one before, and of its drafts and events.
type loaded struct {
	data   []byte
	drafts []segment.Draft
	events []segment.Event // only where they were wanted
	err    error
}

// read reads a piece that the survey has seen into l, and makes sure that it is what it was then.
func (i *intake) read(ctx context.Context, l *loaded, n int, keep want) {
	p := i.survey.pieces[n]
	if int64(cap(l.data)) < p.size {
		l.data = make([]byte, p.size)
	}
	l.data = l.data[:p.size]
	if _, err := io.ReadFull(io.NewSectionReader(i.src.Data, p.offset, p.size), l.data); err != nil {
		if l.err = err; errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			l.err = ErrChanged
		}
		return
	}
	if maphash.Bytes(i.survey.seed, l.data) != p.sum {
		l.err = ErrChanged
		return
	}
	t := tally{}
	l.err = l.readLines(ctx, i.log, i.o, keep, &t)
	if l.err == nil && (t.nbad > 0 || t.events != p.events) {
		l.err = fmt.Errorf("the same lines were read in two ways, at byte %d", p.offset)
	}
}

// readLines reads the lines of l.data by all workers and adds what was found to t.
func (l *loaded) readLines(ctx context.Context, log *segment.Log, o Options, keep want, t *tally) error {
	runs := parts(l.data, partSize)
	clear(l.drafts)
	l.drafts, l.events = l.drafts[:0], nil
	next := func() (run []byte, err error) {
		if len(runs) == 0 {
			return nil, io.EOF
		}
		run, runs = runs[0], runs[1:]
		return run, nil
	}
	var at int64
	return inOrder(ctx, o.Workers, next, func(run []byte) part { return readPart(log, o.Times, run, keep) }, func(p part) error {
		t.add(&p, at)
		at += p.size
		l.drafts = p.give(l.drafts)
		l.events = append(l.events, p.kept...)
		return nil
	})
}

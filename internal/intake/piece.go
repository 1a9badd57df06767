package intake

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// loaded is a piece of the source, ready to be written.
type loaded struct {
	drafts []segment.Draft
	events []segment.Event // only where they were wanted
	err    error
}

// read reads a piece that the survey has seen, and makes sure that it is what it was then.
func (i *intake) read(ctx context.Context, n int, keep want) (l loaded) {
	p := i.survey.pieces[n]
	data := make([]byte, p.size)
	if _, err := io.ReadFull(io.NewSectionReader(i.src.Data, p.offset, p.size), data); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = ErrChanged
		}
		return loaded{err: err}
	}
	sum := clone(p.before)
	_, _ = sum.Write(data) // a hash never fails
	if chain.Hash(sum.Sum(nil)) != p.after {
		return loaded{err: ErrChanged}
	}
	t := tally{}
	l, l.err = readLines(ctx, i.log, i.o, data, keep, p.events, &t)
	if l.err == nil && (t.nbad > 0 || t.events != p.events) {
		l.err = fmt.Errorf("the same lines were read in two ways, at byte %d", p.offset)
	}
	return l
}

// readLines reads the lines of data by all workers and adds what was found to t. expect is about how
// many events there are.
func readLines(ctx context.Context, log *segment.Log, o Options, data []byte, keep want, expect int64, t *tally) (l loaded, err error) {
	runs := parts(data, partSize)
	l.drafts = make([]segment.Draft, 0, expect)
	next := func() (run []byte, err error) {
		if len(runs) == 0 {
			return nil, io.EOF
		}
		run, runs = runs[0], runs[1:]
		return run, nil
	}
	var at int64
	err = inOrder(ctx, o.Workers, next, func(run []byte) part { return readPart(log, o.Times, run, keep) }, func(p part) error {
		t.add(&p, at)
		at += p.size
		l.drafts = append(l.drafts, p.drafts...)
		l.events = append(l.events, p.kept...)
		return nil
	})
	return l, err
}

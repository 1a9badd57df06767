package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// Stream takes the events of a stream into the log in home, as they come, and closes the import with an
// audit.import. It ends at the first line that cannot be a record, when reading fails or when ctx
// ends; what came before stays, is closed, and the error is a *StoppedError. An import that is killed
// cannot be continued: what it wrote stays, without a closing record.
func Stream(ctx context.Context, home string, so segment.Options, name string, r io.Reader, o Options) (res Result, err error) {
	i, err := open(home, so, Source{Name: name}, o)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, i.log.Close()) }()
	s := &stream{intake: i, sum: sha256.New()}
	stop := s.run(ctx, r)
	if i.done.records > 0 && !s.failed {
		res, err = s.close(ctx)
		stop = errors.Join(stop, err)
	}
	switch {
	case stop == nil && i.done.records == 0:
		return res, (&survey{}).refusal(name)
	case stop != nil && (i.done.records > 0 || s.bad > 0 || errors.Is(stop, context.Canceled)):
		return res, &StoppedError{Source: name, Records: i.done.records, Line: s.bad, Closed: res.Records > 0 && err == nil, Err: stop}
	}
	return res, stop
}

// stream is the import of what can be read once.
type stream struct {
	*intake
	tally
	sum       hash.Hash // of what is in the log
	bytes     int64
	backDated bool
	bad       int64 // the line that cannot be a record
	loaded    loaded
	failed    bool // the log did not take all it was given: nothing says what a closing record should
}

// run takes the stream in until its end, and says why that is not where it should be.
func (s *stream) run(ctx context.Context, r io.Reader) error {
	lines := &lineReader{r: r, size: int(s.o.Piece), free: make(freeList, 1)}
	next := readAhead(ctx, lines.next)
	for {
		data, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = s.take(ctx, data)
		}
		if err != nil {
			return err
		}
		lines.free.put(data)
	}
}

// readAhead has next called while the last result is used. When ctx ends, so does the waiting: nobody
// waits for input that may never come.
func readAhead(ctx context.Context, next func() ([]byte, error)) func() ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	results := make(chan result)
	go func() {
		for {
			data, err := next()
			select {
			case results <- result{data, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return func() ([]byte, error) {
		select {
		case r := <-results:
			return r.data, r.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// take takes whole lines in, up to the first that cannot be a record.
func (s *stream) take(ctx context.Context, data []byte) error {
	t := tally{}
	l := &s.loaded
	l.data = data
	if err := l.readLines(ctx, s.log, s.o, wantDrafts, &t); err != nil {
		return err
	}
	var stop error
	if t.nbad > 0 {
		// Once more without what comes after, so that only what is taken is counted.
		s.bad, stop = s.lines+t.bad[0].Line, t.bad[0].Err
		data, t = data[:t.bad[0].offset], tally{}
		l.data = data
		if err := l.readLines(ctx, s.log, s.o, wantDrafts, &t); err != nil {
			return err
		}
	}
	if t.events > 0 {
		if s.done.records == 0 {
			s.first = t.first
		}
		loaded, err := s.log.Load(context.WithoutCancel(ctx), l.drafts, s.before)
		s.took(loaded)
		if err != nil {
			s.failed = true
			return err
		}
	}
	s.join(&t)
	_, _ = s.sum.Write(data) // a hash never fails
	s.bytes += int64(len(data))
	return stop
}

func (s *stream) took(loaded segment.Loaded) {
	if loaded.Records == 0 {
		return
	}
	if s.done.records == 0 {
		s.done.first = loaded.First.Hash
	}
	s.done.records += int64(loaded.Records)
	s.done.last = loaded.Last.Hash
}

// before is as for a file, without a bookmark.
func (s *stream) before(at segment.Place) error {
	if s.done.records > 0 || s.o.Times == TimesOfWriting || !later(at.HeadTS, s.first) {
		return nil
	}
	if s.o.Order == InOrder {
		return backDated(s.src.Name, s.first, at.HeadTS)
	}
	s.backDated = true
	return nil
}

// close chains the closing record for what is there.
func (s *stream) close(ctx context.Context) (Result, error) {
	res := Result{
		Import: chain.Import{Source: s.src.Name, SHA256: chain.Hash(s.sum.Sum(nil)), Bytes: s.bytes, Records: s.done.records, FirstHash: s.done.first,
			LastHash: s.done.last, KeepTime: s.o.Times == TimesOfSource, BackDated: s.backDated, Ignored: s.odd, By: s.o.By},
		Renamed: s.renamed, StepsBack: s.back, Members: s.members(),
	}
	var err error
	if res.Closed, err = s.log.AppendSystem(context.WithoutCancel(ctx), chain.KindImport, res.Import.Payload()); err != nil {
		err = fmt.Errorf("the records are there, the audit.import that closes them is not: %w", err)
	}
	return res, err
}

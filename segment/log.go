package segment

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"

	"github.com/opscontext/opscontext/chain"
)

// Log appends to the log in one home. Its methods are safe for concurrent use; appends from many
// goroutines share writes and syncs. Any number of Logs, in any number of processes, may write to
// the same home.
type Log struct {
	o Options

	mu      sync.Mutex
	queue   []*request
	running bool       // a goroutine serves the queue
	idle    *sync.Cond // signalled when it leaves
	resting bool       // rest is going to be called
	closed  bool

	requests sync.Pool // of *request

	w writer // used by the one that serves the queue
}

// Open prepares to write to the log in home. It touches nothing: the home and what belongs in it are
// made by the first append.
func Open(home string, o Options) (*Log, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	home, err = realPath(home)
	if err != nil {
		return nil, err
	}
	mem, err := OpenMemory(o.FS, o.State, home)
	if err != nil {
		return nil, err
	}
	mem.openArchived = o.OpenArchived
	l := &Log{o: o}
	l.idle = sync.NewCond(&l.mu)
	l.w = writer{o: &l.o, fs: o.FS, home: filepath.Clean(home), mem: mem, locks: locks{o: &l.o, home: home, spare: spare{fs: o.FS}}}
	return l, nil
}

// Append writes one event and returns its record once that is durable: the bytes and the file's
// name are on the medium. On an error nothing is acknowledged; it is an *AppendError, whose Outcome
// says whether the event may be in the log all the same.
func (l *Log) Append(ctx context.Context, e Event) (chain.Record, error) {
	d, err := newDraft(e, l.o.MaxRecord)
	if err != nil {
		return chain.Record{}, &AppendError{Outcome: OutcomeRefused, Err: err}
	}
	r := l.newRequest()
	r.drafts = append(r.drafts, d)
	if err := l.do(ctx, r); err != nil {
		return chain.Record{}, err
	}
	record, err := r.sure, r.err
	l.free(r)
	if err != nil {
		return chain.Record{}, err
	}
	return record, nil
}

// AppendBatch writes events in order, next to each other but for what rotation and repair put
// between them, and returns their records once all are durable. If it stops half-way it
// returns the records that are durable and an *AppendError that says where it stopped and why; an
// event that cannot be written does not keep the ones before it from being written.
//
// When ctx ends before the batch is begun, nothing is written. When it ends later, the outcome is
// unknown.
func (l *Log) AppendBatch(ctx context.Context, es []Event) ([]chain.Record, error) {
	r := l.newRequest()
	r.drafts, r.records = slices.Grow(r.drafts, len(es)), make([]chain.Record, 0, len(es))
	for _, e := range es {
		d, err := newDraft(e, l.o.MaxRecord)
		if err != nil {
			r.stop = err
			break
		}
		r.drafts = append(r.drafts, d)
	}
	if len(r.drafts) == 0 {
		if r.stop != nil {
			return nil, &AppendError{Outcome: OutcomeRefused, Err: r.stop}
		}
		return nil, nil
	}
	if err := l.do(ctx, r); err != nil {
		return nil, err
	}
	records, err := r.records, r.err
	l.free(r)
	return records, err
}

// Rotate seals the live segment now. ErrRefused if it holds nothing to seal, ErrBusy if another
// rotation is under way.
func (l *Log) Rotate(ctx context.Context) (Rotation, error) {
	r := l.newRequest()
	r.rotation = &Rotation{}
	if err := l.do(ctx, r); err != nil {
		if e, ok := errors.AsType[*AppendError](err); ok {
			err = e.Err
		}
		return Rotation{}, err
	}
	return *r.rotation, r.err
}

// Close waits for the appends under way and lets go of the files. Appends that come later fail with
// ErrClosed.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	for l.running {
		l.idle.Wait()
	}
	l.w.saveMark()
	return errors.Join(l.w.closeLive(), l.w.locks.close())
}

package segment

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// Group commit: calls queue up, and one goroutine at a time, in drain, takes all that waits, writes
// it in one go and syncs once. There is no timer: a batch is what queued up during the sync before
// it. The goroutine lives as long as there is something to do.

// do queues a request and waits for it. Its error is about the waiting; what became of a request that
// was dealt with is in r.err.
func (l *Log) do(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return &AppendError{Outcome: OutcomeRefused, Err: context.Cause(ctx)}
	}
	r.at, r.done = time.Now(), make(chan struct{})
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return &AppendError{Outcome: OutcomeRefused, Err: ErrClosed}
	}
	l.queue = append(l.queue, r)
	if !l.running {
		l.running = true
		go l.drain()
	}
	l.mu.Unlock()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
	}
	if l.withdraw(r) {
		return &AppendError{Outcome: OutcomeRefused, Err: context.Cause(ctx)}
	}
	select {
	case <-r.done: // it was over, too
		return nil
	default:
		return &AppendError{Outcome: OutcomeUnknown, Err: context.Cause(ctx)}
	}
}

// withdraw takes a request back that nobody has begun.
func (l *Log) withdraw(r *request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, q := range l.queue {
		if q == r {
			l.queue = append(l.queue[:i], l.queue[i+1:]...)
			return true
		}
	}
	return false
}

// drain serves the queue until it is empty. The requests stay in the queue while the locks are waited
// for, so that they can still be withdrawn and more can join them.
func (l *Log) drain() {
	for {
		// Those whose requests were just answered queue the next ones first.
		runtime.Gosched()
		oldest, ok := l.oldest()
		switch {
		case !ok && l.w.unsaved, ok && l.w.unsaved && time.Since(l.w.saved) > markEvery:
			l.w.saveMark()
			continue
		case !ok && l.leave():
			return
		case !ok:
			continue
		}
		held, err := l.w.locks.acquire(context.Background(), oldest.Add(l.o.LockTimeout))
		if err != nil {
			l.refuse(err)
			continue
		}
		l.w.held = held
		requests := l.take()
		switch {
		case len(requests) == 0:
			l.w.release()
		case requests[0].rotation != nil:
			l.w.manual(requests[0])
		default:
			l.w.commit(requests)
		}
	}
}

// oldest tells since when the first request has been waiting, ok is false if there is none.
func (l *Log) oldest() (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return time.Time{}, false
	}
	return l.queue[0].at, true
}

// leave ends drain, unless a request has come.
func (l *Log) leave() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		return false
	}
	l.running = false
	l.idle.Broadcast()
	return true
}

// alone reports whether a request has a turn to itself.
func (r *request) alone() bool { return r.rotation != nil || r.before != nil }

// take empties the queue up to the next request that has a turn to itself, or takes that one if it
// is first.
func (l *Log) take() []*request {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(l.queue) && !l.queue[n].alone() {
		n++
	}
	if n == 0 && len(l.queue) > 0 {
		n = 1
	}
	taken := l.queue[:n:n]
	l.queue = l.queue[n:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	return taken
}

// refuse answers the requests that the locks could not be had for: all of them, or where the wait
// took too long, those that waited so long.
func (l *Log) refuse(cause error) {
	late := time.Now()
	if errors.Is(cause, ErrBusy) {
		late = late.Add(-l.o.LockTimeout)
	}
	l.mu.Lock()
	n := 0
	for n < len(l.queue) && !l.queue[n].at.After(late) {
		n++
	}
	refused := l.queue[:n:n]
	l.queue = l.queue[n:]
	l.mu.Unlock()
	for _, r := range refused {
		if r.rotation != nil {
			r.err = cause
			close(r.done)
			continue
		}
		l.w.answer(r, cause, nil)
	}
}

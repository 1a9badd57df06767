package segment

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// Group commit: calls queue up, and one goroutine at a time takes all that waits, writes it in one go
// and syncs once. There is no timer: a batch is what queued up during the sync before it. Who comes
// when nobody else is there leads: its own goroutine does the work, since handing it over would cost
// more than half of what there is to do. Else it is drain, which lives as long as there is something
// to do.

// do queues a request and waits for it. Its error is about the waiting; what became of a request that
// was dealt with is in r.err. On an error of OutcomeUnknown somebody may still be at work on r.
func (l *Log) do(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return &AppendError{Outcome: OutcomeRefused, Err: context.Cause(ctx)}
	}
	r.at = time.Now()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return &AppendError{Outcome: OutcomeRefused, Err: ErrClosed}
	}
	l.queue = append(l.queue, r)
	idle := !l.running
	l.running = true
	l.mu.Unlock()
	stopped := ctx.Done()
	switch {
	case idle && stopped == nil: // nobody leads who may stop waiting
		l.lead(r)
		return nil
	case idle:
		go l.drain()
	}
	if stopped == nil { // what a select would wait for, at less cost
		<-r.done
		return nil
	}
	select {
	case <-r.done:
		return nil
	case <-stopped:
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

// lead serves the queue until request r, which is its first, is answered.
func (l *Log) lead(r *request) {
	for over := false; !over; {
		l.serve(r.at)
		select {
		case <-r.done:
			over = true
		default:
		}
	}
	l.saveOldMark()
	if !l.leave() {
		go l.drain()
	}
}

// drain serves the queue until it is empty, and then sees to the mark.
func (l *Log) drain() {
	for {
		// Those whose requests were just answered queue the next ones first.
		runtime.Gosched()
		oldest, ok := l.oldest()
		switch {
		case ok:
			l.saveOldMark()
			l.serve(oldest)
		case l.w.unsaved:
			l.w.saveMark()
		case l.leave():
			return
		}
	}
}

// serve gives the first requests a turn, of which the oldest has waited since then. They stay in the
// queue while the locks are waited for, so that they can still be withdrawn and more can join them.
func (l *Log) serve(oldest time.Time) {
	held, err := l.w.locks.acquire(context.Background(), oldest.Add(l.o.LockTimeout))
	if err != nil {
		l.refuse(err)
		return
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

// saveOldMark moves the mark if it has lagged for long enough.
func (l *Log) saveOldMark() {
	if l.w.unsaved && time.Since(l.w.saved) > markEvery {
		l.w.saveMark()
	}
}

// rest sees to the mark if nobody has appended for a while. Who led has other things to do.
func (l *Log) rest() {
	l.mu.Lock()
	l.resting = false
	idle := !l.running && !l.closed
	l.running = l.running || idle
	l.mu.Unlock()
	if idle {
		l.drain()
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

// leave ends the serving, unless a request has come.
func (l *Log) leave() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		return false
	}
	if l.w.unsaved && !l.resting {
		l.resting = true
		time.AfterFunc(markAfter, l.rest)
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
			r.over()
			continue
		}
		l.w.answer(r, cause, nil)
	}
}

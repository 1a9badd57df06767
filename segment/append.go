package segment

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// batch is what one turn under the lock writes.
type batch struct {
	requests []*request
	ts       string     // on records that bring no time of their own
	head     chain.Hash // of what is queued
	period   string     // as live.period, once what is queued is written
	lines    []byte     // queued, not yet written
	queued   []queued
	records  int   // written
	unsynced bool  // some of them are not covered by a sync
	from     int64 // where those start in the live log, or before
}

// queued is a record whose line is in batch.lines.
type queued struct {
	to     *request
	record chain.Record
	size   int
}

const (
	maxQueued = 1 << 20 // lines that are gathered for one write, in bytes
	keptLines = 2 << 20 // buffer that is kept from batch to batch, in bytes
)

// commit writes the events of the requests in order and tells each what became of it. It begins with
// the locks held and gives them back before it syncs: whoever waits for them then writes while we
// sync, and syncs our bytes along with its own. A record is acknowledged only once a sync that
// began after it was written has returned nil and no process has found a sync to fail.
func (w *writer) commit(requests []*request) {
	w.begin(requests)
	refused := w.write()
	w.release()
	var unknown error
	switch b := &w.batch; {
	case b.unsynced && w.live.f == nil: // lost in a rotation, whose error says how
		unknown = refused
	case b.unsynced:
		unknown = w.syncLive(b.from)
		if unknown == nil {
			unknown = w.clearOfSuspicion()
		}
	}
	if unknown == nil {
		w.batch.durable()
		if w.batch.records > 0 && w.live.f != nil {
			w.remember()
		}
	}
	for _, r := range requests {
		w.answer(r, refused, unknown)
	}
	w.batch.requests = nil
}

// begin forgets the last batch but for its buffers, if those are of a usual size.
func (w *writer) begin(requests []*request) {
	old := w.batch
	w.batch = batch{requests: requests, queued: old.queued[:0]}
	if cap(old.lines) <= keptLines {
		w.batch.lines = old.lines[:0]
	}
	w.pending = w.pending[:0]
}

// release gives the locks back. What was written stands whether or not that works.
func (w *writer) release() {
	if err := w.held.release(); err != nil {
		w.warn(WarnLock, w.path(LockName), "the lock could not be given back: %v", err)
	}
}

// durable notes that everything written so far is.
func (b *batch) durable() {
	for _, r := range b.requests {
		r.durable, r.sure = r.written, r.last
	}
	b.unsynced = false
}

// write settles the log and writes the batch. After an error, what is in the requests' records is in
// the file and nothing else is.
func (w *writer) write() error {
	w.setOddAside = slices.ContainsFunc(w.batch.requests, func(r *request) bool { return r.repair })
	if err := w.settle(); err != nil {
		return err
	}
	b := &w.batch
	var err error
	if b.ts, err = w.stamp(); err != nil {
		return err
	}
	b.head, b.period, b.from = w.live.tail.head, w.live.period, w.live.info.Size
	for _, r := range b.requests {
		if r.before != nil {
			if err := r.before(Place{Head: b.head, HeadTS: w.live.ts, Stamp: b.ts}); err != nil {
				return err
			}
		}
		for i := range r.drafts {
			if err := w.add(r, &r.drafts[i]); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

// add queues one record, in a new segment if the live one ends before it.
func (w *writer) add(to *request, d *Draft) error {
	b := &w.batch
	ts := cmp.Or(d.ts, b.ts)
	size := len(b.lines)
	var r chain.Record
	b.lines, r = chain.AppendRecord(b.lines, b.head, ts, d.kind, d.actor, d.payload)
	n := len(b.lines) - size
	if reason := w.due(size, n, &r); reason != "" && (to.load || !time.Now().Before(w.rotateAt)) {
		b.lines = b.lines[:size]
		if err := w.flush(); err != nil {
			return err
		}
		if err := w.rotateFor(to, reason, ts); err != nil {
			return err
		}
		b.period = w.live.period
		b.head = w.live.tail.head
		b.lines, r = chain.AppendRecord(b.lines, b.head, ts, d.kind, d.actor, d.payload)
	}
	b.queued = append(b.queued, queued{to, r, n})
	b.head, b.period = r.Hash, laterPeriod(b.period, &r, w.o.Now)
	if len(b.lines) >= maxQueued {
		return w.flush()
	}
	return nil
}

// due gives the reason for which the live segment ends before record r, whose line has n bytes and
// would follow queued bytes of lines, "" if it does not.
func (w *writer) due(queued, n int, r *chain.Record) string {
	l := &w.live
	size := l.info.Size + int64(queued)
	if size == 0 || ofSegment(r.Event) {
		return ""
	}
	// A segment that holds its audit.rotate alone is as good as new.
	fresh := queued == 0 && l.tail.start == 0 && l.kind == chain.KindRotate
	if size+int64(n) > w.o.MaxBytes && !fresh {
		return chain.ReasonSize
	}
	if w.o.Period.ended(w.batch.period, r.TS, w.o.Now) {
		return chain.ReasonPeriod
	}
	return ""
}

// flush writes what is queued. Of a write that fails, what is in the file stays there: complete lines
// are records, and the rest is a torn tail like any other, for settle to set aside. Cutting it off
// here would be a second way to do that, on a disk that is failing.
func (w *writer) flush() error {
	b := &w.batch
	if len(b.queued) == 0 {
		return nil
	}
	lines := b.lines
	var n int
	err := w.held.sure() // settling, rotating and large writes may have taken long
	switch {
	case err != nil:
	case w.live.empty():
		n, err = w.flushFirst(lines)
	default:
		n, err = w.live.f.Write(lines)
		b.unsynced = b.unsynced || n > 0
	}
	at := 0
	for i := range b.queued {
		q := &b.queued[i]
		if at+q.size > n {
			if n-at == q.size-1 { // a record that only lacks its LF is kept by settle
				q.to.unsure = 1
			}
			break
		}
		day := w.live.period
		w.live.wrote(&q.record, lines[at:at+q.size], w.o.Now)
		if PeriodDay.ended(day, q.record.TS, w.o.Now) || !isStamp(day) {
			w.point()
		}
		q.to.wrote(&q.record)
		b.records++
		at += q.size
	}
	if at > 0 { // the line that the tail keeps must outlive the buffer
		w.live.tail.line = bytes.Clone(w.live.tail.line)
	}
	if err != nil && w.live.f != nil {
		// The tail is torn; nothing of what is known of the file holds for the next writer.
		w.live.settled = false
	}
	b.lines, b.queued = b.lines[:0], b.queued[:0]
	return err
}

// flushFirst makes the live log with its first lines, durably. If that fails once the file may have
// its name, the records may be in the log.
func (w *writer) flushFirst(lines []byte) (int, error) {
	first := &w.batch.queued[0].record
	if err := w.createLive(lines); err != nil {
		info, statErr := w.fs.Stat(w.path(LiveName))
		if none := errors.Is(statErr, fs.ErrNotExist); !none && (statErr != nil || info.Size > 0) {
			for i := range w.batch.queued {
				w.batch.queued[i].to.unsure++
			}
		}
		return 0, errors.Join(err, w.closeLive())
	}
	w.live.info.Size = 0
	if first.Prev == chain.Genesis {
		w.live.who.logID = first.Hash
	}
	w.batch.unsynced = true
	return len(lines), nil
}

// answer tells a request what became of its events.
func (w *writer) answer(r *request, refused, unknown error) {
	defer r.over()
	switch {
	case r.durable < r.written:
		r.err = &AppendError{Index: r.durable, Outcome: OutcomeUnknown, Err: unknown}
	case r.unsure > 0:
		r.err = &AppendError{Index: r.durable, Outcome: OutcomeUnknown, Err: refused}
	case r.durable < len(r.drafts):
		r.err = &AppendError{Index: r.durable, Outcome: OutcomeRefused, Err: refused}
	case len(r.drafts) == 0:
		r.err = refused
	case r.stop != nil:
		r.err = &AppendError{Index: r.durable, Outcome: OutcomeRefused, Err: r.stop}
	}
	if left := r.drafts[r.written+r.unsure:]; len(left) > 0 && r.before == nil {
		w.note(left, refused)
	}
	r.records = r.records[:min(r.durable, len(r.records))]
}

// note counts refused events for the chain, as well as can be done where writing just failed.
func (w *writer) note(drafts []Draft, cause error) {
	if err := w.noteRefusals(drafts, cause); err != nil {
		w.warn(WarnRefusals, w.path(RefusedName), "a refused append could not be noted: %v", err)
	}
}

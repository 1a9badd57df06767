package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// writer is what a Log knows and does under the lock. It is used by one goroutine at a time.
type writer struct {
	o     *Options
	fs    durable.FS
	home  string
	locks locks
	held  *held
	mem   *Memory

	live     live
	accepted suspicion // the suspect word that settle is dealing with
	taken    []string  // refusals that killed processes had begun to chain
	rotateAt time.Time // when an automatic rotation may be tried again
	batch    batch
	judged   bool // the permissions were looked at

	setOddAside bool // in this turn: complete last lines that are no records are moved out of the way

	compared *Continuity // with what is remembered, from before settle had to start over

	blind   bool      // the log could not be compared with the mark
	seen    Mark      // what the mark is to say
	points  []Point   // to be remembered with it
	pending []Point   // to be remembered once the head is durable
	unsaved bool      // seen and points are not in the memory yet
	saved   time.Time // when they last were
}

// live is the live segment as last seen under the lock.
type live struct {
	f    durable.File // nil if there is no live log
	info durable.Info // Size is kept up to date with what we write
	tail tail
	ts   string // of the head record; "" if it has none
	kind string // event kind of the head record
	// period is the time that says which period the segment is of: the latest ts, as far as this
	// process has seen the segment, of records that are not about the segment itself.
	period string

	who     identity
	settled bool // the home was looked through since this file became the live one
}

// identity is which log this is.
type identity struct {
	number      int64 // of the live segment
	logID       chain.Hash
	incarnation int
	records     int64 // of the log up to the head, chain.UnknownCount if nobody has counted
}

func (w *writer) path(name string) string { return inHome(w.home, name) }

// inHome is the path of a name of ours in a home. The home is clean, and joining anew for each of an
// append's calls would show.
func inHome(home, name string) string {
	if name == "" {
		return home
	}
	return home + "/" + name
}

func (w *writer) archivePath(name string) string { return filepath.Join(w.home, ArchiveDir, name) }

func (w *writer) warn(kind WarningKind, path, format string, args ...any) {
	w.o.Warn(Warning{Kind: kind, Path: path, Text: fmt.Sprintf(format, args...)})
}

// stamp is the time to put on a record.
func (w *writer) stamp() (string, error) { return stamp(w.o.Now()) }

// openLive sees to it that live is the file that audit.log names now, and how long it is. same says
// that it is the file it was before.
func (w *writer) openLive() (same bool, err error) {
	path := w.path(LiveName)
	info, err := w.fs.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, w.closeLive()
	}
	if err != nil {
		return false, err
	}
	if w.live.f != nil && info.ID == w.live.info.ID {
		w.live.info = info
		return true, nil
	}
	if err := w.closeLive(); err != nil {
		return false, err
	}
	f, err := w.fs.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, durable.ErrNotRegular) {
		return false, &Refusal{Path: path, Offset: -1, Why: "not a regular file", Next: "move it elsewhere and put the log back"}
	}
	if err != nil {
		return false, err
	}
	if info, err = f.Stat(); err == nil {
		_, err = w.standAtHome() // else it is a stranger's
	}
	if err != nil {
		return false, errors.Join(err, f.Close())
	}
	w.live = live{f: f, info: info}
	return false, nil
}

func (w *writer) closeLive() error {
	f := w.live.f
	w.live = live{}
	if f == nil {
		return nil
	}
	return f.Close()
}

// empty reports whether the live log holds no byte.
func (l *live) empty() bool { return l.f == nil || l.info.Size == 0 }

// readHead reads the end of the live log, or where that is empty, of the last sealed segment.
func (w *writer) readHead() error {
	l := &w.live
	l.ts, l.kind, l.period = "", "", ""
	if l.empty() {
		t, err := w.sealedTail()
		l.tail = tail{head: t.head}
		return err
	}
	t, err := readTail(l.f, l.info.Size)
	if noHead, ok := errors.AsType[*errNoHead](err); ok {
		if w.setOddAside && (noHead.offset > 0 || w.sealedBefore()) {
			return w.cutOff(noHead.offset, QuarantineDir, oddPrefix)
		}
		return &Refusal{Path: w.path(LiveName), Offset: noHead.offset,
			Why:  fmt.Sprintf("the last complete line is no record to chain upon (%v)", noHead.err),
			Next: "look at the line, verify shows where it is; opscontext recover repair sets it aside"}
	}
	if err != nil {
		return fmt.Errorf("read the end of %s: %w", w.path(LiveName), err)
	}
	l.tail = t
	if t.line != nil {
		r := chain.ReadLine(t.line).Record
		l.ts, l.kind = r.TS, r.Event
	}
	return l.readPeriod()
}

// sealedBefore reports whether sealed segments say which record to go on from, so that a live log
// without one can be emptied.
func (w *writer) sealedBefore() bool {
	t, err := w.sealedTail()
	return err == nil && t.head != chain.Genesis
}

// readPeriod finds the time that says which period the live segment is of.
func (l *live) readPeriod() error {
	l.period = l.ts
	kind, start := l.kind, l.tail.start
	for start > 0 && ofSegment(kind) {
		t, err := readTail(l.f, start)
		if _, ok := errors.AsType[*errNoHead](err); ok || t.line == nil {
			return nil
		}
		if err != nil {
			return err
		}
		r := chain.ReadLine(t.line).Record
		l.period, kind, start = r.TS, r.Event, t.start
	}
	return nil
}

// ofSegment reports whether records of a kind belong to the segment that they are written into,
// whatever their time: they tell of what happened to it before the record that is about to be
// written, or that it is complete. They do not move it into another period: if they did, a crash at
// the turn of the year would keep the year from ending.
func ofSegment(kind string) bool {
	switch kind {
	case chain.KindTornTail, chain.KindAppendFailed, chain.KindBreak, chain.KindAdopt:
		return true
	}
	return false
}

// laterPeriod is the time that says which period a segment is of once r is written to it. It only
// moves on: times that go back and forth, as those of the past may, must not each end a segment, and
// a broken clock must not keep it from ending.
func laterPeriod(period string, r *chain.Record, now func() time.Time) string {
	switch {
	case ofSegment(r.Event), r.TS <= period && isStamp(period):
		return period
	case PeriodDay.sameAs(period, r.TS) || !isStamp(period) || isStamp(r.TS) && !ahead(r.TS, now()):
		return r.TS
	}
	return period
}

// wrote moves the head on to a record that was just written at the end of the live log. line is
// its line with LF, which must not change any more; now is the clock.
func (l *live) wrote(r *chain.Record, line []byte, now func() time.Time) {
	start := l.info.Size
	l.info.Size += int64(len(line))
	l.tail = tail{start: start, end: l.info.Size, line: line[:len(line)-1], head: r.Hash}
	l.ts, l.kind = r.TS, r.Event
	if start == 0 {
		l.period = r.TS
	} else {
		l.period = laterPeriod(l.period, r, now)
	}
	if l.who.records != chain.UnknownCount {
		l.who.records++
	}
	l.who.incarnation = max(l.who.incarnation, incarnationOf(r))
}

// createLive makes the live log with its first bytes. It appears complete under its name or not at
// all: a first record cut short, in a home without anything before it, could not be told from a
// log that lost all but a fragment.
func (w *writer) createLive(data []byte) error {
	f, err := w.writeNext(data)
	if err != nil {
		return err
	}
	if err := w.placeNext(f); err != nil {
		return err
	}
	// The home's own name, should whoever made it have died before making that durable.
	if err := w.fs.SyncDir(filepath.Dir(w.home)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// writeNext makes the file that is to become the live log, with its first bytes, durable but for its
// name.
func (w *writer) writeNext(data []byte) (durable.File, error) {
	path := w.path(nextName)
	if err := removeIfThere(w.fs, path); err != nil {
		return nil, err
	}
	f, err := w.fs.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), w.fs.Remove(path))
	}
	return f, nil
}

// placeNext gives the next live log its name, durably, and makes it the live one. It takes f over.
// After an error the live log is the old one, or has to be looked at anew.
func (w *writer) placeNext(f durable.File) error {
	path := w.path(nextName)
	info, err := f.Stat()
	if err == nil {
		if err = w.held.sure(); err != nil {
			err = errors.Join(err, w.closeLive())
		}
	}
	if err == nil {
		if err = w.fs.Rename(path, w.path(LiveName)); err != nil {
			// On a network file system the answer may be lost and not the deed. Whoever took the old
			// live log for the live one then would write to a sealed segment, or unlink it.
			now, statErr := w.fs.Stat(w.path(LiveName))
			if statErr != nil && !errors.Is(statErr, fs.ErrNotExist) || now.ID == info.ID {
				err = errors.Join(err, statErr, w.closeLive())
			}
		}
	}
	if err != nil {
		return errors.Join(err, f.Close(), removeIfThere(w.fs, path))
	}
	who := w.live.who
	err = errors.Join(w.closeLive(), w.fs.SyncDir(w.home), f.Close())
	if err != nil {
		return err
	}
	if _, err := w.openLive(); err != nil { // once more, under the name that errors should give
		return err
	}
	if w.live.info.ID != info.ID {
		return errors.Join(fmt.Errorf("%s: %w", w.path(LiveName), errLockLost), w.closeLive())
	}
	w.live.who, w.live.settled = who, true
	return nil
}

// syncLive makes the live log's bytes durable, of which those from offset on are this caller's. When
// that fails, nothing is known of them any more: the suspect word is set, the file is let go, so that
// no later sync of it can be taken for a good one, and nothing is cut or written again here.
func (w *writer) syncLive(offset int64) error {
	err := w.live.f.Sync()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("sync: %w", err)
	err = errors.Join(err, w.locks.word.suspect(w.live.info.ID.Ino, offset))
	return errors.Join(err, w.closeLive())
}

// clearOfSuspicion is an error as long as a sync that failed, here or in another process, has not
// been looked into.
func (w *writer) clearOfSuspicion() error {
	s, err := w.locks.word.suspicion()
	if err != nil {
		return err
	}
	if s.set && s != w.accepted {
		return fmt.Errorf("%s: a sync of the log failed; the next append finds out what is on the medium", w.path(FlockName))
	}
	return nil
}

func removeIfThere(fsys durable.FS, path string) error {
	err := fsys.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

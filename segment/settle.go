package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// settle brings the log into the state that a record can be appended to, whatever the last writer
// left: the one routine that everyone runs who has just taken the lock. The order matters; each
// step may rely on the ones before it.
//
//  1. The suspect word: bytes that are readable but not on the medium are taken out.
//  2. Leftover locks and temporary files of killed processes go.
//  3. An unfinished rotation is undone, or its last syncs are repeated.
//  4. A torn tail is set aside; a record that only lost its LF gets it back.
//  5. Refused appends that are not on the chain yet are chained.
//  6. The mark is compared: a log that is not the one remembered gets an audit.break. Where the
//     live log is missing or empty this comes before 5.
//
// Steps 2 and 3 and the looking for remnants of step 4 need a listing of the home. They run when
// this process first meets a live log, and again when it is another file than before, has more
// than one name, or does not continue what was there: a kill at any other moment leaves nothing
// behind for them.
func (w *writer) settle() error {
	w.compared = nil
	for {
		if err := w.settleOnce(); !errors.Is(err, errMoved) {
			return err
		}
	}
}

func (w *writer) settleOnce() error {
	same, err := w.openLive()
	if err != nil {
		return err
	}
	if err := w.settleSuspicion(); err != nil {
		return err
	}
	known := same && w.continues()
	look := !known || w.live.info.Links > 1
	if look {
		if err := w.permissions(); err != nil {
			return err
		}
		if err := w.clearLeftovers(); err != nil {
			return err
		}
		if err := w.settleRotation(); err != nil {
			return err
		}
		if err := w.settleHoles(); err != nil {
			return err
		}
	}
	if !known || w.live.info.Size != w.live.tail.end {
		if err := w.settleTail(); err != nil {
			return err
		}
	}
	if look {
		if err := w.settleKept(); err != nil {
			return err
		}
	}
	// A live log that is gone must be noticed before anything is written in its place.
	if !known && w.live.empty() {
		if err := w.identify(); err != nil {
			return err
		}
		known = true
	}
	if err := w.settleRefusals(); err != nil {
		return err
	}
	if !known {
		if err := w.identify(); err != nil {
			return err
		}
	}
	w.live.settled = true
	return nil
}

// clearLeftovers removes what killed processes left: everything here is guarded by the lock that we
// hold, was never part of the log, and has its bytes elsewhere.
func (w *writer) clearLeftovers() error {
	entries, err := w.fs.ReadDir(w.home)
	if err != nil {
		return err
	}
	w.taken = nil // they are listed anew
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() { // not ours, whatever its name
			continue
		}
		switch {
		case w.path(name) == w.locks.spare.path:
		case name == nextName, durable.Leftover(name, LockName), durable.Leftover(name, FlockName),
			durable.Leftover(name, RotateLockName):
			err = removeIfThere(w.fs, w.path(name))
		case name == RotateLockName && w.o.Sharing == ShareWithNode:
			_, err = w.rotateLock().clearDead(time.Now())
		}
		if err != nil {
			return err
		}
		if _, ok := takenBy(name); ok {
			w.taken = append(w.taken, name)
		}
	}
	return nil
}

// settleTail sees to it that the live log ends with a complete record, and finds the head.
func (w *writer) settleTail() error {
	if err := w.readHead(); err != nil {
		return err
	}
	l := &w.live
	switch l.tail.after {
	case wholeRecord:
		if _, err := l.f.Write([]byte{'\n'}); err != nil {
			return err
		}
		if err := w.syncLive(l.tail.end); err != nil {
			return err
		}
		l.info.Size++
		if l.who.records != chain.UnknownCount {
			l.who.records++
		}
		return w.readHead()
	case torn:
		if l.tail.end == 0 {
			if err := w.onlyFragment(); err != nil {
				return err
			}
		}
		return w.cutOff(l.tail.end, "", tornPrefix)
	}
	return nil
}

// onlyFragment refuses a live log that is nothing but a fragment where nothing else says that there
// is a log here: it may be anything. This program never leaves one (see createLive).
func (w *writer) onlyFragment() error {
	list, err := w.listArchived()
	if err != nil {
		return err
	}
	if _, marked := w.mem.Mark(); marked || len(list) > 0 {
		return nil
	}
	return &Refusal{Path: w.path(LiveName), Offset: 0, Why: "the file holds no complete line, and nothing else is left of a log",
		Next: "look at it; to start a log here, move it elsewhere"}
}

// fits reports whether the live log is the one that the mark was set on: the head that it remembers
// is where it was.
func (w *writer) fits(m Mark) bool {
	if w.live.empty() || m.Offset <= 0 || m.Offset > w.live.info.Size {
		return false
	}
	t, err := readTail(w.live.f, m.Offset)
	return err == nil && t.after == nothing && t.end == m.Offset && t.head == m.Head
}

// chain writes a system record and makes it durable, under the lock.
func (w *writer) chain(kind string, payload []byte) error {
	ts, err := w.stamp()
	if err != nil {
		return err
	}
	r, err := chain.Seal(w.live.tail.head, ts, kind, chain.SystemActor, payload)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	line := chain.AppendLine(nil, &r)
	if err := w.held.sure(); err != nil {
		return err
	}
	if w.live.empty() {
		if err := w.createLive(line); err != nil {
			return err
		}
		w.live.info.Size = 0
		if r.Prev == chain.Genesis {
			w.live.who.logID = r.Hash
		}
		w.live.wrote(&r, line, w.o.Now)
		return w.clearOfSuspicion()
	}
	start := w.live.info.Size
	if _, err := w.live.f.Write(line); err != nil {
		return err
	}
	w.live.wrote(&r, line, w.o.Now)
	if err := w.syncLive(start); err != nil {
		return err
	}
	return w.clearOfSuspicion()
}

// permissions warns, once in the life of a Log, of others who may read or write here.
func (w *writer) permissions() error {
	if w.judged {
		return nil
	}
	w.judged = true
	for _, path := range []string{w.home, w.path(LiveName)} {
		info, err := w.fs.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if p := info.Mode.Perm(); p&0o077 != 0 {
			w.warn(WarnPermissions, path, "others than the owner have access (mode %04o): chmod go= %s", p, path)
		}
	}
	return nil
}

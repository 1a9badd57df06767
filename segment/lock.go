package segment

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/opscontext/opscontext/internal/durable"
)

// Waiting for flock: the lock is held for tens of microseconds, so the first tries come fast.
const (
	firstWait = 50 * time.Microsecond
	longWait  = 2 * time.Millisecond
)

// locks is the way into a home. Three locks are taken, always in this order, each for another kind
// of neighbour: a turn, for other Logs in this process; flock on audit.flock, for other processes
// of this program, freed by the kernel when its holder dies; audit.lock, for Node writers, which
// know nothing else.
type locks struct {
	o    *Options
	home string
	word *flockFile // open as long as it is the file that audit.flock names
	// spare is for audit.lock, which is taken for every batch.
	spare spare
	now   held     // what acquire gives
	node  lockFile // what that has of Node writers' lock
}

// held is the right to write. release gives it back.
type held struct {
	k     *locks
	turn  func()
	flock durable.File // locked; it is k.word's
	node  *lockFile
}

// acquire waits until the locks are had, ctx is done, or deadline is past (a BusyError). What it gives
// holds until they are given back.
func (k *locks) acquire(ctx context.Context, deadline time.Time) (h *held, err error) {
	w := waiter{ctx: ctx, deadline: deadline, since: time.Now()}
	h = &k.now
	*h = held{k: k}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.release())
			h = nil
		}
	}()
	if h.turn, err = takeTurn(turnKey{k.o.FS, k.home}, &w); err != nil {
		return h, err
	}
	fresh, err := k.takeFlock(h, &w)
	if err != nil || k.o.Sharing == Exclusive {
		return h, err
	}
	h.node = &k.node
	k.node = lockFile{fs: k.o.FS, path: inHome(k.home, LockName), stale: staleLock, leftovers: !fresh, spare: &k.spare}
	if err := h.node.take(&w); err != nil {
		h.node = nil
		return h, err
	}
	return h, nil
}

// release lets go in the opposite order. The file lock of Node writers goes first, so that whoever
// gets flock never finds an audit.lock of this program that is not a leftover.
func (h *held) release() error {
	var err error
	if h.node != nil {
		err = h.node.release()
	}
	if h.flock != nil {
		err = errors.Join(err, h.flock.Unlock())
	}
	if h.turn != nil {
		h.turn()
	}
	*h = held{k: h.k}
	return err
}

// sure reports whether the lock is still ours, to be asked after a sync under it: a Node writer may
// take a lock that is ten seconds old for a dead one's.
func (h *held) sure() error {
	if h.node == nil {
		return nil
	}
	return h.node.check()
}

// takeFlock locks the file that audit.flock names, and makes it if need be: fresh says that it did.
// What was locked must still be what the name means, or somebody removed or replaced the file
// between the open and the lock, and others lock another file by now.
func (k *locks) takeFlock(h *held, w *waiter) (fresh bool, err error) {
	path := inHome(k.home, FlockName)
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		made, err := k.openWord(path)
		if err != nil {
			return fresh, err
		}
		fresh = fresh || made
		ok, err := k.tryFlock(h, path)
		if ok || err != nil {
			return fresh, err
		}
		if err := w.wait(wait, path, nil); err != nil {
			return fresh, err
		}
	}
}

// openWord sees to it that the lock file is there and open.
func (k *locks) openWord(path string) (made bool, err error) {
	if k.word != nil {
		return false, nil
	}
	if err := ledElsewhere(k.home); err != nil {
		return false, err
	}
	k.word, err = openFlockFile(k.o.FS, path)
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := makeHome(k.o.FS, k.home); err != nil {
		return false, err
	}
	if err := createFlockFile(k.o.FS, path); err != nil {
		return false, err
	}
	// Were audit.lock to outlive it in a power cut, the next one to come could not tell that it is
	// a leftover.
	if err := k.o.FS.SyncDir(k.home); err != nil {
		return false, err
	}
	k.word, err = openFlockFile(k.o.FS, path)
	return true, err
}

// tryFlock locks once. A lock on a file that is no longer audit.flock is none, whoever has it.
func (k *locks) tryFlock(h *held, path string) (bool, error) {
	f := k.word.f
	ok, err := f.TryLock()
	if err != nil {
		return false, err
	}
	info, err := k.o.FS.Stat(path)
	if err == nil && info.ID == k.word.id {
		if ok {
			h.flock = f
		}
		return ok, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if ok {
		err = errors.Join(err, f.Unlock())
	}
	return false, errors.Join(err, k.forget())
}

// close lets go of what is kept between locks.
func (k *locks) close() error { return errors.Join(k.forget(), k.spare.close()) }

// forget closes a lock file that is not audit.flock any more.
func (k *locks) forget() error {
	if k.word == nil {
		return nil
	}
	err := k.word.f.Close()
	k.word = nil
	return err
}

// makeHome makes the home, and what is missing above it, each durable under its name.
func makeHome(fsys durable.FS, home string) error {
	err := fsys.Mkdir(home, 0o700)
	parent := filepath.Dir(home)
	if errors.Is(err, fs.ErrNotExist) && parent != home {
		if err = makeHome(fsys, parent); err == nil {
			err = fsys.Mkdir(home, 0o700)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fsys.SyncDir(parent)
}

// waiter is one caller's patience, over all the locks it waits for.
type waiter struct {
	ctx      context.Context
	deadline time.Time
	since    time.Time
}

// wait sleeps for d, or less when patience ends first, which is an error. holder says who is in
// the way.
func (w *waiter) wait(d time.Duration, path string, holder func() string) error {
	left := time.Until(w.deadline)
	if left <= 0 {
		return w.busy(path, holder)
	}
	if d = min(d, left); d < time.Millisecond {
		nap(d)
		return context.Cause(w.ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}

func (w *waiter) busy(path string, holder func() string) error {
	b := &BusyError{Path: path, Waited: time.Since(w.since)}
	if holder != nil {
		b.Holder = holder()
	}
	return b
}

// turns gives the Logs of one process that share a home their turn. An entry lives as long as
// somebody holds it or waits for it.
var turns = struct {
	sync.Mutex
	open map[turnKey]*turn
}{open: map[turnKey]*turn{}}

type turnKey struct {
	fs   durable.FS
	home string
}

type turn struct {
	taken chan struct{}
	users int
}

func takeTurn(key turnKey, w *waiter) (release func(), err error) {
	turns.Lock()
	t := turns.open[key]
	if t == nil {
		t = &turn{taken: make(chan struct{}, 1)}
		turns.open[key] = t
	}
	t.users++
	turns.Unlock()
	leave := func() {
		turns.Lock()
		defer turns.Unlock()
		if t.users--; t.users == 0 {
			delete(turns.open, key)
		}
	}
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken; leave() }, nil
	default:
	}
	late := time.NewTimer(time.Until(w.deadline))
	defer late.Stop()
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken; leave() }, nil
	case <-w.ctx.Done():
		err = context.Cause(w.ctx)
	case <-late.C:
		err = w.busy(key.home, func() string { return "this process" })
	}
	leave()
	return nil, err
}

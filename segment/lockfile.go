package segment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/opscontext/opscontext/internal/durable"
)

// The protocol of the lock files that Node writers know: whoever makes the file has the lock, and
// gives it back by removing it. Its content names the holder for people.
const (
	staleLock       = 10 * time.Second // age from which a holder of audit.lock counts as dead
	staleRotateLock = 10 * time.Minute // the same for audit.rotate.lock
	pollLock        = 5 * time.Millisecond
	// sureFor is how long a lock needs no second look: well under staleLock.
	sureFor = staleLock / 2

	ownLine = "opscontext" // third line of a lock file of this program
)

// lockFile is a lock file, held or wanted.
//
// A lock of our own found there is a leftover of a killed process: ours are made and removed under
// flock, which the finder holds. (Not if flock is fresh: somebody may have removed the file under a
// holder that lives. Then our own count like foreign ones.) A foreign one counts as left over once
// it is stale by its modification time, or has been seen unchanged for as long, which a clock that
// was set back cannot spoil. Whether the process that it names is alive is not asked: it may live
// in another pid namespace, where its number means another process or none. One that names no process
// is what a power cut leaves, whichever lock it is: a writer that lives says who it is as soon as it has
// made the file.
type lockFile struct {
	fs        durable.FS
	path      string
	stale     time.Duration
	leftovers bool // our own are left over
	spare     *spare

	content []byte    // of the lock while it is ours
	since   time.Time // from when on others count its age

	seen      durable.Info // the foreign lock last looked at
	seenSince time.Time
}

var errLockLost = errors.New("the lock was taken over by another writer")

// lockContent is what a lock file of this program says.
func lockContent(now time.Time) []byte {
	return fmt.Appendf(nil, "%d\n%s\n%s\n", os.Getpid(), now.UTC().Format(stampLayout), ownLine)
}

// within reports whether less than d has passed, by either clock. Round strips the monotonic reading,
// which stands still while a machine sleeps.
func within(d time.Duration, since, now time.Time) bool {
	wall := now.Round(0).Sub(since.Round(0))
	return now.Sub(since) < d && wall < d && wall > -d
}

// take polls until the lock is ours.
func (l *lockFile) take(w *waiter) error {
	for {
		ok, err := l.try()
		if ok || err != nil {
			return err
		}
		if err := w.wait(pollLock, l.path, l.holder); err != nil {
			return err
		}
	}
}

// try makes the lock file, out of the way of a dead holder's if need be.
func (l *lockFile) try() (bool, error) {
	for {
		now := time.Now()
		content, since, err := l.spare.place(l.path, now)
		if err == nil {
			l.content, l.since = content, since
			return true, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return false, err
		}
		if gone, err := l.clearDead(now); err != nil || !gone {
			return false, err
		}
	}
}

// clearDead removes the lock file if its holder is dead; gone says that the name is free.
func (l *lockFile) clearDead(now time.Time) (gone bool, err error) {
	info, err := l.fs.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode.IsRegular() {
		return false, &Refusal{Path: l.path, Offset: -1, Why: "in the place of the lock file there is something else", Next: "move it elsewhere"}
	}
	if l.seenSince.IsZero() || info.ID != l.seen.ID || info.MTime != l.seen.MTime {
		l.seen, l.seenSince = info, now
	}
	if !(l.leftovers && l.isOwn()) && l.left(now) >= 0 {
		return false, nil
	}
	// Only what was judged is removed: another writer may have put its own there meanwhile.
	again, err := l.fs.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil || again.ID != info.ID || again.MTime != info.MTime {
		return false, err
	}
	err = l.fs.Remove(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return err == nil, err
}

// left is how long the lock that was seen has to stay as it is to count as left over; less than 0: it does.
func (l *lockFile) left(now time.Time) time.Duration {
	stale := l.stale
	if pid, err := l.pid(); err == nil && pid == "" {
		stale = min(stale, staleLock)
	}
	return stale - max(time.Duration(now.UnixNano()-l.seen.MTime), now.Sub(l.seenSince))
}

// busy says who is in the way of whoever does not wait, and for how long at most.
func (l *lockFile) busy() *BusyError {
	return &BusyError{Path: l.path, Holder: l.holder(), Left: max(0, l.left(time.Now()))}
}

// read gives the first bytes of the lock file.
func (l *lockFile) read() ([]byte, error) {
	f, err := l.fs.OpenFile(l.path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	var buf [256]byte
	n, err := f.ReadAt(buf[:], 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return buf[:n], errors.Join(err, f.Close())
}

// isOwn reports whether the lock was made by this program. One that cannot be read counts as foreign.
func (l *lockFile) isOwn() bool {
	content, err := l.read()
	lines := strings.Split(string(content), "\n")
	return err == nil && len(lines) == 4 && lines[2] == ownLine && lines[3] == ""
}

// pid is the process that the lock file names, "" if it names none.
func (l *lockFile) pid() (string, error) {
	content, err := l.read()
	pid, _, found := strings.Cut(string(content), "\n")
	if _, isNumber := parseNumber(pid); !found || !isNumber {
		pid = ""
	}
	return pid, err
}

// holder says who has the lock, in words for an error; "" if it does not say.
func (l *lockFile) holder() string {
	pid, err := l.pid()
	if err != nil || pid == "" {
		return ""
	}
	return "process " + pid
}

// check is an error if the lock may not be ours any more. It costs nothing while the lock is young.
func (l *lockFile) check() error {
	if within(sureFor, l.since, time.Now()) {
		return nil
	}
	content, err := l.read()
	if errors.Is(err, fs.ErrNotExist) || err == nil && string(content) != string(l.content) {
		err = fmt.Errorf("%s: %w", l.path, errLockLost)
	}
	return err
}

// release removes the file, unless it is another's by now.
func (l *lockFile) release() error {
	if err := l.check(); err != nil {
		return err
	}
	return l.fs.Remove(l.path)
}

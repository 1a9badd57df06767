package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// rotateAgain is how long a Log waits after an automatic rotation that could not run.
const rotateAgain = 10 * time.Second

func (w *writer) rotateLock() *lockFile {
	return &lockFile{fs: w.fs, path: w.path(RotateLockName), stale: staleRotateLock, leftovers: true, spare: &spare{fs: w.fs}}
}

// manual is the rotation that a caller asked for.
func (w *writer) manual(r *request) {
	defer r.over()
	defer w.release()
	w.begin(nil)
	r.err = w.settle()
	if r.err != nil {
		return
	}
	l := &w.live
	if l.empty() || l.tail.start == 0 && l.kind == chain.KindRotate {
		r.err = &Refusal{Path: w.path(LiveName), Offset: -1, Why: "there is nothing to seal", Next: "append first"}
		return
	}
	ts, err := w.stamp()
	if err == nil {
		*r.rotation, err = w.rotate(chain.ReasonManual, ts)
	}
	if r.err = err; err == nil {
		w.remember()
	}
}

// rotateFor rotates before an append. Bounds are soft and recording is not: if the rotation
// cannot run and the live log is as it was, the append goes on in it. If it is not, those that come
// next do: what stood in the way, such as a Node writer that takes a lock over which is held for long,
// may stand in the way each time. A load can be done again, and years of history in one segment
// cannot be taken apart again: it stops.
func (w *writer) rotateFor(to *request, reason, ts string) error {
	_, err := w.rotate(reason, ts)
	if err == nil || to.load {
		return err
	}
	w.rotateAt = time.Now().Add(rotateAgain)
	if w.live.f == nil {
		return err
	}
	w.warn(WarnRotation, w.path(LiveName), "a rotation was due (%s) and could not run, the append went on in the same segment: %v", reason, err)
	return nil
}

// rotate seals the live segment and begins the next one with an audit.rotate that is stamped ts.
//
//  1. sync the live log: what will be sealed is on the medium
//  2. write the next live log with its first record, sync it
//  3. link the live log to its name in the archive, which fails where the name is taken
//  4. sync the archive directory
//  5. rename the next live log over audit.log: there is no moment without one
//  6. sync the home
//  7. take the write bits off the sealed segment
//
// Killed or without power before 5, the live log has two names or one, and settleRotation drops the
// second. After 5, the sealed segment is still writable, which says that 4 and 6 may not be on the
// medium: settleRotation repeats them before anything is acknowledged.
//
// After an error live.f is nil if the live log has to be looked at anew; else it is as it was.
func (w *writer) rotate(reason, ts string) (rot Rotation, err error) {
	if w.o.Sharing == ShareWithNode {
		lock := w.rotateLock()
		if ok, err := lock.try(); err != nil {
			return rot, err
		} else if !ok {
			return rot, lock.busy()
		}
		defer func() {
			if err := lock.release(); err != nil {
				w.warn(WarnLock, lock.path, "the lock could not be given back: %v", err)
			}
		}()
	}
	home, err := w.standAtHome()
	if err != nil {
		return rot, err
	}
	name, err := w.nextSegment()
	if err != nil {
		return rot, err
	}
	l := &w.live
	l.who.number = name.Number
	rot = Rotation{Segment: name, Path: w.archivePath(name.File(FormPlain)), Bytes: l.info.Size, Reason: reason}
	rot.Sealed, err = w.sealed(name, reason, ts)
	if err != nil {
		return rot, err
	}
	if rot.Record, err = chain.Seal(l.tail.head, ts, chain.KindRotate, chain.SystemActor, rot.Sealed.Payload()); err != nil {
		return rot, err
	}
	if err := w.syncLive(w.batch.suspectFrom(l.info.Size)); err != nil {
		return rot, err
	}
	if err := w.clearOfSuspicion(); err != nil {
		return rot, err
	}
	w.batch.durable()
	if err := w.swap(&rot, home); err != nil {
		return rot, err
	}
	w.batch.from = l.info.Size
	return rot, nil
}

// suspectFrom is the offset from which a live log of the given size holds bytes of this batch that no
// sync has covered; the size where there are none.
func (b *batch) suspectFrom(size int64) int64 {
	if b.unsynced {
		return b.from
	}
	return size
}

// swap is steps 2 to 7. Before each that makes or moves a name, home and archive must be what they were: a
// segment that is sealed into a directory of somebody else is lost to the log.
func (w *writer) swap(rot *Rotation, home Directory) error {
	line := chain.AppendLine(nil, &rot.Record)
	if err := home.Same(); err != nil {
		return err
	}
	next, err := w.writeNext(line)
	if err != nil {
		return err
	}
	if err := w.linkSealed(rot.Path, home); err != nil {
		return errors.Join(err, next.Close(), removeIfThere(w.fs, w.path(nextName)))
	}
	w.point() // the last record of the sealed segment
	if err := w.placeNext(next); err != nil {
		if w.live.f != nil {
			err = errors.Join(err, w.unlinkLinked(rot.Path))
		}
		return err
	}
	w.live.info.Size = 0
	w.live.who.number = rot.Segment.Number + 1
	w.live.wrote(&rot.Record, line, w.o.Now)
	if err := w.fs.Chmod(rot.Path, 0o400); err != nil {
		w.warn(WarnRotation, rot.Path, "the sealed segment is still writable: %v", err)
	}
	return nil
}

// linkSealed gives the live log its name in the archive, durably.
func (w *writer) linkSealed(path string, home Directory) error {
	if err := home.Same(); err != nil {
		return err
	}
	err := w.fs.Mkdir(w.path(ArchiveDir), 0o700)
	if err == nil {
		err = w.fs.SyncDir(w.home)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := StandIn(w.fs, w.path(ArchiveDir))
	if err != nil {
		return err
	}
	err = w.fs.Link(w.path(LiveName), path)
	if errors.Is(err, syscall.EPERM) {
		return &Refusal{Path: w.path(LiveName), Offset: -1, Why: "the segment cannot be sealed: the file may only be appended to, or there are no hard links here",
			Next: "chattr -a the file, rotate, and set it on the new one"}
	}
	if err != nil {
		return err
	}
	// Names can be moved by whoever may write here: what was linked must be what was synced, and it must be
	// in the directory that was synced.
	err = w.fs.SyncDir(w.path(ArchiveDir))
	if err = errors.Join(err, dir.Same(), home.Same()); err == nil {
		var info durable.Info
		if info, err = w.fs.Stat(path); err == nil && info.ID != w.live.info.ID {
			err = fmt.Errorf("%s was replaced while it was being sealed", w.path(LiveName))
		}
	}
	if err != nil {
		return errors.Join(err, w.unlinkLinked(path))
	}
	return nil
}

// unlinkLinked takes a name in the archive off what it was given to: the live log, or what has its name. In
// another directory that name may be a stranger's.
func (w *writer) unlinkLinked(path string) error {
	info, err := w.fs.Stat(path)
	now, nowErr := w.fs.Stat(w.path(LiveName))
	ours := err == nil && (info.ID == w.live.info.ID || nowErr == nil && info.ID == now.ID)
	if !ours {
		return nil
	}
	return w.unlinkSealed(path)
}

// unlinkSealed removes the name in the archive that the live log has got.
func (w *writer) unlinkSealed(path string) error {
	if err := w.fs.Remove(path); err != nil {
		return err
	}
	return w.fs.SyncDir(w.path(ArchiveDir))
}

// nextSegment is the name that the live log is sealed under: the number after the highest that any
// file, the mark or the log itself knows of, so that no number is used twice.
func (w *writer) nextSegment() (Name, error) {
	who, err := w.identityOfFiles()
	if err != nil {
		return Name{}, err
	}
	n := Name{Number: who.number}
	if n.Number > maxNumber {
		return Name{}, &Refusal{Path: w.path(ArchiveDir), Offset: -1, Why: fmt.Sprintf("segment numbers end at %d", int64(maxNumber)), Next: "look for a file with a number that is not ours"}
	}
	return n, nil
}

// sealed is what the audit.rotate record says of the live log.
func (w *writer) sealed(name Name, reason, ts string) (chain.Rotate, error) {
	l := &w.live
	first, _, err := firstHead(l.f, l.info.Size)
	if err != nil {
		return chain.Rotate{}, err
	}
	lines, err := countLines(l.f, l.info.Size)
	if err != nil {
		return chain.Rotate{}, err
	}
	return chain.Rotate{Segment: name.File(FormPlain), Records: lines, FirstHash: first, LastHash: l.tail.head, Cutoff: ts,
		LogID: l.who.logID, Incarnation: max(1, l.who.incarnation), Reason: reason, Machine: machine()}, nil
}

// countLines counts the lines of a log file that are not blank. It reads the file once and judges
// nothing: a rotation never verifies.
func countLines(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, min(1<<20, size))
	var lines int64
	before := byte('\n')
	for at := int64(0); at < size; {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		part := buf[:n]
		lines += int64(bytes.Count(part, lf))
		if n > 0 {
			lines -= blankLines(part, before)
			before = part[n-1]
		}
		at += int64(n)
		if err != nil && at < size {
			return 0, err
		}
	}
	if before != '\n' {
		lines++
	}
	return lines, nil
}

var lf = []byte{'\n'}

// blankLines counts the LFs that follow another one; before is the byte that part follows.
func blankLines(part []byte, before byte) (n int64) {
	if before != '\n' && !bytes.Contains(part, []byte("\n\n")) {
		return 0
	}
	for _, c := range part {
		if c == '\n' && before == '\n' {
			n++
		}
		before = c
	}
	return n
}

// settleRotation undoes or completes a rotation that a kill interrupted.
func (w *writer) settleRotation() error {
	l := &w.live
	if l.f == nil {
		return nil
	}
	list, err := w.listArchived()
	if err != nil {
		return err
	}
	var last *archived
	for i := range list {
		if list[i].form == FormPlain {
			last = &list[i]
		}
	}
	if last == nil {
		return w.soleName()
	}
	path := w.archivePath(last.base)
	info, err := w.fs.Stat(path)
	if err != nil {
		return err
	}
	switch {
	case info.ID == l.info.ID:
		if err := w.unlinkSealed(path); err != nil {
			return err
		}
		if l.info, err = l.f.Stat(); err != nil {
			return err
		}
	case info.Mode.IsRegular() && info.Mode.Perm()&0o222 != 0:
		if err := w.syncSealed(path); err != nil {
			return err
		}
	}
	return w.soleName()
}

// syncSealed repeats the syncs of a rotation and then takes the write bits off.
func (w *writer) syncSealed(path string) error {
	f, err := w.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := w.fs.SyncDir(w.path(ArchiveDir)); err != nil {
		return err
	}
	if err := w.fs.SyncDir(w.home); err != nil {
		return err
	}
	if err := w.fs.Chmod(path, 0o400); err != nil {
		w.warn(WarnRotation, path, "the sealed segment is still writable: %v", err)
	}
	return nil
}

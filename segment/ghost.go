package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opscontext/opscontext/internal/durable"
)

// suspectMargin is how far before the suspect offset the comparison starts: where two syncs fail at
// once, the word may name the later writer's bytes alone.
const suspectMargin = 4 << 20

// settleSuspicion finds out what a failed sync left, if the suspect word says that one did. What is
// in the page cache and not on the medium was never acknowledged: those bytes are kept aside, cut
// off, and the log goes on from the last record that is on the medium.
func (w *writer) settleSuspicion() error {
	s, err := w.locks.word.suspicion()
	if err != nil || !s.set {
		return err
	}
	w.accepted = s
	defer func() { w.accepted = suspicion{} }()
	if w.live.f != nil && (s.broken || s.inode == w.live.info.ID.Ino) {
		// A descriptor from before the failure would report it once more, at a sync that is good.
		if err = w.closeLive(); err == nil {
			_, err = w.openLive()
		}
		if err == nil {
			err = w.exorcise(s)
		}
	} else {
		err = w.suspectSealed(s)
	}
	if err != nil {
		return fmt.Errorf("after a failed sync: %w", err)
	}
	return w.locks.word.clear()
}

// exorcise takes the ghost bytes out of the live log. It ends with a sync that succeeded.
func (w *writer) exorcise(s suspicion) error {
	size := w.live.info.Size
	from := max(0, s.offset-suspectMargin)
	// A writer that was killed may have left more before that which nobody synced; what the mark
	// remembers was.
	if m, ok := w.mem.Mark(); ok && w.fits(m) {
		from = min(from, m.Offset)
	}
	ghost, err := w.firstGhost(w.live.f, w.path(LiveName), from, size)
	if errors.Is(err, durable.ErrNoMedium) {
		// All from the offset on may be ghosts. (Of a broken word nothing is known: then a sync has
		// to do, since cutting would take the whole log.)
		ghost, err = s.offset, nil
		if s.broken {
			ghost = -1
		}
	}
	if err != nil {
		return err
	}
	if ghost < 0 || ghost >= size {
		return w.syncLive(min(s.offset, size))
	}
	start, err := lineStart(w.live.f, ghost)
	if err != nil {
		return err
	}
	return w.cutOff(start, QuarantineDir, ghostPrefix)
}

// firstGhost gives the offset of the first byte in [from, size) that the page cache has and the
// medium has not, -1 if there is none.
func (w *writer) firstGhost(f durable.File, path string, from, size int64) (int64, error) {
	cache, medium := make([]byte, 1<<20), make([]byte, 1<<20)
	for at := from; at < size; {
		n := min(int64(len(cache)), size-at)
		if _, err := f.ReadAt(cache[:n], at); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		got, err := w.fs.ReadMedium(path, medium[:n], at)
		if err != nil {
			return 0, err
		}
		if same := commonPrefix(cache[:n], medium[:got]); same < n {
			return at + same, nil
		}
		at += n
	}
	return -1, nil
}

func commonPrefix(a, b []byte) int64 {
	b = b[:min(len(a), len(b))]
	if bytes.Equal(a[:len(b)], b) {
		return int64(len(b))
	}
	for i := range b {
		if a[i] != b[i] {
			return int64(i)
		}
	}
	return int64(len(b))
}

// suspectSealed deals with a suspect file that is not the live log any more. A rotation syncs the live
// log first, so this takes a sync that failed in one process and succeeded in another at the same
// moment. A sealed segment is never written again: its doubtful bytes are copied while they can
// still be read, and an operator is told.
func (w *writer) suspectSealed(s suspicion) error {
	list, err := w.listArchived()
	if err != nil {
		return err
	}
	for _, a := range list {
		if a.form != FormPlain {
			continue
		}
		path := w.archivePath(a.base)
		info, err := w.fs.Stat(path)
		if err != nil {
			return err
		}
		if info.ID.Ino == s.inode && !s.broken {
			return w.keepSealed(path, info.Size, s)
		}
	}
	return nil // the file is gone, and its ghosts with it
}

func (w *writer) keepSealed(path string, size int64, s suspicion) (err error) {
	f, err := w.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	ghost, err := w.firstGhost(f, path, max(0, s.offset-suspectMargin), size)
	if errors.Is(err, durable.ErrNoMedium) {
		ghost, err = s.offset, nil
	}
	if err != nil || ghost < 0 || ghost >= size {
		return err
	}
	k, err := w.keep(setAside{dir: QuarantineDir, prefix: ghostPrefix, of: f, from: ghost, to: size})
	if err != nil {
		return err
	}
	w.warn(WarnSetAside, path, "bytes %d to %d may not be on the medium although they can still be read: they were copied to %s; after the next restart compare", ghost, size, k.name)
	return w.finishKept(k)
}

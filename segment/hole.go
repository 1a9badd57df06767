package segment

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// settleHoles looks for blocks that never reached the medium before the last line: several writes
// can be under way when the power goes, and land in any order. Nothing after the first hole was
// ever acknowledged, since a sync would have brought the hole's bytes along. Up to the mark, which
// only follows a sync, there are none.
func (w *writer) settleHoles() error {
	l := &w.live
	if l.empty() {
		return nil
	}
	from := max(0, l.info.Size-holeWindow)
	if m, ok := w.mem.Mark(); ok && w.fits(m) {
		from = m.Offset
	}
	for {
		hole, err := findHole(l.f, from, l.info.Size)
		if err != nil || hole < 0 {
			return err
		}
		start, err := lineStart(l.f, hole)
		if err != nil {
			return err
		}
		if start == 0 {
			return nil // settleTail knows what to make of it
		}
		one, err := w.oneBurst(start)
		if err != nil {
			return err
		}
		if one {
			return w.cutOff(start, "", tornPrefix)
		}
		// What was written long after the hole is history, and the hole is for verify to show. The last
		// power cut may have left another behind it.
		end, err := lineEnd(l.f, hole, l.info.Size)
		if err != nil || end < 0 {
			return err
		}
		from = end
	}
}

// burst is how far the times of records may lie apart that were still on their way to the medium
// together.
const burst = time.Minute

// oneBurst reports whether what follows a hole that starts at a line can have been under way when the
// power went: its last record is of about the time of the one before the hole, or, where the log had
// been idle, of the first one behind it, if that was chained to what was lost: whoever comes after a
// crash cannot do that. Writers that do not sync leave holes, and whoever comes after the crash writes
// on behind them. Records of the past have times of their own; an import that is not closed says that
// there are some.
func (w *writer) oneBurst(start int64) (bool, error) {
	before, err := readTail(w.live.f, start)
	if err != nil || before.line == nil {
		return false, ignoreNoHead(err)
	}
	last, err := w.lastWithoutHole(start)
	if err != nil || last.line == nil {
		return err == nil, ignoreNoHead(err)
	}
	end := chain.ReadLine(last.line).Record.TS
	if near(chain.ReadLine(before.line).Record.TS, end) {
		return true, nil
	}
	first, err := w.firstBehind(start)
	if err != nil {
		return false, err
	}
	if first.Class.Whole() && first.Record.Prev != before.head && near(first.Record.TS, end) {
		return true, nil
	}
	return w.importing()
}

// near reports whether two times of records lie within a burst.
func near(a, b string) bool {
	from, errFrom := time.Parse(stampLayout, a)
	to, errTo := time.Parse(stampLayout, b)
	return errFrom == nil && errTo == nil && to.Sub(from).Abs() <= burst
}

// firstBehind reads the first whole record behind a hole in the line that starts at start: it may
// begin in the middle of a line, right behind the NULs.
func (w *writer) firstBehind(start int64) (chain.Reading, error) {
	for at := start; ; {
		end, err := lineEnd(w.live.f, at, w.live.info.Size)
		if err != nil || end < 0 {
			return chain.Reading{Class: chain.LineUnreadable}, err
		}
		line := make([]byte, end-1-at)
		if _, err := w.live.f.ReadAt(line, at); err != nil && !errors.Is(err, io.EOF) {
			return chain.Reading{}, err
		}
		if r := chain.ReadLine(line[bytes.LastIndexByte(line, 0)+1:]); r.Class.Whole() {
			return r, nil
		}
		at = end
	}
}

// lastWithoutHole is the tail behind a line that starts at start, with the last line that reached the
// medium as a whole. Its line is nil where none did; its error is [errNoHead] where that line is no
// record.
func (w *writer) lastWithoutHole(start int64) (tail, error) {
	for end := w.live.info.Size; ; {
		t, err := readTail(w.live.f, end)
		noHead, ok := errors.AsType[*errNoHead](err)
		switch {
		case err == nil && t.start <= start, ok && noHead.offset <= start:
			return tail{}, nil
		case !ok:
			return t, err
		}
		if hole, errHole := findHole(w.live.f, noHead.offset, end); errHole != nil || hole < 0 {
			return tail{}, errors.Join(errHole, err)
		}
		end = noHead.offset
	}
}

func ignoreNoHead(err error) error {
	if _, ok := errors.AsType[*errNoHead](err); ok {
		return nil
	}
	return err
}

// importing reports whether an import was begun here and not closed.
func (w *writer) importing() (bool, error) {
	entries, err := w.fs.ReadDir(w.path(ArchiveDir))
	if err != nil {
		return false, ignoreNotExist(err)
	}
	for _, e := range entries {
		if _, ok := ParseImportName(e.Name()); !ok {
			continue
		}
		open, err := w.openImport(e.Name())
		if err != nil || open {
			return open, err
		}
	}
	return false, nil
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// maxImport bounds what is read of the file that says how far an import came, in bytes.
const maxImport = 1 << 20

func (w *writer) openImport(name string) (open bool, err error) {
	f, err := w.fs.OpenFile(w.archivePath(name), os.O_RDONLY, 0)
	if err != nil {
		return false, ignoreNotExist(err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := io.ReadAll(io.LimitReader(f, maxImport))
	return !bytes.Contains(text, []byte(`"closed":`)), err
}

// holeWindow is how far back from the end holes are looked for where nothing says what was synced.
const holeWindow = 4 << 20

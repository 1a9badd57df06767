package segment

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/opscontext/opscontext/chain"
)

// tailWindow is the first read from a file's end. It holds a few records; it grows where it does not.
const tailWindow = 4 << 10

// tail is what the end of a log file says: where the complete lines end, which record is the head,
// and what follows it.
type tail struct {
	end   int64      // where the last complete line ends, its LF included; 0 without any
	start int64      // where that line starts; blank lines after it are skipped
	line  []byte     // that line without LF, nil if there is none
	head  chain.Hash // its hash, Genesis if there is none
	after fragment   // what follows end
	bare  []byte     // the record without LF, if that is what follows
}

// fragment says what the bytes after the last LF of a file are.
type fragment int

const (
	nothing     fragment = iota
	wholeRecord          // a record with a right hash that only lost its LF
	torn                 // anything else: a record cut short, NULs, or both
)

// errNoHead is the tail's error where the last complete line cannot be chained upon.
type errNoHead struct {
	offset int64
	err    error
}

func (e *errNoHead) Error() string { return e.err.Error() }

// readTail reads the end of the first size bytes of a log file. It reads a few KiB however long
// the file is, and never more than about two lines of the greatest length.
func readTail(f io.ReaderAt, size int64) (tail, error) {
	w := window{f: f, start: size, end: size}
	lf, err := w.lastLF(size)
	if err != nil {
		return tail{}, err
	}
	t := tail{end: lf + 1}
	if t.end < size {
		t.after = torn
		if size-t.end <= chain.MaxLine {
			if bare := w.slice(t.end, size); chain.ReadLine(bare).Class.Whole() {
				t.after, t.bare = wholeRecord, bytes.Clone(bare)
			}
		}
	}
	// The last line that is not blank, as existing writers find it.
	for end := lf; end >= 0; {
		before, err := w.lastLF(end)
		if err != nil {
			return tail{}, err
		}
		if before+1 == end {
			end = before
			continue
		}
		t.start = before + 1
		if end-t.start > chain.MaxLine {
			return tail{}, &errNoHead{t.start, fmt.Errorf("the last line is longer than %d MiB", chain.MaxLine>>20)}
		}
		t.line = bytes.Clone(w.slice(t.start, end))
		if t.head, err = chain.HeadOf(t.line); err != nil {
			return tail{}, &errNoHead{t.start, err}
		}
		break
	}
	return t, nil
}

// window is the part of a file's end that has been read, growing towards its start.
type window struct {
	f          io.ReaderAt
	data       []byte
	start, end int64
}

// slice gives the bytes from and to, which lie in the window.
func (w *window) slice(from, to int64) []byte { return w.data[from-w.start : to-w.start] }

// lastLF gives the offset of the last LF before limit, -1 if there is none. Of a line longer than
// any record it drops what it read, so that memory stays bounded; slice must then not be asked for
// it.
func (w *window) lastLF(limit int64) (int64, error) {
	for {
		if limit > w.start {
			if i := bytes.LastIndexByte(w.slice(w.start, limit), '\n'); i >= 0 {
				return w.start + int64(i), nil
			}
		}
		if w.start == 0 {
			return -1, nil
		}
		if limit-w.start > chain.MaxLine {
			w.data, w.end, limit = nil, w.start, w.start
		}
		if err := w.grow(); err != nil {
			return 0, err
		}
	}
}

func (w *window) grow() error {
	n := min(w.start, max(tailWindow, w.end-w.start))
	data := make([]byte, n, n+w.end-w.start)
	if got, err := w.f.ReadAt(data, w.start-n); int64(got) < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = fmt.Errorf("the file is shorter than it was a moment ago: %w", io.ErrUnexpectedEOF)
		}
		return err
	}
	w.data, w.start = append(data, w.data...), w.start-n
	return nil
}

// sector is the least that a medium writes at once, in bytes: what never reached it begins or ends at
// a multiple of it.
const sector = 512

// findHole gives the offset of the first byte in [from, size) that never reached the medium although
// later ones did, -1 if there is none. It is a run of NULs up to where another write may have begun:
// the end of a sector, of the file, or the next record. A NUL elsewhere, which no record holds
// either, was put there by something else; it is for verify to name, and for nobody to cut at.
func findHole(f io.ReaderAt, from, size int64) (int64, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(f, from, size-from), 64<<10)
	for at := from; ; {
		data, err := r.ReadSlice(0)
		at += int64(len(data))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return -1, nil
		case err != nil:
			return 0, err
		}
		start := at - 1
		for {
			next, err := r.Peek(1)
			if err != nil && !errors.Is(err, io.EOF) {
				return 0, err
			}
			if len(next) == 0 || at/sector*sector > start {
				return start, nil
			}
			if next[0] != 0 {
				break
			}
			at++
			if _, err := r.Discard(1); err != nil {
				return 0, err
			}
		}
		// What stood before the next write was a line's end at least.
		next, err := r.Peek(len(recordStart))
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if at-start > 1 && (string(next) == recordStart || string(next) == "\n") {
			return start, nil
		}
	}
}

// recordStart is how a line begins that this program or an existing writer wrote.
const recordStart = `{"ts":`

// lineStart gives the offset of the first byte of the line that holds the byte at offset.
func lineStart(f io.ReaderAt, offset int64) (int64, error) {
	w := window{f: f, start: offset, end: offset}
	lf, err := w.lastLF(offset)
	return lf + 1, err
}

// lineEnd gives the offset behind the LF of the line that holds the byte at offset, -1 if it has none
// before size or none within the length of a record.
func lineEnd(f io.ReaderAt, offset, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for at := offset; at < min(size, offset+chain.MaxLine); {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
		if err != nil {
			return -1, err
		}
		at += int64(n)
	}
	return -1, nil
}

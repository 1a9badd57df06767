package intake

import (
	"bytes"
	"errors"
	"io"

	"github.com/opscontext/opscontext/chain"
)

// partSize is how much of a source one goroutine looks at in one go, in bytes.
const partSize = 1 << 20

// lineReader cuts a stream into runs of whole lines.
type lineReader struct {
	r    io.Reader
	size int // of a run, in bytes; a longer line makes a longer one
	free freeList
	rest []byte // read, and not given yet: the start of a line
	err  error  // of r
}

// freeList has buffers to be used again.
type freeList chan []byte

// get gives one, nil if there is none.
func (f freeList) get() []byte {
	select {
	case b := <-f:
		return b
	default:
		return nil
	}
}

func (f freeList) put(b []byte) {
	select {
	case f <- b:
	default:
	}
}

// errLongLine ends a source that has a line too long to be read, which is the last of the run before.
var errLongLine = errors.New("a line is too long to be read")

// next gives the next run, and an error instead of it once there is none: io.EOF, errLongLine or what
// reading failed with. Only the last line of the stream may lack its LF. The run is the caller's.
func (l *lineReader) next() ([]byte, error) {
	data := append(l.free.get()[:0], l.rest...)
	l.rest = l.rest[:0]
	for want := l.size; l.err == nil; want = 2 * len(data) {
		have := len(data)
		want = min(want, max(l.size, chain.MaxLine+1))
		if want > cap(data) {
			data = append(make([]byte, 0, want), data...)
		}
		var n int
		n, l.err = io.ReadFull(l.r, data[have:max(want, have)])
		if data = data[:have+n]; errors.Is(l.err, io.ErrUnexpectedEOF) {
			l.err = io.EOF
		}
		if l.err != nil {
			break
		}
		if end := bytes.LastIndexByte(data, '\n') + 1; end > 0 {
			l.rest = append(l.rest, data[end:]...)
			return data[:end], nil
		}
		if len(data) > chain.MaxLine {
			l.err = errLongLine
		}
	}
	if len(data) > 0 {
		return data, nil
	}
	return nil, l.err
}

// parts cuts whole lines into runs of about size bytes.
func parts(data []byte, size int) (runs [][]byte) {
	for len(data) > 0 {
		end := min(size, len(data))
		if n := bytes.IndexByte(data[end-1:], '\n'); n >= 0 {
			end += n
		} else {
			end = len(data)
		}
		runs = append(runs, data[:end:end])
		data = data[end:]
	}
	return runs
}

package adopt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// blockSize is how much is read and written at a time, in bytes.
const blockSize = 1 << 20

// open gives the bytes of a segment of the old home, of an archived one those of its lines. A plain
// file is read by itself and not through its source: a line that is too long for one is brought over
// like any other bytes.
func (o *oldHome) open(src segment.Source) (io.ReadCloser, error) {
	if src.State() == segment.StateArchived {
		return &unpacked{src: src, extents: src.Extents(blockSize)}, nil
	}
	f, err := o.plain(src)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, 0, src.Size()), f}, nil
}

// plain opens the file of a segment that is not archived: the one that was listed, and no other.
func (o *oldHome) plain(src segment.Source) (durable.File, error) {
	f, err := o.fs.OpenFile(o.path(segment.FileOf(src)), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (info.ID != src.Info().ID || info.Size < src.Size()) {
		err = fmt.Errorf("%s: %w", f.Name(), segment.ErrReplaced)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// unpacked reads the extents of an archived segment one after another.
type unpacked struct {
	src     segment.Source
	extents []segment.Extent
	chunk   segment.Chunk
	rest    []byte
}

func (u *unpacked) Read(p []byte) (int, error) {
	for len(u.rest) == 0 {
		if len(u.extents) == 0 {
			return 0, io.EOF
		}
		c, err := u.src.Read(u.extents[0], u.chunk.Data[:0])
		if err != nil {
			return 0, err
		}
		u.extents, u.chunk, u.rest = u.extents[1:], c, c.Data
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

func (u *unpacked) Close() error { return u.src.Close() }

// stretch is a run of a file's bytes: a line with its LF, the last one perhaps without, or a part of
// a line that is too long to be a record.
type stretch struct {
	data []byte // reused once the next one is asked for
	line bool
}

// stretches gives all bytes of r in order. It holds one line.
func stretches(ctx context.Context, r io.Reader, each func(stretch) error) error {
	in := bufio.NewReaderSize(r, blockSize)
	var line []byte // the beginning of one that did not fit in a block
	long := false   // it is longer than a record can be, and was given away
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		part, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return err
		}
		done := err == nil || errors.Is(err, io.EOF)
		s := stretch{data: part, line: !long}
		if !long && (len(line) > 0 || !done) {
			line = append(line, part...)
			long = len(line) > chain.MaxLine+1
			if !long && !done {
				continue
			}
			s = stretch{data: line, line: !long}
		}
		if len(s.data) > 0 {
			if err := each(s); err != nil {
				return err
			}
		}
		line = line[:0]
		if done {
			long = false
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
	}
}

// lastLine gives the length of a file up to and with its last LF, of the first size bytes.
func lastLine(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, min(size, blockSize))
	for end := size; end > 0; {
		from := max(0, end-blockSize)
		part := buf[:end-from]
		if n, err := f.ReadAt(part, from); n < len(part) {
			return 0, errors.Join(err, io.ErrUnexpectedEOF)
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

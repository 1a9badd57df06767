package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// pass is told how many of a segment's raw bytes have been dealt with.
type pass func(done int64)

// compressor writes one archived segment. Frames are compressed by the workers of a walk over the
// segment, one encoder each, and written in order.
type compressor struct {
	src    segment.Source
	f      durable.File
	enc    *zstd.Encoder
	frames []place
	next   int64 // raw bytes written so far
}

// compress writes the lines of src, a plain segment, to a new file at path, and syncs it. It says
// nothing of what it wrote, not even a hash: what is said of the file is what is read back from it. At
// most a frame and its compressed form for each worker and two more are in memory. After an error the
// file is gone again, if it could be removed.
func compress(ctx context.Context, fsys durable.FS, src segment.Source, path string, workers int, did pass) error {
	enc, err := newEncoder(workers)
	if err != nil {
		return err
	}
	f, err := fsys.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	c := &compressor{src: src, f: f, enc: enc}
	err = segment.Walk(ctx, []segment.Source{src}, segment.WalkOptions{Workers: workers, ExtentSize: FrameSize}, c.encode,
		func(_ segment.Position, p *piece, err error) error {
			if err != nil {
				return err
			}
			defer p.free()
			did(p.offset + p.raw)
			return c.join(p)
		})
	if err == nil {
		err = c.finish()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, fsys.Remove(path))
	}
	return nil
}

// newEncoder gives an encoder for so many frames at a time. Each frame says how many bytes it holds and
// has a checksum.
func newEncoder(workers int) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderCRC(true),
		zstd.WithSingleSegment(true), zstd.WithEncoderConcurrency(workers))
}

// piece is a frame on its way into the file.
type piece struct {
	offset, raw int64
	frame       *[]byte
}

var pieceBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (p *piece) free() { pieceBuffers.Put(p.frame) }

func (c *compressor) encode(_ segment.Position, k segment.Chunk) (*piece, error) {
	p := &piece{offset: k.Offset, raw: int64(len(k.Data)), frame: pieceBuffers.Get().(*[]byte)}
	*p.frame = c.enc.EncodeAll(k.Data, (*p.frame)[:0])
	return p, nil
}

// join writes a frame. The frames must hold every byte of the segment: of a line too long to be a
// record a source gives only the beginning.
func (c *compressor) join(p *piece) error {
	if p.raw == 0 {
		return nil
	}
	if p.offset != c.next {
		return fmt.Errorf("%s: bytes %d to %d cannot be read: a line is longer than %d bytes, or the file changed; the segment stays plain", c.src.Name(), c.next, p.offset, chain.MaxLine)
	}
	var last place
	if n := len(c.frames); n > 0 {
		last = c.frames[n-1]
	}
	c.frames = append(c.frames, place{last.end(), int64(len(*p.frame)), last.rawEnd(), p.raw})
	c.next += p.raw
	_, err := c.f.Write(*p.frame)
	return err
}

func (c *compressor) finish() error {
	if c.next != c.src.Size() {
		return fmt.Errorf("%s: %d of %d bytes can be read: a line is longer than %d bytes, or the file changed; the segment stays plain", c.src.Name(), c.next, c.src.Size(), chain.MaxLine)
	}
	if _, err := c.f.Write(appendSeekTable(nil, c.frames)); err != nil {
		return err
	}
	return c.f.Sync()
}

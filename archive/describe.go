package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// ErrDiffers says that a compressed segment and the plain one do not hold the same bytes.
var ErrDiffers = errors.New("the compressed file does not hold the bytes of the plain one")

// identity is what a manifest says that its segment does not show.
type identity struct {
	logID       chain.Hash
	incarnation int
	index       int64
}

// describe reads all of an archived segment back, decoding every frame, and makes its manifest. If
// plain is not nil, every decoded byte is compared with it, and it must hold no other.
func describe(ctx context.Context, s *source, plain segment.Source, id identity, workers int, did pass) (m *Manifest, err error) {
	if s.short != nil {
		return nil, s.short
	}
	if plain != nil {
		if plain.Size() != s.Size() {
			return nil, fmt.Errorf("%s: %w: it holds %d bytes, the plain file %d", s.path, ErrDiffers, s.Size(), plain.Size())
		}
		defer func() { err = errors.Join(err, plain.Close()) }()
	}
	m = &Manifest{LogID: id.logID, Incarnation: id.incarnation, Index: id.index, Segment: s.name, Bytes: s.raw,
		Archived: Archived{Codec: CodecZstd, Bytes: s.info.Size}}
	d := &describer{s: s, plain: plain}
	t := newTotal(m)
	sum := sha256.New()
	frame := 0
	err = segment.Walk(ctx, []segment.Source{s}, segment.WalkOptions{Workers: workers}, d.read,
		func(_ segment.Position, r *described, err error) error {
			if err != nil {
				return err
			}
			defer readBuffers.Put(r.data)
			sum.Write(*r.data)
			t.add(s.frames[frame], r.tally)
			frame++
			did(s.frames[frame-1].rawEnd())
			return nil
		})
	if err != nil {
		return nil, err
	}
	t.done()
	m.SHA256 = chain.Hash(sum.Sum(nil))
	m.Archived.SHA256, err = storedSum(s)
	return m, err
}

// describer reads the frames of an archived segment in parallel.
type describer struct {
	s     *source
	plain segment.Source
}

// described is a frame that was read back. data is its bytes, for the sum over all frames in order.
type described struct {
	tally *tally
	data  *[]byte
}

var readBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (d *describer) read(p segment.Position, k segment.Chunk) (*described, error) {
	data := readBuffers.Get().(*[]byte)
	if d.plain != nil {
		// The copy is the plain file's bytes: equal ones, or there is no manifest.
		had, err := d.plain.Read(p.Extent, *data)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(had.Data, k.Data) {
			return nil, fmt.Errorf("%s: %w: bytes %d to %d are others", d.s.path, ErrDiffers, p.Offset, p.Offset+p.Size)
		}
		*data = had.Data
	} else {
		*data = append((*data)[:0], k.Data...)
	}
	return &described{tallyChunk(k), data}, nil
}

// storedSum is the SHA-256 of the compressed file.
func storedSum(s *source) (h chain.Hash, err error) {
	f, err := s.openSame()
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return h, err
	}
	return chain.Hash(sum.Sum(nil)), nil
}

// onMedium is an error if the medium has other bytes of the compressed file than everybody reads. Where
// the medium cannot be asked, nothing is said against it.
func onMedium(s *source) (err error) {
	f, err := s.openSame()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	cached, medium := make([]byte, FrameSize), make([]byte, FrameSize)
	for at := int64(0); at < s.info.Size; at += FrameSize {
		part := cached[:min(FrameSize, s.info.Size-at)]
		if _, err := f.ReadAt(part, at); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		n, err := s.fs.ReadMedium(s.path, medium[:len(part)], at)
		switch {
		case errors.Is(err, durable.ErrNoMedium):
			return nil
		case err != nil:
			return err
		case !bytes.Equal(medium[:n], part):
			return fmt.Errorf("%s: bytes %d to %d are not on the medium as they were written", s.path, at, at+int64(len(part)))
		}
	}
	return nil
}

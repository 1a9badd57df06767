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
	"github.com/opscontext/opscontext/internal/index"
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
// plain is not nil, every decoded byte is compared with it, and it must hold no other. The manifest's
// hashes are of the very bytes that were decoded and of those that came of them: a file that reads
// otherwise the next time has another hash. x, if it is not nil, is given what the index says of each
// frame.
func describe(ctx context.Context, s *source, plain segment.Source, id identity, workers int, x *index.Builder, did pass) (m *Manifest, err error) {
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
	d := &describer{s: s, plain: plain, indexed: x != nil}
	t := newTotal(m)
	raw, file := sha256.New(), sha256.New()
	frame := 0
	err = segment.Walk(ctx, []segment.Source{codedSource{s}}, segment.WalkOptions{Workers: workers}, d.read,
		func(_ segment.Position, r *described, err error) error {
			if err != nil {
				return err
			}
			defer r.free()
			file.Write(*r.coded)
			raw.Write(*r.raw)
			f := s.frames[frame]
			t.add(f, r.tally)
			if x != nil {
				x.Add(r.tally.part, f.size, f.rawSize)
			}
			frame++
			did(s.frames[frame-1].rawEnd())
			return nil
		})
	if err != nil {
		return nil, err
	}
	table, err := s.table()
	if err != nil {
		return nil, err
	}
	file.Write(table)
	t.done()
	m.SHA256, m.Archived.SHA256 = chain.Hash(raw.Sum(nil)), chain.Hash(file.Sum(nil))
	return m, nil
}

// codedSource hands out the frames of an archived segment as they lie in the file.
type codedSource struct{ *source }

func (s codedSource) Read(e segment.Extent, buf []byte) (segment.Chunk, error) {
	coded, err := s.coded(s.frameAt(e.Offset), buf)
	return segment.Chunk{Offset: e.Offset, Data: coded}, err
}

// describer reads the frames of an archived segment in parallel.
type describer struct {
	s     *source
	plain segment.Source
	// indexed: each frame is to be indexed as well.
	indexed bool
}

// described is a frame that was read back: as it is stored and as it was decoded, for the sums over all
// frames in order.
type described struct {
	tally      *tally
	coded, raw *[]byte
}

var readBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (r *described) free() {
	codedBuffers.Put(r.coded)
	readBuffers.Put(r.raw)
}

func (d *describer) read(p segment.Position, k segment.Chunk) (*described, error) {
	r := &described{coded: codedBuffers.Get().(*[]byte), raw: readBuffers.Get().(*[]byte)}
	*r.coded = append((*r.coded)[:0], k.Data...)
	data, err := d.s.decoded(d.s.frameAt(p.Offset), *r.coded, *r.raw)
	if err != nil {
		return nil, err
	}
	*r.raw = data
	if err := d.compare(p, data); err != nil {
		return nil, err
	}
	var part *index.Part
	if d.indexed {
		part = index.NewPart()
	}
	r.tally = tallyChunk(segment.Chunk{Offset: p.Offset, Data: data}, part)
	return r, nil
}

// compare is an error if the plain file has other bytes in the place of data.
func (d *describer) compare(p segment.Position, data []byte) error {
	if d.plain == nil {
		return nil
	}
	buf := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(buf)
	had, err := d.plain.Read(p.Extent, *buf)
	if err != nil {
		return err
	}
	*buf = had.Data
	if had.Offset != p.Offset || !bytes.Equal(had.Data, data) {
		return fmt.Errorf("%s: %w: bytes %d to %d are others", d.s.path, ErrDiffers, p.Offset, p.Offset+p.Size)
	}
	return nil
}

// table is what lies behind the frames in the file.
func (s *source) table() (_ []byte, err error) {
	var at int64
	if n := len(s.frames); n > 0 {
		at = s.frames[n-1].end()
	}
	f, err := s.openSame()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	table := make([]byte, s.info.Size-at)
	if n, err := f.ReadAt(table, at); n < len(table) {
		return nil, fmt.Errorf("%s: %d of the %d bytes behind the frames can be read: %w", s.path, n, len(table), err)
	}
	return table, nil
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

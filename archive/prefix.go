package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/opscontext/opscontext/segment"
)

// prefixDecoders decode the beginnings of frames, each for one goroutine at a time.
var prefixDecoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxFrame+decodeSlack), zstd.WithDecoderMaxWindow(MaxFrame))
	if err != nil {
		return nil
	}
	return d
}}

// Prefix reads the lines of src, an archived segment from [Opener], that start in e, which begins where
// a frame does and ends before it does. It decodes the frame only as far as that. So the frame's
// checksum is not looked at: whoever goes by the bytes has to know them for right by something else,
// as by the hashes of the records. The chunk may lie in buf.
func Prefix(src segment.Source, e segment.Extent, buf []byte) (segment.Chunk, error) {
	s, ok := src.(*source)
	if !ok {
		return segment.Chunk{}, fmt.Errorf("%s: %w", src.Name(), ErrNotArchived)
	}
	if e.Offset < 0 || e.Offset >= s.raw {
		return segment.Chunk{}, fmt.Errorf("%s: no frame begins at %d", s.path, e.Offset)
	}
	i := s.frameAt(e.Offset)
	if p := s.frames[i]; p.rawOffset != e.Offset || e.Size < 1 || e.Size >= p.rawSize {
		return segment.Chunk{}, fmt.Errorf("%s: %d bytes at %d are not the beginning of a frame", s.path, e.Size, e.Offset)
	}
	pooled := codedBuffers.Get().(*[]byte)
	defer codedBuffers.Put(pooled)
	coded, err := s.coded(i, *pooled)
	if err != nil {
		return segment.Chunk{}, err
	}
	*pooled = coded
	data, err := decodePrefix(coded, e.Size, s.frames[i].rawSize, buf)
	if err != nil {
		return segment.Chunk{}, s.frameError(i, err)
	}
	return segment.Chunk{Offset: e.Offset, Data: data}, nil
}

// lineStep is how much is decoded at a time to find the end of a line.
const lineStep = 4 << 10

// decodePrefix decodes the lines that start in the first n of a frame's raw bytes.
func decodePrefix(coded []byte, n, raw int64, buf []byte) ([]byte, error) {
	d, ok := prefixDecoders.Get().(*zstd.Decoder)
	if !ok {
		return nil, errors.New("no decoder can be made")
	}
	defer prefixDecoders.Put(d)
	if err := d.Reset(bytes.NewReader(coded)); err != nil {
		return nil, err
	}
	if int64(cap(buf)) < raw+decodeSlack {
		buf = make([]byte, raw+decodeSlack)
	}
	data := buf[:n]
	if _, err := io.ReadFull(d, data); err != nil {
		return nil, err
	}
	for data[len(data)-1] != '\n' && int64(len(data)) < raw {
		from := len(data)
		data = data[:min(int64(from)+lineStep, raw)]
		if _, err := io.ReadFull(d, data[from:]); err != nil {
			return nil, err
		}
		if i := bytes.IndexByte(data[from:], '\n'); i >= 0 {
			data = data[:from+i+1]
		}
	}
	return data, nil
}

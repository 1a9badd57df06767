package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/opscontext/opscontext/chain"
)

// Limits of an archived segment.
const (
	// FrameSize is the raw size in bytes from which a frame ends with its line. A segment that
	// would have more than 65,536 frames gets larger ones.
	FrameSize = 1 << 20
	// MaxFrame is the largest raw size of a frame that is read, in bytes: the largest piece of a
	// segment and the longest line behind it.
	MaxFrame = 2 * (chain.MaxLine + 1)
	// maxFrames bounds the table of frames.
	maxFrames = 1 << 17
)

var (
	errDictionary = errors.New("the frame needs a dictionary, which no archive has")
	errNoSize     = errors.New("the frame does not say how many bytes it holds: decompress the file with zstd -d")
	errSkippable  = errors.New("there is something else than compressed lines")
)

// coded gives the largest compressed size that a frame of raw bytes may have: what does not compress
// is stored with a header for every block.
func coded(raw int64) int64 { return 2*raw + 1024 }

// frameHead is what a frame says of itself.
type frameHead struct {
	size      int64 // compressed, all of it
	raw       int64 // unsaid if the frame does not say
	skippable bool
}

const unsaid = -1

// measureFrame reads the headers of the frame at off, which ends at end or before. It decodes
// nothing.
func measureFrame(r io.ReaderAt, off, end int64) (frameHead, error) {
	var buf [zstd.HeaderMaxSize]byte
	head := buf[:min(int64(len(buf)), end-off)]
	if _, err := r.ReadAt(head, off); err != nil && !errors.Is(err, io.EOF) {
		return frameHead{}, err
	}
	var h zstd.Header
	if err := h.Decode(head); err != nil {
		return frameHead{}, err
	}
	if h.Skippable {
		size := int64(h.HeaderSize) + int64(h.SkippableSize)
		if size > end-off {
			return frameHead{}, io.ErrUnexpectedEOF
		}
		return frameHead{size: size, skippable: true}, nil
	}
	switch {
	case h.DictionaryID != 0:
		return frameHead{}, errDictionary
	case h.HasFCS && h.FrameContentSize > MaxFrame:
		return frameHead{}, fmt.Errorf("the frame holds %d bytes, more than %d: decompress the file with zstd -d", h.FrameContentSize, int64(MaxFrame))
	}
	at := off + int64(h.HeaderSize)
	for last := false; !last; {
		var b [3]byte
		if _, err := r.ReadAt(b[:], at); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return frameHead{}, err
		}
		v := int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16
		last = v&1 != 0
		at += 3
		switch v >> 1 & 3 {
		case 0, 2:
			at += v >> 3
		case 1:
			at++
		default:
			return frameHead{}, errors.New("a block of an unknown type")
		}
		if at > end {
			return frameHead{}, io.ErrUnexpectedEOF
		}
	}
	if h.HasCheckSum {
		at += 4
	}
	if at > end {
		return frameHead{}, io.ErrUnexpectedEOF
	}
	f := frameHead{size: at - off, raw: unsaid}
	if h.HasFCS {
		f.raw = int64(h.FrameContentSize)
	}
	return f, nil
}

// decoder is shared by all readers. A frame is decoded into a buffer of its declared size and never
// beyond it; the limits here are for what a frame's header declares of itself.
var decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxMemory(MaxFrame+decodeSlack), zstd.WithDecoderMaxWindow(MaxFrame))
})

// decodeSlack is room behind a frame's bytes that the decoder is faster with.
const decodeSlack = 64

// decodeFrame decodes the one frame that coded is, which must hold exactly raw bytes. The result may
// lie in buf.
func decodeFrame(coded []byte, raw int64, buf []byte) ([]byte, error) {
	head, err := measureFrame(bytes.NewReader(coded), 0, int64(len(coded)))
	switch {
	case err != nil:
		return nil, err
	case head.skippable:
		return nil, errSkippable
	case head.size != int64(len(coded)):
		return nil, fmt.Errorf("the frame ends after %d of its %d bytes", head.size, len(coded))
	case head.raw != raw && head.raw != unsaid:
		return nil, fmt.Errorf("the frame says that it holds %d bytes, its place in the file is for %d", head.raw, raw)
	}
	d, err := decoder()
	if err != nil {
		return nil, err
	}
	room := raw + decodeSlack
	if int64(cap(buf)) < room {
		buf = make([]byte, room)
	}
	out, err := d.DecodeAll(coded, buf[:0:room])
	if err != nil {
		return nil, err
	}
	if int64(len(out)) != raw {
		return nil, fmt.Errorf("the frame holds %d bytes, not %d", len(out), raw)
	}
	return out, nil
}

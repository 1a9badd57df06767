package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The seek table of the zstd seekable format 0.1.0: a skippable frame at the end of the file, with the
// compressed and the raw size of each frame before it, as 32-bit little-endian numbers.
const (
	skippableMagic = 0x184D2A5E
	seekableMagic  = 0x8F92EAB1

	skippableHead = 8
	seekFooter    = 9
	seekEntry     = 8
	seekChecksum  = 4 // more for each entry, if the table carries checksums

	checksumFlag = 1 << 7
	reservedBits = 0x7c
)

// place is where a frame lies: in the file and in the raw bytes.
type place struct{ offset, size, rawOffset, rawSize int64 }

func (p place) end() int64    { return p.offset + p.size }
func (p place) rawEnd() int64 { return p.rawOffset + p.rawSize }

// appendSeekTable appends the seek table of frames.
func appendSeekTable(dst []byte, frames []place) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, skippableMagic)
	dst = le.AppendUint32(dst, uint32(len(frames)*seekEntry+seekFooter))
	for _, f := range frames {
		dst = le.AppendUint32(dst, uint32(f.size))
		dst = le.AppendUint32(dst, uint32(f.rawSize))
	}
	dst = le.AppendUint32(dst, uint32(len(frames)))
	dst = append(dst, 0)
	return le.AppendUint32(dst, seekableMagic)
}

// readSeekTable reads the seek table at the end of a file of size bytes. It says nothing of what the
// frames hold, but they lie one after the other from the first byte of the file up to the table, and
// none is larger than the limits allow.
func readSeekTable(r io.ReaderAt, size int64) ([]place, error) {
	le := binary.LittleEndian
	if size < skippableHead+seekFooter {
		return nil, errors.New("too short to have a seek table")
	}
	var foot [seekFooter]byte
	if _, err := r.ReadAt(foot[:], size-seekFooter); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if le.Uint32(foot[5:]) != seekableMagic || foot[4]&reservedBits != 0 {
		return nil, errors.New("no seek table at the end")
	}
	entry := int64(seekEntry)
	if foot[4]&checksumFlag != 0 {
		entry += seekChecksum
	}
	n := int64(le.Uint32(foot[:]))
	total := skippableHead + n*entry + seekFooter
	if n > maxFrames || total > size {
		return nil, fmt.Errorf("a seek table of %d frames does not fit", n)
	}
	table := make([]byte, total)
	if _, err := r.ReadAt(table, size-total); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if le.Uint32(table) != skippableMagic || int64(le.Uint32(table[4:])) != total-skippableHead {
		return nil, errors.New("the seek table does not begin where it should")
	}
	frames := make([]place, n)
	var at, raw int64
	for i := range frames {
		e := table[skippableHead+int64(i)*entry:]
		f := place{offset: at, size: int64(le.Uint32(e)), rawOffset: raw, rawSize: int64(le.Uint32(e[4:]))}
		if err := f.plausible(); err != nil {
			return nil, fmt.Errorf("the seek table's frame %d: %w", i, err)
		}
		at, raw = f.end(), f.rawEnd()
		frames[i] = f
	}
	if at != size-total {
		return nil, fmt.Errorf("the seek table covers %d bytes of the %d before it", at, size-total)
	}
	return frames, nil
}

func (p place) plausible() error {
	switch {
	case p.rawSize < 1 || p.rawSize > MaxFrame:
		return fmt.Errorf("a raw size of %d, not 1 to %d", p.rawSize, int64(MaxFrame))
	case p.size < 1 || p.size > coded(p.rawSize):
		return fmt.Errorf("%d bytes in %d: not what a compressor writes", p.rawSize, p.size)
	}
	return nil
}

package index

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"

	"github.com/FastFilter/xorfilter"
)

// The filter of a frame is a binary fuse filter with fingerprints of 8 bits (T. M. Graf, D. Lemire,
// "Binary Fuse Filters: Fast and Smaller Than Xor Filters", 2022): it says of a gram that is not in
// the frame that it is, 1 time in 256, and never the other way round.

// filterHead is the size of what stands before the fingerprints: the seed, and the length and the
// number of the filter's segments.
const filterHead = 8 + 4 + 4

// filterBuilders have buffers that are used again.
var filterBuilders = sync.Pool{New: func() any { return new(xorfilter.BinaryFuseBuilder) }}

// filter makes the filter of the set; nil if the set is empty, or none could be made of it.
func (s *grams) filter() []byte {
	keys := s.keys()
	if len(keys) == 0 {
		return nil
	}
	b := filterBuilders.Get().(*xorfilter.BinaryFuseBuilder)
	defer filterBuilders.Put(b)
	f, err := xorfilter.BuildBinaryFuse[uint8](b, keys)
	if err != nil {
		return nil // as improbable as a bit that flips by itself; the frame is then always read
	}
	out := make([]byte, 0, filterHead+len(f.Fingerprints))
	out = binary.LittleEndian.AppendUint64(out, f.Seed)
	out = binary.LittleEndian.AppendUint32(out, f.SegmentLength)
	out = binary.LittleEndian.AppendUint32(out, f.SegmentCount)
	return append(out, f.Fingerprints...)
}

// parseFilter reads a filter and sees to it that no question can lead out of it.
func parseFilter(text []byte) (f xorfilter.BinaryFuse[uint8], err error) {
	if len(text) < filterHead {
		return f, errContradicts
	}
	length, count := binary.LittleEndian.Uint32(text[8:]), binary.LittleEndian.Uint32(text[12:])
	prints := text[filterHead:]
	if bits.OnesCount32(length) != 1 || count == 0 || (uint64(count)+2)*uint64(length) != uint64(len(prints)) {
		return f, errContradicts
	}
	return xorfilter.BinaryFuse[uint8]{Seed: binary.LittleEndian.Uint64(text), SegmentLength: length, SegmentLengthMask: length - 1,
		SegmentCount: count, SegmentCountLength: count * length, Fingerprints: prints}, nil
}

// holdsAll reports whether a filter has, for each text, all grams of one of the ways in which the
// text may occur.
func holdsAll(f *xorfilter.BinaryFuse[uint8], texts [][][]uint64) bool {
	for _, ways := range texts {
		if !slices.ContainsFunc(ways, func(way []uint64) bool { return holds(f, way) }) {
			return false
		}
	}
	return true
}

func holds(f *xorfilter.BinaryFuse[uint8], way []uint64) bool {
	for _, g := range way {
		if !f.Contains(g) {
			return false
		}
	}
	return true
}

package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/opscontext/opscontext/chain"
)

// Format begins every index. Where the number behind the slash is another, nothing of it is read.
const Format = "opscontext-idx/1"

// headerSize is the size of the header in bytes; all numbers in it are little-endian.
const headerSize = int64(len(Format) + chain.HashLen/2 + 4 + 4 + sections*(8+4) + 4)

// The sections, in the order in which they follow the header.
const (
	sectionFrames = iota
	sectionNames
	sectionFilters

	sections
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header stands before the sections.
type header struct {
	manifest chain.Hash
	sum      uint32 // of the manifest
	frames   uint32
	sizes    [sections]uint64 // in bytes
	sums     [sections]uint32
}

// encode gives the header of some sections, and them behind it.
func (h *header) encode(texts [sections][]byte) []byte {
	le := binary.LittleEndian
	out := append([]byte(nil), Format...)
	out = append(out, h.manifest[:]...)
	out = le.AppendUint32(out, h.sum)
	out = le.AppendUint32(out, h.frames)
	for _, text := range texts {
		out = le.AppendUint64(out, uint64(len(text)))
		out = le.AppendUint32(out, crc32.Checksum(text, castagnoli))
	}
	out = le.AppendUint32(out, crc32.Checksum(out, castagnoli))
	for _, text := range texts {
		out = append(out, text...)
	}
	return out
}

// ErrFormat says that a file is no index, was damaged, or is of another format.
var ErrFormat = errors.New("not an index that can be used")

func parseHeader(b []byte) (h header, err error) {
	le := binary.LittleEndian
	if int64(len(b)) < headerSize || string(b[:len(Format)]) != Format {
		return h, fmt.Errorf("%w: it does not begin with %s", ErrFormat, Format)
	}
	if crc32.Checksum(b[:headerSize-4], castagnoli) != le.Uint32(b[headerSize-4:]) {
		return h, fmt.Errorf("%w: its header was damaged", ErrFormat)
	}
	b = b[len(Format):]
	copy(h.manifest[:], b)
	b = b[len(h.manifest):]
	h.sum, h.frames = le.Uint32(b), le.Uint32(b[4:])
	b = b[4+4:]
	for i := range sections {
		h.sizes[i], h.sums[i] = le.Uint64(b), le.Uint32(b[8:])
		b = b[8+4:]
	}
	return h, nil
}

// fits reports whether a file of size bytes holds exactly the sections.
func (h *header) fits(size int64) bool {
	rest := uint64(size - headerSize)
	for _, n := range h.sizes {
		if n > rest {
			return false
		}
		rest -= n
	}
	return rest == 0
}

// offset is where a section begins in the file.
func (h *header) offset(section int) int64 {
	at := headerSize
	for _, n := range h.sizes[:section] {
		at += int64(n)
	}
	return at
}

// writer writes a section: numbers as unsigned LEB128, texts with their length before them.
type writer struct{ out []byte }

func (w *writer) number(n int64) { w.out = binary.AppendUvarint(w.out, uint64(n)) }

func (w *writer) text(s string) {
	w.number(int64(len(s)))
	w.out = append(w.out, s...)
}

// posting writes which of both a posting has, the size of what follows in bytes, and each number as the
// distance from the one before.
func (w *writer) posting(p *posting) {
	list, kind := p.lines, int64(0)
	if p.common {
		list, kind = p.frames, 1
	}
	var numbers writer
	var last int64
	for _, at := range list {
		numbers.number(at - last)
		last = at
	}
	w.number(kind)
	w.number(int64(len(numbers.out)))
	w.out = append(w.out, numbers.out...)
}

// reader reads it. After an error everything reads as nothing. Texts are parts of what is read.
type reader struct {
	in  string
	bad bool
}

func (r *reader) number(limit int64) int64 {
	var n uint64
	for i := 0; i < len(r.in) && i < binary.MaxVarintLen64-1; i++ {
		c := r.in[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if n > uint64(limit) {
				break
			}
			r.in = r.in[i+1:]
			return int64(n)
		}
	}
	r.bad, r.in = true, ""
	return 0
}

func (r *reader) text() string {
	n := r.number(maxText)
	if int64(len(r.in)) < n {
		r.bad, r.in = true, ""
		return ""
	}
	s := r.in[:n]
	r.in = r.in[n:]
	return s
}

// posting reads a posting, whose lines lie below size, in one of so many frames; nil if it is not wanted.
func (r *reader) posting(size, frames int64, wanted func() bool) *posting {
	p := &posting{common: r.number(1) == 1}
	n := r.number(int64(len(r.in)))
	numbers := reader{in: r.in[:n]}
	r.in = r.in[n:]
	if r.bad || !wanted() {
		return nil
	}
	limit := size - 1
	if p.common {
		limit = frames - 1
	}
	list := make([]int64, 0, n) // each takes a byte at least
	for last := int64(0); len(numbers.in) > 0; {
		step := numbers.number(limit - last)
		if len(list) > 0 && step == 0 {
			numbers.bad = true
		}
		last += step
		list = append(list, last)
	}
	r.bad = r.bad || numbers.bad
	if p.common {
		p.frames = list
	} else {
		p.lines = list
	}
	return p
}

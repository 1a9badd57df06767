package index

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/opscontext/opscontext/internal/recordtext"
)

// grams is the set of what [gramsOf] gives of the texts of a frame. A filter is made of it in the order
// in which the trigrams came first, so that order is the same however they are looked for.
//
// Every byte of a segment comes by here, and most of a frame repeats what was said before in it. So
// whether anything is new is asked of six trigrams at once, and the longer grams are looked for where
// there are digits.
type grams struct {
	bits   [1 << 24 / 64]uint64 // the trigrams, one bit for each that there can be
	lately [1 << 12]uint64      // the longer ones, the latest of each hash
	list   []uint64             // the trigrams
	longer []uint64             // the longer ones, not each only once
	shown  []byte
}

// A window is eight bytes in a row, which are six trigrams.
const (
	windowSize = 8
	trigram    = 1<<24 - 1
	longSize   = 6 // of a longer gram, in bytes
)

// addSaid adds those of what a record says, with its strings as they read.
func (s *grams) addSaid(said []byte) {
	if bytes.IndexByte(said, '\\') >= 0 {
		s.shown = recordtext.AppendShown(s.shown[:0], said)
		said = s.shown
	}
	said = rest(said)
	s.addTrigrams(said)
	s.addLonger(said)
}

// addTrigrams goes through a text in windows that have two bytes in common with the next, the last of
// them where the text ends.
func (s *grams) addTrigrams(text []byte) {
	if len(text) < windowSize {
		for g := range gramsOf(text) {
			if g&long == 0 {
				s.addTrigram(g)
			}
		}
		return
	}
	for i := 0; i < len(text)-windowSize; i += windowSize - 2 {
		if w := binary.BigEndian.Uint64(text[i:]); !s.hasWindow(w) {
			s.addWindow(w)
		}
	}
	s.addWindow(binary.BigEndian.Uint64(text[len(text)-windowSize:]))
}

// hasWindow reports whether all six trigrams are in the set: without a branch for each.
func (s *grams) hasWindow(w uint64) bool {
	bits := &s.bits
	a, b, c, d, e, f := w>>40, w>>32&trigram, w>>24&trigram, w>>16&trigram, w>>8&trigram, w&trigram
	return bits[a>>6]>>(a&63)&(bits[b>>6]>>(b&63))&(bits[c>>6]>>(c&63))&
		(bits[d>>6]>>(d&63))&(bits[e>>6]>>(e&63))&(bits[f>>6]>>(f&63))&1 != 0
}

func (s *grams) addWindow(w uint64) {
	for shift := 40; shift >= 0; shift -= 8 {
		s.addTrigram(w >> shift & trigram)
	}
}

func (s *grams) addTrigram(g uint64) {
	if w, bit := &s.bits[g>>6], uint64(1)<<(g&63); *w&bit == 0 {
		*w |= bit
		s.list = append(s.list, g)
	}
}

// addLonger goes from digit to digit, each time from where a longer gram with it would begin.
func (s *grams) addLonger(text []byte) {
	for i := nextDigit(text, 0); i < len(text); i = nextDigit(text, i) {
		from := i
		for from > 0 && i-from < longSize-1 && classes[text[from-1]] != 0 {
			from--
		}
		i = s.addRun(text, from)
	}
}

// addRun adds the longer grams from here to where the letters and digits end, or where there has been
// no digit for as long as one is.
func (s *grams) addRun(text []byte, from int) (end int) {
	var last uint64
	sinceDigit := 0
	for i := from; i < len(text); i++ {
		switch classes[text[i]] {
		case 0:
			return i
		case digit:
			sinceDigit = 0
		default:
			if sinceDigit++; sinceDigit == longSize {
				return i
			}
		}
		last = last<<8&(long-1) | uint64(text[i])
		if i-from < longSize-1 {
			continue
		}
		if had := &s.lately[last*fibonacci>>52]; *had != long|last {
			*had = long | last
			s.longer = append(s.longer, long|last)
		}
	}
	return len(text)
}

// nextDigit is where the first digit from i on is, or the length of the text.
func nextDigit(text []byte, i int) int {
	for ; i+8 <= len(text); i += 8 {
		if m := digitsOf(binary.LittleEndian.Uint64(text[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(text) && classes[text[i]] != digit {
		i++
	}
	return i
}

const (
	ones = 0x0101010101010101 // in each of eight bytes
	tops = ones * 0x80
)

// digitsOf looks at eight bytes at once, and sets the top bit of each that is a digit.
func digitsOf(w uint64) uint64 {
	w ^= ones * '0' // digits are now below 10
	return ^(w&^tops + ones*(0x80-10) | w) & tops
}

// fibonacci spreads numbers over the upper bits of their product with it.
const fibonacci = 0x9e3779b97f4a7c15

// keys gives each member of the set once.
func (s *grams) keys() []uint64 {
	slices.Sort(s.longer)
	return slices.Concat(s.list, slices.Compact(s.longer))
}

func (s *grams) clear() {
	for _, g := range s.list {
		s.bits[g>>6] = 0
	}
	s.list, s.longer = s.list[:0], s.longer[:0]
	clear(s.lately[:])
	if cap(s.shown) > math.MaxUint16 {
		s.shown = nil
	}
}

package index

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
)

// saidEnd is how what a record says ends, and afterSaid what follows: its two hashes, whose digits an
// index does not cover. x stands for one of their digits.
const saidEnd = `,"prev_hash":"`

var afterSaid = strings.Repeat("x", chain.HashLen) + `","hash":"` + strings.Repeat("x", chain.HashLen) + `"}`

// beforeRest is how a record begins with a usual ts, which an index does not cover either: without its
// digits an address is rare in a frame, with them three of its are everywhere. d stands for one digit.
const beforeRest = `{"ts":"dddd-dd-ddTdd:dd:dd.dddZ`

// rest is what of a record's text an index covers: from behind a usual ts on, else all of it.
func rest(said []byte) []byte {
	if len(said) < 8*len(usual) {
		return said
	}
	for i, u := range usual {
		w := binary.LittleEndian.Uint64(said[8*i:])
		if w&u.fixed != u.text || digitsOf(w)&u.digits != u.digits {
			return said
		}
	}
	return said[len(beforeRest):]
}

// usual is beforeRest and the quote behind it, eight bytes at a time.
var usual = func() (words [(len(beforeRest) + 1) / 8]struct{ text, fixed, digits uint64 }) {
	for i, c := range []byte(beforeRest + `"`) {
		w, shift := &words[i/8], i%8*8
		if c == 'd' {
			w.digits |= 0x80 << shift
			continue
		}
		w.text |= uint64(c) << shift
		w.fixed |= 0xff << shift
	}
	return words
}()

// ways gives the grams that must be in a frame for the needle to occur in one of its records, for
// each way in which it may: all in what is covered, or with its beginning in the ts, its end among the
// hashes. nil: some way needs none, and every frame may hold it.
func ways(needle string) [][]uint64 {
	froms, tos := []int{0}, []int{len(needle)}
	for at := range len(beforeRest) {
		if n := min(len(needle), len(beforeRest)-at); beginsWith(beforeRest[at:], needle[:n]) {
			froms = append(froms, n)
		}
	}
	for to := max(0, len(needle)-len(afterSaid)); to < len(needle); to++ {
		if endsWith(saidEnd, needle[:to]) && beginsWith(afterSaid, needle[to:]) {
			tos = append(tos, to)
		}
	}
	for at := 1; at < len(afterSaid); at++ {
		if beginsWith(afterSaid[at:], needle) {
			return nil
		}
	}
	var all [][]uint64
	for _, from := range froms {
		for _, to := range tos {
			way := distinct(needle[min(from, to):to])
			if len(way) == 0 {
				return nil
			}
			all = append(all, way)
		}
	}
	return all
}

// beginsWith reports whether some digits make pattern begin with text.
func beginsWith(pattern, text string) bool {
	if len(text) > len(pattern) {
		return false
	}
	for i := range len(text) {
		c := text[i]
		digit := '0' <= c && c <= '9'
		fits := pattern[i] == c
		switch pattern[i] {
		case 'd':
			fits = digit
		case 'x':
			fits = digit || 'a' <= c && c <= 'f'
		}
		if !fits {
			return false
		}
	}
	return true
}

// endsWith reports whether a text may end with end that itself ends with text.
func endsWith(end, text string) bool {
	n := min(len(end), len(text))
	return end[len(end)-n:] == text[len(text)-n:]
}

func distinct(text string) []uint64 {
	all := slices.Collect(gramsOf(text))
	slices.Sort(all)
	return slices.Compact(all)
}

// Narrows reports whether an index can rule out frames by a text that must occur in a record: not by
// one of fewer than three bytes, and not by one that may stand in a hash or a ts.
func Narrows(needle string) bool { return ways(needle) != nil }

package search

import (
	"bytes"
	"iter"
	"math"
	"strings"

	"github.com/opscontext/opscontext/segment"
)

// finder looks for a text in many lines at once. If a byte of it is rare in records, it looks for that
// byte, which is several times as fast as to look for a text that begins with a frequent one. Else it
// goes by its last byte and skips as far as that allows (R. N. Horspool, "Practical fast searching in
// strings", 1980).
type finder struct {
	text string
	rare int // where the rarest byte is in it; -1 if all are frequent
	skip [256]uint8
}

// rareFrom is the place in frequent from which bytes are rare.
const rareFrom = 34

// frequent are the bytes of audit records, roughly the most frequent ones first. Half of a record is
// hexadecimal.
const frequent = "\"0123456789abcdef,:_ -etoinsrhlpmg.vyuk{}wT/xZjqz()"

// newFinder gives a finder for a text that is in every line wanted; nil for none.
func newFinder(text string) *finder {
	if text == "" {
		return nil
	}
	f, best := &finder{text: text}, -1
	for i := range len(text) {
		rank := strings.IndexByte(frequent, text[i])
		if rank < 0 {
			rank = len(frequent)
		}
		if rank > best {
			f.rare, best = i, rank
		}
	}
	if best < rareFrom && len(text) > 3 {
		f.rare = -1
		f.fillSkip()
	}
	return f
}

// fillSkip says for each byte how far a text that is to end in its place may be moved on.
func (f *finder) fillSkip() {
	last := len(f.text) - 1
	for i := range f.skip {
		f.skip[i] = uint8(min(len(f.text), math.MaxUint8))
	}
	for i := range last {
		f.skip[f.text[i]] = uint8(min(last-i, math.MaxUint8))
	}
}

// index is where the text next occurs in data at from or later; -1 if it does not.
func (f *finder) index(data []byte, from int) int {
	if f.rare < 0 {
		return f.skipping(data, from)
	}
	for from+len(f.text) <= len(data) {
		i := bytes.IndexByte(data[from+f.rare:len(data)-len(f.text)+f.rare+1], f.text[f.rare])
		if i < 0 {
			return -1
		}
		if from += i; string(data[from:from+len(f.text)]) == f.text {
			return from
		}
		from++
	}
	return -1
}

func (f *finder) skipping(data []byte, from int) int {
	last := len(f.text) - 1
	end := f.text[last]
	for at := from + last; at < len(data); {
		c := data[at]
		if c == end && string(data[at-last:at+1]) == f.text {
			return at - last
		}
		at += int(f.skip[c])
	}
	return -1
}

// lines gives the lines that have the text.
func (f *finder) lines(c segment.Chunk) iter.Seq2[int64, []byte] {
	return func(yield func(int64, []byte) bool) {
		for from := 0; ; {
			i := f.index(c.Data, from)
			if i < 0 {
				return
			}
			start, line := lineAround(c.Data, i)
			if !yield(c.Offset+int64(start), line) {
				return
			}
			from = start + len(line) + 1
		}
	}
}

// lineAround gives the line that byte i of data is in, without its LF, and where it starts.
func lineAround(data []byte, i int) (start int, line []byte) {
	start = bytes.LastIndexByte(data[:i], '\n') + 1
	end := len(data)
	if n := bytes.IndexByte(data[i:], '\n'); n >= 0 {
		end = i + n
	}
	return start, data[start:end:end]
}

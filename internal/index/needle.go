package index

import (
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
)

// saidEnd is how what a record says ends, and afterSaid what follows: its two hashes, whose digits an
// index does not cover. x stands for one digit.
const saidEnd = `,"prev_hash":"`

var afterSaid = strings.Repeat("x", chain.HashLen) + `","hash":"` + strings.Repeat("x", chain.HashLen) + `"}`

// ways gives the trigrams that must be in a frame for the needle to occur in one of its records, for
// each way in which it may: all in what the record says, or with its end among the hashes. nil: some
// way needs none, and every frame may hold it.
func ways(needle string) [][]uint32 {
	// Spelled as this program writes it, a record ends with its hashes; otherwise all of it is
	// covered, and the first way is the only one.
	all := [][]uint32{distinct(needle)}
	for before := max(0, len(needle)-len(afterSaid)); before < len(needle); before++ {
		if endsWith(saidEnd, needle[:before]) && beginsWith(afterSaid, needle[before:]) {
			all = append(all, distinct(needle[:before]))
		}
	}
	for at := 1; at < len(afterSaid); at++ {
		if beginsWith(afterSaid[at:], needle) {
			return nil
		}
	}
	for _, way := range all {
		if len(way) == 0 {
			return nil
		}
	}
	return all
}

// beginsWith reports whether some hashes make pattern begin with text.
func beginsWith(pattern, text string) bool {
	if len(text) > len(pattern) {
		return false
	}
	for i := range len(text) {
		c := text[i]
		fits := pattern[i] == c
		if pattern[i] == 'x' {
			fits = '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
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

func distinct(text string) []uint32 {
	all := slices.Collect(trigramsOf(text))
	slices.Sort(all)
	return slices.Compact(all)
}

// Narrows reports whether an index can rule out frames by a text that must occur in a record: not by
// one of fewer than three bytes, and not by one that may stand in a hash.
func Narrows(needle string) bool { return ways(needle) != nil }

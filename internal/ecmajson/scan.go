package ecmajson

import (
	"bytes"
	"slices"
)

// ScanValue returns the end of the JSON value that starts at b[i] if the text b[i:end] is, byte for
// byte, what JSON.stringify writes for the value JSON.parse reads from it: no white space, every
// string, number and member where and as ECMAScript would put it, no member twice, all of it UTF-8.
// It returns -1 for everything else, and for a value nested more than maxDepth levels, at most
// [MaxDepth]. What follows the value is not looked at, except that a number ends before the first
// byte that cannot be part of one.
//
// Nothing is allocated unless more than a dozen or so members stand in the objects around a place.
func ScanValue(b []byte, i, maxDepth int) int {
	var stack [16]name
	return scanValue(b, i, min(maxDepth, MaxDepth), stack[:0])
}

// name is where the name of a member stands, without its quotes.
type name struct{ start, end int }

// scanValue scans the value at i, which may hold depth more levels. names are those of the objects
// around it, handed down for the room behind them.
func scanValue(b []byte, i, depth int, names []name) int {
	if uint(i) >= uint(len(b)) {
		return -1
	}
	switch b[i] {
	case '"':
		return ScanString(b, i)
	case '{':
		return scanObject(b, i+1, depth-1, names)
	case '[':
		return scanArray(b, i+1, depth-1, names)
	case 't':
		return scanLiteral(b, i, "true")
	case 'f':
		return scanLiteral(b, i, "false")
	case 'n':
		return scanLiteral(b, i, "null")
	}
	return scanNumber(b, i)
}

func scanLiteral(b []byte, i int, literal string) int {
	end := i + len(literal)
	if end > len(b) || string(b[i:end]) != literal {
		return -1
	}
	return end
}

// scanArray scans from behind the bracket.
func scanArray(b []byte, i, depth int, names []name) int {
	if depth < 0 || i >= len(b) {
		return -1
	}
	if b[i] == ']' {
		return i + 1
	}
	for {
		i = scanValue(b, i, depth, names)
		if uint(i) >= uint(len(b)) {
			return -1
		}
		switch b[i] {
		case ',':
			i++
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

// manyNames is the number of names up to which each is compared with those before it. More are sorted
// once all are there, so that time stays linear but for a logarithm.
const manyNames = 32

// scanObject scans from behind the brace.
func scanObject(b []byte, i, depth int, names []name) int {
	if depth < 0 || i >= len(b) {
		return -1
	}
	if b[i] == '}' {
		return i + 1
	}
	names = names[len(names):]
	index := int64(-1) // the last name that is an array index
	seen := uint64(0)  // a bit for the sum of each other name
	for {
		end := ScanString(b, i)
		if uint(end) >= uint(len(b)) || b[end] != ':' {
			return -1
		}
		text := b[i+1 : end-1]
		if n, ok := arrayIndex(text); ok {
			if len(names) > 0 || int64(n) <= index {
				return -1
			}
			index = int64(n)
		} else {
			bit := uint64(1) << (sum(text) % 64)
			if seen&bit != 0 && len(names) < manyNames && contains(b, names, text) {
				return -1
			}
			seen |= bit
			names = append(names, name{i + 1, end - 1})
		}
		i = scanValue(b, end+1, depth, names)
		if uint(i) >= uint(len(b)) {
			return -1
		}
		switch b[i] {
		case ',':
			i++
		case '}':
			if len(names) > manyNames && !distinct(b, names) {
				return -1
			}
			return i + 1
		default:
			return -1
		}
	}
}

// sum tells most names of an object apart.
func sum(text []byte) uint {
	n := uint(len(text))
	if n > 0 {
		n += 3*uint(text[0]) + 5*uint(text[n-1]) + 7*uint(text[n/2])
	}
	return n
}

func contains(b []byte, names []name, text []byte) bool {
	for _, n := range names {
		if bytes.Equal(b[n.start:n.end], text) {
			return true
		}
	}
	return false
}

// distinct reports whether no two names are equal. It sorts them.
func distinct(b []byte, names []name) bool {
	compare := func(x, y name) int { return bytes.Compare(b[x.start:x.end], b[y.start:y.end]) }
	slices.SortFunc(names, compare)
	for i := 1; i < len(names); i++ {
		if compare(names[i-1], names[i]) == 0 {
			return false
		}
	}
	return true
}

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
// It allocates only for unusual texts: more than [namesOnStack] members in open objects, or a number
// that has to be read to know its canonical form and is longer than any of those.
func ScanValue(b []byte, i, maxDepth int) int {
	var stack [namesOnStack]name
	s := scanner{b: b, names: stack[:0]}
	return s.value(i, min(maxDepth, MaxDepth))
}

const namesOnStack = 32

// scanner is the state of one ScanValue.
type scanner struct {
	b     []byte
	names []name // of the open objects, the innermost last; array indices are left out
}

// name is where the name of a member stands, without its quotes.
type name struct{ start, end int }

// value scans the value at i, which may hold depth more levels.
func (s *scanner) value(i, depth int) int {
	if uint(i) >= uint(len(s.b)) {
		return -1
	}
	switch s.b[i] {
	case '"':
		return ScanString(s.b, i)
	case '{':
		return s.object(i+1, depth-1)
	case '[':
		return s.array(i+1, depth-1)
	case 't':
		return scanLiteral(s.b, i, "true")
	case 'f':
		return scanLiteral(s.b, i, "false")
	case 'n':
		return scanLiteral(s.b, i, "null")
	}
	return scanNumber(s.b, i)
}

func scanLiteral(b []byte, i int, literal string) int {
	end := i + len(literal)
	if end > len(b) || string(b[i:end]) != literal {
		return -1
	}
	return end
}

// array scans from behind the bracket.
func (s *scanner) array(i, depth int) int {
	b := s.b
	if depth < 0 || i >= len(b) {
		return -1
	}
	if b[i] == ']' {
		return i + 1
	}
	for {
		i = s.value(i, depth)
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

// object scans from behind the brace.
func (s *scanner) object(i, depth int) int {
	b := s.b
	if depth < 0 || i >= len(b) {
		return -1
	}
	if b[i] == '}' {
		return i + 1
	}
	members := memberOrder{base: len(s.names), index: -1}
	for {
		end := ScanString(b, i)
		if uint(end) >= uint(len(b)) || b[end] != ':' || !s.member(&members, name{i + 1, end - 1}) {
			return -1
		}
		i = s.value(end+1, depth)
		if uint(i) >= uint(len(b)) {
			return -1
		}
		switch b[i] {
		case ',':
			i++
		case '}':
			if !s.distinct(members.base) {
				return -1
			}
			s.names = s.names[:members.base]
			return i + 1
		default:
			return -1
		}
	}
}

// memberOrder is what is known of the members of an object that is being scanned.
type memberOrder struct {
	base  int    // where its names start in scanner.names
	index int64  // the last name that is an array index, -1 before the first
	sums  uint64 // a bit for the sum of every name
}

// manyNames is the number of names up to which each is compared with those before it. More are sorted
// once all are there, so that time stays linear but for a logarithm.
const manyNames = 32

// member takes note of a member's name. It is false where ECMAScript would not have the member there.
func (s *scanner) member(m *memberOrder, n name) bool {
	text := s.b[n.start:n.end]
	sum := uint(len(text))
	if len(text) > 0 {
		if text[0] <= '9' {
			if index, ok := arrayIndex(text); ok {
				before := m.index
				m.index = int64(index)
				return len(s.names) == m.base && before < m.index
			}
		}
		sum += 3*uint(text[0]) + 5*uint(text[len(text)-1]) + 7*uint(text[len(text)/2])
	}
	bit := uint64(1) << (sum % 64)
	if m.sums&bit != 0 && len(s.names)-m.base < manyNames {
		for _, o := range s.names[m.base:] {
			if bytes.Equal(s.b[o.start:o.end], text) {
				return false
			}
		}
	}
	m.sums |= bit
	s.names = append(s.names, n)
	return true
}

// distinct reports whether an object with many names has each only once.
func (s *scanner) distinct(base int) bool {
	names := s.names[base:]
	if len(names) <= manyNames {
		return true
	}
	compare := func(a, o name) int { return bytes.Compare(s.b[a.start:a.end], s.b[o.start:o.end]) }
	slices.SortFunc(names, compare)
	for i := 1; i < len(names); i++ {
		if compare(names[i-1], names[i]) == 0 {
			return false
		}
	}
	return true
}

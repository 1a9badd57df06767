package ecmajson

import (
	"bytes"
	"slices"
)

// members is what is known of the names of an object that is being scanned.
type members struct {
	index int64  // the last that is an array index, -1 before the first
	seen  uint64 // a bit for each other name, and the same bit for a few names that differ
	count int    // of the other names
	few   [manyNames]name
	many  []name // all the other names once there are too many to compare each with each
}

// name is where the name of a member stands, without its quotes.
type name struct{ start, end int }

// manyNames is the number of names that are compared with each other as they come. Where there are
// more, they are sorted once all are there, so that time stays linear but for a logarithm.
const manyNames = 16

// add takes note of the name b[start:end]. It is false where ECMAScript would not have that member
// there: array indices come first, ascending, and no name comes twice.
func (m *members) add(b []byte, start, end int) bool {
	if b[start] <= '9' {
		if index, ok := arrayIndex(b[start:end]); ok {
			before := m.index
			m.index = int64(index)
			return m.count == 0 && before < m.index
		}
	}
	if m.count >= len(m.few) {
		if m.many == nil {
			m.many = append(m.many, m.few[:]...)
		}
		m.many = append(m.many, name{start, end})
		return true
	}
	// For an empty name, the quotes around it stand in for its characters.
	bit := uint64(1) << ((uint(end-start) + uint(b[start]) + 2*uint(b[end-1])) % 64)
	if m.seen&bit != 0 && m.has(b, start, end) {
		return false
	}
	m.seen |= bit
	m.few[m.count] = name{start, end}
	m.count++
	return true
}

func (m *members) has(b []byte, start, end int) bool {
	for _, n := range m.few[:m.count] {
		if bytes.Equal(b[n.start:n.end], b[start:end]) {
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

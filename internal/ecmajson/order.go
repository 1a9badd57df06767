package ecmajson

import (
	"cmp"
	"slices"
)

// enumerate puts members into the order in which ECMAScript enumerates an object's own properties:
// names that are array indices first, ascending, then the others as they were added. indexed is the
// number of names that are array indices.
func enumerate(members []Member, indexed int) []Member {
	if indexed == 0 {
		return members
	}
	type numbered struct {
		index  uint32
		member Member
	}
	first := make([]numbered, 0, indexed)
	rest := make([]Member, 0, len(members)-indexed)
	for _, m := range members {
		if i, ok := arrayIndex(m.Name); ok {
			first = append(first, numbered{i, m})
		} else {
			rest = append(rest, m)
		}
	}
	slices.SortFunc(first, func(a, b numbered) int { return cmp.Compare(a.index, b.index) })
	for i, f := range first {
		members[i] = f.member
	}
	copy(members[indexed:], rest)
	return members
}

// arrayIndex reads name as an array index (ECMA-262, 6.1.7): an integer from 0 to 2³²-2 in decimal,
// without leading zeros.
func arrayIndex[T string | []byte](name T) (uint32, bool) {
	const longest = len("4294967294")
	if len(name) == 0 || len(name) > longest || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	var n uint64
	for i := range len(name) {
		d := name[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = 10*n + uint64(d)
	}
	return uint32(n), n <= 1<<32-2
}

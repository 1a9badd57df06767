package ecmajson

import (
	"cmp"
	"slices"
)

// properties are the members of an object while it is built.
type properties struct {
	members []Member
	indices int            // names that are array indices
	place   map[string]int // of each name in members; only where there are many
}

func newProperties(size int) properties {
	var p properties
	if size > 0 {
		p.members = make([]Member, 0, size)
	}
	if size > manyNames {
		p.place = make(map[string]int, size)
	}
	return p
}

// set gives a member its value. It is false where the member had one before, which keeps its place.
func (p *properties) set(name string, v Value) bool {
	if i, ok := p.find(name); ok {
		p.members[i].Value = v
		return false
	}
	if p.place != nil {
		p.place[name] = len(p.members)
	}
	if _, ok := arrayIndex(name); ok {
		p.indices++
	}
	p.members = append(p.members, Member{Name: name, Value: v})
	return true
}

func (p *properties) find(name string) (int, bool) {
	if p.place != nil {
		i, ok := p.place[name]
		return i, ok
	}
	for i := range p.members {
		if p.members[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// enumerate gives the members in the order in which ECMAScript enumerates an object's own properties
// (ECMA-262, OrdinaryOwnPropertyKeys): names that are array indices first, ascending, then the others
// as they came.
func (p *properties) enumerate() []Member {
	if p.indices == 0 {
		return p.members
	}
	type numbered struct {
		index  uint32
		member Member
	}
	first := make([]numbered, 0, p.indices)
	rest := make([]Member, 0, len(p.members)-p.indices)
	for _, m := range p.members {
		if i, ok := arrayIndex(m.Name); ok {
			first = append(first, numbered{i, m})
		} else {
			rest = append(rest, m)
		}
	}
	slices.SortFunc(first, func(a, b numbered) int { return cmp.Compare(a.index, b.index) })
	ordered := p.members[:0]
	for _, f := range first {
		ordered = append(ordered, f.member)
	}
	return append(ordered, rest...)
}

// arrayIndex reads name as an array index (ECMA-262, "array index"): an integer from 0 to 2³²-2 in
// decimal, without leading zeros.
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

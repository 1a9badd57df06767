//go:build linux

package medium

import (
	"maps"
	"os"
	"slices"
)

// change is one thing that a program did to a tree and that a power cut can undo. A rename is one
// change, never two: no journalling file system shows half of it.
type change interface {
	// to makes the change in s.
	to(s *state)
	// of tells which files and directories have to be synced for the change to be on the medium.
	of() []uint64
}

// wrote is bytes written to a file.
type wrote struct {
	ino  uint64
	off  int64
	data []byte
}

func (c wrote) of() []uint64 { return []uint64{c.ino} }

func (c wrote) to(s *state) {
	n := s.node(c.ino)
	b := n.data
	if end := c.off + int64(len(c.data)); int64(len(b)) < end {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[c.off:], c.data)
	n.data = b
}

// resized is a file cut or extended.
type resized struct {
	ino  uint64
	size int64
}

func (c resized) of() []uint64 { return []uint64{c.ino} }

func (c resized) to(s *state) {
	n := s.node(c.ino)
	if int64(len(n.data)) >= c.size {
		n.data = n.data[:c.size:c.size]
		return
	}
	n.data = append(n.data, make([]byte, c.size-int64(len(n.data)))...)
}

// moded is other permission bits.
type moded struct {
	ino  uint64
	mode os.FileMode
}

func (c moded) of() []uint64   { return []uint64{c.ino} }
func (c moded) to(s *state)    { s.node(c.ino).mode = c.mode }
func (c made) of() []uint64    { return []uint64{c.dir} }
func (c named) of() []uint64   { return []uint64{c.dir} }
func (c unnamed) of() []uint64 { return []uint64{c.dir} }

// made is a new file or directory with its first name.
type made struct {
	dir  uint64
	name string
	ino  uint64
	mode os.FileMode
}

func (c made) to(s *state) {
	s.make(c.ino, c.mode)
	s.enter(c.dir, c.name, c.ino)
}

// named is a further name of a file.
type named struct {
	dir  uint64
	name string
	ino  uint64
}

func (c named) to(s *state) { s.enter(c.dir, c.name, c.ino) }

// unnamed is a name taken away.
type unnamed struct {
	dir  uint64
	name string
}

func (c unnamed) to(s *state) { delete(s.node(c.dir).kids, c.name) }

// renamed is a name moved, over another if there is one.
type renamed struct {
	from     uint64
	old      string
	into     uint64
	new      string
	ino      uint64
	exchange uint64 // what the old name means then, if the two are exchanged
}

func (c renamed) of() []uint64 { return []uint64{c.from, c.into} }

func (c renamed) to(s *state) {
	if c.exchange != 0 {
		s.enter(c.from, c.old, c.exchange)
	} else {
		delete(s.node(c.from).kids, c.old)
	}
	s.enter(c.into, c.new, c.ino)
}

// node is a file or a directory.
type node struct {
	mode os.FileMode
	data []byte
	kids map[string]uint64
}

// state is what a tree holds: by inode number, the root being rootIno.
type state map[uint64]*node

const rootIno = 1

func newState() state {
	return state{rootIno: {mode: os.ModeDir | 0o700, kids: map[string]uint64{}}}
}

func (s *state) node(ino uint64) *node { return (*s)[ino] }

// make makes an empty file or directory that has no name, if there is none of that number.
func (s *state) make(ino uint64, mode os.FileMode) {
	if (*s)[ino] != nil {
		return
	}
	n := &node{mode: mode}
	if mode.IsDir() {
		n.kids = map[string]uint64{}
	}
	(*s)[ino] = n
}

func (s *state) enter(dir uint64, name string, ino uint64) { s.node(dir).kids[name] = ino }

func (s *state) clone() state {
	c := make(state, len(*s))
	for ino, n := range *s {
		c[ino] = &node{mode: n.mode, data: slices.Clone(n.data), kids: maps.Clone(n.kids)}
	}
	return c
}

// links counts the names of a file.
func (s *state) links(ino uint64) (n uint32) {
	for _, d := range *s {
		for _, kid := range d.kids {
			if kid == ino {
				n++
			}
		}
	}
	return n
}

package durable

import (
	"io/fs"
	"slices"
)

// change is something that happened in the cache and is not known to be on the medium.
type change struct {
	kind changeKind
	file *node // whose bytes, length or mode; nil for names

	off  int64       // write
	data []byte      // write; never modified
	size int64       // truncation
	mode fs.FileMode // mode: the permission bits

	names []binding // name changes that happen together or not at all
}

type changeKind uint8

const (
	writeChange changeKind = iota
	sizeChange
	modeChange
	nameChange
)

// binding says what a name in a directory means from now on; node nil: nothing.
type binding struct {
	dir  *node
	name string
	node *node
}

func (c *change) touches(dir *node) bool {
	return slices.ContainsFunc(c.names, func(b binding) bool { return b.dir == dir })
}

// change makes a change of a file in the cache and notes it as pending.
func (m *Mem) change(c *change) {
	c.apply(&c.file.cache)
	if c.kind != modeChange {
		c.file.mtime = m.clock().UnixNano()
	}
	m.pending = append(m.pending, c)
}

// rebind makes a change of names in the cache and notes it as pending.
func (m *Mem) rebind(names ...binding) {
	for _, b := range names {
		if old := b.dir.cache.names[b.name]; old != nil {
			old.links--
		}
		if b.node != nil {
			b.node.links++
		}
		b.set(b.dir.cache.names)
		b.dir.mtime = m.clock().UnixNano()
	}
	m.pending = append(m.pending, &change{kind: nameChange, names: names})
}

func (b binding) set(names map[string]*node) {
	if b.node == nil {
		delete(names, b.name)
	} else {
		names[b.name] = b.node
	}
}

// apply makes a change of a file in one of its images.
func (c *change) apply(i *image) {
	switch c.kind {
	case writeChange:
		if end := c.off + int64(len(c.data)); end > int64(len(i.data)) {
			i.resize(end)
		}
		copy(i.data[c.off:], c.data)
	case sizeChange:
		i.resize(c.size)
	case modeChange:
		i.mode = i.mode&^fs.ModePerm | c.mode
	case nameChange: // belongs to directories: see land
	}
}

// resize cuts the data or extends it with NULs.
func (i *image) resize(size int64) {
	if size <= int64(len(i.data)) {
		i.data = slices.Clip(i.data[:size])
		return
	}
	i.data = append(i.data, make([]byte, size-int64(len(i.data)))...)
}

// land makes a change on the medium.
func (c *change) land() {
	if c.file != nil {
		c.apply(&c.file.disk)
	}
	for _, b := range c.names {
		b.set(b.dir.disk.names)
	}
}

// flush lands the pending changes that are wanted, and those that they build on.
func (m *Mem) flush(wanted func(*change) bool) {
	land := withCauses(m.pending, wanted)
	rest := m.pending[:0:0]
	for i, c := range m.pending {
		if land[i] {
			c.land()
		} else {
			rest = append(rest, c)
		}
	}
	m.pending = rest
}

// withCauses marks the wanted changes and every earlier change of a name that a marked one changes
// again: no file system brings such changes to the medium in the wrong order.
func withCauses(changes []*change, wanted func(*change) bool) []bool {
	type slot struct {
		dir  *node
		name string
	}
	marked := make([]bool, len(changes))
	slots := map[slot]bool{}
	for i, c := range slices.Backward(changes) {
		marked[i] = wanted(c) || slices.ContainsFunc(c.names, func(b binding) bool {
			return slots[slot{b.dir, b.name}]
		})
		if marked[i] {
			for _, b := range c.names {
				slots[slot{b.dir, b.name}] = true
			}
		}
	}
	return marked
}

// SyncAll brings everything to the medium that a failed Sync has not dropped, as time does.
func (m *Mem) SyncAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flush(func(*change) bool { return true })
}

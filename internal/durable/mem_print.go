package durable

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
)

// Fingerprint tells disks apart: two that have the same one hold the same names, bytes, modes and times,
// in the cache and on the medium, and the same changes are pending in the same order.
func (m *Mem) Fingerprint() [sha256.Size]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := printer{h: sha256.New(), known: map[*node]uint64{}}
	p.node(m.root)
	for _, c := range m.pending {
		p.numbers(uint64(c.kind), uint64(c.off), uint64(c.size), uint64(c.mode))
		p.node(c.file)
		p.text(string(c.data))
		for _, b := range c.names {
			p.node(b.dir)
			p.text(b.name)
			p.node(b.node)
		}
	}
	return [sha256.Size]byte(p.h.Sum(nil))
}

// printer writes what a disk holds into a hash, each node once.
type printer struct {
	h     hash.Hash
	known map[*node]uint64
}

func (p *printer) numbers(ns ...uint64) {
	var b []byte
	for _, n := range ns {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	p.h.Write(b)
}

func (p *printer) text(s string) {
	p.numbers(uint64(len(s)))
	p.h.Write([]byte(s))
}

func (p *printer) node(n *node) {
	if n == nil {
		p.numbers(0)
		return
	}
	if at, ok := p.known[n]; ok {
		p.numbers(at)
		return
	}
	p.known[n] = uint64(len(p.known) + 1)
	p.numbers(p.known[n], n.ino, uint64(n.mtime))
	for _, i := range []*image{&n.cache, &n.disk} {
		p.numbers(uint64(i.mode), uint64(len(i.names)))
		p.text(string(i.data))
		for _, name := range slices.Sorted(maps.Keys(i.names)) {
			p.text(name)
			p.node(i.names[name])
		}
	}
}

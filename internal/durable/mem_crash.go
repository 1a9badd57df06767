package durable

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
)

// Loss says what [Mem.Crash] leaves of the changes that were not synced. It is deterministic: the
// same disk and the same Loss give the same bytes.
type Loss struct {
	Kept Kept
	Seed uint64
}

// Kept is a kind of [Loss].
type Kept uint8

const (
	// KeptNothing is the strictest power cut: only what was synced.
	KeptNothing Kept = iota
	// KeptPrefix is a power cut after which the first changes in the order of time survive, up to a
	// place in one of them that the seed chooses.
	KeptPrefix
	// KeptSubset is a power cut after which any changes survive, in any order; of a write perhaps a
	// part: its first bytes, some of its 512-byte sectors, or the length that it gave the file with
	// NULs for bytes.
	KeptSubset
	// KeptCache is not a power cut: the process was killed and the machine runs on. The
	// changes stay pending, ghosts of failed syncs stay readable.
	KeptCache
)

// String prints a Loss as a failing test should: "subset/42".
func (l Loss) String() string {
	switch l.Kept {
	case KeptNothing:
		return "nothing"
	case KeptPrefix:
		return fmt.Sprintf("prefix/%d", l.Seed)
	case KeptSubset:
		return fmt.Sprintf("subset/%d", l.Seed)
	case KeptCache:
		return "cache"
	default:
		return fmt.Sprintf("Kept(%d)/%d", uint8(l.Kept), l.Seed)
	}
}

// Losses is KeptNothing, KeptCache, and n each of KeptPrefix and KeptSubset with seeds from seed on.
func Losses(seed uint64, n int) []Loss {
	losses := []Loss{{Kept: KeptNothing}, {Kept: KeptCache}}
	for i := range uint64(n) {
		losses = append(losses, Loss{KeptPrefix, seed + i}, Loss{KeptSubset, seed + i})
	}
	return losses
}

// Crash returns the disk as it is found after a crash at this moment, running again and without
// open files or faults. m itself is left as it is, so that many outcomes can be drawn from one.
func (m *Mem) Crash(l Loss) *Mem {
	m.mu.Lock()
	c := m.clone()
	m.mu.Unlock()
	if l.Kept == KeptCache {
		return c
	}
	rng := rand.New(rand.NewPCG(l.Seed, uint64(l.Kept)))
	switch l.Kept {
	case KeptPrefix:
		c.keepPrefix(rng)
	case KeptSubset:
		c.keepSubset(rng)
	}
	c.pending = nil
	c.reboot()
	return c
}

// CrashAfter lets n more operations pass that change the disk. The next one, and from then on
// every operation at all, fails with [ErrCrashed].
func (m *Mem) CrashAfter(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stop.after = len(m.stop.done) + n
}

// Crashed tells whether the disk has stopped.
func (m *Mem) Crashed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stop.crashed
}

// Ops is the operations that changed this disk, or failed to by a fault or a refusal, in order.
func (m *Mem) Ops() []Op {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.stop.done)
}

// Point is a moment at which a run was stopped.
type Point struct {
	After  int   // operations done
	During Op    // the one that was not; zero at the end of the run
	Landed int64 // bytes of During, a write, that are in the file all the same
}

// String is for failure messages.
func (p Point) String() string {
	if p.During == (Op{}) {
		return fmt.Sprintf("at the end, after %d operations", p.After)
	}
	return fmt.Sprintf("after %d operations, in %v, %d bytes landed", p.After, p.During, p.Landed)
}

// CrashPoints runs run again and again, each time on a fresh copy of m that stops one operation
// later, and yields the stopped copy: before each operation that changes the disk, within each
// write (after its first byte, in the middle, before its last), and last the copy on which run came
// to its end. The caller draws disks from the copies with [Mem.Crash]. run must do the same
// operations each time.
func (m *Mem) CrashPoints(run func(*Mem)) iter.Seq2[Point, *Mem] {
	return func(yield func(Point, *Mem) bool) {
		for n := 0; ; n++ {
			disk, p := m.stopped(run, n, 0)
			if !yield(p, disk) || p.During == (Op{}) {
				return
			}
			if p.During.Kind != OpWrite {
				continue
			}
			parts := []int64{1, p.During.Len / 2, p.During.Len - 1}
			for _, landed := range slices.Compact(parts) {
				if landed <= 0 || landed >= p.During.Len {
					continue
				}
				if disk, p = m.stopped(run, n, landed); !yield(p, disk) {
					return
				}
			}
		}
	}
}

func (m *Mem) stopped(run func(*Mem), after int, landed int64) (*Mem, Point) {
	disk := m.Crash(Loss{Kept: KeptCache})
	disk.stop.after, disk.stop.landed = after, landed
	run(disk)
	disk.mu.Lock()
	defer disk.mu.Unlock()
	return disk, Point{After: len(disk.stop.done), During: disk.stop.during, Landed: landed}
}

// clone copies the disk with everything but open files, faults and stop.
func (m *Mem) clone() *Mem {
	c := NewMem()
	c.clock, c.quota, c.temps = m.clock, m.quota, m.temps
	twins := map[*node]*node{}
	for n := range m.reachable() {
		twins[n] = &node{ino: n.ino, mtime: n.mtime, links: n.links}
	}
	twin := func(i image) image {
		i.data = slices.Clone(i.data)
		if names := i.names; names != nil {
			i.names = make(map[string]*node, len(names))
			for base, n := range names {
				i.names[base] = twins[n]
			}
		}
		return i
	}
	for n, t := range twins {
		t.cache, t.disk = twin(n.cache), twin(n.disk)
	}
	c.root = twins[m.root]
	for _, old := range m.pending {
		p := *old
		p.file = twins[old.file]
		p.names = slices.Clone(old.names)
		for i, b := range p.names {
			p.names[i] = binding{twins[b.dir], b.name, twins[b.node]}
		}
		c.pending = append(c.pending, &p)
	}
	return c
}

// reboot reads the medium into the cache.
func (m *Mem) reboot() {
	seen := map[*node]bool{}
	var visit func(*node)
	visit = func(n *node) {
		n.links++
		if seen[n] {
			return
		}
		seen[n], n.links = true, 1
		n.cache = image{mode: n.disk.mode, data: slices.Clone(n.disk.data)}
		if n.disk.names != nil {
			n.cache.names = make(map[string]*node, len(n.disk.names))
			for base, kid := range n.disk.names {
				n.cache.names[base] = kid
				visit(kid)
			}
		}
	}
	visit(m.root)
}

func (m *Mem) keepPrefix(rng *rand.Rand) {
	n := rng.IntN(len(m.pending) + 1)
	for _, c := range m.pending[:n] {
		c.land()
	}
	if n < len(m.pending) && m.pending[n].kind == writeChange {
		m.pending[n].landPart(0, rng.IntN(len(m.pending[n].data)))
	}
}

func (m *Mem) keepSubset(rng *rand.Rand) {
	odds := rng.Float64() // of this disk: nearly all survives, nearly nothing, all between
	land := withCauses(m.pending, func(*change) bool { return rng.Float64() < odds })
	for i, c := range m.pending {
		switch {
		case land[i] && c.kind == writeChange:
			c.landTorn(rng)
		case land[i]:
			c.land()
		}
	}
	// The length of a file may be there without the bytes, those of a failed sync included.
	files := slices.SortedFunc(maps.Keys(m.reachable()), func(a, b *node) int { return cmp.Compare(a.ino, b.ino) })
	for _, f := range files {
		if more := len(f.cache.data) - len(f.disk.data); more > 0 && rng.IntN(4) == 0 {
			f.disk.resize(int64(len(f.disk.data) + rng.IntN(more+1)))
		}
	}
}

// landTorn lands a write whole, or a part of it as a drive or a file system may.
func (c *change) landTorn(rng *rand.Rand) {
	const sector = 512
	switch size := len(c.data); rng.IntN(4) {
	case 0:
		c.landPart(0, rng.IntN(size+1))
	case 1:
		for i := 0; i < size; {
			end := min(size, i+sector-int((c.off+int64(i))%sector))
			if rng.IntN(2) == 0 {
				c.landPart(i, end)
			}
			i = end
		}
	case 2:
		c.landPart(0, rng.IntN(size))
		if disk, end := &c.file.disk, c.off+int64(size); end > int64(len(disk.data)) {
			disk.resize(end)
		}
	default:
		c.land()
	}
}

// landPart lands data[from:to] of a write.
func (c *change) landPart(from, to int) {
	if from < to {
		part := change{kind: writeChange, file: c.file, off: c.off + int64(from), data: c.data[from:to]}
		part.land()
	}
}

//go:build linux

// Package medium serves two media over FUSE that remember more than real ones do. A [Tree] is a file
// system that tells what was synced from what was only written, names as well as bytes, so that a
// power cut can be had at any moment. A [Disk] is a block device that keeps each write and each flush
// of the real file system on it, and fails a write when asked to.
//
// Both are safe for concurrent use. Serving needs root and /dev/fuse.
package medium

import (
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Model says what a sync of a file does for names.
type Model string

// Under Strict nothing: a name needs a sync of its directory, as POSIX has it. Under Journal, any sync
// puts every name on the medium that was made, moved or removed before it, as the one journal of ext4
// does; what is written to other files stays in memory.
const (
	Strict  Model = "strict"
	Journal Model = "ext4"
)

// Models are all there are.
var Models = []Model{Strict, Journal}

// Tree is a file system. Its two states are what programs see and what is on the medium; between them
// stand the pending changes, in the order in which they were made.
type Tree struct {
	mu      sync.Mutex
	watcher func(Cut)
	model   Model
	now     state
	disk    state
	pending []change
	last    uint64 // inode number given last
	room    *int64 // bytes that may still be added, if there is a limit
	mtimes  map[uint64]time.Time
	born    time.Time // of what has no time of its own
}

// NewTree makes an empty file system.
func NewTree(model Model) *Tree { return newTree(newState(), model) }

// newTree makes a file system of what is on a medium.
func newTree(s state, model Model) *Tree {
	t := &Tree{model: model, now: s.clone(), disk: s, mtimes: map[uint64]time.Time{}, born: time.Now()}
	for ino := range s {
		t.last = max(t.last, ino)
	}
	return t
}

// Watch has a function called ahead of each change and each sync with the moment before it. The program
// that asks for the change waits meanwhile; none is under way in between. Nil ends it.
func (t *Tree) Watch(watcher func(Cut)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watcher = watcher
}

// Limit leaves room for so many more bytes in files.
func (t *Tree) Limit(bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room = &bytes
}

// Unlimit takes the limit away.
func (t *Tree) Unlimit() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room = nil
}

// Settle puts everything on the medium.
func (t *Tree) Settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.disk, t.pending = t.now.clone(), nil
}

// before tells who wants to know that the state is about to change. The caller holds the mutex.
func (t *Tree) before() {
	if t.watcher != nil {
		t.watcher(t.cut())
	}
}

// do makes a change for programs to see.
func (t *Tree) do(c change) {
	t.before()
	c.to(&t.now)
	t.pending = append(t.pending, c)
	for _, ino := range c.of() {
		t.mtimes[ino] = time.Now()
	}
}

// create makes a file or a directory.
func (t *Tree) create(dir uint64, name string, mode os.FileMode) (ino uint64, errno syscall.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, taken := t.now.node(dir).kids[name]; taken {
		return 0, syscall.EEXIST
	}
	t.last++
	t.disk.make(t.last, mode) // no name leads there yet
	t.do(made{dir, name, t.last, mode})
	return t.last, 0
}

func (t *Tree) link(ino, dir uint64, name string) syscall.Errno {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, taken := t.now.node(dir).kids[name]; taken {
		return syscall.EEXIST
	}
	t.do(named{dir, name, ino})
	return 0
}

func (t *Tree) unlink(dir uint64, name string) syscall.Errno {
	t.mu.Lock()
	defer t.mu.Unlock()
	ino, ok := t.now.node(dir).kids[name]
	switch {
	case !ok:
		return syscall.ENOENT
	case len(t.now.node(ino).kids) > 0:
		return syscall.ENOTEMPTY
	}
	t.do(unnamed{dir, name})
	return 0
}

// The flags of renameat2.
const (
	renameNoReplace = 1
	renameExchange  = 2
)

func (t *Tree) rename(from uint64, old string, into uint64, name string, flags uint32) syscall.Errno {
	t.mu.Lock()
	defer t.mu.Unlock()
	ino, ok := t.now.node(from).kids[old]
	target, taken := t.now.node(into).kids[name]
	c := renamed{from: from, old: old, into: into, new: name, ino: ino}
	switch {
	case !ok || flags == renameExchange && !taken:
		return syscall.ENOENT
	case flags == renameNoReplace && taken:
		return syscall.EEXIST
	case flags == renameExchange:
		c.exchange = target
	case taken && target == ino: // two names of one file stay as they are
		return 0
	}
	t.do(c)
	return 0
}

// write writes what there is room for.
func (t *Tree) write(ino uint64, data []byte, off int64) (int, syscall.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	grows := max(0, off+int64(len(data))-int64(len(t.now.node(ino).data)))
	if t.room != nil {
		short := max(0, grows-*t.room)
		if short > 0 && short >= int64(len(data)) {
			return 0, syscall.ENOSPC
		}
		data = data[:int64(len(data))-short]
		*t.room -= grows - short
	}
	t.do(wrote{ino, off, slices.Clone(data)})
	return len(data), 0
}

func (t *Tree) resize(ino uint64, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.room != nil {
		*t.room += max(0, int64(len(t.now.node(ino).data))-size)
	}
	t.do(resized{ino, size})
}

func (t *Tree) chmod(ino uint64, perm os.FileMode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.do(moded{ino, t.now.node(ino).mode.Type() | perm})
}

// sync puts on the medium what is pending of a file or a directory.
func (t *Tree) sync(ino uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.before()
	due := t.together(ino)
	t.pending = slices.DeleteFunc(t.pending, func(c change) bool {
		now := due(c)
		if now {
			c.to(&t.disk)
		}
		return now
	})
}

// together tells which changes reach the medium with those of ino: a rename takes both its directories
// along.
func (t *Tree) together(ino uint64) func(change) bool {
	all := map[uint64]bool{ino: true}
	for grown := true; grown; {
		grown = false
		for _, c := range t.pending {
			if r, ok := c.(renamed); ok && all[r.from] != all[r.into] {
				all[r.from], all[r.into], grown = true, true, true
			}
		}
	}
	return func(c change) bool {
		return t.model == Journal && names(c) || slices.ContainsFunc(c.of(), func(o uint64) bool { return all[o] })
	}
}

// names tells whether a change is one of names or modes, not of bytes.
func names(c change) bool {
	switch c.(type) {
	case wrote, resized:
		return false
	}
	return true
}

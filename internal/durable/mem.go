package durable

import (
	"io/fs"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Mem is a disk in memory that keeps two things apart: what a running program sees (the cache) and
// what a power cut leaves (the medium), with the changes in between as a list in the order they
// were made. It is stricter than any one file system, so that code which passes on it leans on
// nothing but what [FS] promises:
//
//   - bytes, length and mode of a file, and each name, are separate changes;
//   - a write, a truncation reaches the medium with [File.Sync] of that file, a name with
//     [FS.SyncDir] of its directory; a file's Sync does nothing for its name, and nothing but
//     [Mem.SyncAll] ever does for its mode;
//   - a rename is one change: after a cut the old state or the new one, never neither;
//   - a name that was changed twice never shows the second change without the first.
//
// It has regular files and directories only, checks no permissions (as for root) and does not
// rename directories. A new Mem holds the directory "/"; names without a leading slash mean the
// same as with one. All methods are safe for concurrent use.
type Mem struct {
	mu      sync.Mutex
	root    *node
	pending []*change
	open    map[*memFile]struct{}
	clock   func() time.Time
	quota   int64 // bytes of all files; negative: none
	temps   int64 // last number given to a temporary file

	faults []*armed
	stop   stop
}

// node is a file or a directory, with its two states.
type node struct {
	ino   uint64
	mtime int64
	links uint64
	cache image
	disk  image
}

type image struct {
	mode  fs.FileMode
	data  []byte
	names map[string]*node // nil for a file
}

func (n *node) isDir() bool { return n.cache.mode.IsDir() }

// NewMem returns an empty disk without a quota, whose clock is time.Now.
func NewMem() *Mem {
	m := &Mem{open: map[*memFile]struct{}{}, clock: time.Now, quota: -1}
	m.stop.after = never
	m.root = m.newNode(fs.ModeDir | 0o755)
	m.root.links = 1
	return m
}

// SetClock sets where time stamps of files come from.
func (m *Mem) SetClock(now func() time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock = now
}

// SetQuota bounds the bytes of all files together: the write that would pass it lands up to the
// last free byte and fails with ENOSPC. A negative number lifts the bound.
func (m *Mem) SetQuota(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.quota = bytes
}

// newNode gives out the smallest free inode number: real file systems use the number of a removed
// file at once, and code that takes it for the same file must be found out.
func (m *Mem) newNode(mode fs.FileMode) *node {
	used := map[uint64]bool{}
	if m.root != nil {
		for n := range m.reachable() {
			used[n.ino] = true
		}
	}
	n := &node{ino: 1, mtime: m.clock().UnixNano()}
	for used[n.ino] {
		n.ino++
	}
	n.cache.mode, n.disk.mode = mode, mode
	if mode.IsDir() {
		n.cache.names, n.disk.names = map[string]*node{}, map[string]*node{}
	}
	return n
}

// reachable is every node that the cache, the medium, an open file or a pending change knows.
func (m *Mem) reachable() map[*node]struct{} {
	seen := map[*node]struct{}{}
	var visit func(*node)
	visit = func(n *node) {
		if n == nil {
			return
		}
		if _, ok := seen[n]; ok {
			return
		}
		seen[n] = struct{}{}
		for _, kid := range n.cache.names {
			visit(kid)
		}
		for _, kid := range n.disk.names {
			visit(kid)
		}
	}
	visit(m.root)
	for f := range m.open {
		visit(f.node)
	}
	for _, c := range m.pending {
		visit(c.file)
		for _, b := range c.names {
			visit(b.dir)
			visit(b.node)
		}
	}
	return seen
}

func split(name string) []string {
	return strings.FieldsFunc(path.Clean("/"+name), func(r rune) bool { return r == '/' })
}

// find returns the node under name, or an errno.
func (m *Mem) find(name string) (*node, error) {
	n := m.root
	for _, part := range split(name) {
		if !n.isDir() {
			return nil, syscall.ENOTDIR
		}
		if n = n.cache.names[part]; n == nil {
			return nil, syscall.ENOENT
		}
	}
	return n, nil
}

// findIn returns the directory that name is or would be in, the last element, and the node there,
// which may be nil.
func (m *Mem) findIn(name string) (dir *node, base string, n *node, err error) {
	parts := split(name)
	if len(parts) == 0 {
		return nil, "", nil, syscall.EINVAL // "/" is in no directory
	}
	last := len(parts) - 1
	dir, err = m.find(strings.Join(parts[:last], "/"))
	if err == nil && !dir.isDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, "", nil, err
	}
	return dir, parts[last], dir.cache.names[parts[last]], nil
}

// findFile is find for a name that must be a regular file's.
func (m *Mem) findFile(name string) (*node, error) {
	n, err := m.find(name)
	if err == nil && n.isDir() {
		err = ErrNotRegular
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (m *Mem) findDir(name string) (*node, error) {
	n, err := m.find(name)
	if err == nil && !n.isDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

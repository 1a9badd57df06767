package durable

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
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

// do runs one operation under the lock, unless the disk has stopped or a fault is due.
func (m *Mem) do(op Op, act func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.begin(op).err
	if err == nil {
		err = act()
	}
	return op.wrap(err)
}

// OpenFile is [FS.OpenFile].
func (m *Mem) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	op := Op{Kind: OpOpen, Name: name}
	if _, _, n, err := m.findIn(name); flag&os.O_CREATE != 0 && err == nil && n == nil {
		op.Kind = OpCreate
	}
	if err := m.begin(op).err; err != nil {
		return nil, op.wrap(err)
	}
	if flag&os.O_TRUNC != 0 {
		return nil, op.wrap(syscall.EINVAL)
	}
	n, err := m.openNode(name, flag, perm)
	if err != nil {
		return nil, op.wrap(err)
	}
	f := &memFile{mem: m, node: n, name: name, flag: flag}
	m.open[f] = struct{}{}
	return f, nil
}

func (m *Mem) openNode(name string, flag int, perm fs.FileMode) (*node, error) {
	if flag&os.O_CREATE == 0 {
		return m.findFile(name)
	}
	dir, base, n, err := m.findIn(name)
	switch {
	case err != nil:
		return nil, err
	case n == nil:
		n = m.newNode(perm.Perm())
		m.rebind(binding{dir, base, n})
		return n, nil
	case flag&os.O_EXCL != 0:
		return nil, syscall.EEXIST
	default:
		return m.findFile(name)
	}
}

// Stat is [FS.Stat].
func (m *Mem) Stat(name string) (info Info, err error) {
	err = m.do(Op{Kind: OpStat, Name: name}, func() error {
		n, err := m.find(name)
		if err == nil {
			info = n.info()
		}
		return err
	})
	return info, err
}

func (n *node) info() Info {
	return Info{
		Mode:  n.cache.mode,
		Size:  int64(len(n.cache.data)),
		MTime: n.mtime,
		ID:    FileID{Dev: 1, Ino: n.ino},
		Links: n.links,
		UID:   uint32(os.Getuid()),
	}
}

// ReadDir is [FS.ReadDir].
func (m *Mem) ReadDir(name string) (entries []fs.DirEntry, err error) {
	err = m.do(Op{Kind: OpReadDir, Name: name}, func() error {
		d, err := m.findDir(name)
		if err != nil {
			return err
		}
		for _, base := range slices.Sorted(maps.Keys(d.cache.names)) {
			entries = append(entries, fs.FileInfoToDirEntry(memInfo{base, d.cache.names[base].info()}))
		}
		return nil
	})
	return entries, err
}

// memInfo makes an Info the fs.FileInfo that a directory entry needs.
type memInfo struct {
	base string
	info Info
}

func (i memInfo) Name() string       { return i.base }
func (i memInfo) Size() int64        { return i.info.Size }
func (i memInfo) Mode() fs.FileMode  { return i.info.Mode }
func (i memInfo) ModTime() time.Time { return time.Unix(0, i.info.MTime) }
func (i memInfo) IsDir() bool        { return i.info.Mode.IsDir() }
func (i memInfo) Sys() any           { return nil }

// Mkdir is [FS.Mkdir].
func (m *Mem) Mkdir(name string, perm fs.FileMode) error {
	return m.do(Op{Kind: OpMkdir, Name: name}, func() error {
		dir, base, n, err := m.findIn(name)
		switch {
		case err != nil:
			return err
		case n != nil:
			return syscall.EEXIST
		}
		m.rebind(binding{dir, base, m.newNode(fs.ModeDir | perm.Perm())})
		return nil
	})
}

// Link is [FS.Link].
func (m *Mem) Link(old, new string) error {
	return m.do(Op{Kind: OpLink, Name: old, New: new}, func() error {
		_, _, n, err := m.findIn(old)
		switch {
		case err != nil:
			return err
		case n == nil:
			return syscall.ENOENT
		case n.isDir():
			return syscall.EPERM
		}
		dir, base, there, err := m.findIn(new)
		switch {
		case err != nil:
			return err
		case there != nil:
			return syscall.EEXIST
		}
		m.rebind(binding{dir, base, n})
		return nil
	})
}

// Rename is [FS.Rename].
func (m *Mem) Rename(old, new string) error {
	return m.do(Op{Kind: OpRename, Name: old, New: new}, func() error {
		fromDir, fromBase, n, err := m.findIn(old)
		switch {
		case err != nil:
			return err
		case n == nil:
			return syscall.ENOENT
		case n.isDir():
			return syscall.EINVAL // not modelled
		}
		toDir, toBase, there, err := m.findIn(new)
		switch {
		case err != nil:
			return err
		case there == n: // two names of one file, or the same name twice
			return nil
		case there != nil && there.isDir():
			return syscall.EISDIR
		}
		m.rebind(binding{fromDir, fromBase, nil}, binding{toDir, toBase, n})
		return nil
	})
}

// Remove is [FS.Remove].
func (m *Mem) Remove(name string) error {
	return m.do(Op{Kind: OpRemove, Name: name}, func() error {
		dir, base, n, err := m.findIn(name)
		switch {
		case err != nil:
			return err
		case n == nil:
			return syscall.ENOENT
		case n.isDir():
			return syscall.EISDIR
		}
		m.rebind(binding{dir, base, nil})
		return nil
	})
}

// Chmod is [FS.Chmod].
func (m *Mem) Chmod(name string, perm fs.FileMode) error {
	return m.do(Op{Kind: OpChmod, Name: name}, func() error {
		n, err := m.findFile(name)
		if err == nil {
			m.change(&change{kind: modeChange, file: n, mode: perm.Perm()})
		}
		return err
	})
}

// SyncDir is [FS.SyncDir]. A change that names of another directory depend on comes along, as in a
// journal.
func (m *Mem) SyncDir(name string) error {
	return m.do(Op{Kind: OpSyncDir, Name: name}, func() error {
		d, err := m.findDir(name)
		if err == nil {
			m.flush(func(c *change) bool { return c.touches(d) })
		}
		return err
	})
}

// Place is [FS.Place], by way of a temporary name: the form with the most states to be killed in.
func (m *Mem) Place(name string, data []byte, perm fs.FileMode) error {
	return placeByLink(m, name, data, perm, m.nextTemp, m.Link)
}

// Replace is [FS.Replace].
func (m *Mem) Replace(name string, data []byte, perm fs.FileMode) error {
	tmp, err := writeTemp(m, name, data, perm, m.nextTemp, File.Sync)
	if err != nil {
		return err
	}
	if err := m.Rename(tmp, name); err != nil {
		return errors.Join(err, m.Remove(tmp))
	}
	return m.SyncDir(path.Dir(name))
}

func (m *Mem) nextTemp() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.temps++
	return m.temps
}

// ReadMedium is [FS.ReadMedium]. Pending writes are written back first, so they are seen, without
// becoming safe from a power cut; what a failed Sync dropped is not.
func (m *Mem) ReadMedium(name string, p []byte, off int64) (n int, err error) {
	err = m.do(Op{Kind: OpReadMedium, Name: name, Off: off, Len: int64(len(p))}, func() error {
		if off < 0 {
			return syscall.EINVAL
		}
		file, err := m.findFile(name)
		if err != nil {
			return err
		}
		view := image{data: slices.Clone(file.disk.data)}
		for _, c := range m.pending {
			if c.file == file {
				c.apply(&view)
			}
		}
		view.resize(int64(len(file.cache.data)))
		if off < int64(len(view.data)) {
			n = copy(p, view.data[off:])
		}
		return nil
	})
	return n, err
}

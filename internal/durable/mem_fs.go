package durable

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"syscall"
	"time"
)

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

// Place is [FS.Place], by way of a temporary name: of the ways there are, the one with the most
// states to be killed in.
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

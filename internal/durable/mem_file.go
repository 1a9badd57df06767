package durable

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// memFile is an open file of a Mem. Its offset is guarded by the disk's lock.
type memFile struct {
	mem  *Mem
	node *node
	name string
	flag int
	off  int64
}

var errWriteAtAppend = errors.New("WriteAt on a file opened with O_APPEND")

func (f *memFile) Name() string { return f.name }

// usable tells a closed file: its disk no longer knows it.
func (f *memFile) usable() error {
	if _, ok := f.mem.open[f]; !ok {
		return fs.ErrClosed
	}
	return nil
}

// do is [Mem.do] for an open file.
func (f *memFile) do(op Op, act func() error) error {
	op.Name = f.name
	return f.mem.do(op, func() error {
		if err := f.usable(); err != nil {
			return err
		}
		return act()
	})
}

func (f *memFile) mode() int { return f.flag & syscall.O_ACCMODE }

func (f *memFile) Read(p []byte) (n int, err error) {
	err = f.do(Op{Kind: OpRead, Len: int64(len(p))}, func() error {
		n, err = f.read(p, f.off)
		f.off += int64(n)
		return err
	})
	if err == nil && n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, err
}

func (f *memFile) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.do(Op{Kind: OpRead, Off: off, Len: int64(len(p))}, func() error {
		n, err = f.read(p, off)
		return err
	})
	if err == nil && n < len(p) {
		return n, io.EOF
	}
	return n, err
}

func (f *memFile) read(p []byte, off int64) (int, error) {
	data := f.node.cache.data
	switch {
	case f.mode() == os.O_WRONLY:
		return 0, syscall.EBADF
	case off < 0:
		return 0, syscall.EINVAL
	case off >= int64(len(data)):
		return 0, nil
	default:
		return copy(p, data[off:]), nil
	}
}

func (f *memFile) Write(p []byte) (int, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if f.flag&os.O_APPEND != 0 {
		f.off = int64(len(f.node.cache.data))
	}
	n, err := f.write(p, f.off)
	f.off += int64(n)
	return n, err
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if f.flag&os.O_APPEND != 0 {
		return 0, errWriteAtAppend
	}
	return f.write(p, off)
}

// write lands what a fault and the quota let through.
func (f *memFile) write(p []byte, off int64) (int, error) {
	op := Op{Kind: OpWrite, Name: f.name, Off: off, Len: int64(len(p))}
	err := f.usable()
	switch {
	case err != nil:
	case f.mode() == os.O_RDONLY:
		err = syscall.EBADF
	case off < 0:
		err = syscall.EINVAL
	}
	if err != nil {
		return 0, op.wrap(err)
	}
	fail := f.mem.begin(op)
	if fail.err != nil {
		p = p[:min(int64(len(p)), max(fail.keep, 0))]
	}
	if room := f.mem.room(f.node, off); room < int64(len(p)) {
		p = p[:room]
		if fail.err == nil {
			fail.err = syscall.ENOSPC
		}
	}
	if len(p) > 0 {
		f.mem.change(&change{kind: writeChange, file: f.node, off: off, data: bytes.Clone(p)})
	}
	return len(p), op.wrap(fail.err)
}

func (f *memFile) Close() error {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	op := Op{Kind: OpClose, Name: f.name}
	if err := f.usable(); err != nil {
		return op.wrap(err)
	}
	delete(f.mem.open, f) // even when close reports an error the descriptor is gone
	return op.wrap(f.mem.begin(op).err)
}

func (f *memFile) Stat() (info Info, err error) {
	err = f.do(Op{Kind: OpStat}, func() error {
		info = f.node.info()
		return nil
	})
	return info, err
}

// Sync fails the way Linux does: the error is told once, the bytes are marked clean and stay
// readable, and no later Sync brings them to the medium.
func (f *memFile) Sync() error {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	op := Op{Kind: OpSync, Name: f.name}
	if err := f.usable(); err != nil {
		return op.wrap(err)
	}
	fail := f.mem.begin(op)
	switch {
	case fail.err == nil:
		f.mem.flush(func(c *change) bool { return c.file == f.node && c.kind != modeChange })
	case fail.keep != StayDirty && !errors.Is(fail.err, ErrCrashed):
		f.mem.dropDirty(f.node, fail.keep)
	}
	return op.wrap(fail.err)
}

// NextData knows of no holes.
func (f *memFile) NextData(off int64) int64 { return off }

func (f *memFile) Truncate(size int64) error {
	return f.do(Op{Kind: OpTruncate, Off: size}, func() error {
		if size < 0 || f.mode() == os.O_RDONLY {
			return syscall.EINVAL
		}
		f.mem.change(&change{kind: sizeChange, file: f.node, size: size})
		return nil
	})
}

func (f *memFile) Chmod(perm fs.FileMode) error {
	return f.do(Op{Kind: OpChmod}, func() error {
		f.mem.change(&change{kind: modeChange, file: f.node, mode: perm.Perm()})
		return nil
	})
}

// TryLock is no operation of the disk: a crash does not look at it.
func (f *memFile) TryLock() (bool, error) { return true, nil }

func (f *memFile) Unlock() error { return nil }

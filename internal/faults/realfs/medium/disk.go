//go:build linux

package medium

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Request is something that the file system on a disk asked of it.
type Request struct {
	Flush bool  // what was written before is to be kept
	Off   int64 // else, bytes to be written there
	Data  []byte
	Noted int64 // what the note gave just before
}

// Disk is a block device: a file that a loop device can be made of. It keeps what is asked of it.
type Disk struct {
	mu       sync.Mutex
	data     []byte
	requests []Request
	note     func() int64
	failFrom int // writes from here on fail, so many
	failing  int
	failed   int
}

// NewDisk makes a disk that holds data.
func NewDisk(data []byte) *Disk { return &Disk{data: slices.Clone(data)} }

// Mount serves the disk as a file in a directory, in the mount namespace of the calling thread.
func (d *Disk) Mount(at string) (m Mounted, file string, err error) {
	m, err = mount(at, &shelf{disk: d}, "disk")
	return m, filepath.Join(at, diskName), err
}

const diskName = "disk"

// Load has the disk hold other data of the same size, and forget what was asked of it.
func (d *Disk) Load(data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(d.data, data)
	d.requests, d.failFrom, d.failing, d.failed = nil, 0, 0, 0
}

// Record begins to keep requests, each with what note gives at that moment. It gives what the disk holds
// now.
func (d *Disk) Record(note func() int64) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests, d.note = nil, note
	return slices.Clone(d.data)
}

// Requests gives those since Record, and ends it.
func (d *Disk) Requests() []Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.requests
	d.requests, d.note = nil, nil
	return r
}

// Forever is as many writes as there may be.
const Forever = math.MaxInt

// Fail lets writes fail with EIO: count of them, from the nth from now on, which is number 1.
func (d *Disk) Fail(nth, count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failFrom, d.failing, d.failed = nth, count, 0
}

// Heal ends that. It tells how many writes failed.
func (d *Disk) Heal() (failed int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failFrom, d.failing = 0, 0
	return d.failed
}

func (d *Disk) keep(r Request) {
	if d.note != nil {
		r.Noted = d.note()
		d.requests = append(d.requests, r)
	}
}

func (d *Disk) write(data []byte, off int64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing > 0 {
		if d.failFrom--; d.failFrom <= 0 {
			d.failing--
			d.failed++
			return syscall.EIO
		}
	}
	d.keep(Request{Off: off, Data: slices.Clone(data)})
	copy(d.data[off:], data)
	return 0
}

// shelf is the directory that the disk lies in.
type shelf struct {
	fs.Inode
	disk *Disk
}

var _ fs.NodeOnAdder = (*shelf)(nil)

func (s *shelf) OnAdd(ctx context.Context) {
	s.AddChild(diskName, s.NewPersistentInode(ctx, &diskFile{disk: s.disk}, fs.StableAttr{Mode: syscall.S_IFREG}), true)
}

type diskFile struct {
	fs.Inode
	disk *Disk
}

var (
	_ fs.NodeGetattrer = (*diskFile)(nil)
	_ fs.NodeSetattrer = (*diskFile)(nil)
	_ fs.NodeOpener    = (*diskFile)(nil)
	_ fs.NodeReader    = (*diskFile)(nil)
	_ fs.NodeWriter    = (*diskFile)(nil)
	_ fs.NodeFsyncer   = (*diskFile)(nil)
)

func (f *diskFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	out.Mode, out.Size, out.Nlink = syscall.S_IFREG|0o600, uint64(len(f.disk.data)), 1
	return 0
}

// Setattr takes times, which nobody asks for.
func (f *diskFile) Setattr(ctx context.Context, h fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return f.Getattr(ctx, h, out)
}

// Open has each request come here and none stay in the page cache.
func (f *diskFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (f *diskFile) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if off >= int64(len(f.disk.data)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(dest[:copy(dest, f.disk.data[off:])]), 0
}

func (f *diskFile) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	if off+int64(len(data)) > int64(len(f.disk.data)) {
		return 0, syscall.EFBIG
	}
	if errno := f.disk.write(data, off); errno != 0 {
		return 0, errno
	}
	return uint32(len(data)), 0
}

func (f *diskFile) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.keep(Request{Flush: true})
	return 0
}

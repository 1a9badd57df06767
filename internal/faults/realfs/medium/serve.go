//go:build linux

package medium

import (
	"context"
	"os"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mounted is a medium that is being served.
type Mounted struct {
	server *fuse.Server
}

// Unmount ends it. Nothing may use it any more (EBUSY).
func (m Mounted) Unmount() error { return m.server.Unmount() }

// maxWrite is the most bytes that the kernel gives at once.
const maxWrite = 128 << 10

func mount(at string, root fs.InodeEmbedder, name string) (Mounted, error) {
	server, err := fs.Mount(at, root, &fs.Options{
		MountOptions:   fuse.MountOptions{DirectMountStrict: true, FsName: name, Name: name, MaxWrite: maxWrite},
		RootStableAttr: &fs.StableAttr{Ino: rootIno},
	})
	return Mounted{server}, err
}

// Mount serves the tree at a directory, in the mount namespace of the calling thread.
func (t *Tree) Mount(at string) (Mounted, error) {
	return mount(at, &entry{tree: t, ino: rootIno}, "tree")
}

// entry is what FUSE knows of a file or a directory.
type entry struct {
	fs.Inode
	tree *Tree
	ino  uint64
}

var (
	_ fs.NodeLookuper       = (*entry)(nil)
	_ fs.NodeGetattrer      = (*entry)(nil)
	_ fs.NodeSetattrer      = (*entry)(nil)
	_ fs.NodeOpener         = (*entry)(nil)
	_ fs.NodeReader         = (*entry)(nil)
	_ fs.NodeWriter         = (*entry)(nil)
	_ fs.NodeFsyncer        = (*entry)(nil)
	_ fs.NodeOpendirHandler = (*entry)(nil)
	_ fs.NodeCreater        = (*entry)(nil)
	_ fs.NodeMkdirer        = (*entry)(nil)
	_ fs.NodeLinker         = (*entry)(nil)
	_ fs.NodeUnlinker       = (*entry)(nil)
	_ fs.NodeRmdirer        = (*entry)(nil)
	_ fs.NodeRenamer        = (*entry)(nil)
)

func fuseMode(m os.FileMode) uint32 {
	if m.IsDir() {
		return syscall.S_IFDIR | uint32(m.Perm())
	}
	return syscall.S_IFREG | uint32(m.Perm())
}

// attr describes a node. The caller holds the mutex of the tree.
func (t *Tree) attr(ino uint64, a *fuse.Attr) {
	n := t.now.node(ino)
	a.Ino, a.Mode, a.Size, a.Nlink, a.Blksize = ino, fuseMode(n.mode), uint64(len(n.data)), max(1, t.now.links(ino)), 4096
	a.Blocks = (a.Size + 511) / 512
	at, ok := t.mtimes[ino]
	if !ok {
		at = t.born
	}
	a.SetTimes(&at, &at, &at)
}

func (e *entry) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	e.tree.mu.Lock()
	defer e.tree.mu.Unlock()
	e.tree.attr(e.ino, &out.Attr)
	return 0
}

func (e *entry) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		e.tree.resize(e.ino, int64(size))
	}
	if mode, ok := in.GetMode(); ok {
		e.tree.chmod(e.ino, os.FileMode(mode).Perm())
	}
	if at, ok := in.GetMTime(); ok {
		e.tree.touch(e.ino, at)
	}
	return e.Getattr(ctx, f, out)
}

// touch sets a time, which no power cut takes back: nothing that is judged depends on it.
func (t *Tree) touch(ino uint64, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mtimes[ino] = at
}

func (e *entry) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	e.tree.mu.Lock()
	ino, ok := e.tree.now.node(e.ino).kids[name]
	e.tree.mu.Unlock()
	if !ok {
		return nil, syscall.ENOENT
	}
	return e.child(ctx, ino, out), 0
}

// child tells FUSE of a node.
func (e *entry) child(ctx context.Context, ino uint64, out *fuse.EntryOut) *fs.Inode {
	e.tree.mu.Lock()
	defer e.tree.mu.Unlock()
	e.tree.attr(ino, &out.Attr)
	return e.NewInode(ctx, &entry{tree: e.tree, ino: ino}, fs.StableAttr{Mode: out.Attr.Mode & syscall.S_IFMT, Ino: ino})
}

func (e *entry) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, 0
}

func (e *entry) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	e.tree.mu.Lock()
	defer e.tree.mu.Unlock()
	data := e.tree.now.node(e.ino).data
	if off >= int64(len(data)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(dest[:copy(dest, data[off:])]), 0
}

func (e *entry) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	n, errno := e.tree.write(e.ino, data, off)
	return uint32(n), errno
}

func (e *entry) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	e.tree.sync(e.ino)
	return 0
}

// listing is an open directory.
type listing struct {
	fs.DirStream
	e *entry
}

func (l listing) Readdirent(context.Context) (*fuse.DirEntry, syscall.Errno) {
	if !l.HasNext() {
		return nil, 0
	}
	next, errno := l.Next()
	return &next, errno
}

func (l listing) Fsyncdir(context.Context, uint32) syscall.Errno {
	l.e.tree.sync(l.e.ino)
	return 0
}

func (e *entry) OpendirHandle(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	e.tree.mu.Lock()
	defer e.tree.mu.Unlock()
	var all []fuse.DirEntry
	for name, ino := range e.tree.now.node(e.ino).kids {
		all = append(all, fuse.DirEntry{Name: name, Ino: ino, Mode: fuseMode(e.tree.now.node(ino).mode)})
	}
	return listing{fs.NewListDirStream(all), e}, 0, 0
}

func (e *entry) Create(ctx context.Context, name string, _ uint32, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	ino, errno := e.tree.create(e.ino, name, os.FileMode(mode).Perm())
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return e.child(ctx, ino, out), nil, 0, 0
}

func (e *entry) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	ino, errno := e.tree.create(e.ino, name, os.ModeDir|os.FileMode(mode).Perm())
	if errno != 0 {
		return nil, errno
	}
	return e.child(ctx, ino, out), 0
}

func (e *entry) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	ino := target.EmbeddedInode().StableAttr().Ino
	if errno := e.tree.link(ino, e.ino, name); errno != 0 {
		return nil, errno
	}
	return e.child(ctx, ino, out), 0
}

func (e *entry) Unlink(_ context.Context, name string) syscall.Errno {
	return e.tree.unlink(e.ino, name)
}

func (e *entry) Rmdir(_ context.Context, name string) syscall.Errno {
	return e.tree.unlink(e.ino, name)
}

func (e *entry) Rename(_ context.Context, name string, parent fs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	return e.tree.rename(e.ino, name, parent.EmbeddedInode().StableAttr().Ino, to, flags)
}

// Package durable says what "written" means: it is the only place that opens, syncs, links and
// renames files of a home.
//
// Two forms implement [FS]: [OS], the operating system, and [Mem], a disk in memory that can be
// crashed at any moment and then holds only what was synced (see [Mem.Crash]).
package durable

import (
	"errors"
	"io"
	"io/fs"
)

// ErrNotRegular refuses anything but a regular file under a name where a file of ours belongs
// (symbolic link, FIFO, device, socket, directory). It is wrapped in an [fs.PathError].
var ErrNotRegular = errors.New("not a regular file")

// ErrNoMedium says that this file system cannot be asked what is on the medium (no O_DIRECT). It
// is wrapped in an [fs.PathError].
var ErrNoMedium = errors.New("cannot read past the page cache here")

// FS is the part of a file system that an audit log needs. Every name is a path as the caller has
// it. A symbolic link as the last element is never followed: opening one is refused with
// [ErrNotRegular], listing or syncing one with ENOTDIR, and the methods that work on names (Link,
// Rename, Remove) touch the link itself. Elements before the last are followed, so a caller
// whose directory may be a link resolves it once and works below the result.
//
// What root makes in somebody else's directory belongs to the owner of that directory.
//
// What survives a power cut: bytes for which [File.Sync] returned nil, under names for which
// [FS.SyncDir] of their directory returned nil after the name was made; the directory's own name
// needs a SyncDir of its parent. Nothing else may be relied on, permission bits included: after a
// cut a file may show any bits it ever had, which are never wider than what it was created with
// unless Chmod widened them.
//
// Errors are [fs.PathError], or [os.LinkError] from Link and Rename; they carry the path and unwrap
// to the errno, so errors.Is works with fs.ErrExist, fs.ErrNotExist and syscall.ENOSPC alike. A
// call that a signal interrupts is repeated. All methods are safe for concurrent use.
type FS interface {
	// OpenFile opens a regular file. flag takes os.O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_CREATE,
	// O_EXCL; never O_TRUNC (EINVAL). A file it creates has perm whatever the umask; a file that
	// exists keeps its bits. It never waits: a FIFO is refused, not opened.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Stat describes name itself, never what it points at.
	Stat(name string) (Info, error)
	// ReadDir lists the names in a directory, sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	// Mkdir makes one directory with perm whatever the umask. fs.ErrExist if the name is taken.
	Mkdir(name string, perm fs.FileMode) error
	// Link gives old a second name. fs.ErrExist if the name is taken: it never replaces.
	Link(old, new string) error
	// Rename moves the file old over new, replacing it at once: a reader sees one or the other.
	// When both are already names of one file it does nothing, and both names stay, as rename(2)
	// has it.
	Rename(old, new string) error
	// Remove deletes one name of a file; never a directory. An open file lives on without it.
	Remove(name string) error
	// Chmod sets the permission bits of a regular file.
	Chmod(name string, perm fs.FileMode) error
	// SyncDir makes the names in a directory durable: what was created, linked, renamed or removed
	// in it before the call.
	SyncDir(name string) error
	// Place makes a small file that appears complete or not at all, and fails with fs.ErrExist
	// when the name is taken. It is not synced: it is for lock files. A process killed in it may
	// leave a second file beside name (see [Leftover]). After another error the name may exist,
	// but then complete.
	Place(name string, data []byte, perm fs.FileMode) error
	// Replace puts data under name, durably and at once (temporary file, sync, rename, directory
	// sync): a reader sees the old bytes or the new ones. A process killed in it may leave a second
	// file beside name (see [Leftover]). After an error either may be there.
	Replace(name string, data []byte, perm fs.FileMode) error
	// ReadMedium reads len(p) bytes at off as they are on the medium, not as the page cache has
	// them. At the end of the file it returns fewer, with a nil error. Bytes below the file's size
	// that never reached the medium read as whatever the medium has there: NUL, or what was there
	// before. A difference proves that bytes are lost. Agreement proves less: the bytes are there,
	// but what a failed sync left undone of the file's length shows only after a power cut, so
	// that a later Sync must succeed before they count. ErrNoMedium where that cannot be done.
	ReadMedium(name string, p []byte, off int64) (int, error)
}

// File is an open regular file. Writes loop until all is written or an error stands; n then says
// how many bytes are in the file. Methods are safe for concurrent use, but Read and Write share one
// offset. WriteAt on a file opened with O_APPEND is refused.
type File interface {
	io.Reader
	io.Writer
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Name is the path the file was opened with.
	Name() string
	// Stat describes the open file, whatever its name points at by now.
	Stat() (Info, error)
	// Sync returns nil once the bytes of the file and its length are on the medium. After an
	// error nothing is known about bytes written since the last nil, a second Sync proves
	// nothing, and the caller must not retry it.
	Sync() error
	// NextData is the offset of the first byte from off on that may ever have been written, the size
	// if there is none: what lies before it reads as NUL. Where the file system does not tell it is
	// off. It moves the offset of Read and Write.
	NextData(off int64) int64
	// Truncate cuts the file to size bytes, or extends it with NULs.
	Truncate(size int64) error
	// Chmod sets the permission bits.
	Chmod(perm fs.FileMode) error
	// TryLock takes the lock that a file has for those who ask, without waiting: ok is false while
	// another open file has it, in this process or another. The kernel frees it when the file is
	// closed, or its process dies. The files of a [Mem] belong to one process, which has to keep
	// itself apart: there it is always free.
	TryLock() (ok bool, err error)
	// Unlock gives the lock back.
	Unlock() error
}

// Info is what is known of a file. ID tells two files apart as long as both exist; the number of a
// removed file may be given to a new one at once.
type Info struct {
	Mode  fs.FileMode
	Size  int64 // bytes; says nothing for a directory
	MTime int64 // nanoseconds since 1970 UTC
	ID    FileID
	Links uint64
	UID   uint32
}

// FileID is a device and an inode number.
type FileID struct{ Dev, Ino uint64 }

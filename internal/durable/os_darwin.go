package durable

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Sync is [os.File.Sync], which is fcntl F_FULLFSYNC here: fsync(2) of macOS leaves the bytes in
// the drive's cache.
func (f osFile) Sync() error { return f.File.Sync() }

// NextData knows of no holes here.
func (f osFile) NextData(off int64) int64 { return off }

// placeUnnamed: there are no unnamed files here.
func placeUnnamed(string, []byte, fs.FileMode) error { return errors.ErrUnsupported }

func renameNoReplace(old, new string) error {
	return unix.RenamexNp(old, new, unix.RENAME_EXCL)
}

// ReadMedium: F_NOCACHE is a hint, and a read under it may be served from the page cache.
func (osFS) ReadMedium(name string, _ []byte, _ int64) (int, error) {
	return 0, &fs.PathError{Op: "read medium", Path: name, Err: ErrNoMedium}
}

//go:build linux || darwin

package durable

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Free is how many bytes whoever asks may still write on the disk that dir is on, or will be on once it
// is made.
func Free(dir string) (int64, error) {
	for {
		var s syscall.Statfs_t
		err := syscall.Statfs(dir, &s)
		if err == nil {
			return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // other widths on other systems
		}
		parent := filepath.Dir(dir)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if !errors.Is(err, syscall.ENOENT) || parent == dir {
			return 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
		}
		dir = parent
	}
}

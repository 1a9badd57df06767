//go:build linux || darwin

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// giveToOwner gives a file that was just made at name to the owner of its directory: root acting on
// somebody's home must leave nothing there that its owner cannot use afterwards. Everybody else
// owns what they make. It goes by the open file, which nobody can swap.
func giveToOwner(f *os.File, name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	made, err := f.Stat()
	if err != nil {
		return err
	}
	return give(made, name, f.Chown)
}

// giveDirToOwner is giveToOwner for a directory.
func giveDirToOwner(name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	made, err := os.Lstat(name)
	if err != nil {
		return err
	}
	return give(made, name, func(uid, gid int) error { return os.Lchown(name, uid, gid) })
}

// give calls chown with the owner of the directory of name, if that is not the owner already. A root
// that may not give files away, as in some containers, keeps them.
func give(made fs.FileInfo, name string, chown func(uid, gid int) error) error {
	dir, err := os.Lstat(filepath.Dir(name))
	if err != nil {
		return err
	}
	of, ok1 := dir.Sys().(*syscall.Stat_t)
	is, ok2 := made.Sys().(*syscall.Stat_t)
	if !ok1 || !ok2 || of.Uid == is.Uid {
		return nil
	}
	if err := chown(int(of.Uid), int(of.Gid)); !errors.Is(err, syscall.EPERM) {
		return err
	}
	return nil
}

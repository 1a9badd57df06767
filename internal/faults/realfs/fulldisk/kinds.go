//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/opscontext/opscontext/internal/faults/realfs/mounts"
	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

// kind is a way to have no room.
type kind struct {
	name    string
	missing func() string
	prepare func(*trial.Sweep, trial.Place) (room, error)
	program func(trial.Program) trial.Program
	counted int // refused appends that there is still room to note, at least
}

// room is a place with little of it.
type room struct {
	free func() error // makes some
	end  func() error
}

var kinds = []kind{
	{"tmpfs", nothing, smallTmpfs, same, 1},
	{"ext4-blocks", mounts.Ext4.Missing, fewBlocks, same, 1},
	{"ext4-inodes", mounts.FewInodes.Missing, fewInodes, same, 1},
	{"btrfs-quota", mounts.Btrfs.Missing, quota, same, 0},
	{"file-size", nothing, anywhere, limited, 1},
}

func nothing() string { return "" }

func same(a trial.Program) trial.Program { return a }

// limited lets no file become longer than a few records.
func limited(a trial.Program) trial.Program {
	a.Before = []string{"prlimit", "--fsize=3000"}
	return a
}

func anywhere(_ *trial.Sweep, p trial.Place) (room, error) {
	return room{func() error { return nil }, func() error { return mounts.Unmount(string(p)) }},
		mounts.Mount("tmpfs", string(p), "tmpfs", 0, "mode=0700")
}

func smallTmpfs(_ *trial.Sweep, p trial.Place) (room, error) {
	free := func() error {
		return mounts.Mount("tmpfs", string(p), "tmpfs", syscall.MS_REMOUNT, "size=1m")
	}
	return room{free, func() error { return mounts.Unmount(string(p)) }},
		mounts.Mount("tmpfs", string(p), "tmpfs", 0, "mode=0700,size=64k")
}

// on mounts an empty file system of a format.
func on(s *trial.Sweep, p trial.Place, f mounts.Format) (image string, err error) {
	if image, err = f.File(s.Dir, f.Name); err != nil {
		return "", err
	}
	return image, f.Mount(image, string(p))
}

// fewBlocks takes all but some blocks, until a file is removed.
func fewBlocks(s *trial.Sweep, p trial.Place) (room, error) {
	image, err := on(s, p, mounts.Ext4)
	if err != nil {
		return room{}, err
	}
	eaten := filepath.Join(string(p), "eaten")
	var fs syscall.Statfs_t
	if err := syscall.Statfs(string(p), &fs); err != nil {
		return room{}, err
	}
	const left = 12 // blocks
	if err := os.WriteFile(eaten, make([]byte, int64(fs.Bavail-left)*fs.Bsize), 0o600); err != nil {
		return room{}, err
	}
	return room{func() error { return os.Remove(eaten) }, ending(p, image)}, mounts.Sync(string(p))
}

func ending(p trial.Place, image string) func() error {
	return func() error { return errors.Join(mounts.Unmount(string(p)), os.Remove(image)) }
}

// fewInodes leaves some: for the log, its lock and its archive, and no second segment.
func fewInodes(s *trial.Sweep, p trial.Place) (room, error) {
	image, err := on(s, p, mounts.FewInodes)
	if err != nil {
		return room{}, err
	}
	var eaten []string
	for {
		name := filepath.Join(string(p), fmt.Sprintf("eaten%d", len(eaten)))
		err := os.WriteFile(name, nil, 0o600)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			return room{}, err
		}
		eaten = append(eaten, name)
	}
	remove := func(n int) error {
		var err error
		for range n {
			err = errors.Join(err, os.Remove(eaten[0]))
			eaten = eaten[1:]
		}
		return err
	}
	const left = 3 // two directories and the lock: none for the log
	free := func() error { return remove(len(eaten)) }
	return room{free, ending(p, image)}, remove(left)
}

// quota leaves a btrfs less room than it has.
func quota(s *trial.Sweep, p trial.Place) (room, error) {
	image, err := on(s, p, mounts.Btrfs)
	if err != nil {
		return room{}, err
	}
	for _, args := range [][]string{{"quota", "enable", string(p)}, {"qgroup", "limit", "200k", string(p)}} {
		if _, err := mounts.Tool("btrfs", args...); err != nil {
			return room{}, err
		}
	}
	free := func() error {
		_, err := mounts.Tool("btrfs", "qgroup", "limit", "none", string(p))
		return err
	}
	return room{free, ending(p, image)}, nil
}

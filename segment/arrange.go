package segment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/opscontext/opscontext/internal/durable"
)

// Arrange runs f while nobody else writes to the home or rearranges its sealed segments: under the
// locks of an append and of a rotation. Appends wait for f, so it must be short; it must not use the
// Log. ErrBusy if the locks could not be had, nothing was done then.
func (l *Log) Arrange(ctx context.Context, f func() error) error {
	return l.arrange(ctx, func(*locks) error { return f() })
}

// Hold is Arrange for whoever copies the log: all that the live log holds when f runs is durable, so
// that a power cut cannot take from the log what is in the copy.
func (l *Log) Hold(ctx context.Context, f func() error) error {
	return l.arrange(ctx, func(k *locks) error {
		if err := k.syncLive(); err != nil {
			return err
		}
		return f()
	})
}

// syncLive makes durable what writers have written and not synced yet. They learn from their own sync
// that this one failed; those that are dead, and whose bytes the next writer would go on behind, do not:
// so it sets the suspect word as they would have.
func (k *locks) syncLive() error {
	f, err := k.o.FS.OpenFile(inHome(k.home, LiveName), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, durable.ErrNotRegular) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		if err = f.Sync(); err != nil {
			err = errors.Join(fmt.Errorf("sync: %w", err), k.word.suspect(info.ID.Ino, info.Size))
		}
	}
	return errors.Join(err, f.Close())
}

func (l *Log) arrange(ctx context.Context, f func(*locks) error) (err error) {
	home := l.w.home
	k := locks{o: &l.o, home: home, spare: spare{fs: l.o.FS}}
	defer func() { err = errors.Join(err, k.forget()) }()
	h, err := k.acquire(ctx, time.Now().Add(l.o.LockTimeout))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.release()) }()
	if l.o.Sharing == ShareWithNode {
		lock := (&writer{fs: l.o.FS, home: home}).rotateLock()
		ok, err := lock.try()
		if err != nil {
			return err
		}
		if !ok {
			return lock.busy()
		}
		return errors.Join(f(&k), lock.release())
	}
	return f(&k)
}

// ClaimArchive takes the right to compress sealed segments of the home, which one Log of one process
// has at a time. Appends and rotations go on beside it. The kernel frees it when its holder dies.
// ErrBusy if somebody has it, fs.ErrNotExist if the home has no sealed segments.
func (l *Log) ClaimArchive() (release func() error, err error) {
	dir := filepath.Join(l.w.home, ArchiveDir)
	now := time.Now()
	leave, err := takeTurn(turnKey{l.o.FS, dir}, &waiter{ctx: context.Background(), deadline: now, since: now})
	if err != nil {
		return nil, err
	}
	if l.o.FS != durable.OS() { // such a file system belongs to this process: the turn is lock enough
		if _, err := l.o.FS.Stat(dir); err != nil {
			leave()
			return nil, err
		}
		return func() error { leave(); return nil }, nil
	}
	lock := flock.New(dir, flock.SetFlag(syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY))
	ok, err := lock.TryLock()
	for errors.Is(err, syscall.EINTR) {
		ok, err = lock.TryLock()
	}
	if err == nil && !ok {
		err = &BusyError{Path: dir, Waited: time.Since(now)}
	}
	if err != nil {
		leave()
		return nil, err
	}
	return func() error {
		err := uninterrupted(lock.Unlock)
		leave()
		return err
	}, nil
}

// uninterrupted gives a lock back, whatever signals come. One that is kept keeps this process out, too:
// the lock belongs to an open file, not to the process.
func uninterrupted(unlock func() error) error {
	for {
		if err := unlock(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

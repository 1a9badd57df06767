//go:build linux || darwin

package durable

import (
	"errors"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

func (f osFile) TryLock() (ok bool, err error) {
	err = f.flock(unix.LOCK_EX | unix.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// Unlock does not leave it to the close: a child that was just forked and has not yet become another
// program has the open file, too, and with it the lock.
func (f osFile) Unlock() error { return f.flock(unix.LOCK_UN) }

func (f osFile) flock(how int) error {
	return f.withFD("lock", func(fd int) error { return unix.Flock(fd, how) })
}

// withFD makes a system call on the open file, as often as signals interrupt it.
func (f osFile) withFD(op string, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err == nil {
		var callErr error
		if err = conn.Control(func(fd uintptr) {
			callErr = retry(func() error { return call(int(fd)) })
		}); err == nil {
			if callErr != nil {
				return &fs.PathError{Op: op, Path: f.Name(), Err: callErr}
			}
			return nil
		}
	}
	return &fs.PathError{Op: op, Path: f.Name(), Err: fs.ErrClosed} // the one error that these have
}

//go:build linux

// Package mounts makes file systems on loop devices and mounts them where nobody else sees them: each
// in the mount namespace of one thread. When that thread ends, the kernel unmounts what is left in it and
// frees the loop devices. One thing it cannot do: a loop device on a file that the ending process served
// itself over FUSE has nobody left to write to, so that whoever kills such a process with SIGKILL may have to
// write 1 to /sys/fs/fuse/connections/*/abort. Any other signal is waited for.
package mounts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Alone runs do on a thread with a mount namespace of its own. What do mounts, and the programs that it
// starts, are there; goroutines that it starts are not.
func Alone(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this goroutine, and the namespace with it
		if unix.Gettid() == unix.Getpid() {
			// But for the first one, which ends with the process: while it is held here, another is taken.
			defer runtime.UnlockOSThread()
			done <- Alone(do)
			return
		}
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				return fmt.Errorf("a mount namespace: %w", err)
			}
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return fmt.Errorf("a mount namespace: %w", err)
			}
			return do()
		}()
	}()
	return <-done
}

// Mount mounts a file system that needs no device, or one on a device.
func Mount(device, at, kind string, flags uintptr, options string) error {
	if err := unix.Mount(device, at, kind, flags, options); err != nil {
		return fmt.Errorf("mount %s on %s: %w", kind, at, err)
	}
	return nil
}

// Unmount unmounts what is mounted at a directory. Where something of a program that has just ended
// still keeps it busy, it waits a little.
func Unmount(at string) error {
	err := unix.Unmount(at, 0)
	for deadline := time.Now().Add(10 * time.Second); errors.Is(err, unix.EBUSY) && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
		err = unix.Unmount(at, 0)
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", at, err)
	}
	return nil
}

// Sync writes back all that is in memory of the file system that is mounted at a directory.
func Sync(at string) error {
	d, err := os.Open(at)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}

// Loop makes a loop device of a file. It lasts while it is open or mounted.
func Loop(image string) (*os.File, error) {
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("a free loop device: %w", err)
		}
		device, err := openLoop(n)
		if err != nil {
			return nil, err
		}
		config := unix.LoopConfig{Fd: uint32(file.Fd())}
		config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
		err = unix.IoctlLoopConfigure(int(device.Fd()), &config)
		if err == nil {
			return device, nil
		}
		if err := errors.Join(device.Close(), err); !errors.Is(err, unix.EBUSY) { // else another was faster
			return nil, fmt.Errorf("%s as a loop device: %w", image, err)
		}
	}
}

// openLoop opens a loop device. In a container nobody else makes the names of new ones.
func openLoop(n int) (*os.File, error) {
	name := fmt.Sprintf("/dev/loop%d", n)
	device, err := os.OpenFile(name, os.O_RDWR, 0)
	if !errors.Is(err, os.ErrNotExist) {
		return device, err
	}
	const loopMajor = 7
	if err := unix.Mknod(name, unix.S_IFBLK|0o600, int(unix.Mkdev(loopMajor, uint32(n)))); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return os.OpenFile(name, os.O_RDWR, 0)
}

// MountImage mounts the file system in an image.
func MountImage(image, at, kind string, flags uintptr, options string) error {
	device, err := Loop(image)
	if err != nil {
		return err
	}
	return errors.Join(Mount(device.Name(), at, kind, flags, options), device.Close())
}

// Tool runs one of the programs that make or change file systems.
func Tool(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	text, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, text)
	}
	return string(text), err
}

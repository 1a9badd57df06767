//go:build linux && amd64

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// shape says which arguments of a system call name the file it changes.
type shape int

const (
	fd       shape = iota // fd
	path                  // path
	paths                 // old path, new path
	at                    // directory fd, path
	atTwice               // directory fd, old path, directory fd, new path
	symlinks              // text, directory fd, path
	open                  // path, flags
	openat                // directory fd, path, flags
)

type call struct {
	name  string
	shape shape
	bytes bool // its third argument is a number of bytes, so it can be cut short
}

// calls are the system calls that change what a file system holds or promises, and those that open and
// read a file, by number on amd64.
var calls = map[uint64]call{
	syscall.SYS_WRITE:           {"write", fd, true},
	syscall.SYS_PWRITE64:        {"pwrite64", fd, true},
	syscall.SYS_WRITEV:          {"writev", fd, false},
	syscall.SYS_SENDFILE:        {"sendfile", fd, false},
	syscall.SYS_FSYNC:           {"fsync", fd, false},
	syscall.SYS_FDATASYNC:       {"fdatasync", fd, false},
	syscall.SYS_SYNC_FILE_RANGE: {"sync_file_range", fd, false},
	syscall.SYS_FTRUNCATE:       {"ftruncate", fd, false},
	syscall.SYS_TRUNCATE:        {"truncate", path, false},
	syscall.SYS_FALLOCATE:       {"fallocate", fd, false},
	syscall.SYS_FCHMOD:          {"fchmod", fd, false},
	syscall.SYS_FCHMODAT:        {"fchmodat", at, false},
	syscall.SYS_FLOCK:           {"flock", fd, false},
	syscall.SYS_RENAME:          {"rename", paths, false},
	syscall.SYS_RENAMEAT:        {"renameat", atTwice, false},
	syscall.SYS_LINK:            {"link", paths, false},
	syscall.SYS_LINKAT:          {"linkat", atTwice, false},
	syscall.SYS_SYMLINKAT:       {"symlinkat", symlinks, false},
	syscall.SYS_UNLINK:          {"unlink", path, false},
	syscall.SYS_UNLINKAT:        {"unlinkat", at, false},
	syscall.SYS_MKDIR:           {"mkdir", path, false},
	syscall.SYS_MKDIRAT:         {"mkdirat", at, false},
	syscall.SYS_OPEN:            {"open", open, false},
	syscall.SYS_OPENAT:          {"openat", openat, false},
	syscall.SYS_READ:            {"read", fd, true},
	syscall.SYS_PREAD64:         {"pread64", fd, true},
	// Newer than package syscall's table.
	316: {"renameat2", atTwice, false},
	326: {"copy_file_range", fd, false},
	328: {"pwritev2", fd, false},
	452: {"fchmodat2", at, false},
}

// looks tells whether the call at its entry changes nothing.
func (c call) looks(r *syscall.PtraceRegs) bool {
	const creates = syscall.O_CREAT | syscall.O_TRUNC
	switch c.shape {
	case open:
		return r.Rsi&creates == 0
	case openat:
		return r.Rdx&creates == 0
	}
	return c.name == "read" || c.name == "pread64"
}

// target gives the path that the call at its entry is about.
func (c call) target(pid int, r *syscall.PtraceRegs) string {
	switch c.shape {
	case fd:
		return link(fmt.Sprintf("/proc/%d/fd/%d", pid, int32(r.Rdi)))
	case path:
		return resolve(pid, cwd, r.Rdi)
	case paths:
		return resolve(pid, cwd, r.Rsi)
	case at:
		return resolve(pid, int32(r.Rdi), r.Rsi)
	case atTwice:
		return resolve(pid, int32(r.Rdx), r.R10)
	case symlinks:
		return resolve(pid, int32(r.Rsi), r.Rdx)
	case open:
		return resolve(pid, cwd, r.Rdi)
	case openat:
		return resolve(pid, int32(r.Rdi), r.Rsi)
	}
	return ""
}

// direct tells whether a file was opened to be read past the page cache.
func direct(pid int, fd int32) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		return false
	}
	var pos, flags int64
	n, err := fmt.Sscanf(string(text), "pos:\t%d\nflags:\t%o", &pos, &flags)
	return err == nil && n == 2 && flags&syscall.O_DIRECT != 0
}

// cwd stands for the working directory where a directory fd is expected (AT_FDCWD).
const cwd = -100

// resolve gives the absolute path named by the string at addr in the tracee, relative to dirfd.
func resolve(pid int, dirfd int32, addr uint64) string {
	p := text(pid, addr)
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	base := fmt.Sprintf("/proc/%d/fd/%d", pid, dirfd)
	if dirfd == cwd {
		base = fmt.Sprintf("/proc/%d/cwd", pid)
	}
	return filepath.Join(link(base), p)
}

// link reads a link of /proc. One that cannot be read names no file of the sweep: the call is then
// let through untouched, as any call elsewhere is.
func link(name string) string {
	to, err := os.Readlink(name)
	if err != nil {
		return ""
	}
	return to
}

// text reads the NUL-terminated string at addr in the tracee, up to the longest path Linux takes.
func text(pid int, addr uint64) string {
	var s []byte
	buf := make([]byte, 64)
	for len(s) < syscall.PathMax {
		n, err := syscall.PtracePeekData(pid, uintptr(addr), buf)
		if err != nil || n == 0 {
			break
		}
		if i := bytes.IndexByte(buf[:n], 0); i >= 0 {
			return string(append(s, buf[:i]...))
		}
		s = append(s, buf[:n]...)
		addr += uint64(n)
	}
	return string(s)
}

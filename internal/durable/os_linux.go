package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sync is fdatasync(2): it flushes the bytes and every part of the inode that is needed to read
// them back, the length and the block map among them, and leaves out time stamps and mode, which
// File.Sync does not promise. It costs less than fsync(2) where only time stamps changed.
func (f osFile) Sync() error { return f.withFD("sync", unix.Fdatasync) }

// NextData asks the file system; one that cannot tell says that all is data.
func (f osFile) NextData(off int64) int64 {
	at, err := f.Seek(off, unix.SEEK_DATA)
	switch {
	case err == nil:
		return at
	case errors.Is(err, unix.ENXIO): // a hole to the end
		if fi, err := f.File.Stat(); err == nil {
			return max(fi.Size(), off)
		}
	}
	return off
}

// placeUnnamed is [FS.Place] by way of a file that has no name until it is complete, so that a kill
// leaves nothing. It fails where there is no O_TMPFILE, no /proc or no hard link.
func placeUnnamed(name string, data []byte, perm fs.FileMode) error {
	f, err := os.OpenFile(filepath.Dir(name), unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, perm.Perm())
	if err != nil {
		return err
	}
	err = setPerm(f, perm)
	if err == nil {
		err = giveToOwner(f, name)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		// AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH; the link in /proc does not.
		fd := "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
		err = placeError(name, linkError("link", fd, name, retry(func() error {
			return unix.Linkat(unix.AT_FDCWD, fd, unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
		})))
	}
	return errors.Join(err, f.Close())
}

func renameNoReplace(old, new string) error {
	return unix.Renameat2(unix.AT_FDCWD, old, unix.AT_FDCWD, new, unix.RENAME_NOREPLACE)
}

// mediumAlign suits every device's O_DIRECT: logical blocks are 512 or 4096 bytes, and memory needs
// no more than that. mediumChunk bounds the buffer.
const (
	mediumAlign = 4096
	mediumChunk = 1 << 20
)

// ReadMedium reads with O_DIRECT: the kernel writes dirty pages of the range back first (a failure
// of that is the read's error) and then asks the device. What a failed sync left clean in the page
// cache, readable but nowhere else, is not seen.
func (osFS) ReadMedium(name string, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, &fs.PathError{Op: "read medium", Path: name, Err: syscall.EINVAL}
	}
	f, err := openExisting(name, os.O_RDONLY|unix.O_DIRECT)
	if errors.Is(err, syscall.EINVAL) {
		return 0, noMedium(name)
	}
	if err != nil {
		return 0, err
	}
	n, err := readDirect(f.(osFile).File, p, off)
	return n, errors.Join(err, f.Close())
}

func noMedium(name string) error {
	return &fs.PathError{Op: "read medium", Path: name, Err: ErrNoMedium}
}

func readDirect(f *os.File, p []byte, off int64) (int, error) {
	align, err := directAlign(f)
	if err != nil {
		return 0, err
	}
	buf := alignedBuffer(min(mediumChunk, len(p)+2*align), align)
	n := 0
	for n < len(p) {
		at := off + int64(n)
		start := at &^ int64(align-1)
		// Not File.ReadAt, which would ask again at the unaligned end of the file.
		var got int
		err := retry(func() (err error) {
			got, err = unix.Pread(int(f.Fd()), buf, start)
			return err
		})
		switch {
		case errors.Is(err, syscall.EINVAL): // takes the flag, refuses the read
			return n, noMedium(f.Name())
		case err != nil:
			return n, &fs.PathError{Op: "read medium", Path: f.Name(), Err: err}
		}
		if skip := int(at - start); got > skip {
			n += copy(p[n:], buf[skip:got])
		}
		if got == 0 || got%align != 0 {
			return n, nil // end of file
		}
	}
	return n, nil
}

// directAlign is the alignment that O_DIRECT wants of offset, length and memory. Some file systems
// take the flag and then read through the page cache all the same (ext4 with data=journal): since
// Linux 6.1 statx tells, with an alignment of 0. Of a kernel or file system that does not answer
// the question we believe the flag; that is the weak spot of ReadMedium.
func directAlign(f *os.File) (int, error) {
	var st unix.Statx_t
	err := retry(func() error {
		return unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st)
	})
	answered := err == nil && st.Mask&unix.STATX_DIOALIGN != 0
	switch {
	case !answered:
		return mediumAlign, nil
	case st.Dio_offset_align == 0:
		return 0, noMedium(f.Name())
	default:
		return max(mediumAlign, int(st.Dio_offset_align), int(st.Dio_mem_align)), nil
	}
}

// alignedBuffer returns at least size bytes, a multiple of align, at an address that is one too.
func alignedBuffer(size, align int) []byte {
	size = (size + align - 1) &^ (align - 1)
	b := make([]byte, size+align)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & uintptr(align-1))
	return b[skip : skip+size : skip+size]
}

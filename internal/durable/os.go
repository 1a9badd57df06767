//go:build linux || darwin

package durable

import (
	"cmp"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// OS is the file system of the machine.
func OS() FS { return osFS{} }

type osFS struct{}

// openFlags go with every open: children must not inherit the descriptor, a symbolic link planted
// under our name must not be followed, and a FIFO must not block the open for ever.
const openFlags = syscall.O_CLOEXEC | syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// createTries bounds how often OpenFile goes between "not there" and "already there" while another
// process makes and removes the same name.
const createTries = 100

func (osFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if flag&os.O_TRUNC != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EINVAL}
	}
	if flag&os.O_CREATE == 0 {
		return openExisting(name, flag)
	}
	if flag&os.O_EXCL != 0 {
		return create(name, flag, perm)
	}
	// O_CREATE alone does not tell whether the file is ours to chmod, so the two cases are asked
	// for one after the other.
	var err error
	for range createTries {
		var f File
		f, err = openExisting(name, flag&^os.O_CREATE)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		f, err = create(name, flag|os.O_EXCL, perm)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, err
}

func openExisting(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag|openFlags, 0)
	if err != nil {
		// ELOOP for a link, ENXIO for a FIFO or a socket, EISDIR for a directory: one fact, and
		// the kernels do not agree on the numbers.
		if fi, statErr := os.Lstat(name); statErr == nil && !fi.Mode().IsRegular() {
			return nil, notRegular("open", name)
		}
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = notRegular("open", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return osFile{f}, nil
}

// create makes the file with perm less the umask and then sets perm itself, so that at no moment
// the bits are wider than asked for.
func create(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag|openFlags, perm.Perm())
	if err != nil {
		return nil, err
	}
	err = setPerm(f, perm)
	if err == nil {
		err = giveToOwner(f, name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), unlink(name))
	}
	return osFile{f}, nil
}

// setPerm leaves bits alone that are right already: some file systems have no bits to set.
func setPerm(f *os.File, perm fs.FileMode) error {
	fi, err := f.Stat()
	if err != nil || fi.Mode().Perm() == perm.Perm() {
		return err
	}
	return f.Chmod(perm.Perm())
}

func notRegular(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: ErrNotRegular}
}

func (osFS) Stat(name string) (Info, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Lstat(name, &st) }); err != nil {
		return Info{}, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return infoOf(&st), nil
}

// infoOf does without [fs.FileInfo]: an append asks for several, and has no use for their names.
func infoOf(st *unix.Stat_t) Info {
	return Info{
		Mode:  modeOf(uint32(st.Mode)), //nolint:unconvert // 16 bits on macOS
		Size:  st.Size,
		MTime: st.Mtim.Nano(),
		ID:    FileID{Dev: uint64(st.Dev), Ino: st.Ino}, //nolint:unconvert // int32 on macOS
		Links: uint64(st.Nlink),                         //nolint:unconvert // 16 or 32 bits elsewhere
		UID:   st.Uid,
	}
}

// modeOf is the mode as package fs has it.
func modeOf(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	for _, bit := range []struct {
		is  uint32
		has fs.FileMode
	}{{unix.S_ISUID, fs.ModeSetuid}, {unix.S_ISGID, fs.ModeSetgid}, {unix.S_ISVTX, fs.ModeSticky}} {
		if mode&bit.is != 0 {
			m |= bit.has
		}
	}
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		m |= fs.ModeDir
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFIFO:
		m |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		m |= fs.ModeSocket
	case unix.S_IFBLK:
		m |= fs.ModeDevice
	case unix.S_IFCHR:
		m |= fs.ModeDevice | fs.ModeCharDevice
	default:
		m |= fs.ModeIrregular
	}
	return m
}

// openDir opens a directory itself, not what a link of that name points at.
func openDir(name string) (*os.File, error) {
	return os.OpenFile(name, syscall.O_DIRECTORY|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0)
}

func (osFS) ReadDir(name string) ([]fs.DirEntry, error) {
	d, err := openDir(name)
	if err != nil {
		return nil, err
	}
	entries, err := d.ReadDir(-1)
	if err = errors.Join(err, d.Close()); err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (osFS) Mkdir(name string, perm fs.FileMode) error {
	name = filepath.Clean(name)
	if err := os.Mkdir(name, perm.Perm()); err != nil {
		return err
	}
	err := setDirPerm(name, perm)
	if err == nil {
		err = giveDirToOwner(name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// setDirPerm gives a new directory the bits that the umask took. It goes through an [os.Root] of
// the parent: its Chmod cannot be led out of the parent by a link that somebody swaps in meanwhile.
func setDirPerm(name string, perm fs.FileMode) error {
	fi, err := os.Lstat(name)
	if err != nil || fi.Mode().Perm() == perm.Perm() {
		return err
	}
	parent, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(parent.Chmod(filepath.Base(name), perm.Perm()), parent.Close())
}

// Link is linkat without AT_SYMLINK_FOLLOW: macOS's link(2) would follow.
func (osFS) Link(old, new string) error {
	return linkError("link", old, new, retry(func() error {
		return unix.Linkat(unix.AT_FDCWD, old, unix.AT_FDCWD, new, 0)
	}))
}

func (osFS) Rename(old, new string) error {
	return linkError("rename", old, new, retry(func() error { return unix.Rename(old, new) }))
}

func linkError(op, old, new string, err error) error {
	if err == nil {
		return nil
	}
	return &os.LinkError{Op: op, Old: old, New: new, Err: err}
}

func (osFS) Remove(name string) error { return unlink(name) }

// unlink, unlike os.Remove, never takes an empty directory.
func unlink(name string) error {
	if err := retry(func() error { return unix.Unlink(name) }); err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

// retry repeats a call that a signal interrupted; the os package does it for its own calls.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func (osFS) Chmod(name string, perm fs.FileMode) error {
	f, err := openExisting(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(perm), f.Close())
}

func (osFS) SyncDir(name string) error {
	d, err := openDir(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (o osFS) Place(name string, data []byte, perm fs.FileMode) error {
	err := placeUnnamed(name, data, perm)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// Either the system cannot do that, or a file with a name meets the same error and reports it.
	return placeByLink(o, name, data, perm, rand.Int64, o.publish)
}

// publish gives a finished file its name where that is free. FAT and some network file systems
// have no hard links; there a rename that refuses to replace does the same.
func (o osFS) publish(old, new string) error {
	err := o.Link(old, new)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) {
		err = retry(func() error { return renameNoReplace(old, new) })
		return linkError("rename", old, new, err)
	}
	return err
}

func (o osFS) Replace(name string, data []byte, perm fs.FileMode) error {
	dir := filepath.Dir(name)
	// Not renameio.WriteFile, which would keep the bits of the file it replaces.
	f, err := renameio.NewPendingFile(name, renameio.WithTempDir(dir), renameio.WithStaticPermissions(perm))
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = giveToOwner(f.File, name)
	}
	if err == nil {
		err = f.CloseAtomicallyReplace()
	}
	if err != nil {
		return errors.Join(err, f.Cleanup())
	}
	// renameio syncs the bytes, not the name.
	return o.SyncDir(dir)
}

// osFile leaves to [os.File] what that does well: loops over short writes and interrupted calls,
// errors that carry the path.
type osFile struct{ *os.File }

func (f osFile) Stat() (Info, error) {
	var st unix.Stat_t
	if err := f.withFD("stat", func(fd int) error { return unix.Fstat(fd, &st) }); err != nil {
		return Info{}, err
	}
	return infoOf(&st), nil
}

func (f osFile) Chmod(perm fs.FileMode) error { return f.File.Chmod(perm.Perm()) }

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Leftover tells whether base, the last element of a name, is that of a temporary file which
// [FS.Place] or [FS.Replace] made for target ("." target digits) and a killed process left behind.
// Such a file is nobody's: it may be removed by whoever holds the lock that guards target.
func Leftover(base, target string) bool {
	digits, ok := strings.CutPrefix(base, "."+target)
	if !ok || digits == "" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

// tempTries bounds the search for a free temporary name. Numbers are random or counted, so that
// a second try is already rare.
const tempTries = 1000

// writeTemp makes a complete file beside name and returns its path. next gives the number in that
// path, finish has the last word on the file before it is closed. On an error nothing is left.
func writeTemp(fsys FS, name string, data []byte, perm fs.FileMode, next func() int64, finish func(File) error) (string, error) {
	dir, base := filepath.Split(name)
	var (
		tmp string
		f   File
		err error
	)
	for range tempTries {
		tmp = dir + "." + base + strconv.FormatInt(next(), 10)
		f, err = fsys.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = finish(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, fsys.Remove(tmp))
	}
	return tmp, nil
}

// unsynced is the finish of a file that need not survive a power cut.
func unsynced(File) error { return nil }

// placeByLink is [FS.Place] in steps that every file system has: a complete file under a name of
// its own gets its real name by publish, which refuses a name that is taken.
func placeByLink(fsys FS, name string, data []byte, perm fs.FileMode, next func() int64, publish func(old, new string) error) error {
	tmp, err := writeTemp(fsys, name, data, perm, next, unsynced)
	if err != nil {
		return err
	}
	err = placeError(name, publish(tmp, name))
	if gone := fsys.Remove(tmp); !errors.Is(gone, fs.ErrNotExist) { // a renaming publish took it
		err = errors.Join(err, gone)
	}
	return err
}

// placeError names the file that was asked for, not the one that was to become it.
func placeError(name string, err error) error {
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		return &fs.PathError{Op: "place", Path: name, Err: le.Err}
	}
	return err
}

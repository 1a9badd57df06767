//go:build linux && amd64

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// copyTo makes of p's files a place of the same content elsewhere: with modes, times and hard links.
// The names by which the state directory knows the home are those of the new home.
func (p place) copyTo(to place) error {
	if err := os.RemoveAll(to.dir); err != nil {
		return err
	}
	names := strings.NewReplacer(remembered(p.home()), remembered(to.home()))
	copies := map[uint64]string{} // of files with several names, by inode number
	return filepath.WalkDir(p.dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		copied := filepath.Join(to.dir, names.Replace(strings.TrimPrefix(name, p.dir)))
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		if info.IsDir() {
			return os.MkdirAll(copied, info.Mode().Perm())
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Nlink > 1 {
			if first, ok := copies[s.Ino]; ok {
				return os.Link(first, copied)
			}
			copies[s.Ino] = copied
		}
		return copyFile(name, copied, info)
	})
}

func copyFile(from, to string, info fs.FileInfo) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		return err
	}
	if err := os.Chmod(to, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Chtimes(to, time.Time{}, info.ModTime())
}

// remembered is what the files of the state directory that are about a home are called.
func remembered(home string) string {
	sum := sha256.Sum256([]byte(home))
	return hex.EncodeToString(sum[:])
}

package durable

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flawedDatasync is fdatasync, or "no fsync".
func flawedDatasync(fd int) error {
	if os.Getenv("OPSCONTEXT_SEEDED_BUG") == "no fsync" {
		return nil
	}
	return unix.Fdatasync(fd)
}

// flawedSyncDir syncs an open directory and closes it, or has "no directory fsync".
func flawedSyncDir(d *os.File) error {
	if os.Getenv("OPSCONTEXT_SEEDED_BUG") == "no directory fsync" {
		return d.Close()
	}
	return errors.Join(d.Sync(), d.Close())
}

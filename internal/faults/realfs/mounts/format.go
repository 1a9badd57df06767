//go:build linux

package mounts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Format is a kind of file system that an image is made of.
type Format struct {
	Name    string
	Kind    string // as mount has it
	Size    int64  // bytes of the image
	Options string // of mount
	mkfs    []string
	env     []string
}

// xfsprogs refuses images as small as these unless it is told that they are for a test.
var xfsForTests = []string{"TEST_DIR=1", "TEST_DEV=1", "QA_CHECK_FS=1"}

// Formats that journal what they do. No format is big: an image is copied for each point.
var (
	Ext4        = Format{"ext4", "ext4", 8 << 20, "", mkfsExt4(), nil}
	Ext4Journal = Format{"ext4-data-journal", "ext4", 16 << 20, "data=journal", mkfsExt4(), nil}
	XFS         = Format{"xfs", "xfs", 16 << 20, "nouuid", []string{"mkfs.xfs", "-q", "-f", "-K"}, xfsForTests}
)

// Formats that are for running out of something.
var (
	FewInodes = Format{"ext4-inodes", "ext4", 8 << 20, "", mkfsExt4("-N", "32"), nil}
	Btrfs     = Format{"btrfs", "btrfs", 120 << 20, "", []string{"mkfs.btrfs", "-q", "-f", "-K"}, nil}
)

// mkfsExt4 is a file system that writes everything of its own at once, and nothing later by itself.
func mkfsExt4(more ...string) []string {
	return append([]string{"mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"}, more...)
}

// Missing says why there cannot be images of this format here, "" if there can be.
func (f Format) Missing() string {
	if _, err := exec.LookPath(f.mkfs[0]); err != nil {
		return "needs " + f.mkfs[0]
	}
	known, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(known)) {
		if strings.TrimSpace(strings.TrimPrefix(line, "nodev")) == f.Kind {
			return ""
		}
	}
	return "the kernel has no " + f.Kind
}

// File makes a new file with an empty file system in it.
func (f Format) File(dir, name string) (image string, err error) {
	bytes, err := f.Image(dir)
	if err != nil {
		return "", err
	}
	image = filepath.Join(dir, name+".disk")
	return image, os.WriteFile(image, bytes, 0o600)
}

// Image makes an empty file system in a new file, and gives its bytes.
func (f Format) Image(dir string) ([]byte, error) {
	file, err := os.CreateTemp(dir, f.Name+".image-")
	if err != nil {
		return nil, err
	}
	name := file.Name()
	if err := file.Close(); err != nil {
		return nil, err
	}
	if err := os.Truncate(name, f.Size); err != nil {
		return nil, err
	}
	cmd := exec.Command(f.mkfs[0], append(f.mkfs[1:], name)...)
	cmd.Env = append(os.Environ(), f.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", f.mkfs[0], err, text)
	}
	image, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return image, os.Remove(name)
}

// Mount mounts an image of this format.
func (f Format) Mount(image, at string) error { return MountImage(image, at, f.Kind, 0, f.Options) }

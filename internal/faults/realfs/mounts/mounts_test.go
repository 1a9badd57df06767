//go:build linux

package mounts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is mounted alone is seen alone, and gone afterwards, the loop device too.
func TestNothingIsLeftBehind(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root mounts file systems: that mounts are cleaned up was not tested")
	}
	dir := t.TempDir()
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "at")
	if err := os.Mkdir(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(image, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Tool("mkfs.ext4", "-q", "-F", image); err != nil {
		t.Skip("mkfs.ext4 makes no file system here: that mounts are cleaned up was not tested: ", err)
	}
	err := Alone(func() error {
		if err := MountImage(image, at, "ext4", 0, ""); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(at, "seen"), nil, 0o600) // and no unmount
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen, err := os.ReadDir(at); err != nil || len(seen) > 0 {
		t.Errorf("outside there is %v, %v", seen, err)
	}
	for deadline := time.Now().Add(10 * time.Second); attached(t, image); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a loop device of it is left")
		}
	}
}

// attached reports whether there is a loop device of a file.
func attached(t *testing.T, image string) bool {
	backing, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range backing {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), image) {
			return true
		}
	}
	return false
}

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// program is the path of what is measured.
type program string

// at is the program at work on the home in dir.
func (p program) at(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, string(p), append([]string{"--quiet", "--home", filepath.Join(dir, homeDir), "--state", filepath.Join(dir, stateDir)}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd
}

// yardstick gives the path of another program, empty if it is not installed.
func yardstick(name string) (string, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return "", nil
	}
	return path, err
}

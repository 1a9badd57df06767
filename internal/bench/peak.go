package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// peakOf is how much memory a command held at most, in MiB.
//
// A process inherits, as far as this is counted, what the one that starts it has held: Linux keeps the
// greater of both. So the command is started by a process that does nothing else and holds little.
func peakOf(ctx context.Context, cmd *exec.Cmd) (mib float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	starter := exec.CommandContext(ctx, self, append([]string{"-part", "peak", cmd.Path}, cmd.Args[1:]...)...)
	starter.Env, starter.Stderr = cmd.Env, cmd.Stderr
	var said bytes.Buffer
	starter.Stdout = &said
	if err := run(starter); err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(said.String()), 10, 64)
	return float64(n) / (1 << 20), err
}

// peak runs a command, whose output nobody wants, and writes how many bytes it held at most.
func peak(ctx context.Context, out io.Writer, command []string) error {
	if len(command) == 0 {
		return errors.New("-part peak wants a command")
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	if err := run(cmd); err != nil {
		return err
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return fmt.Errorf("%s does not say what memory a process held", runtime.GOOS)
	}
	held := int64(used.Maxrss) //nolint:unconvert // its size differs between systems
	if runtime.GOOS != "darwin" {
		held <<= 10 // it is in KiB but there
	}
	_, err := fmt.Fprintln(out, held)
	return err
}

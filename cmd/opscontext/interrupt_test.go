package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A command that is interrupted while it waits for input ends in good order: 130, with what was
// recorded so far.
func TestInterrupt(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := t.TempDir()
			live := filepath.Join(dir, "home", "audit.log")
			cmd := exec.Command("opscontext", "append", "--home", filepath.Dir(live), "--state", filepath.Join(dir, "state"))
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			var errs bytes.Buffer
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := stdin.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				if text, err := os.ReadFile(live); err == nil && bytes.HasSuffix(text, []byte("\n")) {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("the event was not recorded")
				}
			}
			// The record is in the file; the program may yet be on its way back from the sync.
			time.Sleep(50 * time.Millisecond)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != int(exitInterrupted) {
				t.Errorf("%v, want exit code %d", err, exitInterrupted)
			}
			if !strings.HasSuffix(errs.String(), "interrupted\n") {
				t.Errorf("stderr: %q", errs.String())
			}
		})
	}
}

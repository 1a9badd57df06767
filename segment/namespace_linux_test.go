package segment

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/opscontext/opscontext/internal/durable"
)

// A holder whose pid means nothing here, as one in a container beside this process, is alive all the same:
// nobody takes its lock, and once it is killed nobody waits for it.
func TestF17HolderInAnotherPidNamespace(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	o := Options{State: home + ".state", LockTimeout: 300 * time.Millisecond}
	l := openOS(t, home, o)
	mustAppend(t, l, 0)
	cmd := exec.Command(os.Args[0], "hold")
	cmd.Env = append(os.Environ(), childHome+"="+home)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Start()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS) {
		t.Skip("a pid namespace cannot be made here, which takes root: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	if _, err := l.Append(t.Context(), event(1)); !errors.Is(err, ErrBusy) {
		t.Errorf("beside a holder in another pid namespace: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	mustAppend(t, l, 2)
	if h, err := walkHome(durable.OS(), home); err != nil || h.kinds() != "event audit.append_failed event" {
		t.Errorf("got %v, %v", h.kinds(), err)
	}
}

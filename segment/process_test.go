package segment

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// childHome is set in the environment of the processes that the tests below start: this test binary
// once more, as a writer.
const childHome = "OPSCONTEXT_TEST_CHILD_HOME"

func TestMain(m *testing.M) {
	if home := os.Getenv(childHome); home != "" {
		if err := child(home, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child appends n events and prints the hash of each once it is acknowledged; told "hold", it takes
// the locks and keeps them until it is killed.
func child(home, what string) error {
	ctx := context.Background()
	l, err := Open(home, Options{State: home + ".state", MaxBytes: 64 << 10, LockTimeout: time.Minute})
	if err != nil {
		return err
	}
	if what == "hold" {
		if _, err := l.w.locks.acquire(ctx, time.Now().Add(time.Minute)); err != nil {
			return err
		}
		fmt.Println("held")
		time.Sleep(time.Hour)
	}
	n, err := strconv.Atoi(what)
	if err != nil {
		return err
	}
	for i := range n {
		r, err := l.Append(ctx, Event{Kind: "test.event", Payload: fmt.Appendf(nil, `{"pid":%d,"n":%d}`, os.Getpid(), i)})
		if err != nil {
			return err
		}
		fmt.Println(r.Hash)
	}
	return l.Close()
}

// startChild starts a writer and gives what it prints.
func startChild(t *testing.T, home, what string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], what)
	cmd.Env = append(os.Environ(), childHome+"="+home)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// ackLog gathers what children printed.
type ackLog struct {
	mu     sync.Mutex
	hashes []chain.Hash
}

// read tells each how many there were before.
func (a *ackLog) read(t *testing.T, r io.Reader, each func(before int)) {
	lines := bufio.NewScanner(r)
	for n := 0; lines.Scan(); n++ {
		each(n)
		h, err := chain.ParseHash(lines.Text())
		if err != nil {
			t.Errorf("a child printed %q", lines.Text())
		}
		a.mu.Lock()
		a.hashes = append(a.hashes, h)
		a.mu.Unlock()
	}
}

func (a *ackLog) check(t *testing.T, home string) *walkedLog {
	t.Helper()
	h, err := walkHome(durable.OS(), home)
	if err != nil {
		t.Fatal(err)
	}
	there := map[chain.Hash]bool{}
	for _, r := range h.records {
		if there[r.Hash] {
			t.Errorf("record %v is there twice", r.Hash)
		}
		there[r.Hash] = true
	}
	for _, hash := range a.hashes {
		if !there[hash] {
			t.Errorf("acknowledged record %v is lost", hash)
		}
	}
	if n := h.count(chain.KindBreak); n > 0 {
		t.Errorf("%d times audit.break", n)
	}
	checkRotations(t, h)
	return h
}

func TestF20Processes(t *testing.T) {
	t.Parallel()
	const processes, each = 4, 100
	home := filepath.Join(t.TempDir(), "home")
	var acks ackLog
	var wg sync.WaitGroup
	for range processes {
		wg.Go(func() {
			cmd, out := startChild(t, home, strconv.Itoa(each))
			acks.read(t, out, func(int) {})
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	h := acks.check(t, home)
	if n := h.count("test.event"); n != processes*each || len(acks.hashes) != n {
		t.Errorf("%d events on the chain, %d acknowledged, want %d", n, len(acks.hashes), processes*each)
	}
}

func TestF20KillStorm(t *testing.T) {
	t.Parallel()
	const writers, kills = 4, 40
	home := filepath.Join(t.TempDir(), "home")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var acks ackLog
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			for range kills / writers {
				cmd, out := startChild(t, home, "100000")
				last := rng.IntN(20)
				delay := time.Duration(rng.IntN(2000)) * time.Microsecond
				acks.read(t, out, func(before int) {
					if before == last {
						time.Sleep(delay)
						_ = cmd.Process.Kill()
					}
				})
				if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
					t.Errorf("a child ended by itself: %v", err)
				}
			}
		})
	}
	wg.Wait()
	l := openOS(t, home, Options{State: home + ".state"})
	mustAppend(t, l, 0)
	closeLog(t, l) // which has a lock file in stock if a dead child's had to go first
	acks.check(t, home)
	entries, err := os.ReadDir(home)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !ownHomeName(e.Name()) || e.Name() == LockName || e.Name() == nextName {
			t.Errorf("%s is left", e.Name())
		}
	}
}

func TestF17KilledHolder(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	o := Options{State: home + ".state", LockTimeout: 300 * time.Millisecond}
	l := openOS(t, home, o)
	mustAppend(t, l, 0)
	cmd, out := startChild(t, home, "hold")
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	// F18: stopped, it lives, and nobody takes its lock.
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), event(1)); !errors.Is(err, ErrBusy) {
		t.Errorf("beside a stopped holder: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	start := time.Now()
	mustAppend(t, l, 2)
	if d := time.Since(start); d > o.LockTimeout {
		t.Errorf("after the holder was killed the append took %v", d)
	}
	if h, err := walkHome(durable.OS(), home); err != nil || h.kinds() != "event audit.append_failed event" {
		t.Errorf("got %v, %v", h.kinds(), err)
	}
}

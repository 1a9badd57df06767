//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// fault is what befalls a program at one of its system calls.
type fault struct {
	kind  faultKind
	share float64       // of a write's bytes that land: torn, short
	errno syscall.Errno // fail
}

type faultKind int

const (
	killBefore faultKind = iota // SIGKILL at the entry: the call does not happen
	killAfter                   // SIGKILL at the exit: it happened and the caller never learned
	torn                        // a write is cut short and lands, then SIGKILL
	short                       // a write is cut short and says so
	fail                        // the call does not happen and returns errno
)

// applies tells whether the fault can befall a call. Only one that writes bytes can be cut short, and a
// lock wants neither space nor a disk.
func (f fault) applies(p point) bool {
	switch f.kind {
	case torn, short:
		return p.bytes
	case fail:
		return p.call != "flock" || f.errno == syscall.EINTR
	}
	return true
}

// command is a program to run under trace.
type command struct {
	argv          []string
	env           []string
	stdin, stdout *os.File
	stderr        *os.File
}

// point is a state-changing system call of a run: the nth of its kind on its target. A count over all
// calls together would name another call whenever two threads come in another order, as one that
// brings the mark up to date behind an append may.
type point struct {
	call   string
	target string // path below the stage, as [settled] gives it
	nth    int    // from 1
	bytes  bool   // the call can be cut short
}

func (p point) String() string { return fmt.Sprintf("%s of %s, no. %d", p.call, p.target, p.nth) }

// never is the point that no run reaches.
var never = point{}

// changing are the parts of a name that are others in each run: random ones of temporary files, inode
// numbers of files that have no name, the hash of the home's path.
var changing = regexp.MustCompile(`[0-9a-f]{64}|[A-Z2-7]{26}|#[0-9]+|[0-9]{5,}`)

// settled gives a name with a star for what is another in each run.
func settled(name string) string { return changing.ReplaceAllString(name, "*") }

// outcome is what a traced run came to.
type outcome struct {
	hit   bool    // the run got as far as the point, so the fault happened
	calls []point // that it made, the one that the fault befell last
	exit  int     // exit code, or 128 + signal
}

// timeLimit bounds one traced run: a program that hangs after a fault is a finding, not a wait.
const timeLimit = 30 * time.Second

// Values that package syscall lacks.
const (
	wallWait     = 0x40000000 // wait for threads as well as processes (__WALL)
	ownChildren  = 0x20000000 // of the calling thread only, so that points run side by side (__WNOTHREAD)
	traceOptions = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACEFORK | syscall.PTRACE_O_TRACEVFORK |
		syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEEXEC | 0x100000 // kill it if we die (EXITKILL)
	syscallStop = syscall.SIGTRAP | 0x80
)

// trace runs c and lets f befall it at one of the state-changing system calls that it makes under dir,
// in whichever thread or child. A run that ends before it comes to that call is not hit.
func trace(c command, dir string, f fault, at point) (outcome, error) {
	runtime.LockOSThread() // a tracee belongs to the thread that started it
	defer runtime.UnlockOSThread()
	p, err := os.StartProcess(c.argv[0], c.argv, &os.ProcAttr{
		Dir:   dir,
		Env:   c.env,
		Files: []*os.File{c.stdin, c.stdout, c.stderr},
		Sys:   &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		return outcome{}, err
	}
	t := tracer{root: p.Pid, dir: dir, fault: f, point: at, seen: map[point]int{}, threads: map[int]*thread{p.Pid: {}}}
	if err := p.Release(); err != nil { // this thread reaps it
		return outcome{}, err
	}
	timer := time.AfterFunc(timeLimit, t.kill)
	defer timer.Stop()
	return t.run()
}

// thread is what the tracer knows of one thread of the program.
type thread struct {
	inCall bool // between the entry and the exit of a system call
	then   func(pid int, r *syscall.PtraceRegs) error
}

type tracer struct {
	root    int
	dir     string
	fault   fault
	point   point
	seen    map[point]int // state-changing calls so far, of which kind on which target
	threads map[int]*thread
	outcome outcome
}

func (t *tracer) run() (outcome, error) {
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(t.root, &status, wallWait, nil); err != nil {
		return outcome{}, fmt.Errorf("waiting for the traced program: %w", err)
	}
	if err := syscall.PtraceSetOptions(t.root, traceOptions); err != nil {
		t.kill()
		return outcome{}, fmt.Errorf("ptrace: %w", err)
	}
	if err := resume(t.root, 0); err != nil {
		return outcome{}, err
	}
	for len(t.threads) > 0 {
		pid, err := syscall.Wait4(-1, &status, wallWait|ownChildren, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return outcome{}, fmt.Errorf("waiting for the traced program: %w", err)
		case status.Exited() || status.Signaled():
			t.ended(pid, status)
			continue
		}
		if t.threads[pid] == nil {
			t.threads[pid] = &thread{}
		}
		deliver := 0
		switch sig := status.StopSignal(); sig {
		case syscallStop:
			if err := t.atCall(pid); err != nil {
				t.kill()
				return outcome{}, err
			}
		case syscall.SIGTRAP, syscall.SIGSTOP: // ptrace's own
		default:
			deliver = int(sig)
		}
		if err := resume(pid, deliver); err != nil {
			return outcome{}, err
		}
	}
	return t.outcome, nil
}

func (t *tracer) ended(pid int, status syscall.WaitStatus) {
	delete(t.threads, pid)
	if pid != t.root {
		return
	}
	t.outcome.exit = status.ExitStatus()
	if status.Signaled() {
		t.outcome.exit = 128 + int(status.Signal())
	}
}

// atCall handles a thread that stands at the entry or the exit of a system call.
func (t *tracer) atCall(pid int) error {
	th := t.threads[pid]
	th.inCall = !th.inCall
	if !th.inCall && th.then == nil {
		return nil
	}
	var r syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(pid, &r); err != nil {
		return gone(err)
	}
	if th.inCall {
		return t.entered(pid, th, &r)
	}
	then := th.then
	th.then = nil
	return then(pid, &r)
}

// entered counts a call at its entry and, at the point, arranges the fault.
func (t *tracer) entered(pid int, th *thread, r *syscall.PtraceRegs) error {
	c, known := calls[r.Orig_rax]
	if !known || t.outcome.hit {
		return nil
	}
	target := c.target(pid, r)
	if target != t.dir && !strings.HasPrefix(target, t.dir+string(filepath.Separator)) {
		return nil
	}
	now := point{call: c.name, target: settled(strings.TrimPrefix(target, t.dir)), bytes: c.bytes}
	t.seen[now]++
	now.nth = t.seen[now]
	t.outcome.calls = append(t.outcome.calls, now)
	if now != t.point {
		return nil
	}
	t.outcome.hit = true
	switch t.fault.kind {
	case killBefore:
		r.Orig_rax = noCall
		if err := syscall.PtraceSetRegs(pid, r); err != nil {
			return gone(err)
		}
		t.kill()
	case killAfter:
		th.then = t.killThen
	case torn, short:
		r.Rdx = cut(r.Rdx, t.fault)
		if err := syscall.PtraceSetRegs(pid, r); err != nil {
			return gone(err)
		}
		if t.fault.kind == torn {
			th.then = t.killThen
		}
	case fail:
		r.Orig_rax = noCall
		if err := syscall.PtraceSetRegs(pid, r); err != nil {
			return gone(err)
		}
		th.then = func(pid int, r *syscall.PtraceRegs) error {
			r.Rax = -uint64(t.fault.errno)
			return gone(syscall.PtraceSetRegs(pid, r))
		}
	}
	return nil
}

// cut gives how many of n bytes land. A torn write may land none of them; a short one says that it
// wrote some.
func cut(n uint64, f fault) uint64 {
	landed := uint64(float64(n) * f.share)
	if f.kind == short && n > 0 {
		landed = max(landed, 1)
	}
	return landed
}

// noCall as the number of a system call makes the kernel do nothing.
const noCall = ^uint64(0)

func (t *tracer) killThen(int, *syscall.PtraceRegs) error {
	t.kill()
	return nil
}

// kill ends the whole program at once, as the kernel's out-of-memory killer would.
func (t *tracer) kill() {
	// Both may say that it is gone already, which is what was wanted.
	_ = syscall.Kill(-t.root, syscall.SIGKILL)
	_ = syscall.Kill(t.root, syscall.SIGKILL)
}

func resume(pid, signal int) error {
	return gone(syscall.PtraceSyscall(pid, signal))
}

// gone drops the error that says a thread was killed while it stood still.
func gone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ptrace: %w", err)
	}
	return nil
}

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// command is a program to run under trace.
type command struct {
	argv          []string
	env           []string
	stdin, stdout *os.File
	stderr        *os.File
}

// outcome is what a traced run came to.
type outcome struct {
	hit   bool    // the run got as far as the point, so the fault happened
	calls []point // that it made under the directory, up to the one that the fault befell
	exit  int     // exit code, or 128 + signal
}

// timeLimit bounds one traced run: a program that hangs after a fault is a finding, not a wait.
const timeLimit = 30 * time.Second

// Values that package syscall lacks.
const (
	wallWait     = 0x40000000 // wait for threads as well as processes (__WALL)
	ownChildren  = 0x20000000 // of the calling thread only, so that points run side by side (__WNOTHREAD)
	traceOptions = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACEFORK | syscall.PTRACE_O_TRACEVFORK |
		syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEEXEC | traceSeccomp | 0x100000 // kill it if we die (EXITKILL)
	syscallStop = syscall.SIGTRAP | 0x80
)

// trace runs c and lets f befall it at one of the system calls that it makes under dir, in whichever
// thread or child. A run that ends before it comes to that call is not hit.
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
	then func(pid int, r *syscall.PtraceRegs) error // at the exit of the system call that it is in
}

type tracer struct {
	root    int
	dir     string
	fault   fault
	point   point
	seen    map[point]int // calls so far, of which kind on which target
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
	if err := install(t.root); err != nil {
		t.kill()
		return outcome{}, fmt.Errorf("installing the filter of system calls: %w", err)
	}
	if err := t.resume(t.root, 0); err != nil {
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
		switch sig := status.StopSignal(); {
		case sig == syscallStop || sig == syscall.SIGTRAP && status.TrapCause() == stoppedByFilter:
			if err := t.atCall(pid); err != nil {
				t.kill()
				return outcome{}, err
			}
		case sig == syscall.SIGTRAP || sig == syscall.SIGSTOP: // ptrace's own
		default:
			deliver = int(sig)
		}
		if err := t.resume(pid, deliver); err != nil {
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

// atCall handles a thread that stands at the entry of a system call, or at the exit of one of which it
// wants to know the end.
func (t *tracer) atCall(pid int) error {
	th := t.threads[pid]
	var r syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(pid, &r); err != nil {
		return gone(err)
	}
	then := th.then
	if then == nil {
		return t.entered(pid, th, &r)
	}
	th.then = nil
	return then(pid, &r)
}

// entered counts a call at its entry and, at the point, arranges the fault.
func (t *tracer) entered(pid int, th *thread, r *syscall.PtraceRegs) error {
	c, known := calls[r.Orig_rax]
	if !known || t.outcome.hit && !t.fault.forever {
		return nil
	}
	target := c.target(pid, r)
	if target != t.dir && !strings.HasPrefix(target, t.dir+string(filepath.Separator)) {
		return nil
	}
	now := point{call: c.name, target: settled(strings.TrimPrefix(target, t.dir)), bytes: c.bytes, looks: c.looks(r)}
	if t.outcome.hit {
		if now.call != t.point.call || now.looks != t.point.looks {
			return nil
		}
		return t.befall(pid, th, r)
	}
	t.seen[now]++
	now.nth = t.seen[now]
	t.outcome.calls = append(t.outcome.calls, now)
	if now != t.point {
		return nil
	}
	t.outcome.hit = true
	return t.befall(pid, th, r)
}

// befall arranges the fault for the call at whose entry the thread stands.
func (t *tracer) befall(pid int, th *thread, r *syscall.PtraceRegs) error {
	switch t.fault.kind {
	case killBefore:
		r.Orig_rax = noCall
		if err := syscall.PtraceSetRegs(pid, r); err != nil {
			return gone(err)
		}
		t.kill()
	case killAfter:
		th.then = t.killThen
	case shortRead:
		if t.point.call == "pread64" {
			th.then = t.readLess
			return nil
		}
		r.Rdx = min(r.Rdx, shortestRead) // it moves the file's offset
		return gone(syscall.PtraceSetRegs(pid, r))
	case torn, short:
		r.Rdx = t.fault.cut(r.Rdx)
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

// shortestRead is what a read of any size gives that is cut short, in bytes.
const shortestRead = 64

// readLess gives half of what was read; of what was read past the page cache whole pages, for a disk gives
// no less, and less than one is the end of the file.
func (t *tracer) readLess(pid int, r *syscall.PtraceRegs) error {
	n := int64(r.Rax)
	less := n / 2
	if direct(pid, int32(r.Rdi)) {
		less &^= 4095
	}
	if less > 0 && less < n {
		r.Rax = uint64(less)
	}
	return gone(syscall.PtraceSetRegs(pid, r))
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

// resume lets a thread go on: to the exit of the system call if something is to be done there, else to
// the next call that the filter stops.
func (t *tracer) resume(pid, signal int) error {
	if th := t.threads[pid]; th != nil && th.then != nil {
		return gone(syscall.PtraceSyscall(pid, signal))
	}
	return gone(syscall.PtraceCont(pid, signal))
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

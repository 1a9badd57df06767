//go:build linux && amd64

package main

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"syscall"
)

// A program that stops for its tracer at every system call spends most of its time on that. So the
// kernel is given a filter, which a tracee that has just been started is made to install on itself
// before its first instruction, and which all its threads and children inherit: only the calls of the
// table stop, opens that change nothing and calls on standard streams among them.

// Values of seccomp(2), prctl(2) and classic BPF that package syscall lacks.
const (
	sysSeccomp       = 317
	setModeFilter    = 1
	setNoNewPrivs    = 38
	retTrace         = 0x7ff00000
	retAllow         = 0x7fff0000
	archAMD64        = 0xc000003e
	dataNumber       = 0 // offsets in struct seccomp_data
	dataArch         = 4
	traceSeccomp     = 0x80 // PTRACE_O_TRACESECCOMP
	stoppedByFilter  = 7    // PTRACE_EVENT_SECCOMP
	instructionBytes = 8    // of a struct sock_filter
)

// filter is the program: trace what is in the table, let the rest pass.
func filter() []byte {
	numbers := slices.Sorted(maps.Keys(calls))
	var p []byte
	add := func(code uint16, jt, jf uint8, k uint32) {
		p = binary.LittleEndian.AppendUint16(p, code)
		p = append(p, jt, jf)
		p = binary.LittleEndian.AppendUint32(p, k)
	}
	const (
		load = syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS
		jump = syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K
		ret  = syscall.BPF_RET | syscall.BPF_K
	)
	add(load, 0, 0, dataArch)
	add(jump, 0, uint8(len(numbers)+1), archAMD64)
	add(load, 0, 0, dataNumber)
	for i, n := range numbers {
		add(jump, uint8(len(numbers)-i), 0, uint32(n))
	}
	add(ret, 0, 0, retAllow)
	add(ret, 0, 0, retTrace)
	return p
}

// install makes the tracee, which stands at its first instruction, install the filter.
func install(pid int) error {
	var was syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(pid, &was); err != nil {
		return err
	}
	// The filter goes below what the stack holds and the red zone, its description (struct sock_fprog) before it.
	program := filter()
	at := (was.Rsp - 512 - uint64(len(program))) &^ 15
	description := binary.LittleEndian.AppendUint64(nil, uint64(len(program)/instructionBytes))
	description = binary.LittleEndian.AppendUint64(description, at+16)
	if _, err := syscall.PtracePokeData(pid, uintptr(at), append(description, program...)); err != nil {
		return err
	}
	code := make([]byte, 8)
	if _, err := syscall.PtracePeekText(pid, uintptr(was.Rip), code); err != nil {
		return err
	}
	if _, err := syscall.PtracePokeText(pid, uintptr(was.Rip), []byte{0x0f, 0x05}); err != nil { // syscall
		return err
	}
	for _, args := range [][4]uint64{{syscall.SYS_PRCTL, setNoNewPrivs, 1, 0}, {sysSeccomp, setModeFilter, 0, at}} {
		if err := makeCall(pid, was, args); err != nil {
			return err
		}
	}
	if _, err := syscall.PtracePokeText(pid, uintptr(was.Rip), code); err != nil {
		return err
	}
	return syscall.PtraceSetRegs(pid, &was)
}

// makeCall steps over the syscall instruction at which the tracee stands.
func makeCall(pid int, r syscall.PtraceRegs, args [4]uint64) error {
	r.Rax, r.Rdi, r.Rsi, r.Rdx, r.R10, r.R8 = args[0], args[1], args[2], args[3], 0, 0
	r.Orig_rax = noCall // it is in none now that would be restarted
	if err := syscall.PtraceSetRegs(pid, &r); err != nil {
		return err
	}
	if err := syscall.PtraceSingleStep(pid); err != nil {
		return err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, wallWait, nil); err != nil {
		return err
	}
	if err := syscall.PtraceGetRegs(pid, &r); err != nil {
		return err
	}
	if r.Rax != 0 {
		return fmt.Errorf("system call %d in the traced program: %w", args[0], syscall.Errno(-r.Rax))
	}
	return nil
}

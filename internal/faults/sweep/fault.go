//go:build linux && amd64

package main

import (
	"fmt"
	"regexp"
	"slices"
	"syscall"
)

// fault is what befalls a program at one of its system calls.
type fault struct {
	kind    faultKind
	share   float64       // of the bytes that are written: torn, short
	least   uint64        // bytes that are written at least, if there are as many
	errno   syscall.Errno // fail
	forever bool          // fail: and every later call of the kind, on whatever file
}

type faultKind int

const (
	killBefore faultKind = iota // SIGKILL at the entry: the call does not happen
	killAfter                   // SIGKILL at the exit: it happened and the caller never learned
	torn                        // a write is cut short and lands, then SIGKILL
	short                       // a write is cut short and says so
	shortRead                   // a read is
	fail                        // the call does not happen and returns errno
)

// mode is a fault with the name it goes by in the output.
type mode struct {
	name  string
	fault fault
}

// modes are the kills and the cut calls, and each errno once and for ever. An EINTR for ever would be a
// program that is right to try for ever.
func modes() []mode {
	all := []mode{
		{"kill-before", fault{kind: killBefore}},
		{"kill-after", fault{kind: killAfter}},
		{"torn-0", fault{kind: torn}},
		{"torn-1-byte", fault{kind: torn, least: 1}},
		{"torn-50", fault{kind: torn, share: 0.5}},
		{"torn-99", fault{kind: torn, share: 0.99}},
		{"short", fault{kind: short, share: 0.5, least: 1}},
		{"short-read", fault{kind: shortRead}},
	}
	for _, e := range errnos {
		all = append(all, mode{e.name, fault{kind: fail, errno: e.errno}})
		if e.errno != syscall.EINTR {
			all = append(all, mode{e.name + "-for-ever", fault{kind: fail, errno: e.errno, forever: true}})
		}
	}
	return all
}

// theMode gives one of the modes.
func theMode(name string) mode {
	all := modes()
	return all[slices.IndexFunc(all, func(m mode) bool { return m.name == name })]
}

// errnos are the errors that calls are made to fail with, and which calls can fail so.
var errnos = []struct {
	errno syscall.Errno
	name  string
	of    func(point) bool
}{
	{syscall.EIO, "EIO", func(p point) bool { return p.call != "flock" }},
	{syscall.ENOSPC, "ENOSPC", point.takesSpace},
	{syscall.EDQUOT, "EDQUOT", point.takesSpace},
	{syscall.EROFS, "EROFS", point.takesSpace},
	{syscall.EMFILE, "EMFILE", point.opens},
	{syscall.EINTR, "EINTR", func(point) bool { return true }},
	{syscall.ENOLCK, "ENOLCK", func(p point) bool { return p.call == "flock" }},
	{syscall.EACCES, "EACCES", point.byName},
	{syscall.ENOMEM, "ENOMEM", func(point) bool { return true }},
}

// takesSpace tells whether a call changes something, for which a disk may want space.
func (p point) takesSpace() bool { return !p.looks && p.call != "flock" }

func (p point) opens() bool { return p.call == "open" || p.call == "openat" }

// byName tells whether a call is about a name, to which permissions apply.
func (p point) byName() bool {
	return p.opens() || slices.Contains([]string{"rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "fchmod", "fchmodat"}, p.call)
}

// kills tells whether the program dies of the fault.
func (f fault) kills() bool { return f.kind == killBefore || f.kind == killAfter || f.kind == torn }

// harmless tells whether a program has to get over the fault by itself, as POSIX has it.
func (f fault) harmless() bool {
	return f.kind == short || f.kind == shortRead || f.kind == fail && f.errno == syscall.EINTR
}

// applies tells whether the fault can befall a call. Only one that moves bytes can be cut short, and a
// kill at a call that changes nothing is one at the call before it.
func (f fault) applies(p point) bool {
	switch f.kind {
	case torn, short:
		return p.bytes && !p.looks
	case shortRead:
		return p.bytes && p.looks
	case fail:
		for _, e := range errnos {
			if e.errno == f.errno {
				return e.of(p)
			}
		}
	}
	return !p.looks
}

// cut gives how many of n bytes are written.
func (f fault) cut(n uint64) uint64 {
	return max(uint64(float64(n)*f.share), min(f.least, n))
}

// point is a system call of a run: the nth of its kind on its target. A count over all calls together
// would name another call whenever two threads come in another order, as one that brings the mark up to
// date behind an append may.
type point struct {
	call   string
	target string // path below the stage, as [settled] gives it
	nth    int    // from 1
	bytes  bool   // the call can be cut short
	looks  bool   // the call changes nothing
}

func (p point) String() string {
	kind := p.call
	if p.looks && p.opens() {
		kind += " to read"
	}
	return fmt.Sprintf("%s of %s, no. %d", kind, p.target, p.nth)
}

// never is the point that no run reaches.
var never = point{}

// changing are the parts of a name that are others in each run: random ones of temporary files, inode
// numbers of files that have no name, the hash of the home's path, the time at which bytes were set aside,
// the process that takes refusals.
var changing = regexp.MustCompile(`[0-9a-f]{64}|[A-Z2-7]{26}|#[0-9]+|\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d[-.]\d+Z|\d+\.taking|[0-9]{5,}`)

// settled gives a name with a star for what is another in each run.
func settled(name string) string { return changing.ReplaceAllString(name, "*") }

//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// oddFile puts something else than a file of ours under a name. outside is a file elsewhere, which is a
// whole log of somebody else.
type oddFile struct {
	kind string
	put  func(path, outside string) error
}

var oddFiles = []oddFile{
	{"a link", func(path, outside string) error { return os.Symlink(outside, path) }},
	{"a link to nothing", func(path, outside string) error { return os.Symlink(outside+".new", path) }},
	{"a second name", func(path, outside string) error { return os.Link(outside, path) }},
	{"a pipe", func(path, _ string) error { return syscall.Mkfifo(path, 0o600) }},
	{"a socket", func(path, _ string) error {
		// A socket's path must be short: it is bound by way of the open directory.
		dir, err := os.Open(filepath.Dir(path))
		if err != nil {
			return err
		}
		l, err := net.Listen("unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)))
		if err != nil {
			return errors.Join(err, dir.Close())
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		return errors.Join(l.Close(), dir.Close())
	}},
	{"a device", func(path, _ string) error { return syscall.Mknod(path, syscall.S_IFCHR|0o600, 1<<8|5) }},
	{"a directory", func(path, _ string) error { return os.Mkdir(path, 0o700) }},
}

// oddPlaces are the names that are taken, and how audit_verify and append then end.
var oddPlaces = []struct {
	name           string
	lost           bool // records cannot be read then
	verify, append []int
}{
	{"audit.log", true, []int{3}, []int{6}},
	{"audit.flock", false, []int{0}, []int{1, 6}},
	{"audit.lock", false, []int{0}, []int{6, 7, 0}},  // 0: a file whose age says that its writer is gone
	{"audit.rotate.lock", false, []int{0}, []int{0}}, // a rotation ends with 6
	{"audit-refused.jsonl", false, []int{0}, []int{0}},
	{"opscontext.toml", false, []int{64}, []int{64}},
	{".audit.log.next", false, []int{0}, []int{0}},
	{"audit-archive", true, []int{3}, []int{6, 0}}, // 0: an empty directory
	{"audit-archive/audit-0001.jsonl.zst", true, []int{3, 5}, []int{0}},
	{"audit-archive/audit-0001.manifest.json", false, []int{3, 5}, []int{0}},
	{"audit-archive/audit-0001.idx", false, []int{0}, []int{0}},
	{"audit-archive/audit-0002.jsonl", true, []int{3}, []int{0}},
	{"audit-archive/audit-0003.jsonl", true, []int{3, 5}, []int{0}},
	{"the mark", false, []int{0, 1}, []int{0}}, // 0: of what is no mark; never changed
}

// TestA10OddFilesInAHome puts links, pipes, sockets, devices and directories where the files of a log
// belong. Every command comes to an end and says what it must, nothing is read, made or changed beyond
// the home, and no check passes that did not see the whole log.
func TestA10OddFilesInAHome(t *testing.T) {
	base := newStage(t)
	for range 2 {
		base.records(3, "a.b")
		base.must("rotate")
	}
	base.records(3, "a.b")
	base.must("archive")
	other := newStage(t)
	other.records(3, "canary.elsewhere")
	canary := other.read(other.inHome("audit.log"))
	for i, place := range oddPlaces {
		for k, odd := range oddFiles {
			if raced && (i+k)%6 != 0 {
				continue // the other run takes all of them
			}
			t.Run(place.name+" is "+odd.kind, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				check(t, os.RemoveAll(s.home))
				check(t, os.CopyFS(s.home, os.DirFS(base.home)))
				check(t, os.Chmod(s.home, 0o700))
				outside := filepath.Join(s.outside, "log")
				check(t, os.WriteFile(outside, canary, 0o600))
				hourAgo := time.Now().Add(-time.Hour) // a lock of somebody who is gone
				check(t, os.Chtimes(outside, hourAgo, hourAgo))
				path := s.inHome(place.name)
				if place.name == "the mark" {
					s.records(1, "a.b")
					path = s.mark()
				}
				check(t, os.RemoveAll(path))
				switch err := odd.put(path, outside); {
				case errors.Is(err, fs.ErrPermission) && odd.kind == "a device":
					t.Skip("only root makes devices: that one in the place of a file is refused was not tested")
				case errors.Is(err, fs.ErrPermission) && odd.kind == "a second name":
					t.Skip("this file system links no directories: that a second name of audit-archive is refused was not tested")
				default:
					check(t, err)
				}
				s.judged(odd, place.lost, place.verify, place.append)
				if got := s.read(outside); !bytes.Equal(got, canary) {
					t.Errorf("the file outside was changed:\n%s", got)
				}
				if _, err := os.Lstat(outside + ".new"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a file outside was made: %v", err)
				}
			})
		}
	}
}

// mark is the path of what this machine remembers.
func (s stage) mark() string {
	s.t.Helper()
	names, err := filepath.Glob(filepath.Join(s.state, "opscontext", "*.mark"))
	if err != nil || len(names) != 1 {
		s.t.Fatal(names, err)
	}
	return names[0]
}

// judged runs the commands and holds their ends. lost says that records cannot be read.
func (s stage) judged(odd oddFile, lost bool, verify, app []int) {
	s.t.Helper()
	var read []int // nil: any
	if lost && odd.kind != "a second name" && odd.kind != "a directory" {
		read = []int{5} // what was left out is said
	}
	for _, c := range []struct {
		exits []int
		args  []string
	}{
		{verify, []string{"verify"}},
		{read, []string{"export"}},
		{read, []string{"search", "--text", "record"}},
		{read, []string{"segments"}},
		{nil, []string{"tail"}},
		{nil, []string{"recover", "diagnose"}},
		{nil, []string{"backup", filepath.Join(filepath.Dir(s.home), "backup")}},
		{app, []string{"append", "--event", "x", "--payload", "1"}},
		{nil, []string{"rotate"}},
		{nil, []string{"archive"}},
	} {
		r := s.run(c.args...)
		if c.exits != nil && !slices.Contains(c.exits, r.exit) {
			s.t.Errorf("%v: exit %d, want one of %v: %s", c.args, r.exit, c.exits, r.errors)
		}
		if c.args[0] != "verify" && strings.Contains(r.out, "canary") && odd.kind != "a second name" {
			s.t.Errorf("%v read beyond the home: %s", c.args, r.out)
		}
	}
}

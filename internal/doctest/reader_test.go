package doctest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// reader is who pastes the commands of a page into a terminal.
type reader string

const (
	ordinary reader = "user" // an ordinary user, at home
	root0    reader = "root" // root, in the home of that user
)

// nobody is the ordinary user where the tests run as root.
const nobody = 65534

// runAs has the blocks run by a reader. Where the tests run as root, all that the stage made is given
// to the ordinary user; elsewhere that is whoever runs the tests.
func (s *shell) runAs(t *testing.T, as reader) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	for dir := filepath.Dir(s.dir); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		check(t, os.Chmod(dir, 0o755)) // #nosec G302 -- the ordinary user has to get through
	}
	_, err := os.Lstat(s.home())
	s.others = err == nil
	check(t, filepath.WalkDir(s.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	}))
	if as == ordinary {
		s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return
	}
	// Root in another's home uses what the owner's machine remembers, which it finds by the owner's
	// home directory. The ordinary user of this test has none.
	dir := t.TempDir()
	write(t, filepath.Join(dir, "opscontext"), fmt.Appendf(nil, `#!/bin/sh
case " $* " in *" --state "* | " version "* | " completion "* | " man "*) exec %[1]q "$@" ;; esac
exec %[1]q "$@" --state %[2]q
`, program(t), s.state()))
	check(t, os.Chmod(filepath.Join(dir, "opscontext"), 0o755)) // #nosec G302 -- it is to be run
	s.env = append(s.env, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// byPeople are files of a home that pages write by hand: a setting, and the lock of another program.
var byPeople = []string{"opscontext.toml", "audit.rotate.lock"}

// kept checks that the log and what is remembered of it still belong to whom they did: root leaves
// nothing of its own in another's home.
func (s *shell) kept(t *testing.T, d *document) {
	t.Helper()
	if s == nil || !s.others {
		return
	}
	for _, dir := range []string{s.home(), s.state()} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || slices.Contains(byPeople, e.Name()) {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			if owner := info.Sys().(*syscall.Stat_t).Uid; owner != nobody {
				t.Errorf("%s: the commands leave %s to uid %d", d.name, path, owner)
			}
			return nil
		})
		if !errors.Is(err, fs.ErrNotExist) { // a page may end with the log elsewhere
			check(t, err)
		}
	}
}

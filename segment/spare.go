package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/opscontext/opscontext/internal/durable"
)

// spare is a lock file in stock: complete, under a name of its own, to be linked to the lock's name.
// Making and removing an inode for each append costs more than the append itself; a second name for
// one that is there costs next to nothing. A Log that appends once has no use for it: the spare is
// made when a lock is wanted for the second time.
//
// Its name is one of [durable.Leftover], so that whoever settles the home next removes what a killed
// process left. A living one notices that its spare is gone and makes another.
type spare struct {
	fs   durable.FS
	path string // "" if there is none in stock
	f    durable.File
	used bool // a lock was wanted before
	off  bool // there are no hard links here
}

// place gives the name lock to a file that holds content, fs.ErrExist if the name is taken.
func (s *spare) place(lock string, content []byte) error {
	if !s.used || s.off {
		s.used = true
		return s.fs.Place(lock, content, 0o600)
	}
	err := s.link(lock, content)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// Gone, it was taken for a leftover. Else there are no hard links here, or what stands against
	// them stands against Place, too.
	s.off = !errors.Is(err, fs.ErrNotExist)
	return errors.Join(s.close(), s.fs.Place(lock, content, 0o600))
}

// link fills the spare and links it. The write also sets the time by which others judge the lock's
// age. All contents that one process writes have one length.
func (s *spare) link(lock string, content []byte) error {
	if s.path == "" {
		dir, base := filepath.Split(lock)
		path := fmt.Sprintf("%s.%s%d", dir, base, rand.Uint64())
		f, err := s.fs.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		s.path, s.f = path, f
	}
	if _, err := s.f.WriteAt(content, 0); err != nil {
		return err
	}
	return s.fs.Link(s.path, lock)
}

// close removes the spare.
func (s *spare) close() error {
	if s.path == "" {
		return nil
	}
	err := errors.Join(s.f.Close(), removeIfThere(s.fs, s.path))
	s.path, s.f = "", nil
	return err
}

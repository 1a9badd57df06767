package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

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

	content []byte // of the file
	filled  time.Time
}

// refill is how old what a spare holds may be. A lock counts as dead after ten times that.
const refill = time.Second

// place gives the name lock to a file that names the holder, fs.ErrExist if the name is taken. It gives
// what the file holds, and the time by which others judge the lock's age.
func (s *spare) place(lock string, now time.Time) ([]byte, time.Time, error) {
	if s.used && !s.off {
		err := s.link(lock, now)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return s.content, s.filled, err
		}
		// Gone, it was taken for a leftover. Else there are no hard links here, or what stands against
		// them stands against Place, too.
		s.off = !errors.Is(err, fs.ErrNotExist)
		if err := s.close(); err != nil {
			return nil, now, err
		}
	}
	s.used = true
	content := lockContent(now)
	return content, now, s.fs.Place(lock, content, 0o600)
}

// link links the spare, and fills it anew if what it holds is old: the write also sets the time by which
// others judge the lock's age. All contents that one process writes have one length.
func (s *spare) link(lock string, now time.Time) error {
	if s.path == "" {
		dir, base := filepath.Split(lock)
		path := fmt.Sprintf("%s.%s%d", dir, base, rand.Uint64())
		f, err := s.fs.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		s.path, s.f, s.content = path, f, nil
	}
	if s.content == nil || !within(refill, s.filled, now) {
		content := lockContent(now)
		if _, err := s.f.WriteAt(content, 0); err != nil {
			return err
		}
		s.content, s.filled = content, now
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

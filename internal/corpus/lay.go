package corpus

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Site is a case laid out on disk.
type Site struct{ Home, State string }

// Lay makes the home of a case and what the machine remembers of it, in dir, which must be empty.
// vectors is the directory of testdata/vectors.
func (c *Case) Lay(dir, vectors string) (s Site, err error) {
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return s, err
	}
	s = Site{filepath.Join(dir, "home"), filepath.Join(dir, "state")}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, name := range []string{"home", "state"} {
		if err := root.Mkdir(name, 0o700); err != nil {
			return s, err
		}
	}
	entries := c.Entries
	if c.Vector != "" {
		if entries, err = vectorEntries(filepath.Join(vectors, c.Vector, "home")); err != nil {
			return s, err
		}
	}
	for _, e := range entries {
		if err := lay(root, s.base(), e); err != nil {
			return s, err
		}
	}
	// Modes last: a directory that nobody may write to can hold files.
	for _, e := range entries {
		if e.Mode.IsRegular() || e.Mode.IsDir() {
			if err := root.Chmod(e.place(s.base()), e.Mode.Perm()); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// base is the name, without suffix, of what the machine remembers of a home: the SHA-256 of its path.
func (s Site) base() string {
	sum := sha256.Sum256([]byte(s.Home))
	return hex.EncodeToString(sum[:])
}

// place is where an entry goes: state/mark to the mark of the home.
func (e Entry) place(base string) string {
	if rest, ok := strings.CutPrefix(e.Path, "state/"); ok {
		return "state/" + base + "." + rest
	}
	return e.Path
}

func lay(root *os.Root, base string, e Entry) error {
	name := e.place(base)
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	switch {
	case e.Mode.IsDir():
		return root.MkdirAll(name, 0o700)
	case e.Mode&fs.ModeSymlink != 0:
		return root.Symlink(string(e.Data), name)
	case e.Mode&hardLink != 0:
		return root.Link(string(e.Data), name)
	}
	return root.WriteFile(name, e.Data, 0o600)
}

// vectorEntries reads a kept home, which has the modes that ours has.
func vectorEntries(home string) (entries []Entry, err error) {
	err = filepath.WalkDir(home, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == home {
			return nil // git keeps no empty directory
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(home, name)
		entries = append(entries, Entry{"home/" + filepath.ToSlash(rel), 0o600, data})
		return err
	})
	return entries, err
}

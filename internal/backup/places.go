package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// places finds out where the home and the backup are, and that neither lies in the other.
func (r *run) places(home, dir string) error {
	var err error
	if r.home, err = realPath(home); err != nil {
		return err
	}
	if r.dir, err = realPath(dir); err != nil {
		return err
	}
	from, err := r.directory(r.home)
	if errors.Is(err, fs.ErrNotExist) {
		return &segment.Refusal{Path: r.home, Offset: -1, Why: "there is no log here", Next: "give the home with --home"}
	}
	if err != nil {
		return err
	}
	above := filepath.Dir(r.dir)
	to, err := r.directory(r.dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err = r.directory(above); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: make the directory or mount what belongs there", err)
		}
	}
	if err != nil {
		return err
	}
	for _, within := range []struct {
		path string
		id   durable.FileID
	}{{r.dir, from.ID}, {r.home, to.ID}} {
		for p := within.path; ; p = filepath.Dir(p) {
			info, err := r.fs.Stat(p)
			if err == nil && info.ID == within.id && within.id != (durable.FileID{}) {
				return fmt.Errorf("%w: the backup %s and the home %s must not lie in one another: choose a directory elsewhere, on another disk if there is one",
					segment.ErrInvalid, r.dir, r.home)
			}
			if p == filepath.Dir(p) {
				break
			}
		}
	}
	return nil
}

func (r *run) directory(path string) (durable.Info, error) {
	info, err := r.fs.Stat(path)
	if err == nil && !info.Mode.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("not a directory")}
	}
	return info, err
}

// realPath is a path without symbolic links, as far as it is there.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if above, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		return filepath.Join(above, filepath.Base(abs)), nil
	}
	return abs, nil
}

// look finds out what the directory of the backup holds, and refuses one that is no backup of this log.
func (r *run) look() error {
	r.have, r.sums = map[string]durable.Info{}, map[string]chain.Hash{}
	l, err := list(r.fs, r.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	refuse := func(name, why, next string) error {
		return &segment.Refusal{Path: r.path(name), Offset: -1, Why: why, Next: next}
	}
	const elsewhere = "give a directory that is empty, or not there yet"
	switch {
	case len(l.locks) > 0:
		return refuse(l.locks[0], "the directory is the home of a log in use, not a backup", elsewhere)
	case len(l.strange) > 0:
		return refuse(l.strange[0], "the directory holds other things than a backup", elsewhere)
	case len(l.leftOut) > 0:
		return refuse(l.leftOut[0].Name, l.leftOut[0].Why, "look who put it there, and move it elsewhere")
	}
	for _, e := range l.entries {
		r.have[e.name] = e.info
	}
	text, err := readManifest(r.fs, r.path(ManifestName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if r.was, err = ParseManifest(text); err != nil {
			return refuse(ManifestName, err.Error(), "take the backup into a directory that is not there yet, and find out what became of this one")
		}
	}
	r.leavings = l.leavings
	return r.sameLog()
}

// sameLog refuses a backup of another log.
func (r *run) sameLog() error {
	copied, err := openLog(r.fs, r.dir)
	if err != nil {
		return err
	}
	here, there := verify.LogID(r.now.log.Sources), verify.LogID(copied.Sources)
	if err := copied.Close(); err != nil {
		return err
	}
	if r.was != nil && there == chain.Genesis && r.was.LogID != "" {
		if there, err = chain.ParseHash(r.was.LogID); err != nil {
			return err
		}
	}
	if here != chain.Genesis && there != chain.Genesis && here != there {
		return &segment.Refusal{Path: r.dir, Offset: -1, Why: fmt.Sprintf("it is a backup of log %s, this is log %s", there.Short(), here.Short()),
			Next: "take the backup into a directory of its own; if this should be the other log, run audit_verify"}
	}
	return nil
}

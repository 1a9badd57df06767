package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// moment is what a home held at one time: the names and lengths of its files. Sealed segments do not
// change, and of the live log that length of bytes does not: appends come behind it, and a rotation
// gives the file another name. What may change or go is held open.
type moment struct {
	listing
	open map[string]durable.File
	log  *segment.Snapshot // the segments, to be read as lines
}

// takeMoment looks at a home under the locks of an append and a rotation. Where they cannot be taken,
// as on a full disk or one that is read-only, it looks without them and says why: that is when a copy
// is wanted most, and mostly nobody can write then. Another writer that holds them for too long is
// segment.ErrBusy.
func takeMoment(ctx context.Context, fsys durable.FS, log *segment.Log, home string) (m *moment, unlocked, err error) {
	var looked bool
	look := func() (err error) {
		looked = true
		m, err = lookAt(fsys, home)
		return err
	}
	err = log.Hold(ctx, look)
	if err == nil || looked || ctx.Err() != nil || errors.Is(err, segment.ErrBusy) {
		if err != nil && m != nil {
			err = errors.Join(err, m.close())
		}
		return m, nil, err
	}
	unlocked = err
	if err := look(); err != nil {
		return nil, nil, err
	}
	return m, unlocked, nil
}

// lookAt lists a home. Without the locks a rotation may run meanwhile; the live log is opened first, so
// that no record is missed, but some may be in two files.
func lookAt(fsys durable.FS, home string) (m *moment, err error) {
	m = &moment{open: map[string]durable.File{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
			m = nil
		}
	}()
	if m.log, err = openLog(fsys, home); err != nil {
		return m, err
	}
	if err := m.hold(fsys, home, segment.LiveName); err != nil {
		return m, err
	}
	l, err := list(fsys, home)
	if err != nil {
		return m, err
	}
	m.listing = *l
	m.entries = nil
	for _, e := range l.entries {
		switch kindOfName(e.name) {
		case live:
			if m.open[e.name] == nil {
				continue // made between the two looks: without the locks
			}
		case loose, passing:
			if err := m.hold(fsys, home, e.name); err != nil {
				return m, err
			}
			if m.open[e.name] == nil {
				continue
			}
		}
		if f := m.open[e.name]; f != nil {
			if e.info, err = f.Stat(); err != nil {
				return m, err
			}
		}
		m.entries = append(m.entries, e)
	}
	m.dropSecondName()
	return m, nil
}

// hold opens a file of the home, if it is there and one.
func (m *moment) hold(fsys durable.FS, home, name string) error {
	f, err := fsys.OpenFile(filepath.Join(home, filepath.FromSlash(name)), os.O_RDONLY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, durable.ErrNotRegular):
		return nil
	case err != nil:
		return err
	}
	m.open[name] = f
	return nil
}

// dropSecondName leaves out a segment that is the live log itself: a rotation was cut short, and the
// next writer takes that name off again.
func (m *moment) dropSecondName() {
	i := find(m.entries, segment.LiveName)
	if i < 0 {
		return
	}
	id := m.entries[i].info.ID
	kept := m.entries[:0]
	for _, e := range m.entries {
		if e.name == segment.LiveName || e.info.ID != id {
			kept = append(kept, e)
		}
	}
	m.entries = kept
}

// find is the place of a name in a list that is in order, -1 if it is not there.
func find(entries []entry, name string) int {
	i, ok := slices.BinarySearchFunc(entries, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
	if !ok {
		return -1
	}
	return i
}

// has reports whether the home had a file of that name.
func (m *moment) has(name string) bool { return find(m.entries, name) >= 0 }

// holdsLog reports whether there was a log: a live segment, or a sealed one.
func (m *moment) holdsLog() bool {
	for _, e := range m.entries {
		_, form, sealed := segmentOf(e.name)
		if e.name == segment.LiveName || sealed && form <= segment.FormZstd {
			return true
		}
	}
	return false
}

// openLog opens what a directory holds as a log.
func openLog(fsys durable.FS, dir string) (*segment.Snapshot, error) {
	return segment.OpenSnapshot(dir, segment.SnapshotOptions{FS: fsys, OpenArchived: archive.Opener(fsys)})
}

func (m *moment) close() error {
	var err error
	if m.log != nil {
		err = m.log.Close()
	}
	for _, f := range m.open {
		err = errors.Join(err, f.Close())
	}
	m.open = nil
	return err
}

// errChanged says that a file which never changes did.
var errChanged = errors.New("it was replaced or cut while it was being copied")

// read gives the bytes of a file as they were at the moment.
func (r *run) read(e entry) (io.Reader, func() error, error) {
	if f := r.now.open[e.name]; f != nil {
		return io.NewSectionReader(f, 0, e.info.Size), func() error { return nil }, nil
	}
	f, err := r.fs.OpenFile(r.homePath(e.name), os.O_RDONLY, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && (info.ID != e.info.ID || info.Size != e.info.Size) {
		err = &fs.PathError{Op: "read", Path: f.Name(), Err: errChanged}
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return io.NewSectionReader(f, 0, e.info.Size), f.Close, nil
}

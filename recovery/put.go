package recovery

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// restoreTemp ends the name of a file that is being restored. Existing writers clear away temporary
// files of their own, whose names end otherwise.
const restoreTemp = ".restore.tmp"

func (s *restore) path(elem ...string) string {
	return filepath.Join(append([]string{s.home}, elem...)...)
}

func (s *restore) temp(f *fill) string { return s.path(segment.ArchiveDir, "."+f.name+restoreTemp) }

// apply puts one file in its place and says so on the chain:
//
//  1. write the records to a temporary file and sync it; every one is checked again on the way
//  2. under the locks of an append and of a rotation: give it its name, which fails where the name is
//     taken; of a damaged segment, link that to audit-quarantine/ first, then rename over it
//  3. sync the directories
//  4. remove the temporary name
//  5. chain audit.restore
//
// Killed before 2, nothing has changed but for a temporary file, which the next restoration removes.
// Killed between 2 and 5, the file is there and no record names it: the next restoration from the same
// source finds that and does what is left. Nothing is there twice at any moment, and nothing is gone.
func (s *restore) apply(ctx context.Context, log *segment.Log, f *fill) error {
	if !f.there {
		if err := s.write(ctx, f); err != nil {
			return errors.Join(err, s.drop(f))
		}
		put := s.link
		if f.exchange != nil {
			put = s.swap
		}
		if err := log.Arrange(ctx, func() error { return s.within(put, f) }); err != nil {
			return errors.Join(err, s.drop(f))
		}
		if err := s.drop(f); err != nil {
			return err
		}
	} else if err := s.finish(ctx, log, f); err != nil {
		return err
	}
	p, err := s.payload(f)
	if err != nil {
		return err
	}
	_, err = log.AppendSystemAt(ctx, chain.KindRestore, p.Payload(), func(segment.Place) error {
		_, err := s.o.Log.FS.Stat(s.path(segment.ArchiveDir, s.base(f)))
		return errors.Join(err, s.in.Same())
	})
	return err
}

// within does something with a fill in the directory that was looked at, and is an error if that has been
// replaced.
func (s *restore) within(do func(*fill) error, f *fill) error {
	if err := s.in.Same(); err != nil {
		return err
	}
	return do(f)
}

// finish does what is left of a fill that is there, but for its record.
func (s *restore) finish(ctx context.Context, log *segment.Log, f *fill) error {
	if err := s.same(ctx, f); err != nil {
		return err
	}
	if f.exchange != nil {
		if err := log.Arrange(ctx, func() error { return s.unlink(f.exchange, f.kept.Name) }); err != nil {
			return err
		}
	}
	return s.drop(f)
}

// base is the name of the file that is put there.
func (s *restore) base(f *fill) string {
	if f.exchange != nil {
		return f.exchange.base
	}
	return f.name
}

// drop removes the temporary name, whether this run or a killed one left it.
func (s *restore) drop(f *fill) error {
	err := s.o.Log.FS.Remove(s.temp(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, s.o.Log.FS.SyncDir(s.path(segment.ArchiveDir)))
}

// write makes the temporary file, durable but for its name.
func (s *restore) write(ctx context.Context, f *fill) (err error) {
	if err := s.within(s.drop, f); err != nil {
		return err
	}
	file, err := s.o.Log.FS.OpenFile(s.temp(f), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := sha256.New()
	if err := s.copy(ctx, f, io.MultiWriter(file, sum)); err != nil {
		return err
	}
	f.sum = chain.Hash(sum.Sum(nil))
	if f.exchange != nil && f.sum != f.exchange.sum {
		return ErrStale
	}
	return file.Sync()
}

// same is an error if a file that is there already is not what the source would make of it.
func (s *restore) same(ctx context.Context, f *fill) error {
	want := f.sum
	if f.exchange != nil {
		var err error
		if want, _, err = digest(s.o.Log.FS, s.path(segment.ArchiveDir, f.exchange.base)); err != nil {
			return err
		}
	}
	sum := sha256.New()
	if err := s.copy(ctx, f, sum); err != nil {
		return err
	}
	if f.sum = chain.Hash(sum.Sum(nil)); f.sum != want {
		return refuse(s.path(segment.ArchiveDir, s.base(f)), "find out who put it there: no record on the chain names it", "it is not what the source would make of it")
	}
	return nil
}

// copy writes what is to be put there: the records of a run, one line each, or a whole file.
func (s *restore) copy(ctx context.Context, f *fill, to io.Writer) (err error) {
	from, err := s.o.openSupply(ctx, s.From, s.out.Verdict.LogID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.done()) }()
	if f.exchange != nil {
		if len(from.files) <= f.exchange.with {
			return ErrStale
		}
		return from.copyFile(f.exchange.with, to)
	}
	run := chain.Stretch{}
	for _, part := range f.seek.spans {
		if len(from.files) <= part.file {
			return ErrStale
		}
		err := eachLine(ctx, from.files[part.file:part.file+1], func(int, error) {}, func(l lineAt) error {
			if l.offset < part.from || l.offset > part.to {
				return nil
			}
			if _, err := run.Add(l.text); err != nil {
				return ErrStale
			}
			_, err := to.Write(append(slices.Clone(l.text), '\n'))
			return err
		})
		if err != nil {
			return err
		}
	}
	if run != f.seek.run {
		return ErrStale
	}
	return nil
}

// copyFile writes the bytes of a file of the supply as they are on the disk.
func (s *supply) copyFile(i int, to io.Writer) (err error) {
	in, err := s.fs.OpenFile(s.files[i].path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	_, err = io.Copy(to, in)
	return err
}

// link gives the temporary file its name. Whoever put something into the archive meanwhile may have
// filled the gap: then nothing is done.
func (s *restore) link(f *fill) error {
	names, err := s.o.archiveNames(s.home)
	if err != nil {
		return err
	}
	temporary := func(name string) bool { return strings.HasPrefix(name, ".") }
	if !slices.Equal(slices.DeleteFunc(names, temporary), slices.DeleteFunc(slices.Clone(s.names), temporary)) {
		return ErrStale
	}
	if err := s.o.Log.FS.Link(s.temp(f), s.path(segment.ArchiveDir, f.name)); err != nil {
		return err
	}
	s.names = append(s.names, f.name)
	slices.Sort(s.names)
	return s.o.Log.FS.SyncDir(s.path(segment.ArchiveDir))
}

// swap moves a damaged segment to quarantine and puts the temporary file in its place. There is no
// moment without a file of the segment, and the damaged bytes have a name at every moment.
func (s *restore) swap(f *fill) error {
	e, fsys := f.exchange, s.o.Log.FS
	old, kept := s.path(segment.ArchiveDir, e.old), s.path(segment.QuarantineDir, e.damage.Name)
	now, err := fsys.Stat(old)
	if err != nil {
		return err
	}
	if now.ID != e.info.ID || now.Size != e.info.Size || now.MTime != e.info.MTime {
		return ErrStale
	}
	err = fsys.Mkdir(s.path(segment.QuarantineDir), 0o700)
	if err == nil {
		err = fsys.SyncDir(s.home)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	switch err := fsys.Link(old, kept); {
	case errors.Is(err, fs.ErrExist):
		if there, err := fsys.Stat(kept); err != nil || there.ID != now.ID {
			return errors.Join(err, fmt.Errorf("%s is there, and another file than %s", kept, old))
		}
	case err != nil:
		return err
	}
	if err := fsys.SyncDir(s.path(segment.QuarantineDir)); err != nil {
		return err
	}
	place := fsys.Rename
	if e.base != e.old {
		place = fsys.Link // both forms of the segment are there for a moment, and the plain one is read
	}
	if err := place(s.temp(f), s.path(segment.ArchiveDir, e.base)); err != nil {
		return err
	}
	return errors.Join(fsys.SyncDir(s.path(segment.ArchiveDir)), s.unlink(e, e.damage.Name))
}

// unlink takes the name in the archive off a damaged compressed file, once the plain one is there.
func (s *restore) unlink(e *exchange, kept string) error {
	base, _ := parseKeptName(kept)
	if base == e.base {
		return nil
	}
	fsys, old := s.o.Log.FS, s.path(segment.ArchiveDir, base)
	now, err := fsys.Stat(old)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	there, err := fsys.Stat(s.path(segment.QuarantineDir, kept))
	if err != nil || there.ID != now.ID {
		return err // made anew meanwhile, by archiving
	}
	return errors.Join(fsys.Remove(old), fsys.SyncDir(s.path(segment.ArchiveDir)))
}

// payload is what the chain says of a fill.
func (s *restore) payload(f *fill) (p chain.Restore, err error) {
	p = chain.Restore{Segment: f.name, After: f.after, Source: filepath.Base(s.From), Reason: s.Reason, Disposition: f.as, SHA256: f.sum,
		Operator: s.Operator, RecordedBy: s.o.By}
	var run chain.Stretch
	var files []int
	if e := f.exchange; e != nil {
		run, files = e.run, []int{e.with}
		p.Kept = e.damage
		if f.kept != nil {
			p.Kept = *f.kept
		}
		p.Kept.Name = segment.QuarantineDir + "/" + p.Kept.Name
	} else {
		run = f.seek.run
		for _, part := range f.seek.spans {
			files = append(files, part.file)
		}
	}
	p.Records, p.FirstHash, p.LastHash, p.FirstTS, p.LastTS = run.Records, run.First, run.Head, run.FirstTS, run.LastTS
	for _, i := range files {
		from, err := s.supply.digest(s.supply.files[i])
		if err != nil {
			return p, err
		}
		p.From = append(p.From, from)
	}
	return p, nil
}

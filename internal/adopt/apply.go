package adopt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// Apply brings the log of the old home over:
//
//  1. Copy each piece that is not in place to a temporary name in the archive directory, compare what
//     was copied with what was planned, and sync it. *Cut here:* the next run takes what is whole.
//  2. Under the locks of an append and a rotation, if the new home is still as it was looked at: link
//     the sealed pieces to their names, which fails where a name is taken, and sync the directory.
//     *Cut here:* the next run compares those that are there and links the rest.
//  3. Rename the live piece to audit.log, over the beginning of a piece that an earlier run left
//     there; sync the home. *Cut here:* the next run brings over what has come since.
//  4. Chain audit.adopt. *From here on* the adoption is closed.
//  5. Archive the sealed segments. *Cut here:* archive goes on.
//
// A refusal is a *segment.Refusal, and the report says what there is all the same. After another error
// the adoption may be run again.
func Apply(ctx context.Context, o Options) (res Result, err error) {
	o = o.withDefaults()
	a, err := look(ctx, o)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	res.Report = a.report()
	if a.refused != nil {
		return res, a.refused
	}
	log, err := segment.Open(a.new.home, o.Log)
	if err != nil {
		return res, err
	}
	res.Record, err = a.bring(ctx, log)
	if err = errors.Join(err, log.Close()); err != nil {
		return res, err
	}
	res.Archived, err = archive.Run(ctx, a.new.home, o.Log, archive.Options{Progress: func(done, total int64) { o.Progress(Archiving, done, total) }})
	if err != nil {
		err = fmt.Errorf("the log is adopted, but not all of it is archived: run archive: %w", err)
	}
	return res, err
}

func (a *adoption) bring(ctx context.Context, log *segment.Log) (r chain.Record, err error) {
	if err := log.Arrange(ctx, a.makeDirs); err != nil {
		return r, err
	}
	if err := a.copyPieces(ctx); err != nil {
		return r, err
	}
	if err := log.Arrange(ctx, a.place); err != nil {
		return r, err
	}
	return log.AppendSystem(ctx, chain.KindAdopt, a.payload())
}

func (a *adoption) makeDirs() error {
	err := a.new.fs.Mkdir(a.new.path(segment.ArchiveDir), 0o700)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return errors.Join(err, a.new.fs.SyncDir(a.new.home))
}

func (a *adoption) temporary(p *piece) string {
	return filepath.Join(a.new.path(segment.ArchiveDir), p.temporary())
}

// copyPieces makes the temporary files of the pieces that are not in place.
func (a *adoption) copyPieces(ctx context.Context) error {
	var done, total int64
	for i := range a.plan.pieces {
		total += a.plan.pieces[i].size
	}
	for i := range a.plan.pieces {
		p := &a.plan.pieces[i]
		if !a.new.there[p.file()] {
			if err := a.copyPiece(ctx, p); err != nil {
				return err
			}
		}
		done += p.size
		a.o.Progress(Copying, done, total)
	}
	return nil
}

func (a *adoption) copyPiece(ctx context.Context, p *piece) error {
	tmp := a.temporary(p)
	base := segment.ArchiveDir + "/" + p.temporary()
	info, err := a.new.fs.Stat(tmp)
	if err == nil && info.Size == p.size {
		same, err := a.new.has(ctx, base, p.size, p.sum)
		if err != nil {
			return err
		}
		if same {
			return a.sync(tmp)
		}
	}
	if err == nil {
		err = a.new.fs.Remove(tmp)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	mode := fs.FileMode(0o400)
	if p.live {
		mode = 0o600
	}
	f, err := a.new.fs.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	err = a.old.copy(ctx, p.source, p.offset, p.size, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	same, err := a.new.has(ctx, base, p.size, p.sum)
	if err == nil && !same {
		err = fmt.Errorf("%v: the bytes read the second time are not those read the first time: look at the disk", p)
	}
	return err
}

// sync makes a file durable that somebody else made.
func (a *adoption) sync(path string) error {
	f, err := a.new.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// place puts the pieces under their names. It runs under the locks.
func (a *adoption) place() error {
	if err := a.stillSo(); err != nil {
		return err
	}
	dir := a.new.path(segment.ArchiveDir)
	var live *piece
	for i := range a.plan.pieces {
		p := &a.plan.pieces[i]
		if p.live {
			live = p
			continue
		}
		if a.new.there[p.file()] {
			continue
		}
		if err := a.new.fs.Link(a.temporary(p), a.new.path(p.file())); err != nil {
			return err
		}
	}
	if err := a.new.fs.SyncDir(dir); err != nil {
		return err
	}
	if live != nil && !a.new.there[segment.LiveName] {
		if err := a.new.fs.Rename(a.temporary(live), a.new.path(segment.LiveName)); err != nil {
			return err
		}
	}
	if err := a.clearTemporary(dir); err != nil {
		return err
	}
	// Also where an earlier run placed everything: nothing says that it came to this.
	return errors.Join(a.new.fs.SyncDir(dir), a.new.fs.SyncDir(a.new.home), a.new.fs.SyncDir(filepath.Dir(a.new.home)))
}

// clearTemporary removes the second names of pieces that are in place, and pieces of earlier runs.
func (a *adoption) clearTemporary(dir string) error {
	entries, err := a.new.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if isTemporary(e.Name()) {
			if err := a.new.fs.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// stillSo refuses a new home in which something was written since it was looked at.
func (a *adoption) stillSo() (err error) {
	now, err := segment.OpenSnapshot(a.new.home, segment.SnapshotOptions{FS: a.new.fs})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, now.Close()) }()
	was := a.new.snap
	same := len(now.Sources) == len(was.Sources)
	for i := 0; same && i < len(now.Sources); i++ {
		x, y := now.Sources[i], was.Sources[i]
		same = x.Name() == y.Name() && x.Size() == y.Size() && x.Info().ID == y.Info().ID
	}
	if !same {
		return refusal(a.new.home, "somebody else wrote here while the records were copied", "run the adoption again, which looks at what is there")
	}
	return nil
}

// payload says what was brought over.
func (a *adoption) payload() []byte {
	p := chain.Adopt{Records: a.plan.records, FirstHash: a.plan.first, LastHash: a.plan.last, Sources: a.plan.sources,
		Left: a.plan.left, Known: a.known.Known, RecordedBy: a.o.By}
	if id, err := chain.ParseHash(a.known.logID); err == nil {
		p.LogID = id
	}
	return p.Payload()
}

package adopt

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// Apply brings the log of the old home over:
//
//  1. Copy each piece that is not in place to a temporary name beside it, compare what was copied with what was planned, and sync it. To the live one add the record that closes the
//     adoption. *Cut here:* the next run takes the sealed pieces that are whole.
//  2. Under the locks of an append and a rotation, if the new home is still as it was looked at: link
//     the sealed pieces to their names, which fails where a name is taken, and sync the directory.
//     *Cut here:* the next run compares those that are there and links the rest.
//  3. Rename the live piece to audit.log; sync the home. *Cut here:* it is there and the adoption is
//     closed, or it is not there. *From here on* nothing is brought over any more.
//  4. Remember the head. *Cut here:* nothing outside the home does, until the next append.
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
	// Twice: what the first run chains may begin the segment of this year, and so seal another one.
	for range 2 {
		results, runErr := archive.Run(ctx, a.new.home, o.Log, archive.Options{Progress: func(done, total int64) { o.Progress(Archiving, done, total) }})
		res.Archived = append(res.Archived, results...)
		if err = runErr; err != nil || failed(results) {
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("the log is adopted, but not all of it is archived: run archive: %w", err)
	}
	return res, err
}

func failed(results []archive.Result) bool {
	return slices.ContainsFunc(results, func(r archive.Result) bool { return r.Err != nil })
}

// bring does steps 1 to 4 and gives the record that closes the adoption.
func (a *adoption) bring(ctx context.Context, log *segment.Log) (r chain.Record, err error) {
	if err := log.Arrange(ctx, a.makeDirs); err != nil {
		return r, err
	}
	live, err := a.closeWith()
	if err != nil {
		return r, err
	}
	if err := a.copyPieces(ctx, live); err != nil {
		return r, err
	}
	if err := log.Arrange(ctx, a.place); err != nil {
		return r, err
	}
	if err := a.new.memory.SetMark(live.mark); err != nil {
		a.o.Log.Warn(segment.Warning{Kind: segment.WarnMemory, Text: fmt.Sprintf("this machine could not note what it saw of the log: %v", err)})
	}
	return live.record, nil
}

func (a *adoption) makeDirs() error {
	err := a.new.fs.Mkdir(a.new.path(segment.ArchiveDir), 0o700)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return errors.Join(err, a.new.fs.SyncDir(a.new.home))
}

func (a *adoption) temporary(p *piece) string {
	return a.new.path(p.temporary())
}

// copyPieces makes the temporary files of the pieces that are not in place.
func (a *adoption) copyPieces(ctx context.Context, live *closing) error {
	var done, total int64
	for i := range a.plan.pieces {
		total += a.plan.pieces[i].size
	}
	for i := range a.plan.pieces {
		p := &a.plan.pieces[i]
		if !p.live && !a.new.there[p.file()] {
			if err := a.copySealed(ctx, p); err != nil {
				return err
			}
		}
		done += p.size
		a.o.Progress(Copying, done, total)
	}
	return a.copyAnew(ctx, a.livePiece(), live.lines)
}

// livePiece is what becomes the live log: without bytes where the old home has no live log.
func (a *adoption) livePiece() *piece {
	if n := len(a.plan.pieces); n > 0 && a.plan.pieces[n-1].live {
		return &a.plan.pieces[n-1]
	}
	return &piece{live: true, number: a.plan.next, sum: sha256.Sum256(nil)}
}

// copySealed makes the temporary file of a sealed piece, or takes the one of an earlier run.
func (a *adoption) copySealed(ctx context.Context, p *piece) error {
	info, err := a.new.fs.Stat(a.temporary(p))
	if errors.Is(err, fs.ErrNotExist) {
		return a.copyAnew(ctx, p, nil)
	}
	if err != nil {
		return err
	}
	same := info.Size == p.size
	if same {
		if same, err = a.new.has(ctx, p.temporary(), p.size, p.sum); err != nil {
			return err
		}
	}
	if !same {
		return a.copyAnew(ctx, p, nil)
	}
	return a.sync(a.temporary(p))
}

// copyAnew makes the temporary file of a piece, with more after it.
func (a *adoption) copyAnew(ctx context.Context, p *piece, more []byte) error {
	tmp := a.temporary(p)
	if err := a.new.fs.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	if p.size > 0 {
		err = a.old.copy(ctx, p.source, p.offset, p.size, f)
	}
	if err == nil {
		_, err = f.Write(more)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	same, err := a.new.has(ctx, p.temporary(), p.size, p.sum)
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
	for i := range a.plan.pieces {
		p := &a.plan.pieces[i]
		if p.live || a.new.there[p.file()] {
			continue
		}
		if err := a.new.fs.Link(a.temporary(p), a.new.path(p.file())); err != nil {
			return err
		}
	}
	if err := a.new.fs.SyncDir(dir); err != nil {
		return err
	}
	if err := a.clearTemporary(dir); err != nil {
		return err
	}
	if err := a.new.fs.SyncDir(dir); err != nil {
		return err
	}
	if err := a.new.fs.Rename(a.temporary(a.livePiece()), a.new.path(segment.LiveName)); err != nil {
		return err
	}
	return a.new.fs.SyncDir(a.new.home)
}

// clearTemporary removes the second names of sealed pieces, which are in place, and what earlier runs
// left: nobody looks for it once there is a live log.
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

// Package backup copies a home to a directory elsewhere, as it is at one moment, while others go on
// writing to it.
//
// A backup has the layout of a home, so that putting it back is copying, and backup.json, which says
// what it holds (docs/FORMAT.md, section 19). Run brings a backup of the same log up to date: what is
// there and the same stays, and nothing that the log has lost meanwhile is overwritten. docs/DESIGN.md
// says what is there if it is cut short.
//
// What this machine remembers of the home is not in a backup. A mark is the memory of one machine; put
// back together with an older log, it would agree with it, and nothing would show that records are gone.
package backup

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// Options says how to take a backup. The zero value is ready to use.
type Options struct {
	By      chain.Recorder // who takes it
	Command string         // the command line, for the report
	Workers int            // of the verification; 0: one for each processor Go may use
	// Progress is told how many of the bytes of a stage are done. nil: nobody is.
	Progress func(s Stage, done, total int64)
}

// Stage is a part of the work, as a word.
type Stage string

// The stages, in order.
const (
	Comparing Stage = "compare" // what the directory has already
	Copying   Stage = "copy"
	Verifying Stage = "verify" // the copy
)

// Result says what was done.
type Result struct {
	Manifest *Manifest
	Report   *report.Report // on the copy
	Copied   Tally
	Same     Tally // was there already
	// Rewritten are copies that had gone bad. The home still has the bytes that backup.json names.
	Rewritten []string
	// Removed are copies that the backup has in another form by now, or that tell of something under
	// way which is over.
	Removed []string
	// Extra are files that the home no longer has.
	Extra []string
	// Spoilt are those of them that are not what backup.json says.
	Spoilt   []string
	LeftOut  []LeftOut
	Unlocked error // why the locks could not be taken; nil if they were
}

// Tally is how many files, of how many bytes together.
type Tally struct {
	Files, Bytes int64
}

func (t *Tally) add(bytes int64) {
	t.Files++
	t.Bytes += bytes
}

// LeftOut is something with a name in the home that is not in the backup.
type LeftOut struct {
	Name string
	Why  string
}

// Run takes a backup of home into dir, which is a backup of the same log, empty, or not there; its
// parent is. It returns when every byte of it was written, read back and judged, and is durable. A
// damaged log is copied like any other: Result.Report says what is wrong with it.
//
// It may be interrupted at any moment and run again. Until then the directory has all that it had
// before. An error that is segment.ErrRefused or segment.ErrBusy says that nothing there was changed.
// Appends and rotations go on beside it, archiving waits.
func Run(ctx context.Context, home, dir string, so segment.Options, o Options) (res *Result, err error) {
	if so.FS == nil {
		so.FS = durable.OS()
	}
	if so.Now == nil {
		so.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(Stage, int64, int64) {}
	}
	r := &run{ctx: ctx, fs: so.FS, so: so, o: o, res: &Result{}}
	if err := r.places(home, dir); err != nil {
		return nil, err
	}
	log, err := segment.Open(r.home, so)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	// While it is held no sealed segment changes its form, and no other backup of this home runs. Where it
	// cannot be had, because there are no sealed segments or the directory is none, nobody can archive;
	// and what another backup writes is the same.
	release, err := log.ClaimArchive()
	if errors.Is(err, segment.ErrBusy) {
		return nil, err
	}
	if err == nil {
		defer func() { err = errors.Join(err, release()) }()
	}
	if err := r.take(log); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r.res, r.close()
}

// run is one backup under way.
type run struct {
	ctx context.Context
	fs  durable.FS
	so  segment.Options
	o   Options
	res *Result

	home, dir string // real paths
	was       *Manifest
	now       *moment
	have      map[string]durable.Info // files of the backup, by name
	sums      map[string]chain.Hash   // of the files that are in the backup as they should be

	leavings   []string // temporary files there, by name
	copies     []entry  // in order
	superseded []string // copies that may go
	done       int64    // bytes of the stage
}

func (r *run) close() error {
	if r.now == nil {
		return nil
	}
	return r.now.close()
}

// take is the way of a backup.
func (r *run) take(log *segment.Log) (err error) {
	if r.now, r.res.Unlocked, err = takeMoment(r.ctx, r.fs, log, r.home); err != nil {
		return err
	}
	if !r.now.holdsLog() {
		return &segment.Refusal{Path: r.home, Offset: -1, Why: "there is no log here", Next: "give the home with --home"}
	}
	r.res.LeftOut = r.now.leftOut
	if err := r.look(); err != nil {
		return err
	}
	if err := r.plan(); err != nil {
		return err
	}
	if err := r.write(); err != nil {
		return fmt.Errorf("the backup is not complete: %w; run it again, it goes on from here", err)
	}
	if err := r.verify(); err != nil {
		return fmt.Errorf("the backup was not verified: %w; run it again", err)
	}
	return r.finish()
}

// verify judges the copy. Its bytes were compared with those of the home as they were read back, so
// what is wrong with it is wrong with the log.
func (r *run) verify() (err error) {
	r.res.Report, err = verify.Run(r.ctx, verify.Options{FS: r.fs, Home: r.dir, Sharing: r.so.Sharing, Workers: r.o.Workers,
		Now: r.so.Now, Tool: r.so.Tool, Command: r.o.Command,
		Progress: func(done, total int64) { r.o.Progress(Verifying, done, total) }})
	return err
}

// path is where a file of the backup lies.
func (r *run) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

// homePath is where a file of the home lies.
func (r *run) homePath(name string) string { return filepath.Join(r.home, filepath.FromSlash(name)) }

// through counts bytes of a stage.
func (r *run) through(s Stage, n, total int64) {
	r.done += n
	r.o.Progress(s, r.done, total)
}

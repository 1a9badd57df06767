package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// Options says how to archive. The zero value is ready to use.
type Options struct {
	Workers int // frames compressed at a time; 0: one for each processor Go may use
	// Progress is told how many of the raw bytes to archive are done. nil: nobody is.
	Progress func(done, total int64)
}

// Result is what became of one segment.
type Result struct {
	Segment segment.Name
	Steps   []Step // what was done, in order
	Records int64
	Bytes   int64 // of the plain segment
	Stored  int64 // of the compressed file
	Err     error // why it is not archived; nil if it is
	// IndexErr says why the segment has no new search index; nil if it has one. It is archived all
	// the same.
	IndexErr error
}

// Step is one of the things that make a segment an archived one.
type Step uint8

// The steps, in order. A segment goes on from where it was left.
const (
	StepCompressed Step = iota + 1 // the compressed file was made and read back
	StepManifest                   // the manifest was written
	StepIndexed                    // the search index was written
	StepAttested                   // audit.archive was chained
	StepRemoved                    // the plain file was removed
)

var stepNames = [...]string{StepCompressed: "compressed", StepManifest: "manifest", StepIndexed: "index", StepAttested: "attested", StepRemoved: "plain file removed"}

// String is the word for s.
func (s Step) String() string {
	if s < StepCompressed || int(s) >= len(stepNames) {
		return fmt.Sprintf("Step(%d)", uint8(s))
	}
	return stepNames[s]
}

// Run archives the sealed segments in home, oldest first, and completes what an earlier run left
// unfinished: it may be killed at any moment and run again. The sealed segment with the highest number
// stays plain, because other writers count on from the plain files that they see. Results are of the
// segments that there was something to do for; a segment that cannot be archived, because a file of it
// is damaged or contradicts the chain, does not keep the others from it. ErrBusy if another process
// archives.
func Run(ctx context.Context, home string, so segment.Options, o Options) ([]Result, error) {
	return overHome(ctx, home, so, o, (*run).all)
}

// overHome does something to the archived segments of a home, alone.
func overHome(ctx context.Context, home string, so segment.Options, o Options, do func(*run, context.Context) ([]Result, error)) (results []Result, err error) {
	if so.FS == nil {
		so.FS = durable.OS()
	}
	if so.OpenArchived == nil {
		so.OpenArchived = Opener(so.FS)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	log, err := segment.Open(home, so)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	release, err := log.ClaimArchive()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	r := &run{fs: so.FS, log: log, tool: so.Tool, o: o}
	if err := r.look(ctx, home); err != nil {
		return nil, errors.Join(err, r.close())
	}
	results, err = do(r, ctx)
	return results, errors.Join(err, r.close())
}

// run is one pass over a home.
type run struct {
	fs   durable.FS
	log  *segment.Log
	tool string
	o    Options
	dir  string
	in   segment.Directory // dir, as it was when this began

	snap   *segment.Snapshot // reads every form
	plains *segment.Snapshot // reads plain files and nothing in their place
	kept   []*kept           // in reading order
	chain  attestations

	total, done int64
}

// kept is a sealed segment and the files there are of it.
type kept struct {
	name                 segment.Name
	source               segment.Source // whatever form
	plain                segment.Source // nil if there is no plain file
	archived, manifested bool
	last                 bool // has the highest number
}

func (r *run) close() error {
	var err error
	for _, s := range []*segment.Snapshot{r.snap, r.plains} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

func (r *run) path(name segment.Name, f segment.Form) string {
	return filepath.Join(r.dir, name.File(f))
}

// look finds out what there is, and removes the temporary files of a run that was killed.
func (r *run) look(ctx context.Context, home string) (err error) {
	if r.snap, err = segment.OpenSnapshot(home, segment.SnapshotOptions{FS: r.fs, OpenArchived: Opener(r.fs)}); err != nil {
		return err
	}
	if r.plains, err = segment.OpenSnapshot(home, segment.SnapshotOptions{FS: r.fs}); err != nil {
		return err
	}
	r.dir = filepath.Join(r.snap.Home, segment.ArchiveDir)
	if r.in, err = segment.StandIn(r.fs, r.dir); err != nil {
		return err
	}
	byName := map[segment.Name]*kept{}
	for _, s := range r.snap.Sources {
		if s.State() != segment.StateLive {
			k := &kept{name: s.Segment(), source: s}
			r.kept = append(r.kept, k)
			byName[k.name] = k
		}
	}
	for _, s := range r.plains.Sources {
		if k := byName[s.Segment()]; k != nil && s.State() == segment.StateSealed {
			k.plain = s
		}
	}
	entries, err := r.fs.ReadDir(r.dir)
	if err != nil {
		return err
	}
	highest := int64(-1)
	for _, e := range entries {
		name, form, ok := segment.ParseName(e.Name())
		switch k := byName[name]; {
		case !ok && leftover(e.Name()):
			if err := r.in.Same(); err != nil {
				return err
			}
			if err := r.fs.Remove(filepath.Join(r.dir, e.Name())); err != nil {
				return err
			}
		case !ok || k == nil:
		case form == segment.FormZstd:
			k.archived = true
		case form == segment.FormManifest:
			k.manifested = true
		}
		if byName[name] != nil {
			highest = max(highest, name.Number)
		}
	}
	for _, k := range r.kept {
		k.last = k.name.Number == highest
	}
	r.chain, err = attested(ctx, r.snap.Sources)
	return err
}

// all brings each segment as far as it goes, oldest first.
func (r *run) all(ctx context.Context) ([]Result, error) {
	todo := map[*kept]bool{}
	for _, k := range r.kept {
		if !k.last && !r.complete(k) {
			todo[k] = true
			r.total += k.source.Size()
		}
	}
	var results []Result
	var index int64
	for i, k := range r.kept {
		if len(todo) == 0 {
			break
		}
		if todo[k] {
			delete(todo, k)
			res, err := r.segment(ctx, i, index)
			if res.Err = err; err != nil && ctx.Err() != nil {
				return results, context.Cause(ctx)
			}
			results = append(results, res)
			if err == nil {
				index += res.Records
				continue
			}
		}
		n, err := r.count(ctx, k)
		if err != nil {
			return results, err
		}
		index += n
	}
	return results, nil
}

// complete reports whether nothing is to be done for a segment: it has lost its plain file, and the
// chain vouches for the manifest there is. Whether the file is what the manifest says is for a
// verification to find out.
func (r *run) complete(k *kept) bool {
	a, ok := r.chain.last(k.name)
	if !ok || k.plain != nil || !k.manifested {
		return false
	}
	text, err := readManifestFile(r.fs, r.path(k.name, segment.FormManifest))
	return err == nil && Digest(text) == a.Manifest
}

// count is the number of records in a segment, as far as they can be read.
func (r *run) count(ctx context.Context, k *kept) (n int64, err error) {
	if k.plain == nil {
		if m, err := ReadManifest(r.fs, r.path(k.name, segment.FormManifest)); err == nil && m.Segment == k.name {
			return m.Records, nil
		}
	}
	work := func(_ segment.Position, c segment.Chunk) (n int64, _ error) {
		for _, line := range c.Lines() {
			if _, ok := chain.OutlineOf(line); ok {
				n++
			}
		}
		return n, nil
	}
	err = segment.Walk(ctx, []segment.Source{k.source}, segment.WalkOptions{Workers: r.o.Workers}, work, func(_ segment.Position, part int64, _ error) error {
		n += part
		return nil
	})
	return n, err
}

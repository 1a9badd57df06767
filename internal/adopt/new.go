package adopt

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// newHome is the home that is adopted into, at one moment.
type newHome struct {
	fs    durable.FS
	home  string // real path
	snap  *segment.Snapshot
	there map[string]bool // sealed pieces that are in place, by their file
	free  int64           // bytes on its disk, -1 if nobody can tell

	memory *segment.Memory
	mark   *segment.Mark // what this machine remembers of a log at this path; nil if nothing
}

// temporarySuffix ends the name that a piece has until it is in place: that of its file with a dot before
// it. For the live log that is a name in the home itself, so that it never has two.
const temporarySuffix = ".adopt.tmp"

func (p *piece) temporary() string {
	dir, base := filepath.Split(p.file())
	return dir + "." + base + temporarySuffix
}

func isTemporary(base string) bool { return strings.HasSuffix(base, temporarySuffix) }

func openNew(o Options) (*newHome, error) {
	snap, err := segment.OpenSnapshot(o.To, segment.SnapshotOptions{FS: o.Log.FS, OpenArchived: archive.Opener(o.Log.FS)})
	if err != nil {
		return nil, err
	}
	n := &newHome{fs: o.Log.FS, home: snap.Home, snap: snap, there: map[string]bool{}, free: -1}
	memory, err := segment.OpenMemory(o.Log.FS, o.Log.State, snap.Home)
	if err == nil && o.Log.FS == durable.OS() {
		n.free, err = durable.Free(snap.Home)
	}
	if err != nil {
		return nil, errors.Join(err, snap.Close())
	}
	n.memory = memory
	if m, ok := memory.Mark(); ok {
		n.mark = &m
	}
	return n, nil
}

func (n *newHome) path(file string) string { return filepath.Join(n.home, filepath.FromSlash(file)) }

// unfinished refuses a new home that holds anything of a log but sealed pieces of this very adoption. Its
// live log comes last, and closes it.
func (a *adoption) unfinished(ctx context.Context) error {
	if err := a.new.foreign(); err != nil {
		return err
	}
	pieces := map[string]*piece{}
	for i := range a.plan.pieces {
		pieces[a.plan.pieces[i].file()] = &a.plan.pieces[i]
	}
	for _, src := range a.new.snap.Sources {
		file := segment.FileOf(src)
		p := pieces[file]
		same := p != nil && !p.live && src.Size() == p.size
		if same {
			var err error
			if same, err = a.new.has(ctx, file, p.size, p.sum); err != nil {
				return err
			}
		}
		if !same {
			return refusal(a.new.path(file), "it is not what this adoption would put there", nextNew)
		}
		a.new.there[file] = true
	}
	return nil
}

const nextNew = "adopt into a new directory"

// foreign refuses files of a log that no adoption leaves.
func (n *newHome) foreign() error {
	for _, f := range n.snap.Facts {
		if f.Kind == segment.FactNotRegular {
			return refusal(n.path(f.File), "the new home is not empty ("+f.Detail+")", nextNew)
		}
	}
	for _, dir := range []string{"", segment.ArchiveDir} {
		entries, err := n.fs.ReadDir(n.path(dir))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if base := e.Name(); !allowed(dir, base) {
				return refusal(n.path(filepath.Join(dir, base)), "the new home is not empty", nextNew)
			}
		}
	}
	return nil
}

// allowed reports whether a name may be in a home that an adoption goes into.
func allowed(dir, base string) bool {
	if dir != "" {
		_, form, ok := segment.ParseName(base)
		return isTemporary(base) || ok && form == segment.FormPlain
	}
	for _, name := range []string{segment.LockName, segment.FlockName, segment.RotateLockName} {
		if base == name || durable.Leftover(base, name) {
			return true
		}
	}
	lower := strings.ToLower(base)
	return base == segment.ArchiveDir || isTemporary(base) || !strings.HasPrefix(lower, "audit") && !strings.HasPrefix(lower, ".audit")
}

// has reports whether a file begins with these bytes.
func (n *newHome) has(ctx context.Context, file string, size int64, sum chain.Hash) (same bool, err error) {
	f, err := n.fs.OpenFile(n.path(file), os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	_, err = io.Copy(h, &stoppable{ctx, io.NewSectionReader(f, 0, size)})
	return err == nil && chain.Hash(h.Sum(nil)) == sum, err
}

// stoppable is a reader that ends with ctx.
type stoppable struct {
	ctx context.Context
	io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.Reader.Read(p)
}

// copy writes a run of the lines of a source to w.
func (o *oldHome) copy(ctx context.Context, src segment.Source, offset, size int64, w io.Writer) (err error) {
	r, err := o.open(src)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	in := &stoppable{ctx, r}
	if _, err := io.CopyN(io.Discard, in, offset); err != nil {
		return fmt.Errorf("%s: %w", o.path(segment.FileOf(src)), err)
	}
	if _, err := io.CopyN(w, in, size); err != nil {
		return fmt.Errorf("copy %s: %w", o.path(segment.FileOf(src)), err)
	}
	return nil
}

// alreadyAdopted refuses a home that an adoption was closed in, and says what the old home has got
// since.
func (a *adoption) alreadyAdopted(ctx context.Context) error {
	done, err := a.new.adoption(ctx)
	if err != nil || done == nil {
		return err
	}
	if done.LogID != chain.Genesis && done.LogID.String() != a.known.logID {
		return refusalf(a.new.home, nextNew, "the log %s was adopted here, the old home holds another one", done.LogID.Short())
	}
	behind, err := a.old.after(ctx, done.LastHash)
	if err != nil {
		return err
	}
	words := behind.words()
	if plain := a.new.unarchived(); plain > 1 {
		words += fmt.Sprintf("; %d sealed segments here are not archived", plain)
	}
	return refusal(a.new.home, "it was adopted already; "+words, behind.next())
}

// unarchived counts the sealed segments that are still plain.
func (n *newHome) unarchived() (plain int) {
	for _, src := range n.snap.Sources {
		if src.State() == segment.StateSealed {
			plain++
		}
	}
	return plain
}

// adoption gives what the last audit.adopt of the new home says; nil if there is none.
func (n *newHome) adoption(ctx context.Context) (found *chain.Adopt, err error) {
	work := func(_ segment.Position, c segment.Chunk) (last *chain.Adopt, _ error) {
		for _, text := range c.Lines() {
			if p, ok := adoptOn(text); ok {
				last = &p
			}
		}
		return last, nil
	}
	err = segment.Walk(ctx, n.snap.Sources, segment.WalkOptions{}, work, func(_ segment.Position, p *chain.Adopt, _ error) error {
		if p != nil {
			found = p
		}
		return nil // where a piece cannot be read, there is a log, and that is refused
	})
	return found, err
}

// adoptOn reads the audit.adopt on a line.
func adoptOn(text []byte) (p chain.Adopt, ok bool) {
	out, ok := chain.OutlineOf(text)
	if !ok || string(out.Event) != chain.KindAdopt {
		return p, false
	}
	r := chain.ReadLine(text)
	v, _, err := ecmajson.Parse(r.Record.Payload, chain.MaxDepth)
	if err != nil || !r.Class.Whole() {
		return p, false
	}
	p, err = chain.ParseAdopt(v)
	return p, err == nil
}

// remembered refuses a path at which this machine remembers a log that is not in the old home: it
// would be taken for one that was rolled back or replaced.
func (a *adoption) remembered(context.Context) error {
	m := a.new.mark
	if m == nil || a.plan.found[m.Head] {
		return nil
	}
	return refusalf(a.new.home, "adopt into another directory, or name the home that holds it with --from",
		"this machine remembers a log here with the head %s, which the old home does not hold", m.Head.Short())
}

// chainable refuses a log that nothing can be appended to, so that the adoption could not be closed.
func (a *adoption) chainable(context.Context) error {
	switch {
	case a.plan.records == 0:
		return refusal(a.old.snap.Home, "there is no record to adopt", "look at the files; audit_verify says what is in them")
	case a.plan.headless != "":
		return refusal(a.old.path(a.plan.headless), "its last complete line is no record, and nothing can be chained upon that",
			"look at the line; audit_verify shows where it is")
	}
	return nil
}

// room refuses a disk that the pieces do not fit on.
func (a *adoption) room(context.Context) error {
	if n := a.needed(); a.new.free >= 0 && a.new.free < n {
		return refusalf(a.new.home, "make room, or adopt onto another disk", "the adoption needs %d bytes, and there are %d free", n, a.new.free)
	}
	return nil
}

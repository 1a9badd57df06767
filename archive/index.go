package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/opscontext/opscontext/internal/index"
	"github.com/opscontext/opscontext/segment"
)

// ErrForeignIndex says that a search index is of another segment than the one it lies beside, or of an
// earlier form of it.
var ErrForeignIndex = errors.New("the search index is not of this segment")

// OpenIndex opens the search index beside src, an archived segment from [Opener]. It is held against
// the manifest, whose checksum it has, and against the frames of the file. An error, fs.ErrNotExist
// among them, means that there is none to use; the segment can be read all the same.
func OpenIndex(src segment.Source) (*index.Index, error) {
	s, ok := src.(*source)
	if !ok {
		return nil, fmt.Errorf("%s: %w", src.Name(), ErrNotArchived)
	}
	dir := filepath.Dir(s.path)
	x, err := index.Open(s.fs, filepath.Join(dir, s.name.File(segment.FormIndex)))
	if err != nil {
		return nil, err
	}
	if err := s.sameAs(x); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// sameAs is an error if x is not the index of s.
func (s *source) sameAs(x *index.Index) error {
	if s.short != nil {
		return s.short
	}
	text, err := readManifestFile(s.fs, filepath.Join(filepath.Dir(s.path), s.name.File(segment.FormManifest)))
	if err != nil {
		return err
	}
	same := x.Of(text) && x.Frames() == len(s.frames)
	for i := 0; same && i < len(s.frames); i++ {
		size, rawSize := x.Sizes(i)
		same = size == s.frames[i].size && rawSize == s.frames[i].rawSize
	}
	if !same {
		return fmt.Errorf("%s: %w", s.name.File(segment.FormIndex), ErrForeignIndex)
	}
	return nil
}

// putIndex writes the search index of a segment with this manifest. Nobody has to wait
// for it to be durable, but it must not be there by half: an index is replaced at once.
func (r *run) putIndex(k *kept, x *index.Builder, manifest []byte, res *Result) error {
	path, text := r.path(k.name, segment.FormIndex), x.Encode(manifest)
	if had, err := boundedFile(r.fs, path, int64(len(text))); err == nil && bytes.Equal(had, text) {
		return nil
	}
	if err := r.in.Same(); err != nil {
		return err
	}
	if err := r.fs.Replace(path, text, 0o600); err != nil {
		return err
	}
	res.Steps = append(res.Steps, StepIndexed)
	return nil
}

// Reindex makes the search index of each archived segment anew, from its frames, whatever there was of
// one. A segment that cannot be read in full, or whose manifest is not of it, gets none; it keeps the
// others from nothing. ErrBusy if another process archives.
func Reindex(ctx context.Context, home string, so segment.Options, o Options) ([]Result, error) {
	return overHome(ctx, home, so, o, (*run).reindex)
}

func (r *run) reindex(ctx context.Context) (results []Result, err error) {
	var todo []*kept
	for _, k := range r.kept {
		if k.archived && k.plain == nil {
			todo = append(todo, k)
			r.total += k.source.Size()
		}
	}
	for _, k := range todo {
		res := Result{Segment: k.name, Bytes: k.source.Size()}
		if res.Err = r.reindexOne(ctx, k, &res); res.Err != nil && ctx.Err() != nil {
			return results, context.Cause(ctx)
		}
		results = append(results, res)
		r.done += k.source.Size()
		r.o.Progress(r.done, r.total)
	}
	return results, nil
}

func (r *run) reindexOne(ctx context.Context, k *kept, res *Result) (err error) {
	path := r.path(k.name, segment.FormManifest)
	text, err := readManifestFile(r.fs, path)
	if err != nil {
		return err
	}
	m, err := ParseManifest(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s, err := open(r.fs, r.path(k.name, segment.FormZstd), k.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	x := index.NewBuilder()
	made, err := describe(ctx, s, nil, identity{m.LogID, m.Incarnation, m.Index}, r.o.Workers, x, func(n int64) { r.o.Progress(r.done+n, r.total) })
	if err != nil {
		return err
	}
	if Digest(made.Encode()) != Digest(text) {
		return &segment.Refusal{Path: path, Offset: -1, Why: "the manifest is not of the segment beside it", Next: "run audit_verify, which says what is not as it was"}
	}
	res.Records, res.Stored = m.Records, m.Archived.Bytes
	return r.putIndex(k, x, text, res)
}

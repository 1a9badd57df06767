package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/index"
	"github.com/opscontext/opscontext/segment"
)

// segment archives one segment, from wherever an earlier run left it:
//
//  1. Compress the plain file to a temporary name and sync it. *Cut here:* the plain file is there;
//     the next run removes what has the temporary name.
//  2. Read the temporary file back: every frame is decoded and compared with the plain file, the
//     stored bytes are compared with the medium, the manifest is made of what was read.
//  3. Link it to its name, which fails where the name is taken; sync the directory. *Cut here:* plain
//     and compressed file are both there, and readers take the plain one. The next run does 2 with
//     the compressed file. Only complete, synced bytes ever have that name.
//  4. Put the manifest under its name, durably and at once, and read it back. *Cut here:* as after 3;
//     a manifest that the chain does not vouch for yet is made again.
//     The search index is put beside it, as it came of the same reading. It is derived, so what keeps
//     it from being written keeps nothing else: the segment is archived without one.
//  5. Chain audit.archive with the hashes of all three. *Cut here:* the record is there or not, and the
//     next run looks. Twice is no harm.
//  6. Under the locks of an append and a rotation: if both files are still the ones that were compared,
//     and a segment with a higher number is there, remove the plain file and sync the directory. *Cut
//     here:* it is there or not. If it is, the next run compares again and comes back here.
//
// So the plain file goes only after its bytes were decoded from the compressed file in this very run,
// and after the chain has a durable record of that file.
func (r *run) segment(ctx context.Context, i int, before int64) (res Result, err error) {
	k := r.kept[i]
	res = Result{Segment: k.name, Bytes: k.source.Size()}
	size := res.Bytes
	defer func() {
		r.done += size
		r.o.Progress(r.done, r.total)
	}()
	id, err := r.identity(i, before)
	if err != nil {
		return res, err
	}
	x := index.NewBuilder()
	s, m, err := r.compressed(ctx, k, id, x, &res)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	res.Records, res.Bytes, res.Stored = m.Records, m.Bytes, m.Archived.Bytes
	text := m.Encode()
	want := chain.Archive{Segment: k.name.File(segment.FormPlain), LogID: m.LogID, Incarnation: m.Incarnation, Index: m.Index,
		SHA256: m.SHA256, Archived: m.Archived.SHA256, Manifest: Digest(text), Tool: r.tool}
	if err := r.uncontradicted(k, want); err != nil {
		return res, err
	}
	if err := r.manifest(k, text, want, &res); err != nil {
		return res, err
	}
	res.IndexErr = r.putIndex(k, x, text, &res)
	if !r.chain.has(want) {
		if _, err := r.log.AppendSystem(ctx, chain.KindArchive, want.Payload()); err != nil {
			return res, fmt.Errorf("%s is archived, but that could not be chained; the plain file stays: %w", want.Segment, err)
		}
		res.Steps = append(res.Steps, StepAttested)
	}
	if k.plain != nil {
		if err := r.removePlain(ctx, k, s); err != nil {
			return res, err
		}
		res.Steps = append(res.Steps, StepRemoved)
	}
	return res, nil
}

// identity is what the manifest says besides what the segment shows: what the chain has already
// vouched for; else what the log shows now, or of a segment that has lost its plain file, what the
// manifest of this log has said so far.
func (r *run) identity(i int, before int64) (identity, error) {
	k := r.kept[i]
	if a, ok := r.chain.last(k.name); ok {
		return identity{a.LogID, a.Incarnation, a.Index}, nil
	}
	id, err := identify(r.snap.Sources, i)
	id.index = before
	if err == nil && k.plain == nil && k.manifested {
		m, err := ReadManifest(r.fs, r.path(k.name, segment.FormManifest))
		if err == nil && m.Segment == k.name && m.LogID == id.logID {
			return identity{m.LogID, m.Incarnation, m.Index}, nil
		}
	}
	return id, err
}

// compressed gives the compressed file and its manifest, after every byte of it was read back (steps
// 1 to 3).
func (r *run) compressed(ctx context.Context, k *kept, id identity, x *index.Builder, res *Result) (s *source, m *Manifest, err error) {
	path := r.path(k.name, segment.FormZstd)
	size := k.source.Size()
	if k.archived {
		if s, err = open(r.fs, path, k.name); err != nil {
			return nil, nil, err
		}
		if m, err = describe(ctx, s, k.plain, id, r.o.Workers, x, func(n int64) { r.o.Progress(r.done+n, r.total) }); err != nil {
			return nil, nil, err
		}
		// Nothing says that whoever gave it its name made that durable.
		return s, m, errors.Join(r.sync(path), onMedium(s))
	}
	tmp := filepath.Join(r.dir, temporary(k.name))
	if err := r.in.Same(); err != nil {
		return nil, nil, err
	}
	if err := compress(ctx, r.fs, k.plain, tmp, r.o.Workers, func(n int64) { r.o.Progress(r.done+n/2, r.total) }); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, r.fs.Remove(tmp)) }()
	if s, err = open(r.fs, tmp, k.name); err != nil {
		return nil, nil, err
	}
	if m, err = describe(ctx, s, k.plain, id, r.o.Workers, x, func(n int64) { r.o.Progress(r.done+(size+n)/2, r.total) }); err != nil {
		return nil, nil, err
	}
	if err := onMedium(s); err != nil {
		return nil, nil, err
	}
	if err := r.in.Same(); err != nil {
		return nil, nil, err
	}
	if err := r.fs.Link(tmp, path); err != nil {
		return nil, nil, err
	}
	if err := r.fs.SyncDir(r.dir); err != nil {
		return nil, nil, err
	}
	res.Steps = append(res.Steps, StepCompressed)
	return s, m, nil
}

func (r *run) sync(path string) error {
	f, err := r.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return r.fs.SyncDir(r.dir)
}

// uncontradicted refuses a segment whose bytes are not those that the chain vouches for, and without
// its plain file, whatever is not exactly that.
func (r *run) uncontradicted(k *kept, want chain.Archive) error {
	a, ok := r.chain.last(k.name)
	switch {
	case !ok:
		return nil
	case a.SHA256 != want.SHA256:
		return &segment.Refusal{Path: r.path(k.name, segment.FormZstd), Offset: -1,
			Why:  fmt.Sprintf("the chain vouches for a segment with the SHA-256 %s, the bytes here have %s", a.SHA256.Short(), want.SHA256.Short()),
			Next: "put the segment back from a backup or an archive copy"}
	case k.plain == nil && a.Archived != want.Archived:
		return &segment.Refusal{Path: r.path(k.name, segment.FormZstd), Offset: -1,
			Why:  "it is not the compressed file that the chain vouches for, although it holds the same records",
			Next: "put the file back from an archive copy, or decompress it with zstd -d beside itself, move it elsewhere and archive again"}
	}
	return nil
}

// manifest sees to it that the manifest file has these bytes (step 4). Another one is replaced only
// where nothing vouches for it and the segment is still plain.
func (r *run) manifest(k *kept, text []byte, want chain.Archive, res *Result) error {
	path := r.path(k.name, segment.FormManifest)
	had, err := readManifestFile(r.fs, path)
	switch {
	case err == nil && bytes.Equal(had, text):
		return r.sync(path)
	case err == nil && (k.plain == nil || r.chain.has(want)):
		return &segment.Refusal{Path: path, Offset: -1, Why: "the manifest is not that of the segment beside it",
			Next: "move it elsewhere and archive again, which makes a new one"}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if a, ok := r.chain.last(k.name); ok && k.plain == nil && a.Manifest != want.Manifest {
		return &segment.Refusal{Path: path, Offset: -1, Why: "the manifest is gone, and one made anew is not the one that the chain vouches for",
			Next: "put the manifest back from an archive copy"}
	}
	if err := r.in.Same(); err != nil {
		return err
	}
	if err := r.fs.Replace(path, text, 0o400); err != nil {
		return err
	}
	if had, err = readManifestFile(r.fs, path); err != nil {
		return err
	}
	if !bytes.Equal(had, text) {
		return fmt.Errorf("%s does not read back as it was written", path)
	}
	res.Steps = append(res.Steps, StepManifest)
	return nil
}

// removePlain is step 6.
func (r *run) removePlain(ctx context.Context, k *kept, s *source) error {
	plain := r.path(k.name, segment.FormPlain)
	return r.log.Arrange(ctx, func() error {
		for path, was := range map[string]durable.Info{plain: k.plain.Info(), r.path(k.name, segment.FormZstd): s.info} {
			now, err := r.fs.Stat(path)
			if err != nil {
				return err
			}
			if now.ID != was.ID || now.Size != was.Size || now.MTime != was.MTime {
				return &fs.PathError{Op: "archive", Path: path, Err: segment.ErrReplaced}
			}
		}
		entries, err := r.fs.ReadDir(r.dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if name, form, ok := segment.ParseName(e.Name()); ok && form <= segment.FormZstd && name.Number > k.name.Number {
				if err := r.in.Same(); err != nil {
					return err
				}
				if err := r.fs.Remove(plain); err != nil {
					return err
				}
				return r.fs.SyncDir(r.dir)
			}
		}
		return fmt.Errorf("%s stays: no segment with a higher number is there any more", plain)
	})
}

// tempSuffix marks a compressed file that is not complete. Existing writers clear away temporary files
// of their own, whose names end otherwise.
const tempSuffix = ".zst.tmp"

func temporary(name segment.Name) string { return "." + name.String() + tempSuffix }

// leftover reports whether a file in the archive directory is a temporary one of a run that was killed.
// Whoever has the right to archive may remove it: what it holds is elsewhere, too.
func leftover(base string) bool {
	if stem, ok := strings.CutSuffix(base, tempSuffix); ok {
		name, _, ok := segment.ParseName(strings.TrimPrefix(stem, ".") + ".jsonl")
		return ok && temporary(name) == base
	}
	stem := strings.TrimPrefix(strings.TrimRight(base, "0123456789"), ".")
	_, form, ok := segment.ParseName(stem)
	return ok && (form == segment.FormManifest || form == segment.FormIndex) && durable.Leftover(base, stem)
}

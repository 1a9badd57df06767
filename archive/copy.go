package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// Copied is what became of the copy of one archived segment.
type Copied struct {
	Segment segment.Name
	Key     string   // of the compressed file
	Bytes   int64    // put, manifest included; 0 if the store had both already
	Left    []string // names beside the copy that were made on the way and cannot be removed there
	Err     error    // why there is no copy; nil if there is
}

// Copy puts the archived segments of home, each with its manifest behind it, into a store: a manifest
// there says that its segment is there, too. Only what is as the chain vouches for it is put. What the
// store has under the same key in the same size it has; whether the bytes are the same is for a
// verification against the store to find out. A segment that cannot be copied does not keep the others
// from it. fsys nil means the operating system.
func Copy(ctx context.Context, fsys durable.FS, home string, to Store) (copied []Copied, err error) {
	if fsys == nil {
		fsys = durable.OS()
	}
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{FS: fsys, OpenArchived: Opener(fsys)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	vouched, err := attested(ctx, snap.Sources)
	if err != nil {
		return nil, err
	}
	for _, src := range snap.Sources {
		if src.State() != segment.StateArchived {
			continue
		}
		c := Copied{Segment: src.Segment()}
		c.Err = c.put(ctx, fsys, filepath.Join(snap.Home, segment.ArchiveDir), src, vouched, to)
		if c.Err != nil && ctx.Err() != nil {
			return copied, context.Cause(ctx)
		}
		copied = append(copied, c)
	}
	return copied, nil
}

func (c *Copied) put(ctx context.Context, fsys durable.FS, dir string, src segment.Source, vouched attestations, to Store) error {
	s, ok := src.(*source)
	if !ok {
		_, err := src.Read(src.Extents(FrameSize)[0], nil) // says why it cannot be read
		return err
	}
	text, err := readManifestFile(fsys, filepath.Join(dir, c.Segment.File(segment.FormManifest)))
	if err != nil {
		return err
	}
	m, err := ParseManifest(text)
	if err != nil {
		return err
	}
	notVouched := &segment.Refusal{Path: s.path, Offset: -1, Why: "the chain does not vouch for this file and its manifest", Next: "archive again, or verify the log"}
	want := chain.Archive{Segment: c.Segment.File(segment.FormPlain), SHA256: m.SHA256, Archived: m.Archived.SHA256, Manifest: Digest(text)}
	if !vouched.has(want) {
		return notVouched
	}
	c.Key = Key(m.LogID, c.Segment, m.SHA256, segment.FormZstd)
	if err := c.object(ctx, to, c.Key, m.Archived.Bytes, m.Archived.SHA256, func() error {
		sum, err := storedSum(s)
		if err != nil {
			return err
		}
		if sum != m.Archived.SHA256 {
			return notVouched
		}
		f, err := fsys.OpenFile(s.path, os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(to.Put(ctx, c.Key, f), f.Close())
	}); err != nil {
		return err
	}
	key := Key(m.LogID, c.Segment, m.SHA256, segment.FormManifest)
	return c.object(ctx, to, key, int64(len(text)), want.Manifest, func() error { return to.Put(ctx, key, bytes.NewReader(text)) })
}

// object puts one object, unless the store has one of that size.
func (c *Copied) object(ctx context.Context, to Store, key string, size int64, sum chain.Hash, put func() error) error {
	had, err := to.Stat(ctx, key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Bytes += size
		err = put()
		if left, ok := errors.AsType[*LeftoverError](err); ok {
			c.Left = append(c.Left, left.Name)
			err = readBack(ctx, to, key, sum)
		}
	case err == nil && had.Size != size:
		return fmt.Errorf("%s has %d bytes, not %d: %w", key, had.Size, size, ErrConflict)
	}
	return err
}

// readBack is an error unless the store gives the bytes with that digest under key. A path that
// forbids a part of what putting takes may have its own idea of the rest.
func readBack(ctx context.Context, to Store, key string, want chain.Hash) (err error) {
	r, err := to.Get(ctx, key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, contextReader{ctx, r}); err != nil {
		return err
	}
	if chain.Hash(sum.Sum(nil)) != want {
		return fmt.Errorf("%s does not read back as it was put: %w", key, ErrConflict)
	}
	return nil
}

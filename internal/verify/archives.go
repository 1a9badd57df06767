package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// archives holds every archived segment against its manifest and against what the chain says of both.
func (c *check) archives(ctx context.Context) error {
	for i, src := range c.snap.Sources {
		if src.State() != segment.StateArchived || c.unread(src.Name()) {
			continue
		}
		e, err := archive.Examine(ctx, c.o.FS, src, c.v.Archives, c.o.Workers)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			c.add(chain.Unreadable, src.Name(), err.Error(), 1)
			continue
		}
		c.evidence(src.Name(), e)
		if e.Manifest != nil && len(e.Contradictions) == 0 {
			c.counted(i, e.Manifest)
		}
	}
	for _, f := range c.snap.Facts {
		if f.Kind == segment.FactBothForms {
			c.bothForms(f.File)
		}
	}
	return nil
}

// unread reports whether it was said already that nothing of a segment can be read.
func (c *check) unread(name string) bool {
	for i, s := range c.v.Sources {
		if s.Name == name {
			return s.Records == 0 && c.snap.Sources[i].Size() == 0
		}
	}
	return false
}

// evidence reports what an archived segment, its manifest and the chain say of one another.
func (c *check) evidence(name string, e archive.Evidence) {
	if len(e.Contradictions) > 0 {
		c.add(chain.ManifestMismatch, name, strings.Join(e.Contradictions, "; "), 1)
	}
	switch {
	case e.Err == nil && !e.Attested && len(e.Contradictions) == 0:
		c.add(chain.UnattestedArchive, name, "", 1)
	case errors.Is(e.Err, fs.ErrNotExist):
		c.add(chain.ManifestMissing, name, "", 1)
	case errors.Is(e.Err, chain.ErrUnknownVersion):
		c.add(chain.UnknownVersion, name, "its manifest: "+e.Err.Error(), 1)
	case e.Err != nil:
		c.add(chain.ManifestMismatch, name, e.Err.Error(), 1)
	}
}

// counted holds a manifest against what was counted in its segment: whoever can append to the chain can
// vouch for a manifest that is not true.
func (c *check) counted(source int, m *archive.Manifest) {
	s := c.v.Sources[source]
	for _, f := range c.findings {
		if f.Segment == s.Name && f.Class == chain.Unreadable {
			return // what was counted is not all there is
		}
	}
	var wrong []string
	say := func(member string, manifest, counted any) {
		if manifest != counted {
			wrong = append(wrong, fmt.Sprintf("%s: %v in the manifest, %v in the segment", member, manifest, counted))
		}
	}
	say("bytes", m.Bytes, s.Bytes)
	say("lines", m.Lines, s.Lines)
	if m.Records == s.Records && m.Records > 0 && m.First != nil && m.Last != nil {
		say("first", m.First.Hash, s.First)
		say("last", m.Last.Hash, s.Last)
	}
	if len(wrong) > 0 {
		c.add(chain.ManifestMismatch, s.Name, strings.Join(wrong, "; "), 1)
	}
}

// bothForms compares a compressed segment with its plain file, which was read. Both are there while a
// segment is being archived, and then hold the same bytes.
func (c *check) bothForms(file string) {
	for _, src := range c.snap.Sources {
		if segment.ArchiveDir+"/"+src.Segment().File(segment.FormZstd) != file {
			continue
		}
		same, err := c.sameBytes(src, filepath.Join(c.snap.Home, filepath.FromSlash(file)))
		switch {
		case err != nil:
			c.add(chain.Unreadable, file, "it cannot be compared with its plain file: "+err.Error(), 1)
		case !same:
			c.add(chain.ManifestMismatch, file, "it does not hold the bytes of its plain file", 1)
		}
		return
	}
}

func (c *check) sameBytes(plain segment.Source, path string) (same bool, err error) {
	packed, err := archive.Opener(c.o.FS)(path, plain.Segment())
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, packed.Close()) }()
	if packed.Size() != plain.Size() {
		return false, nil
	}
	var a, b []byte
	for _, e := range packed.Extents(segment.DefaultExtent) {
		one, err := packed.Read(e, a)
		if err != nil {
			return false, err
		}
		two, err := plain.Read(e, b)
		if err != nil {
			return false, fmt.Errorf("%s: %w", plain.Name(), err)
		}
		if one.Offset != two.Offset || !bytes.Equal(one.Data, two.Data) {
			return false, nil
		}
		a, b = one.Data[:0], two.Data[:0]
	}
	return true, nil
}

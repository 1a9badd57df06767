package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// archives holds every archived segment against its manifest and against what the chain says of both.
func (c *check) archives(ctx context.Context) error {
	c.sums = map[string]chain.Hash{}
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
		if e.Manifest != nil && len(e.Contradictions) == 0 && c.counted(i, e.Manifest) {
			c.sums[src.Name()] = e.Manifest.SHA256
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

// doubts says, by what is to be doubted, what is wrong and what to do.
var doubts = map[archive.Suspect]struct{ says, next string }{
	archive.Undecided:       {"nothing tells which is right", "compare the segment and its manifest with an archive copy"},
	archive.SuspectManifest: {"the manifest is wrong", "set the manifest aside and run archive: it makes the manifest again"},
	archive.SuspectFile:     {"the compressed file is not the one that was archived", "keep the compressed file, and put the one from an archive copy in its place"},
	archive.SuspectBoth:     {"both files are others than were archived", "keep both files, and put those from an archive copy in their place"},
}

// evidence reports what an archived segment, its manifest and the chain say of one another.
func (c *check) evidence(name string, e archive.Evidence) {
	wrong := e.Contradictions
	if errors.Is(e.Err, archive.ErrManifest) {
		wrong = append(slices.Clone(wrong), e.Err.Error())
	}
	if len(wrong) > 0 {
		d := doubts[e.Suspect]
		if e.Suspect == archive.SuspectFile || e.Suspect == archive.SuspectBoth {
			c.wrongFiles = append(c.wrongFiles, name)
		}
		c.advise(chain.ManifestMismatch, name, d.says+": "+strings.Join(wrong, "; "), d.next)
	}
	switch {
	case e.Err == nil && !e.Attested && len(wrong) == 0:
		c.add(chain.UnattestedArchive, name, "", 1)
	case errors.Is(e.Err, fs.ErrNotExist):
		c.add(chain.ManifestMissing, name, "", 1)
	case errors.Is(e.Err, chain.ErrUnknownVersion):
		c.add(chain.UnknownVersion, name, "its manifest: "+e.Err.Error(), 1)
	}
}

// counted holds a manifest against what was counted in its segment: whoever can append to the chain can
// vouch for a manifest that is not true. It reports whether they agree.
func (c *check) counted(source int, m *archive.Manifest) (agree bool) {
	s := c.v.Sources[source]
	for _, f := range c.findings {
		if f.Segment == s.Name && f.Class == chain.Unreadable {
			return false // what was counted is not all there is
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
		detail, next := "the manifest is not true of the segment", doubts[archive.SuspectManifest].next
		if c.vouchedFor(s.Name) {
			detail += ", although the chain vouches for it"
			next = "keep the files; find out who wrote the record audit.archive of this segment"
		}
		c.advise(chain.ManifestMismatch, s.Name, detail+": "+strings.Join(wrong, "; "), next)
	}
	return len(wrong) == 0
}

// vouchedFor reports whether a record of the chain vouches for any archive of a segment.
func (c *check) vouchedFor(name string) bool {
	return slices.ContainsFunc(c.v.Archives, func(a chain.Archive) bool { return a.Segment == name })
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
			c.advise(chain.ManifestMismatch, file, "it does not hold the bytes of its plain file, which was judged",
				"compare both with an archive copy; the record audit.archive has the SHA-256 of the right ones")
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

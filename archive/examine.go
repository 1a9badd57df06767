package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// Evidence is what an archived segment, its manifest and the chain say of one another.
type Evidence struct {
	// Manifest is the one beside the file; nil if Err says why there is none to read:
	// fs.ErrNotExist, ErrManifest, chain.ErrUnknownVersion.
	Manifest *Manifest
	Err      error
	// Attested: a record of the chain vouches for exactly these bytes of the file and the manifest.
	Attested bool
	// Contradictions are what one of the three says and another does not bear out, each as a
	// sentence; empty if they agree.
	Contradictions []string
}

// Examine looks at the evidence about src, an archived segment from [Opener]. vouched is what the
// audit.archive records of the log say, of any segments, in reading order. It hashes the compressed
// file; a manifest that the chain vouches for together with the file was made of these very bytes, and
// only for another one are all frames decoded and described anew. An error means that it could not be
// looked at.
func Examine(ctx context.Context, fsys durable.FS, src segment.Source, vouched []chain.Archive, workers int) (e Evidence, err error) {
	s, ok := src.(*source)
	if !ok {
		return e, fmt.Errorf("%s: no archived segment that was opened here", src.Name())
	}
	text, err := readManifestFile(fsys, filepath.Join(filepath.Dir(s.path), s.name.File(segment.FormManifest)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Err = err
	case err != nil:
		return e, err
	default:
		e.Manifest, e.Err = ParseManifest(text)
	}
	file, err := storedSum(s)
	if err != nil {
		return e, err
	}
	said := attestations{}
	for _, v := range vouched {
		said[v.Segment] = append(said[v.Segment], v)
	}
	last, ok := said.last(s.name)
	if e.Manifest == nil {
		if ok && last.Archived != file {
			e.say("the chain vouches for a compressed file with the SHA-256 %v, this one has %v", last.Archived, file)
		}
		return e, nil
	}
	m, digest := e.Manifest, Digest(text)
	if e.Attested = said.has(chain.Archive{Segment: s.Name(), SHA256: m.SHA256, Archived: file, Manifest: digest}); e.Attested {
		return e, nil
	}
	if m.Segment != s.name {
		e.say("the manifest is of %s", m.Segment)
		return e, nil
	}
	if ok && last.Manifest != digest {
		e.say("the chain vouches for a manifest with the SHA-256 %v, this one has %v", last.Manifest, digest)
	}
	if ok && last.Archived != file {
		e.say("the chain vouches for a compressed file with the SHA-256 %v, this one has %v", last.Archived, file)
	}
	if m.Archived.SHA256 != file {
		e.say("the manifest is of a compressed file with the SHA-256 %v, this one has %v", m.Archived.SHA256, file)
	}
	fresh, err := describe(ctx, s, nil, identity{m.LogID, m.Incarnation, m.Index}, workers, func(int64) {})
	if err != nil {
		if ctx.Err() != nil {
			return e, context.Cause(ctx)
		}
		return e, nil // whoever reads the records meets the same error at its place
	}
	for _, member := range m.differs(fresh) {
		e.say("the manifest's %s is not that of the segment", member)
	}
	return e, nil
}

func (e *Evidence) say(format string, args ...any) {
	e.Contradictions = append(e.Contradictions, fmt.Sprintf(format, args...))
}

// differs names the members in which two manifests of one compressed file differ.
func (m *Manifest) differs(n *Manifest) []string {
	var members []string
	for _, c := range []struct {
		name string
		a, b any
	}{
		{"first", m.First, n.First}, {"last", m.Last, n.Last}, {"records", m.Records, n.Records}, {"lines", m.Lines, n.Lines},
		{"ts_min", m.TSMin, n.TSMin}, {"ts_max", m.TSMax, n.TSMax}, {"bytes", m.Bytes, n.Bytes}, {"sha256", m.SHA256, n.SHA256},
		{"archived bytes", m.Archived.Bytes, n.Archived.Bytes}, {"frames", fmt.Sprint(m.Archived.Frames), fmt.Sprint(n.Archived.Frames)},
		{"events", fmt.Sprint(m.Events), fmt.Sprint(n.Events)}, {"actors", fmt.Sprint(m.Actors), fmt.Sprint(n.Actors)},
		{"system", fmt.Sprint(m.System), fmt.Sprint(n.System)}, {"root", m.Root, n.Root},
	} {
		if !reflect.DeepEqual(c.a, c.b) {
			members = append(members, c.name)
		}
	}
	return members
}

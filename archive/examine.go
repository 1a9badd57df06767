package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	// Suspect is what is not what it should be, if there are contradictions or Err is ErrManifest.
	Suspect Suspect
}

// Suspect says which of two files is to be doubted.
type Suspect uint8

// The suspects.
const (
	Undecided       Suspect = iota // nothing tells
	SuspectManifest                // the chain vouches for the compressed file, or the manifest is not of it
	SuspectFile                    // the chain vouches for the manifest beside it
	SuspectBoth                    // the chain vouches for others
)

// ErrNotArchived says that a segment is none that [Opener] could open: it is not archived, or its file
// is no archive.
var ErrNotArchived = errors.New("no archived segment that was opened here")

// Inspect compares the files of src, an archived segment from [Opener], with one another and with
// what the audit.archive records of the log say, of any segments, in reading order. It hashes the
// compressed file and decodes nothing of it. An error means that it could not be looked at.
func Inspect(fsys durable.FS, src segment.Source, vouched []chain.Archive) (Evidence, error) {
	e, _, err := inspect(fsys, src, vouched)
	return e, err
}

// Examine does what [Inspect] does. A manifest that the chain vouches for together with the file was
// made of these very bytes; only for another one all frames are decoded and described anew.
func Examine(ctx context.Context, fsys durable.FS, src segment.Source, vouched []chain.Archive, workers int) (Evidence, error) {
	e, s, err := inspect(fsys, src, vouched)
	m := e.Manifest
	if err != nil || m == nil || e.Attested || m.Segment != s.name {
		return e, err
	}
	fresh, err := describe(ctx, s, nil, identity{m.LogID, m.Incarnation, m.Index}, workers, nil, func(int64) {})
	if err != nil {
		if ctx.Err() != nil {
			return e, context.Cause(ctx)
		}
		return e, nil // whoever reads the records meets the same error at its place
	}
	for _, member := range m.differs(fresh) {
		if len(e.Contradictions) == 0 {
			e.Suspect = SuspectManifest // it has the right digest of the file, and is not true of it
		}
		e.say("the manifest's %s is not that of the segment", member)
	}
	return e, nil
}

// Attested gives the manifest beside src, an archived segment from [Opener], if the chain vouches for it
// and the compressed file is as long as it says and has its table of frames; nil if not. It reads the
// manifest and nothing else: whether the file has the bytes that the manifest is of is for [Inspect].
func Attested(src segment.Source, vouched []chain.Archive) *Manifest {
	s, ok := src.(*source)
	if !ok || s.short != nil {
		return nil
	}
	m := s.beside()
	if m == nil || m.Archived.Bytes != s.info.Size {
		return nil
	}
	want := chain.Archive{Segment: s.Name(), SHA256: m.SHA256, Archived: m.Archived.SHA256, Manifest: s.digest}
	if !bySegment(vouched).has(want) {
		return nil
	}
	return m
}

func inspect(fsys durable.FS, src segment.Source, vouched []chain.Archive) (e Evidence, s *source, err error) {
	s, ok := src.(*source)
	if !ok {
		return e, nil, fmt.Errorf("%s: %w", src.Name(), ErrNotArchived)
	}
	text, err := readManifestFile(fsys, s.manifestPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Err = err
	case err != nil:
		return e, s, err
	default:
		e.Manifest, e.Err = ParseManifest(text)
	}
	file, err := storedSum(s)
	if err != nil {
		return e, s, err
	}
	e.compare(s.name, text, file, bySegment(vouched))
	return e, s, nil
}

// compare says what the manifest file, the digest of the compressed file and the chain say of one
// another.
func (e *Evidence) compare(name segment.Name, text []byte, file chain.Hash, said attestations) {
	m, digest := e.Manifest, Digest(text)
	last, vouched := said.last(name)
	if m != nil && m.Segment == name && m.Archived.SHA256 == file {
		want := chain.Archive{Segment: name.File(segment.FormPlain), SHA256: m.SHA256, Archived: file, Manifest: digest}
		if e.Attested = said.has(want); e.Attested {
			return
		}
	}
	sameManifest, sameFile := vouched && last.Manifest == digest, vouched && last.Archived == file
	if m != nil && m.Segment != name {
		e.say("the manifest is of %s", m.Segment)
		m = nil // and so nothing else of it matters here
	}
	if m != nil && vouched && !sameManifest {
		e.say("the chain vouches for a manifest with the SHA-256 %v, this one has %v", last.Manifest, digest)
	}
	if vouched && !sameFile {
		e.say("the chain vouches for a compressed file with the SHA-256 %v, this one has %v", last.Archived, file)
	}
	if m != nil && m.Archived.SHA256 != file {
		e.say("the manifest is of a compressed file with the SHA-256 %v, this one has %v", m.Archived.SHA256, file)
	}
	if m != nil && sameManifest && sameFile && last.SHA256 != m.SHA256 {
		e.say("the chain vouches for a segment with the SHA-256 %v, the manifest has %v", last.SHA256, m.SHA256)
	}
	if len(e.Contradictions) == 0 && !errors.Is(e.Err, ErrManifest) {
		return
	}
	switch {
	case sameManifest && sameFile:
	case sameManifest, text == nil:
		e.Suspect = SuspectFile
	case sameFile, m == nil && !vouched:
		e.Suspect = SuspectManifest
	case vouched:
		e.Suspect = SuspectBoth
	}
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

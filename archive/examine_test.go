package archive

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

func TestExamine(t *testing.T) {
	const manifest = "audit-0001.manifest.json"
	for name, c := range map[string]struct {
		damage   func(t *testing.T, m *durable.Mem, vouched *[]chain.Archive)
		err      error
		attested bool
		says     []string // one for each contradiction
		suspect  Suspect
	}{
		"as it was made": {attested: true},
		"not attested":   {damage: func(_ *testing.T, _ *durable.Mem, v *[]chain.Archive) { *v = (*v)[1:] }},
		"attested twice": {damage: func(_ *testing.T, _ *durable.Mem, v *[]chain.Archive) { *v = append(*v, (*v)[0]) }, attested: true},
		"no manifest":    {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) { remove(t, m, archivePath(manifest)) }, err: fs.ErrNotExist},
		"no manifest, another file": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			remove(t, m, archivePath(manifest))
			put(t, m, archivePath(testFile), frameUp(t, unzstd(t, readFile(t, m, archivePath(testFile))), 3))
		}, err: fs.ErrNotExist, says: []string{"a compressed file with"}, suspect: SuspectFile},
		"a newer manifest": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(manifest), []byte(`{"format":"opscontext.manifest/2"}`))
		}, err: chain.ErrUnknownVersion},
		"no manifest but garbage": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(manifest), []byte("x"))
		}, err: ErrManifest, suspect: SuspectManifest},
		"of another segment": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(manifest), readFile(t, m, archivePath("audit-0002.manifest.json")))
		}, says: []string{"is of audit-0002"}, suspect: SuspectManifest},
		"swapped with another segment": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(testFile), readFile(t, m, archivePath("audit-0002.jsonl.zst")))
		}, says: []string{"the chain vouches for a compressed file", "the manifest is of a compressed file", "first", "last", "records", "lines", "ts_min", "ts_max", " bytes ", "sha256", "archived bytes", "frames", "events", "actors", "system", "root"}, suspect: SuspectFile},
		"compressed otherwise": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(testFile), frameUp(t, unzstd(t, readFile(t, m, archivePath(testFile))), 3))
		}, says: []string{"the chain vouches for a compressed file", "the manifest is of a compressed file", "archived bytes", "frames"}, suspect: SuspectFile},
		"counts changed, not attested": {damage: func(t *testing.T, m *durable.Mem, v *[]chain.Archive) {
			*v = nil
			put(t, m, archivePath(manifest), bytes.Replace(readFile(t, m, archivePath(manifest)), []byte(`"name":"test.kind0"`), []byte(`"name":"fest.kind0"`), 1))
		}, says: []string{"events"}, suspect: SuspectManifest},
		"counts changed": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			put(t, m, archivePath(manifest), bytes.Replace(readFile(t, m, archivePath(manifest)), []byte(`"name":"actor0"`), []byte(`"name":"acter0"`), 1))
		}, says: []string{"the chain vouches for a manifest", "actors"}, suspect: SuspectManifest},
		"both of an older state": {damage: func(t *testing.T, m *durable.Mem, _ *[]chain.Archive) {
			other := newHome(t, 3, 20, 3)
			mustRun(t, options(other))
			put(t, m, archivePath(manifest), readFile(t, other, archivePath(manifest)))
			put(t, m, archivePath(testFile), readFile(t, other, archivePath(testFile)))
		}, says: []string{"the chain vouches for a manifest", "the chain vouches for a compressed file"}, suspect: SuspectBoth},
		"vouched for, and no manifest": {damage: func(t *testing.T, m *durable.Mem, v *[]chain.Archive) {
			put(t, m, archivePath(manifest), []byte("x"))
			(*v)[0].Manifest = Digest([]byte("x"))
		}, err: ErrManifest},
		"vouched for, and of another segment": {damage: func(t *testing.T, m *durable.Mem, v *[]chain.Archive) {
			text := readFile(t, m, archivePath("audit-0002.manifest.json"))
			put(t, m, archivePath(manifest), text)
			(*v)[0].Manifest = Digest(text)
		}, says: []string{"is of audit-0002"}},
		"vouched for with other bytes": {damage: func(_ *testing.T, _ *durable.Mem, v *[]chain.Archive) {
			(*v)[0].SHA256[0]++
		}, says: []string{"the chain vouches for a segment"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newHome(t, 12, 20, 3)
			mustRun(t, options(m))
			v := vouched(t, mustHistory(t, m))
			if c.damage != nil {
				c.damage(t, m, &v)
			}
			e, err := Examine(t.Context(), m, openTest(t, m, testFile), v, 2)
			if err != nil {
				t.Fatal(err)
			}
			if !errors.Is(e.Err, c.err) || (e.Manifest == nil) != (c.err != nil) || e.Attested != c.attested {
				t.Errorf("manifest %v (%v), attested %v", e.Manifest != nil, e.Err, e.Attested)
			}
			// A glance at the manifest sees what a look at the file sees, but for bytes that were exchanged.
			if glance := Attested(openTest(t, m, testFile), v); (glance != nil) != c.attested {
				t.Errorf("at a glance attested: %v", glance != nil)
			}
			if e.Suspect != c.suspect {
				t.Errorf("suspect %d, want %d", e.Suspect, c.suspect)
			}
			if !slices.EqualFunc(e.Contradictions, c.says, strings.Contains) {
				t.Errorf("contradictions %q, want %q", e.Contradictions, c.says)
			}
		})
	}
}

// What only a look at the bytes tells is left to that, and said so.
func TestAttestedReadsNoArchive(t *testing.T) {
	m := newHome(t, 12, 20, 3)
	mustRun(t, options(m))
	v := vouched(t, mustHistory(t, m))
	file := readFile(t, m, archivePath(testFile))
	file[len(file)/3] ^= 1
	put(t, m, archivePath(testFile), file)
	src := openTest(t, m, testFile)
	if Attested(src, v) == nil {
		t.Error("a file with another byte is looked at")
	}
	if e, err := Inspect(m, src, v); err != nil || e.Attested {
		t.Errorf("a file with another byte is attested: %+v, %v", e, err)
	}
	put(t, m, archivePath(testFile), append(file, 0))
	if Attested(openTest(t, m, testFile), v) != nil {
		t.Error("a longer file is attested")
	}
}

// What vouches for segments is found in one frame of an archived segment as in plain ones, and one
// frame is decoded once.
func TestReadVouched(t *testing.T) {
	m := newHome(t, 5, 6, 7)
	mustRun(t, options(m))
	fill(t, options(m), testHome, 1, 1)
	mustRun(t, options(m)) // the records of the first run are in an archive now
	read := func() Vouched {
		snap, err := segment.OpenSnapshot(testHome, segment.SnapshotOptions{FS: m, OpenArchived: Opener(m)})
		if err != nil {
			t.Fatal(err)
		}
		v, err := ReadVouched(t.Context(), snap.Sources)
		if err = errors.Join(err, snap.Close()); err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := read()
	if len(v.Archives) != 4 || v.Frames != 1 || len(v.Unread) != 0 {
		t.Errorf("%d records from %d frames, unread %v", len(v.Archives), v.Frames, v.Unread)
	}
	if !slices.Contains(v.Whole, segment.LiveName) || slices.Contains(v.Whole, "audit-0001.jsonl") {
		t.Errorf("read in full: %q", v.Whole)
	}
	// Without the manifest nothing says where in the archive they are.
	remove(t, m, archivePath("audit-0004.manifest.json"))
	if again := read(); len(again.Archives) != 4 || again.Frames != 0 || !slices.Contains(again.Whole, "audit-0004.jsonl") {
		t.Errorf("without a manifest: %+v", again)
	}
}

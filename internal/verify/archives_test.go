package verify_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// archivedSite is a site with two archived segments, a sealed one and a live one.
func archivedSite(t *testing.T) *site {
	s := newSite(t)
	for range 3 {
		s.append(20)
		s.rotate()
	}
	s.append(5)
	s.archive()
	return s
}

func (s *site) archive() {
	s.t.Helper()
	results, err := archive.Run(context.Background(), s.home, segment.Options{State: s.state, OpenArchived: archive.Opener(durable.OS())}, archive.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			s.t.Fatal(r.Segment, r.Err)
		}
	}
}

func (s *site) archived(name string) string { return filepath.Join(s.home, segment.ArchiveDir, name) }

// change rewrites a file.
func (s *site) change(path string, f func([]byte) []byte) {
	s.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func TestArchivedSegments(t *testing.T) {
	s := archivedSite(t)
	before := s.verify()
	if before.Exit != 0 || len(before.Findings) != 0 || before.Sources[0].State != "archived" || before.Sources[2].State != "sealed" {
		t.Fatalf("exit %d, %s, %+v", before.Exit, before.Verdict, before.Sources)
	}
	if before.Records.Checked != 70 { // 65 events, 3 rotations, 2 archives
		t.Errorf("%d records", before.Records.Checked)
	}
	// What one segment's files say and what the chain says of them, one thing wrong at a time.
	first, manifest := "audit-0001.jsonl.zst", "audit-0001.manifest.json"
	for _, c := range []struct {
		name   string
		damage func(*site)
		exit   int
		class  chain.Class
	}{
		{"manifest gone", func(s *site) { must(t, os.Remove(s.archived(manifest))) }, 0, chain.ManifestMissing},
		{"manifest of another count", func(s *site) {
			s.change(s.archived(manifest), func(b []byte) []byte { return bytes.Replace(b, []byte(`"lines":20`), []byte(`"lines":21`), 1) })
		}, 3, chain.ManifestMismatch},
		{"A12 manifest is nonsense", func(s *site) { s.change(s.archived(manifest), func([]byte) []byte { return []byte("{}") }) }, 3, chain.ManifestMismatch},
		{"F31 manifest of a newer format", func(s *site) {
			s.change(s.archived(manifest), func(b []byte) []byte { return bytes.Replace(b, []byte("manifest/1"), []byte("manifest/9"), 1) })
		}, 5, chain.UnknownVersion},
		{"F24 a byte of the compressed file", func(s *site) {
			s.change(s.archived(first), func(b []byte) []byte { b[100] ^= 1; return b })
		}, 3, chain.ManifestMismatch},
		{"A13 a bomb in its place", func(s *site) {
			s.change(s.archived(first), func([]byte) []byte { return bytes.Repeat([]byte{0x28, 0xb5, 0x2f, 0xfd}, 100) })
		}, 5, chain.Unreadable},
		{"A5 another segment in its place", func(s *site) {
			other, err := os.ReadFile(s.archived("audit-0002.jsonl.zst"))
			must(t, err)
			s.change(s.archived(first), func([]byte) []byte { return other })
		}, 3, chain.ManifestMismatch},
		{"segment gone", func(s *site) {
			must(t, os.Remove(s.archived(first)))
			must(t, os.Remove(s.archived(manifest)))
		}, 3, chain.Missing},
	} {
		t.Run(c.name, func(t *testing.T) {
			copied := &site{t: t, home: filepath.Join(t.TempDir(), "home"), state: s.state}
			must(t, os.CopyFS(copied.home, os.DirFS(s.home)))
			c.damage(copied)
			r := run(t, verify.Options{Home: copied.home})
			copied.want(r, c.exit, c.class, "")
		})
	}
}

func TestB7BothForms(t *testing.T) {
	s := newSite(t)
	s.append(20)
	s.rotate()
	plain, err := os.ReadFile(s.archived("audit-0001.jsonl"))
	must(t, err)
	s.append(20)
	s.rotate()
	s.archive()
	must(t, os.WriteFile(s.archived("audit-0001.jsonl"), plain, 0o400))
	if r := s.verify(); r.Exit != 0 || len(r.Findings) != 0 {
		t.Errorf("equal: exit %d, %s", r.Exit, r.Verdict)
	}
	s.change(s.archived("audit-0001.jsonl"), func(b []byte) []byte { return append([]byte(" "), b...) })
	s.want(s.verify(), 3, chain.ManifestMismatch, "plain file")
}

// TestA3ForgedAttestation: a manifest that is not true of its segment is seen although somebody who can
// append to the chain vouched for it.
func TestA3ForgedAttestation(t *testing.T) {
	s := archivedSite(t)
	path := s.archived("audit-0001.manifest.json")
	var forged []byte
	s.change(path, func(b []byte) []byte {
		forged = bytes.Replace(b, []byte(`"lines":20,"ts_min"`), []byte(`"lines":22,"ts_min"`), 1)
		return forged
	})
	m, err := archive.ParseManifest(forged)
	must(t, err)
	if m.Lines != 22 {
		t.Fatal("the manifest was not changed")
	}
	vouch := chain.Archive{Segment: "audit-0001.jsonl", LogID: m.LogID, Incarnation: m.Incarnation, Index: m.Index, SHA256: m.SHA256,
		Archived: m.Archived.SHA256, Manifest: archive.Digest(forged), Tool: "forger"}
	l, err := segment.Open(s.home, segment.Options{State: s.state})
	must(t, err)
	_, err = l.AppendSystem(context.Background(), chain.KindArchive, vouch.Payload())
	must(t, errors.Join(err, l.Close()))
	s.want(s.verify(), 3, chain.ManifestMismatch, "lines: 22 in the manifest, 20 in the segment")
}

// TestRolledBackBehindArchives: a roll-back is counted exactly although most of the log is compressed.
func TestRolledBackBehindArchives(t *testing.T) {
	s := archivedSite(t)
	older := s.copyTo("older")
	s.append(50)
	s.putBack(older)
	s.want(s.verify(), 3, chain.RolledBack, "50 records")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

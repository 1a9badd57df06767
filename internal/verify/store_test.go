package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// copies makes a store of archive copies of the site.
func (s *site) copies() string {
	s.t.Helper()
	dir := filepath.Join(filepath.Dir(s.home), "store")
	must(s.t, os.MkdirAll(dir, 0o700))
	store, err := archive.OpenDirStore(durable.OS(), dir)
	must(s.t, err)
	copied, err := archive.Copy(context.Background(), durable.OS(), s.home, store)
	must(s.t, err)
	for _, k := range copied {
		must(s.t, k.Err)
	}
	return dir
}

// rewrite seals the records of the live log anew from line i on, with other payloads.
func (s *site) rewrite(i int, ts string) {
	s.t.Helper()
	s.change(filepath.Join(s.home, segment.LiveName), func(b []byte) []byte {
		lines := bytes.SplitAfter(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
		out := bytes.Join(lines[:i], nil)
		head, err := chain.HeadOf(bytes.TrimSuffix(lines[i-1], []byte("\n")))
		must(s.t, err)
		for range lines[i:] {
			r, err := chain.Seal(head, ts, "x.y", "system", []byte(`{"n":"other"}`))
			must(s.t, err)
			out, head = chain.AppendLine(out, &r), r.Hash
		}
		return out
	})
}

func TestAgainstStore(t *testing.T) {
	const long, later = "2020-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"
	s := newSite(t)
	s.append(20)
	young := s.copyTo("young") // before anything was sealed
	s.rotate()
	s.append(20)
	s.rotate()
	s.append(20)
	s.rotate()
	s.append(5)
	s.archive()
	store := s.copies()
	gone := func(names ...string) func(*site) {
		return func(s *site) {
			for _, n := range names {
				must(t, os.Remove(s.archived(n)))
			}
		}
	}
	putYoung := func(more ...func(*site)) func(*site) {
		return func(s *site) {
			s.putBack(young)
			for _, f := range more {
				f(s)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(*site)
		exit   int
		class  chain.Class // empty: none
		says   string
	}{
		{"as it was copied", func(*site) {}, 0, "", ""},
		{"gone on since", func(s *site) { s.append(3); s.rotate(); s.append(1) }, 0, "", ""},
		{"manifests do not matter", gone("audit-0001.manifest.json", "audit-0002.manifest.json"), 0, "", ""},
		{"the first segment gone", gone("audit-0001.jsonl.zst"), 3, chain.Missing, "holds its 20 records"},
		{"the second segment gone", gone("audit-0002.jsonl.zst"), 3, chain.Missing, "holds its 21 records"},
		{"both gone", gone("audit-0001.jsonl.zst", "audit-0002.jsonl.zst"), 3, chain.Missing, "audit-0001."},
		{"put back to before it was sealed", putYoung(), 3, chain.RolledBack, "has 21 records that this log has not"},
		{"put back, and cut", putYoung(func(s *site) {
			s.change(filepath.Join(s.home, segment.LiveName), func(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1] })
		}), 3, chain.RolledBack, "has 22 records that this log has not"},
		{"put back, and gone on", putYoung(func(s *site) { s.append(2) }), 3, chain.RolledBack, "it went on without them"},
		{"rewritten at the time", putYoung(func(s *site) { s.rewrite(10, long) }), 3, chain.Diverged, "has 31 records that this log has not"},
		{"rewritten, and stamped later", putYoung(func(s *site) { s.rewrite(10, later) }), 3, chain.RolledBack, "it went on without them"},
		{"rewritten, and sealed", putYoung(func(s *site) { s.rewrite(10, long); s.rotate(); s.append(1) }), 3, chain.Diverged, "audit-0001.jsonl does not hold the 20 records"},
	} {
		t.Run(c.name, func(t *testing.T) {
			copied := &site{t: t, home: filepath.Join(t.TempDir(), "home"), n: 1000}
			copied.putBack(s.home)
			c.damage(copied)
			r := run(t, verify.Options{Home: copied.home, Against: store})
			if c.class != "" {
				copied.want(r, c.exit, c.class, c.says)
			} else if r.Exit != c.exit {
				t.Errorf("exit %d: %s", r.Exit, r.Verdict)
			}
			if r.Against == nil || r.Against.Agrees != (c.class == "") || r.Against.Detail == "" {
				t.Errorf("against %+v", r.Against)
			}
			if vouches := strings.Contains(r.Axes.Protection, "vouches for them"); vouches != (c.class == "") {
				t.Errorf("protection: %s", r.Axes.Protection)
			}
		})
	}
}

// A home of which nothing is left is known by the mark, and what it was is in the copies.
func TestAgainstStoreWithoutHome(t *testing.T) {
	s := archivedSite(t)
	store := s.copies()
	must(t, os.RemoveAll(s.home))
	r := run(t, verify.Options{Home: s.home, State: s.state, Against: store})
	s.want(r, 3, chain.RolledBack, "has 41 records that this log has not")
	r = run(t, verify.Options{Home: s.home, Against: store})
	if r.Exit != 5 || r.Against.Agrees || !strings.Contains(r.Against.Detail, "other logs only") {
		t.Errorf("exit %d, %+v", r.Exit, r.Against)
	}
}

func TestA9ManifestsOnly(t *testing.T) {
	s := archivedSite(t)
	seal := func(s *site) { // what was appended last goes into an archive
		s.rotate()
		s.append(1)
		s.rotate()
		s.archive()
	}
	for _, c := range []struct {
		name   string
		change func(*site)
		exit   int
		class  chain.Class
		says   string
	}{
		{"as it is", func(*site) {}, 5, "", ""},
		{"an altered record in the newest sealed segment is not its business", func(s *site) {
			s.change(s.archived("audit-0003.jsonl"), func(b []byte) []byte { return bytes.Replace(b, []byte(`{"n":45}`), []byte(`{"n":46}`), 1) })
		}, 5, "", ""},
		{"racing writers at the seam", func(s *site) {
			s.fork(3)
			seal(s)
		}, 5, chain.Fork, "it follows a record in audit-0003.jsonl that is not the last one"},
		{"the first segment gone", func(s *site) {
			must(t, os.Remove(s.archived("audit-0001.jsonl.zst")))
			must(t, os.Remove(s.archived("audit-0001.manifest.json")))
		}, 3, chain.Missing, "the chain vouches for audit-0001.jsonl"},
		{"of another log", func(s *site) { s.forge("audit-0001", `"log_id":"`, strings.Repeat("ab", 32)) }, 3, chain.ManifestMismatch, "the manifest is of log abababababab"},
		{"of an earlier incarnation", func(s *site) { s.forge("audit-0001", `"incarnation":`, "2") }, 3, chain.ManifestMismatch, "incarnation 1, one before it is of 2"},
		{"of other ends", func(s *site) { s.forge("audit-0002", `"first":{"ts":"`, "2020-01-01T00:00:00.000Z") }, 5, "", ""},
		{"of another first parent", func(s *site) { s.forge("audit-0002", `"prev_hash":"`, strings.Repeat("ab", 32)) }, 3, chain.Missing, "it follows abababababab, which is nowhere before it"},
		{"of a second beginning", func(s *site) { s.forge("audit-0002", `"prev_hash":"`, strings.Repeat("00", 32)) }, 3, chain.SecondGenesis, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			copied := &site{t: t, home: filepath.Join(t.TempDir(), "home"), n: 1000}
			copied.putBack(s.home)
			c.change(copied)
			r := run(t, verify.Options{Home: copied.home, Depth: verify.Manifests})
			if c.class != "" {
				copied.want(r, c.exit, c.class, c.says)
			} else if r.Exit != c.exit || !strings.HasPrefix(r.Verdict, "manifests agree, no record checked") {
				t.Errorf("exit %d: %s, %+v", r.Exit, r.Verdict, r.Findings)
			}
			if r.OK || r.Records.Checked != 0 || r.Compat.OK {
				t.Errorf("it passes something: %+v", r.Records)
			}
		})
	}
}

// fork lets a record of the live log follow the one n records before its first.
func (s *site) fork(n int) {
	s.t.Helper()
	sealed, err := os.ReadFile(s.archived("audit-0003.jsonl"))
	must(s.t, err)
	lines := bytes.Split(bytes.TrimSuffix(sealed, []byte("\n")), []byte("\n"))
	parent := chain.ReadLine(lines[len(lines)-1-n]).Record
	r, err := chain.Seal(parent.Hash, parent.TS, "x.y", "system", []byte(`{}`))
	must(s.t, err)
	s.change(filepath.Join(s.home, segment.LiveName), func(b []byte) []byte { return append(chain.AppendLine(nil, &r), b...) })
}

// forge puts another value behind the first key of a manifest, and vouches for that on the chain.
func (s *site) forge(name, key, value string) {
	s.t.Helper()
	var m *archive.Manifest
	var digest chain.Hash
	s.change(s.archived(name+".manifest.json"), func(b []byte) []byte {
		at := bytes.Index(b, []byte(key)) + len(key)
		rest := b[at:]
		forged := fmt.Appendf(nil, "%s%s%s", b[:at], value, rest[bytes.IndexAny(rest, `",`):])
		var err error
		m, err = archive.ParseManifest(forged)
		must(s.t, err)
		digest = archive.Digest(forged)
		return forged
	})
	vouch := chain.Archive{Segment: name + ".jsonl", LogID: m.LogID, Incarnation: m.Incarnation, Index: m.Index, SHA256: m.SHA256,
		Archived: m.Archived.SHA256, Manifest: digest}
	l, err := segment.Open(s.home, segment.Options{})
	must(s.t, err)
	_, err = l.AppendSystem(context.Background(), chain.KindArchive, vouch.Payload())
	must(s.t, err)
	must(s.t, l.Close())
}

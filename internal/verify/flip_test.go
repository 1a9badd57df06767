package verify_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
)

// TestByteChangedAnywhere: whatever byte of a log changes, wherever it is kept, the check sees it and
// says in which file. Every third byte of every file is changed, in each of five ways in turn.
func TestByteChangedAnywhere(t *testing.T) {
	s := newSite(t)
	for range 2 {
		s.append(4)
		s.rotate()
	}
	s.append(2)
	s.archive()
	ways := []struct {
		name   string
		change func(b []byte, at int) []byte
	}{
		{"a bit flipped", func(b []byte, at int) []byte { b[at] ^= 1 << (at % 8); return b }},
		{"made 00", func(b []byte, at int) []byte { b[at] = 0; return b }},
		{"made FF", func(b []byte, at int) []byte { b[at] = 0xff; return b }},
		{"taken out", func(b []byte, at int) []byte { return slices.Delete(b, at, at+1) }},
		{"one put before it", func(b []byte, at int) []byte { return slices.Insert(b, at, 'x') }},
	}
	if clean := run(t, verify.Options{Home: s.home}); clean.Exit != 0 {
		t.Fatalf("before: exit %d, %s", clean.Exit, clean.Verdict)
	}
	changed := 0
	for _, file := range []string{"audit.log", "audit-archive/audit-0002.jsonl", "audit-archive/audit-0001.jsonl.zst", "audit-archive/audit-0001.manifest.json"} {
		path := filepath.Join(s.home, filepath.FromSlash(file))
		whole, err := os.ReadFile(path)
		must(t, err)
		must(t, os.Chmod(path, 0o600))
		for at := 0; at < len(whole); at += 3 {
			way := ways[at%len(ways)]
			b := way.change(slices.Clone(whole), at)
			if string(b) == string(whole) {
				continue
			}
			must(t, os.WriteFile(path, b, 0o600))
			r := run(t, verify.Options{Home: s.home})
			changed++
			if why := unseen(r, file); why != "" {
				t.Errorf("%s, byte %d of %d %s: %s: exit %d, %s", file, at, len(whole), way.name, why, r.Exit, r.Verdict)
			}
		}
		must(t, os.WriteFile(path, whole, 0o600))
	}
	if changed < 1500 {
		t.Errorf("%d bytes were changed, want every third of some 5,000", changed)
	}
}

// unseen says how a report fails to tell that a file was changed, "" if it does not fail.
func unseen(r *report.Report, file string) string {
	segmentName := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(file, "audit-archive/"), ".zst"), ".manifest.json")
	for _, f := range r.Findings {
		named := strings.HasPrefix(strings.TrimPrefix(f.Segment, "audit-archive/"), segmentName)
		switch {
		case f.Severity < chain.Inconclusive || !named:
		case f.Class == chain.ManifestMismatch:
			return wrongExit(r, 3)
		case f.Class == chain.UnknownVersion && strings.HasSuffix(file, ".manifest.json"):
			return wrongExit(r, 5) // of another format, there is nothing to judge
		case !strings.HasSuffix(file, ".manifest.json"):
			return wrongExit(r, 3, 5)
		}
	}
	return "nothing is said of it"
}

func wrongExit(r *report.Report, codes ...int) string {
	if slices.Contains(codes, r.Exit) {
		return ""
	}
	return "the exit code"
}

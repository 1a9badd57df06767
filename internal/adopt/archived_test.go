package adopt_test

import (
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/verify"
)

// An old home that was archived comes over, too, cut otherwise: what its chain says of its archives is
// not held against segments here that happen to have their names.
func TestArchivedOldHome(t *testing.T) {
	t.Parallel()
	m := newOld(t, 14, 13, 9)
	_, err := archive.Run(t.Context(), oldPath, logOptions(m), archive.Options{})
	check(t, err)
	old := records(t, m, oldPath)
	res := adoptAll(t, options(m))
	check(t, broughtOver(t, m, old))
	if res.Segments[0].Source != "audit-archive/audit-0001.jsonl.zst" || res.Segments[1].File != "audit-archive/audit-0002.jsonl" {
		t.Fatalf("the archived segment was not cut: %+v", res.Segments)
	}
	r, err := verify.Run(t.Context(), verify.Options{FS: m, Home: newPath, State: "/state", Now: logOptions(m).Now})
	check(t, err)
	for _, f := range r.Findings {
		if f.Class != chain.TimeRegression && f.Class != chain.OlderCopy {
			t.Errorf("%s: %s", f.Class, f.Meaning)
		}
	}
	if r.Exit != 0 {
		t.Errorf("exit %d: %s", r.Exit, r.Verdict)
	}
	// Nor does it vouch for them when somebody puts them here.
	for _, name := range []string{"/audit-0001.jsonl.zst", "/audit-0001.manifest.json"} {
		put(t, m, newArchive+name, readFile(t, m, oldArchive+name))
	}
	r, err = verify.Run(t.Context(), verify.Options{FS: m, Home: newPath, State: "/state", Now: logOptions(m).Now})
	check(t, err)
	if r.Counts[string(chain.ManifestMismatch)] != 1 {
		t.Errorf("with an archive of the old home: %s", r.Verdict)
	}
}

package verify_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/corpus"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
)

// TestCorpus holds the exit code and every finding, with its class and place, on every damaged log.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Read("../../testdata/corrupt")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 70 {
		t.Fatalf("%d cases, want at least 70", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Title(), func(t *testing.T) {
			t.Parallel()
			site, err := c.Lay(t.TempDir(), vectors)
			if err != nil {
				t.Fatal(err)
			}
			r := run(t, verify.Options{Home: site.Home, State: site.State})
			if r.Exit != c.Exit {
				t.Errorf("exit %d, want %d: %s", r.Exit, c.Exit, r.Verdict)
			}
			var got []corpus.Finding
			for _, f := range r.Findings {
				got = append(got, corpus.Finding{Class: f.Class, Segment: f.Segment, Line: f.Line})
			}
			if d := cmp.Diff(c.Findings, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			if n := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Severity == chain.Damage && f.DocumentedBy == "" }); (n >= 0) != (r.Exit == 3) {
				t.Errorf("exit %d with damage at %d", r.Exit, n)
			}
		})
	}
}

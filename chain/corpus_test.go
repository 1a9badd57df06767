package chain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/corpus"
)

// TestCorpus holds what the judge finds in the records of every damaged log against its case, however
// the log is cut into blocks: the class, the file and the line, no more and no less. Cases with
// compressed segments, and with files that are none, are for the packages that read those.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Read("../testdata/corrupt")
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, c := range cases {
		if slices.ContainsFunc(c.Entries, odd) {
			continue
		}
		judged++
		t.Run(c.Title(), func(t *testing.T) {
			site, err := c.Lay(t.TempDir(), vectors)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, f := range c.Findings {
				if f.Line > 0 { // what is about a file or the log as a whole is not shown by records
					want = append(want, f.String())
				}
			}
			slices.Sort(want)
			files := readHome(t, site.Home)
			for _, size := range []int{1, 700, 1 << 20} {
				v := judge(t, files, size)
				var got []string
				for _, f := range v.Findings {
					got = append(got, corpus.Finding{Class: f.Class, Segment: v.Sources[f.Source].Name, Line: f.Line}.String())
				}
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("block size %d: found %v, want %v", size, got, want)
				}
			}
		})
	}
	if judged < 70 {
		t.Errorf("%d cases judged, want at least 70", judged)
	}
}

// odd reports whether an entry is not a plain file of the log.
func odd(e corpus.Entry) bool {
	return !e.Mode.IsRegular() && e.Path != "home" || strings.HasSuffix(e.Path, ".zst")
}

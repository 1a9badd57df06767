package adopt_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/adopt"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

const vectors = "../../testdata/vectors"

// refusedVectors are those that there is nothing to adopt of.
var refusedVectors = map[string]string{
	"empty-home": "no log", "empty-log": "no log", "cr-only": "no record",
}

// otherVectors are those that are judged otherwise once they are adopted, for the reason given.
var otherVectors = map[string]struct {
	why    string
	differ []string // exit, or members of the compat report
}{
	"torn-tail":             {"the fragment stays in the old home", []string{"exit", "ok", "unreadable"}},
	"missing-final-newline": {"the record without its LF waits in the old home", []string{"total"}},
	"seam-duplicates":       {"the copies that are left out at the seam are no longer next to it: duplicates", []string{"total", "duplicateIndices"}},
	"seam-altered-copy":     {"as above; that the copies are altered is seen by everybody then", []string{"total", "duplicateIndices", "ok", "tamperedIndices"}},
}

// unarchivedVectors are those of which no segment can be archived: which log it is nobody can tell.
var unarchivedVectors = []string{"bom", "deleted-first", "deleted-segment-first", "swapped-segments"}

// Every kept log is judged alike in the old home and, cut and archived, in the new one.
func TestVectors(t *testing.T) {
	entries, err := os.ReadDir(vectors)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, e := range entries {
		name, from := e.Name(), filepath.Join(vectors, e.Name(), "home")
		if _, err := os.Stat(filepath.Join(vectors, name, "expected.json")); err != nil {
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adoptVector(t, name, from)
		})
	}
	if ran < 60 {
		t.Errorf("%d vectors, want at least 60", ran)
	}
}

func adoptVector(t *testing.T, name, from string) {
	dir := t.TempDir()
	old, home, state := filepath.Join(dir, "old"), filepath.Join(dir, "new"), filepath.Join(dir, "state")
	if _, err := os.Stat(from); err == nil {
		if err := os.CopyFS(old, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	before := judge(t, old, state)
	res, err := adopt.Apply(t.Context(), adopt.Options{From: old, To: home, Log: segment.Options{State: state, Tool: "test"}})
	if why := refusedVectors[name]; why != "" {
		if !errors.Is(err, segment.ErrRefused) {
			t.Errorf("adopted with %v, want a refusal: %s", err, why)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range res.Archived {
		if (a.Err != nil) != slices.Contains(unarchivedVectors, name) {
			t.Errorf("archiving %v: %v", a.Segment, a.Err)
		}
	}
	after := judge(t, home, state)
	got := differences(t, before, after, home)
	want := otherVectors[name].differ
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("%v differ, want %v (%s)\nbefore %s %+v\nafter %s %+v", got, want, otherVectors[name].why, before.Verdict, before.Compat, after.Verdict, after.Compat)
	}
	for _, class := range named(before) {
		if !slices.Contains(named(after), class) && len(want) == 0 {
			t.Errorf("%s is no longer found: %s", class, after.Verdict)
		}
	}
}

// differences names what is not alike. What was chained on top counts for nothing.
func differences(t *testing.T, before, after *report.Report, home string) (differ []string) {
	b, a := before.Compat, after.Compat
	for what, same := range map[string]bool{
		"exit":             before.Exit == after.Exit,
		"ok":               b.OK == a.OK,
		"total":            b.Total+chained(t, home) == a.Total || b.Total == 0 && a.Total == 0, // given up on
		"tamperedIndices":  slices.Equal(b.TamperedIndices, a.TamperedIndices),
		"orphanIndices":    slices.Equal(b.OrphanIndices, a.OrphanIndices),
		"forkIndices":      slices.Equal(b.ForkIndices, a.ForkIndices),
		"duplicateIndices": slices.Equal(b.DuplicateIndices, a.DuplicateIndices),
		"redactedIndices":  slices.Equal(b.RedactedIndices, a.RedactedIndices),
		"acknowledgements": slices.Equal(b.Acknowledgements, a.Acknowledgements),
		"unreadable": slices.EqualFunc(b.Unreadable, a.Unreadable, func(x, y chain.UnreadableLine) bool {
			return x.BeforeIndex == y.BeforeIndex // file and line are those of the segments
		}),
	} {
		if !same {
			differ = append(differ, what)
		}
	}
	return differ
}

// chained counts the records from the audit.adopt on, and an audit.break before it.
func chained(t *testing.T, home string) (n int64) {
	t.Helper()
	all := records(t, durable.OS(), home)
	for i, r := range all {
		if r.Event == chain.KindAdopt {
			if n = int64(len(all) - i); i > 0 && all[i-1].Event == chain.KindBreak {
				n++
			}
		}
	}
	if n == 0 {
		t.Error("there is no audit.adopt")
	}
	return n
}

func judge(t *testing.T, home, state string) *report.Report {
	t.Helper()
	r, err := verify.Run(t.Context(), verify.Options{Home: home, State: state})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// named are the classes of the findings that are about records.
func named(r *report.Report) []chain.Class {
	var all []chain.Class
	for _, f := range r.Findings {
		if f.Segment != "" && f.Class != chain.UndeclaredFile && f.Class != chain.WidePermissions {
			all = append(all, f.Class)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

package verify

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// FuzzReport: a kept report may come from anywhere. What is read of it reads the same when it is written
// anew, and whatever it claims, holding a log against it ends with an answer.
func FuzzReport(f *testing.F) {
	home := filepath.Join("..", "..", "testdata", "vectors", "rotated-3-segments", "home")
	c, err := look(context.Background(), &Options{Home: home})
	if err != nil {
		f.Fatal(err)
	}
	if c.snap, err = segment.OpenSnapshot(home, segment.SnapshotOptions{}); err != nil {
		f.Fatal(err)
	}
	defer c.snap.Close() //nolint:errcheck // read only
	c.v.Found = map[chain.Hash][]chain.Place{}
	for r, err := range c.recordsFrom(context.Background(), 0) {
		if err != nil {
			f.Fatal(err)
		}
		c.v.Found[r.Hash] = append(c.v.Found[r.Hash], chain.Place{Source: c.sourceAt(r.record), Line: r.line, Offset: r.offset, Record: r.record})
	}

	good := c.report()
	add := func(change func(*report.Report)) {
		r := *good
		r.Sources = slices.Clone(good.Sources)
		change(&r)
		b, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	add(func(*report.Report) {})
	add(func(r *report.Report) { r.Sources[1].Last = r.Sources[0].Last })
	add(func(r *report.Report) { r.Sources[1].First = chain.Genesis.String() })
	add(func(r *report.Report) { r.Sources[0].Records += 1000 })
	add(func(r *report.Report) { r.Sources[0].Records = 1 << 62 })
	add(func(r *report.Report) { slices.Reverse(r.Sources) })
	add(func(r *report.Report) { r.Sources[2].Last, r.Sources[2].Records = chain.Hash{1}.String(), 1 })
	f.Add([]byte(`{"schema":"opscontext.report/1","files":[{"records":-1}]}`))
	f.Add([]byte(`{"schema":"opscontext.report/1","log_id":"x","files":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		id, runs, err := parseReport(text)
		if err != nil {
			return
		}
		anew := report.Report{Schema: report.Schema, LogID: id.String()}
		for _, k := range runs {
			anew.Sources = append(anew.Sources, report.SegmentSummary{Name: k.name, Records: k.records, First: k.first.String(), Last: k.last.String(), TSMax: k.tsMax})
		}
		b, err := json.Marshal(anew)
		if err != nil {
			t.Fatal(err)
		}
		again, same, err := parseReport(b)
		if err != nil || again != id || !slices.EqualFunc(same, runs, func(a, b kept) bool {
			return a.name == b.name && a.first == b.first && a.last == b.last && a.records == b.records && a.tsMax == b.tsMax
		}) {
			t.Fatalf("%q reads as %v, and %q as %v, %v", text, runs, b, same, err)
		}
		tried := *c
		tried.findings, tried.against = nil, nil
		if err := tried.compareRuns(t.Context(), &other{name: "kept", logID: id, runs: runs}); err != nil {
			t.Fatal(err)
		}
		a := tried.against
		if a.Agrees == (len(tried.findings) > 0) || a.Detail == "" || a.Agrees && a.FirstDifference != nil {
			t.Errorf("%q: %+v, %+v", text, a, tried.findings)
		}
		if a.Agrees {
			for _, k := range runs {
				if len(c.v.Found[k.first]) == 0 || len(c.v.Found[k.last]) == 0 {
					t.Errorf("%q agrees, and %s is not in the log", text, k.name)
				}
			}
		}
	})
}

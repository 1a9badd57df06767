package timerange_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/timerange"
)

// Existing readers compare ts with the words themselves, as text. For whole times that gives the
// counts we give; years, which they do not know, are counted by the vectors.
func TestVectors(t *testing.T) {
	const dir = "../../testdata/vectors"
	ranges, years := 0, 0
	all, err := filepath.Glob(filepath.Join(dir, "*", "expected.json"))
	if err != nil || len(all) < 50 {
		t.Fatalf("%d vectors (%v)", len(all), err)
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Vector string
			Ranges []struct {
				Since, Until string
				Count        int
			}
			ByYear map[string]int `json:"by_year"`
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if want.Vector != "plain-1000" && want.Vector != "rotated-3-segments" {
			if len(want.Ranges) > 0 {
				t.Errorf("%s has ranges that are not looked at", want.Vector)
			}
			continue
		}
		times := timesOf(t, filepath.Dir(file))
		count := func(since, until string) (n int) {
			r, err := timerange.Parse(since, until, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			for _, ts := range times {
				if r.Contains(ts) {
					n++
				}
			}
			return n
		}
		for _, q := range want.Ranges {
			ranges++
			if n := count(q.Since, q.Until); n != q.Count {
				t.Errorf("%s: %s to %s holds %d records, want %d", want.Vector, q.Since, q.Until, n, q.Count)
			}
		}
		for year, n := range want.ByYear {
			years++
			if got := count(year, year); got != n {
				t.Errorf("%s: %s holds %d records, want %d", want.Vector, year, got, n)
			}
		}
	}
	if ranges == 0 || years < 4 {
		t.Errorf("looked at %d ranges and %d years", ranges, years)
	}
}

func timesOf(t *testing.T, vector string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vector, "home", "audit-archive", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var times []string
	for _, file := range append(files, filepath.Join(vector, "home", "audit.log")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			times = append(times, chain.ReadLine(bytes.TrimSuffix(line, []byte{'\n'})).Record.TS)
		}
	}
	return times
}

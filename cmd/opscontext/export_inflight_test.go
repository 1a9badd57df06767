package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/segment"
)

// The record that is being written when an export begins is not one of those left out; the end of a log
// that stays half written is.
func TestExportLeavesOutNoRecordInFlight(t *testing.T) {
	const one, two = `{"ts":"T","event":"one"}` + "\n", `{"ts":"T","event":"two"}` + "\n"
	for name, c := range map[string]struct {
		written string // into the log after the snapshot was taken
		skipped int64
	}{
		"written on": {one + two, 0},
		"set aside":  {one, 0},
		"left":       {one + two[:10], 1},
	} {
		home := t.TempDir()
		live := filepath.Join(home, segment.LiveName)
		put := func(text string) {
			if err := os.WriteFile(live, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		put(one + two[:10])
		snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{})
		if err != nil {
			t.Fatal(err)
		}
		put(c.written)
		var out, said strings.Builder
		x := exporter{out: &out, form: exactForm, problem: func(text string) { said.WriteString(text) }}
		skipped, err := x.write(t.Context(), snap)
		if err != nil || skipped != c.skipped || !strings.HasPrefix(out.String(), one) || (said.Len() > 0) != (c.skipped > 0) {
			t.Errorf("%s: %d left out, %q, said %q, %v", name, skipped, out.String(), said.String(), err)
		}
		if err := snap.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/timerange"
	"github.com/opscontext/opscontext/segment"
)

const vectors = "../../testdata/vectors"

// exported is the export of a home and what was said about lines that were left out.
func exported(t *testing.T, home string, x exporter) (text []byte, problems []string) {
	t.Helper()
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close() //nolint:errcheck // read only
	var out bytes.Buffer
	x.out = &out
	x.problem = func(text string) { problems = append(problems, text) }
	skipped, err := x.write(t.Context(), snap)
	if err != nil {
		t.Fatal(err)
	}
	if int(skipped) != len(problems) {
		t.Errorf("%d left out, %d of them named", skipped, len(problems))
	}
	return out.Bytes(), problems
}

// The canonical export of every vector is, byte for byte, the one that existing readers give.
func TestCanonicalExportOfVectors(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(vectors, "*", "expected.json"))
	if err != nil || len(dirs) < 50 {
		t.Fatalf("%d vectors, %v", len(dirs), err)
	}
	for _, file := range dirs {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Export struct {
					SHA256 string `json:"jsonl_sha256"`
				} `json:"export"`
				Ranges []struct {
					Since, Until string
					Count        int
				} `json:"ranges"`
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			home := filepath.Join(dir, "home")
			got, problems := exported(t, home, exporter{form: canonicalForm})
			if sum := sha256.Sum256(got); want.Export.SHA256 != "" && hex.EncodeToString(sum[:]) != want.Export.SHA256 {
				t.Errorf("%d bytes with SHA-256 %x, want %s", len(got), sum, want.Export.SHA256)
			}
			if want.Export.SHA256 != "" && len(problems) > 0 {
				t.Errorf("left out: %q", problems)
			}
			for _, r := range want.Ranges {
				got, _ := exported(t, home, exporter{form: canonicalForm, wanted: search.Query{Span: timerange.Range{Since: r.Since, Until: r.Until}}})
				if n := bytes.Count(got, []byte("\n")); n != r.Count {
					t.Errorf("%s to %s: %d records, want %d", r.Since, r.Until, n, r.Count)
				}
			}
		})
	}
}

func writeHome(t *testing.T, files map[string]string) string {
	t.Helper()
	home := t.TempDir()
	for name, text := range files {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// records gives the lines of n records that follow each other.
func records(t *testing.T, n int) []string {
	t.Helper()
	lines := make([]string, n)
	head := chain.Genesis
	for i := range lines {
		r, err := chain.Seal(head, "2026-01-01T00:00:00.000Z", "test", "system", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = string(chain.AppendLine(nil, &r))
		head = r.Hash
	}
	return lines
}

func TestExportKeepsTheBytes(t *testing.T) {
	l := records(t, 4)
	spaced := strings.Replace(l[1], `,"actor"`, ` , "actor"`, 1)
	home := writeHome(t, map[string]string{
		"audit-archive/audit-0001.jsonl": l[0] + "\n" + spaced + "garbage\n",
		"audit.log":                      l[2] + "\n\n" + strings.TrimSuffix(l[3], "\n"),
	})
	got, problems := exported(t, home, exporter{form: exactForm})
	if want := l[0] + spaced + l[2] + l[3]; string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(problems) != 1 || !strings.HasPrefix(problems[0], "audit-0001.jsonl line 4 (offset ") {
		t.Errorf("left out: %q", problems)
	}
	if got, _ = exported(t, home, exporter{form: canonicalForm}); string(got) != strings.Join(l, "") {
		t.Errorf("canonical: got\n%s", got)
	}
}

// A record lies in a range by its ts, however it is spelled; one without a time lies in every range.
func TestExportRange(t *testing.T) {
	lines := []string{
		`{"ts":"2026-01-01T00:00:00.000Z","event":"in","payload":0}`,
		`{"event":"in","ts" : "2026-01-01T23:59:59.999Z","hash":"x"}`,
		`{"ts":"2025-06-01T00:00:00.000Z","event":"in","ts":"2026-01-01T12:00:00.000Z"}`,
		`{"ts":"2026-01-01T1\u0032:00:00.000Z","event":"in"}`,
		`{"event":"in"}`,
		`{"ts":1767225600000,"event":"in"}`,
		`{"ts":"2025-12-31T23:59:59.999Z","event":"out"}`,
		`{"ts":"2026-01-01T12:00:00.000Z","event":"out","ts":"2026-01-02T00:00:00.000Z"}`,
		`{"ts":"","event":"out"}`,
	}
	home := writeHome(t, map[string]string{"audit.log": strings.Join(lines, "\n") + "\n"})
	day := timerange.Range{Since: "2026-01-01T00:00:00.000Z", Until: "2026-01-01T23:59:59.999Z"}
	got, _ := exported(t, home, exporter{form: exactForm, wanted: search.Query{Span: day}})
	if want := strings.Join(lines[:6], "\n") + "\n"; string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A run of live records that the last segment already holds is left out, however long; only the
// leading run is, and only where the last segment, not an earlier one, holds it.
func TestSeam(t *testing.T) {
	l := records(t, 100)
	text := func(from, to int) string { return strings.Join(l[from:to], "") }
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"none", map[string]string{"audit-archive/audit-0001.jsonl": text(0, 50), "audit.log": text(50, 90)}, text(0, 90)},
		{"a run", map[string]string{"audit-archive/audit-0001.jsonl": text(0, 50), "audit.log": text(30, 90)}, text(0, 90)},
		{"all", map[string]string{"audit-archive/audit-0001.jsonl": text(0, 50), "audit.log": text(10, 50)}, text(0, 50)},
		{"empty lines and rubbish within", map[string]string{"audit-archive/audit-0001.jsonl": text(0, 50),
			"audit.log": text(30, 40) + "\nrubbish\n" + text(40, 60)}, text(0, 60)},
		{"only the leading run", map[string]string{"audit-archive/audit-0001.jsonl": text(0, 50),
			"audit.log": text(49, 51) + text(3, 4)}, text(0, 51) + text(3, 4)},
		{"not of an earlier segment", map[string]string{"audit-archive/audit-0001.jsonl": text(0, 50), "audit-archive/audit-0002.jsonl": text(50, 60),
			"audit.log": text(3, 4) + text(60, 61)}, text(0, 60) + text(3, 4) + text(60, 61)},
		{"no live log", map[string]string{"audit-archive/audit-0001.jsonl": text(0, 50)}, text(0, 50)},
		{"no segment", map[string]string{"audit.log": text(0, 50)}, text(0, 50)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, _ := exported(t, writeHome(t, c.files), exporter{form: exactForm}); string(got) != c.want {
				t.Errorf("%d records, want %d", bytes.Count(got, []byte("\n")), strings.Count(c.want, "\n"))
			}
		})
	}
}

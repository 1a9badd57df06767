package search

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// Where a glance at a line gives a hash, reading it gives no other.
func TestAGlanceAtTheHash(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	for line, want := range map[string]string{
		`{"ts":"T","hash":"` + a + `"}`:                 a,
		`{"hash":"` + a + `","hash":"` + b + `"}`:       b,
		`{"hash":"` + a + `","x":"y"}`:                  "",
		`{"payload":{"hash":"` + a + `"}}`:              "",
		`{"payload":"\"hash\":\"` + a + `"}`:            "",
		`{"hash":"` + strings.ToUpper(a) + `"}`:         "",
		`{"hash":"` + a[:63] + `"}`:                     "",
		`{"h\u0061sh":"` + a + `"}`:                     "",
		`["x","hash":"` + a + `"}`:                      a, // no JSON: it is read before it counts
		`"hash":"` + a + `"}`:                           "",
		`{"\"hash":"` + a + `"}`:                        "",
		`{"x":"\","hash":"` + a + `"}`:                  a,
		``:                                              "",
		`{"x":{"hash":"` + a + `"},"hash":"` + b + `"}`: b,
	} {
		got, ok := lastHash([]byte(line))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%s: %q", line, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{`{`, `}`, `"`, `,`, `:`, `\`, `"hash":"` + a + `"`, `"hash":"` + b + `"`, `"x":1`, `"hash"`, a, `[`, `]`}), 0, 9).Draw(t, "parts")
		line := []byte("{" + strings.Join(parts, "") + `,"hash":"` + a + `"}`)
		glance, ok := lastHash(line)
		if stated, json := statedHash(line); ok && json && stated != string(glance) {
			t.Fatalf("%s states %s, at a glance %s", line, stated, glance)
		}
	})
}

// A live log that goes on from the segment before it is known without reading that; one that begins
// with copies of its records, or with anything that does not show it, is not.
func TestFollows(t *testing.T) {
	var head chain.Hash
	var sealed []string
	for range 3 {
		r, err := chain.Seal(head, "2026-01-01T00:00:00.000Z", "k", "a", []byte(`{}`))
		must(t, err)
		head = r.Hash
		sealed = append(sealed, string(chain.AppendLine(nil, &r)))
	}
	next, err := chain.Seal(head, "2026-01-02T00:00:00.000Z", "k", "a", []byte(`{"n":1}`))
	must(t, err)
	live := string(chain.AppendLine(nil, &next))
	for name, c := range map[string]struct {
		sealed, live string
		want         bool
	}{
		"goes on":              {strings.Join(sealed, ""), live, true},
		"begins with a copy":   {strings.Join(sealed, ""), sealed[2] + live, false},
		"of another segment":   {sealed[0], live, false},
		"ends with no record":  {strings.Join(sealed, "") + "garbage\n", live, false},
		"altered":              {strings.Join(sealed, ""), strings.Replace(live, `"n":1`, `"n":2`, 1), false},
		"begins with garbage":  {strings.Join(sealed, ""), "garbage\n" + live, false},
		"empty live log":       {strings.Join(sealed, ""), "", false},
		"empty segment before": {"", live, false},
	} {
		home := t.TempDir()
		must(t, os.Mkdir(filepath.Join(home, segment.ArchiveDir), 0o700))
		must(t, os.WriteFile(filepath.Join(home, segment.ArchiveDir, "audit-0001.jsonl"), []byte(c.sealed), 0o600))
		must(t, os.WriteFile(filepath.Join(home, segment.LiveName), []byte(c.live), 0o600))
		snap := open(t, home)
		if got := follows(snap.Live, snap.Sources[0]); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		must(t, snap.Close())
	}
}

package search

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
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
		`["hash":"` + a + `"}`:                          a, // no JSON: it is read before it counts
		`"hash":"` + a + `"}`:                           a,
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
		line := []byte("{" + strings.Join(parts, "") + `"hash":"` + a + `"}`)
		glance, ok := lastHash(line)
		if stated, json := statedHash(line); ok && json && stated != string(glance) {
			t.Fatalf("%s states %s, at a glance %s", line, stated, glance)
		}
	})
}

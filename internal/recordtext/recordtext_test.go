package recordtext

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// The head of a record is what its members say, or it is not given.
func TestHead(t *testing.T) {
	const usual = "2026-12-31T23:59:59.999Z"
	for line, want := range map[string]string{
		`{"ts":"` + usual + `","event":"a.b","actor":"x"}`:      usual + " a.b",
		`{"ts":"` + usual + `","event":"","actor":"x"}`:         usual + " ",
		`{"ts":"` + usual + `","event":"a\"b"}`:                 "",
		`{"ts":"` + usual + `","event":7}`:                      "",
		`{"ts":"` + usual + `","actor":"x","event":"a"}`:        "",
		`{"ts":"2026","event":"a"}`:                             "",
		`{"ts":"2026-12-31T23:59:59.9\"Z","event":"a","x":"y"}`: "",
		`{"event":"a","ts":"` + usual + `"}`:                    "",
		`{}`:                                                    "",
	} {
		ts, event, ok := Head([]byte(line))
		if got := string(ts) + " " + string(event); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v", line, got, ok)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SampledFrom([]string{`2026-12-31T23:59:59.999Z`, `","event":"`, `"event":"`, `"`, `\\`, `\"`, `,`, `x`, `","event":"x","event":"`})
		line := `{"ts":"`
		for range rapid.IntRange(1, 6).Draw(t, "n") {
			line += pieces.Draw(t, "piece")
		}
		line += `"}`
		if _, ok := IsRecord([]byte(line)); !ok || string(Canonical([]byte(line))) != line {
			return
		}
		ts, event, ok := Head([]byte(line))
		if !ok {
			return
		}
		said := map[string]string{}
		for name, value := range Members([]byte(line)) {
			said[string(name)], _ = TextOf(value)
		}
		if said["ts"] != string(ts) || said["event"] != string(event) {
			t.Fatalf("%s: %q and %q, it says %q", line, ts, event, said)
		}
	})
}

// FuzzHead: what the quick look gives of a record is what reading it gives.
func FuzzHead(f *testing.F) {
	const usual = `{"ts":"2026-12-31T23:59:59.999Z","event":"`
	for _, s := range []string{usual + `a.b","actor":"x"}`, usual + `a\"b"}`, usual, usual + `"`, usual + "\xff\"}", `{"ts":"2026-12-31T23:59:59.\"9Z","event":"a"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		ts, event, ok := Head(line)
		if !ok {
			return
		}
		v, _, err := ecmajson.Parse(line, 8)
		if err != nil || !utf8.Valid(line) {
			return // no record in canonical spelling: nothing is claimed of it
		}
		if len(v.Members) < 2 || v.Members[0].Value.Str != string(ts) || v.Members[1].Value.Str != string(event) {
			t.Errorf("%q: ts %q, event %q", line, ts, event)
		}
	})
}

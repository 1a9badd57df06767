package recordtext

import (
	"testing"

	"pgregory.net/rapid"
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

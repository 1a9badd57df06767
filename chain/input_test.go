package chain_test

import (
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
)

// TestB6TimesAreKeptAsTheyAre: a ts is text to the hash. Whatever it says is hashed, kept and given back;
// one that is no string is no time, and the record is whole all the same.
func TestB6TimesAreKeptAsTheyAre(t *testing.T) {
	for _, ts := range []string{"2026-10-05T12:00:00.000", "2026-10-05T12:00:00.000+02:00", "2016-12-31T23:59:60.000Z", "2026-10-05T12:00:00.123456789Z",
		"-000001-01-01T00:00:00.000Z", "+010000-01-01T00:00:00.000Z", "0000-00-00T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "yesterday", "", "1"} {
		r := chain.ReadLine([]byte(hashed(`"ts":"` + ts + `","event":"a","actor":"b","payload":1`)))
		if r.Class != chain.LineExact || r.Record.TS != ts {
			t.Errorf("%q: %v, read as %q", ts, r.Class, r.Record.TS)
		}
	}
	for _, ts := range []string{"1759665600000", "null", "[]", "{}", "true"} {
		r := chain.ReadLine([]byte(hashed(`"ts":` + ts + `,"event":"a","actor":"b","payload":1`)))
		if r.Class != chain.LineExact || r.Record.TS != "" {
			t.Errorf("%s: %v, read as %q", ts, r.Class, r.Record.TS)
		}
	}
}

// TestB5LinksThatCannotBe: a record that names itself, or one that comes later, as its parent.
func TestB5LinksThatCannotBe(t *testing.T) {
	first, head := sealed(chain.Genesis, start, "a.b", "1")
	second, next := sealed(head, start, "a.b", "2")
	third, _ := sealed(next, start, "a.b", "3")
	// Nobody finds content that has its own hash as its parent's: such a line is altered, too.
	own := strings.Replace(second, `"prev_hash":"`+head.String(), `"prev_hash":"`+next.String(), 1)
	for _, c := range []struct {
		about string
		lines []string
		want  []chain.Class
	}{
		{"its own hash", []string{first, own, third}, []chain.Class{chain.Altered, chain.Missing}},
		{"a later record's", []string{first, third, second}, []chain.Class{chain.Missing}},
	} {
		files := []file{{name: "audit.log", live: true, data: []byte(strings.Join(c.lines, "\n") + "\n")}}
		v := judge(t, files, 1<<20)
		for _, class := range c.want {
			found := false
			for _, f := range v.Findings {
				found = found || f.Class == class && f.Line == 2
			}
			if !found {
				t.Errorf("%s: %v is not said of line 2: %+v", c.about, class, v.Findings)
			}
		}
	}
}

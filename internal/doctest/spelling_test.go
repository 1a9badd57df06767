package doctest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
)

// rows gives the two cells of each row of the table behind a text.
func (d *document) rows(t *testing.T, before string) [][2]string {
	t.Helper()
	_, rest, ok := strings.Cut(d.text, before)
	if !ok {
		t.Fatalf("%s has no %q", d.name, before)
	}
	var rows [][2]string
	for line := range strings.Lines(rest) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		switch {
		case strings.HasPrefix(line, "|---") || line == "\n" && rows == nil:
		case len(cells) == 2 && strings.HasPrefix(line, "| "):
			rows = append(rows, [2]string{strings.TrimPrefix(cells[0], "| "), strings.TrimSuffix(cells[1], " |")})
		default:
			return rows[1:]
		}
	}
	return rows[1:]
}

var code = regexp.MustCompile("^`(.*)`$")

func TestFormatSpellings(t *testing.T) {
	d := readDocument(t, format)
	rows := d.rows(t, "What is read, and what is written for it (tested):\n")
	if len(rows) < 10 {
		t.Fatalf("the table has %d rows: it was not read", len(rows))
	}
	for _, r := range rows {
		read, written := code.FindStringSubmatch(r[0]), code.FindStringSubmatch(r[1])
		if read == nil || written == nil {
			t.Errorf("%s: the row %q has no code", d.name, r)
			continue
		}
		got, err := chain.Seal(chain.Genesis, now, kind, "ci", []byte(read[1]))
		if err != nil || string(got.Payload) != written[1] {
			t.Errorf("%s is written %s (%v), the table says %s", read[1], got.Payload, err, written[1])
		}
	}
}

// changes are those of the table of lines, by name.
var changes = map[string]func(line string) string{
	"a space after a colon":                          replace(`"payload":`, `"payload": `),
	"a CR at the end":                                func(line string) string { return line + "\r" },
	"`monday` spelled `\\u006donday`":                replace("monday", `\u006donday`),
	"`12` spelled `12.0`":                            replace(":12,", ":12.0,"),
	"`hash` before `prev_hash`":                      swapHashes,
	"`\"key\":\"other\",` before `\"key\":\"plan\"`": replace(`"key":"plan"`, `"key":"other","key":"plan"`),
	"a member `note` before `ts`":                    replace(`{"ts"`, `{"note":"x","ts"`),
	"a member `HASH` after `hash`":                   func(line string) string { return strings.TrimSuffix(line, "}") + `,"HASH":"x"}` },
	"`plan` changed to `play`":                       replace("plan", "play"),
	"the hash in upper case":                         upperHash,
	"`payload` left out":                             func(line string) string { return regexp.MustCompile(`"payload":\{.*?\},`).ReplaceAllString(line, "") },
	"a byte order mark in front":                     func(line string) string { return "\ufeff" + line },
	"the last brace cut off":                         func(line string) string { return strings.TrimSuffix(line, "}") },
}

func replace(old, new string) func(string) string {
	return func(line string) string { return strings.Replace(line, old, new, 1) }
}

var ends = regexp.MustCompile(`("prev_hash":"[0-9a-f]+"),("hash":")([0-9a-f]+)("\})$`)

func swapHashes(line string) string { return ends.ReplaceAllString(line, `$2$3",$1}`) }

func upperHash(line string) string {
	m := ends.FindStringSubmatch(line)
	return strings.Replace(line, m[3], strings.ToUpper(m[3]), 1)
}

var lineWords = map[chain.LineClass]string{
	chain.LineExact: "exact", chain.LineReEncoded: "re-encoded", chain.LineAmbiguous: "ambiguous",
	chain.LineAltered: "altered", chain.LineUnreadable: "unreadable",
}

func TestFormatLineClasses(t *testing.T) {
	d := readDocument(t, format)
	line := strings.TrimSuffix(d.example(t, "record").text, "\n")
	rows := d.rows(t, "The first record of the example, with one change (tested):\n")
	if len(rows) != len(changes) {
		t.Errorf("the table has %d rows, want %d", len(rows), len(changes))
	}
	for _, r := range rows {
		change, ok := changes[r[0]]
		if !ok {
			t.Errorf("nobody knows the change %q", r[0])
			continue
		}
		changed := change(line)
		if changed == line {
			t.Errorf("the change %q changes nothing", r[0])
		}
		if got := chain.ReadLine([]byte(changed)); lineWords[got.Class] != r[1] {
			t.Errorf("%s: the line is %s (%s), the table says %s", r[0], lineWords[got.Class], got.Why, r[1])
		}
	}
}

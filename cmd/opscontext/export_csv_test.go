package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/recordtext"
)

// dangerous says of a cell, in other words than the code does, that a spreadsheet may compute it.
var dangerous = regexp.MustCompile("^(?:[\t\r\n\x00]|[\\p{Z}\\p{Cc}\\p{Cf}]*[-=+@\uFF1D\uFF0B\uFF0D\uFF20])")

func TestA19CSVCell(t *testing.T) {
	for _, c := range []struct{ cell, want string }{
		{"", ""},
		{"plain text; with 'marks' and ümläute", "plain text; with 'marks' and ümläute"},
		{"a,b", `"a,b"`},
		{`say "so"`, `"say ""so"""`},
		{`"`, `""""`},
		{"two\nlines", "\"two\nlines\""},
		{"CR\rand CR LF\r\nstay", "\"CR\rand CR LF\r\nstay\""},
		{"=1+1", "'=1+1"},
		{"=HYPERLINK(\"http://x\",\"y\")", `"'=HYPERLINK(""http://x"",""y"")"`},
		{"+1", "'+1"},
		{"-1", "'-1"},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"\t=1", "'\t=1"},
		{"\tindented", "'\tindented"},
		{"\rx", "\"'\rx\""},
		{"\nx", "\"'\nx\""},
		{"\x00x", "'\x00x"},
		{"  =1", "'  =1"},
		{" \u00a0\u2003=1", "' \u00a0\u2003=1"},
		{"\ufeff=1", "'\ufeff=1"},
		{"\u200b\u202e@x", "'\u200b\u202e@x"},
		{"\x1b-1", "'\x1b-1"},
		{"＝1", "'＝1"},
		{"＠x", "'＠x"},
		{" text", " text"},
		{"a=1", "a=1"},
		{"'=1", "'=1"},
		{" ", " "},
		{"\xff=", "\xff="},
	} {
		if got := string(appendCSVCell([]byte("x,"), []byte(c.cell))); got != "x,"+c.want {
			t.Errorf("%q is written %q, want %q", c.cell, got[2:], c.want)
		}
	}
}

func TestA19CSVRow(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"in full", `{"ts":"T","event":"e","actor":"a","payload":{"k":[1,"x"]},"prev_hash":"p","hash":"h"}`, `T,e,a,"{""k"":[1,""x""]}",p,h`},
		{"absent", `{"event":"e"}`, `,e,,,,`},
		{"not text", `{"ts":1,"event":null,"actor":["a"],"payload":"text","prev_hash":false,"hash":{}}`, `1,null,"[""a""]","""text""",false,{}`},
		{"negative", `{"ts":-1,"payload":-5}`, `'-1,,,'-5,,`},
		{"spelled otherwise", `{ "actor":"\u0061", "payload": {"b":1.0,"2":-0}, "ts":"T" }`, `T,,a,"{""2"":0,""b"":1}",,`},
		{"the last of a name counts", `{"event":"no","event":"yes","ev\u0065nt":"this"}`, `,this,,,,`},
		{"other members and cases", `{"EVENT":"x","7":8,"event":"e","note":"n"}`, `,e,,,,`},
		{"line ends in text", `{"actor":"a\r\nb","payload":"a\r\nb"}`, ",,\"a\r\nb\",\"\"\"a\\r\\nb\"\"\",,"},
		{"lone surrogates", `{"actor":"a\ud800b","payload":"\udc00"}`, ",,a\uFFFDb,\"\"\"\\udc00\"\"\",,"},
		{"ill-formed UTF-8", "{\"actor\":\"a\xffb\"}", ",,a\uFFFDb,,,"},
		{"formulas", `{"ts":"=1","event":"@e","actor":"\u0000","payload":"=1","prev_hash":"+","hash":" -"}`, "'=1,'@e,'\x00,\"\"\"=1\"\"\",'+,' -"},
	} {
		if got := string(appendCSV([]byte("before"), []byte(c.line))); got != "before"+c.want+"\r\n" {
			t.Errorf("%s: %q, want %q", c.name, strings.TrimPrefix(got, "before"), c.want+"\r\n")
		}
	}
}

// A terminal gets one line a row, and nothing that steers it.
func TestCSVOnATerminal(t *testing.T) {
	got := string(appendShownCSV(nil, []byte(`{"actor":"\u001b[2J\n\u009b","payload":"\u202e"}`)))
	if want := `,,"\x1b[2J\n\u009b","""\u202e""",,` + "\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// readCSV is what another program reads: encoding/csv gives LF for every CR LF within a cell.
func readCSV(t interface{ Fatalf(string, ...any) }, text string) [][]string {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return rows
}

// shownAs is the cell that readCSV gives of what was to be written.
func shownAs(cell string) string {
	if dangerous.MatchString(cell) {
		cell = "'" + cell
	}
	return strings.ReplaceAll(cell, "\r\n", "\n")
}

// Whatever records hold, each is one row of the six cells, and none of them is a formula.
func TestA19CSVReadsBack(t *testing.T) {
	text := rapid.StringOf(rapid.OneOf(
		rapid.SampledFrom([]rune("=+-@＝－'\",;\t\r\n\x00 \u00a0\ufeff\u2028a1é")),
		rapid.Rune(),
	))
	values := rapid.SampledFrom([]string{`null`, `true`, `-12.5`, `[]`, `{"a":"=1,\"\n\r"}`, `[{"2":-1},"x,y"]`, `1e21`})
	rapid.Check(t, func(t *rapid.T) {
		out, want := csvHeader, [][]string{csvColumns}
		for range rapid.IntRange(0, 4).Draw(t, "records") {
			row, parts := make([]string, len(csvColumns)), []string{`"other":"=1"`}
			for i, name := range csvColumns {
				switch rapid.IntRange(0, 3).Draw(t, "form of "+name) {
				case 0:
					continue
				case 1:
					row[i] = string(recordtext.Canonical([]byte(values.Draw(t, name))))
					parts = append(parts, fmt.Sprintf(`"%s":%s`, name, row[i]))
				default:
					row[i] = text.Draw(t, name)
					spelled := string(ecmajson.AppendString(nil, row[i]))
					parts = append(parts, fmt.Sprintf(`"%s": %s`, name, spelled))
					if name == "payload" {
						row[i] = spelled
					}
				}
				row[i] = shownAs(row[i])
			}
			line := "{" + strings.Join(rapid.Permutation(parts).Draw(t, "order"), ",") + "}"
			out, want = string(appendCSV([]byte(out), []byte(line))), append(want, row)
		}
		got := readCSV(t, out)
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("read back %q, want %q", got, want)
		}
		for _, cell := range slices.Concat(got...) {
			if dangerous.MatchString(cell) {
				t.Fatalf("%q is a formula", cell)
			}
		}
	})
}

func FuzzCSVCell(f *testing.F) {
	for _, seed := range []string{"", "a", "=1", " =1", "\t", "\r\n", "\x00", `"`, `","`, "-1\r\n=2", "\ufeff+", "'=", "\xff@", "＝", `=cmd|' /C calc'!A0`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		text := string(appendCSVCell([]byte("first,"), []byte(cell))) + ",last\r\n"
		rows := readCSV(t, text)
		if len(rows) != 1 || !slices.Equal(rows[0], []string{"first", shownAs(cell), "last"}) {
			t.Fatalf("%q is written %q and read back %q", cell, text, rows)
		}
		if dangerous.MatchString(rows[0][1]) {
			t.Fatalf("%q is written %q, a formula", cell, text)
		}
	})
}

// The table of cells in the document is what the code does.
func TestFormatHasTheCells(t *testing.T) {
	text, err := os.ReadFile("../../docs/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| text | cell |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := regexp.MustCompile("(?m)^\\| `(.*)` \\| `(.*)` \\|$").FindAllStringSubmatch(table, -1)
	if len(rows) < 7 {
		t.Fatalf("%d rows in docs/FORMAT.md: the table was not found", len(rows))
	}
	for _, row := range rows {
		if got := string(appendCSVCell(nil, []byte(row[1]))); got != row[2] {
			t.Errorf("%q is written %q, docs/FORMAT.md says %q", row[1], got, row[2])
		}
	}
}

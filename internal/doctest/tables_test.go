package doctest

import (
	"fmt"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/report"
)

func TestFormatHasTheClassTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("| class | severity | meaning |\n|---|---|---|\n")
	for _, c := range chain.Classes {
		fmt.Fprintf(&b, "| `%s` | %v | %s |\n", c.Class, c.Severity, c.Meaning)
	}
	readDocument(t, format).wants(t, "class table", "\n"+b.String()+"\n")
}

func TestFormatHasTheTableOfKinds(t *testing.T) {
	var b strings.Builder
	b.WriteString("| kind | category | what a record of it says |\n|---|---|---|\n")
	for _, k := range kinds.Table {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, k.Category, k.Meaning)
	}
	readDocument(t, format).wants(t, "table of kinds", "\n"+b.String())
}

// exitRow is a row of the exit table as opscontext --help shows it; a meaning goes on in lines that
// are moved in further.
var exitRow = regexp.MustCompile(`^ {3} *(\d+)  (\S.*)$`)

func exitTable(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(program(t), "--help").Output()
	check(t, err)
	_, help, ok := strings.Cut(string(out), "Exit codes:\n")
	if !ok {
		t.Fatalf("opscontext --help has no exit codes:\n%s", out)
	}
	var rows []string
	for line := range strings.Lines(help) {
		switch m := exitRow.FindStringSubmatch(strings.TrimSuffix(line, "\n")); {
		case m != nil:
			rows = append(rows, "| "+m[1]+" | "+m[2])
		case strings.TrimSpace(line) == "":
			return "| code | meaning |\n|---|---|\n" + strings.Join(rows, " |\n") + " |\n"
		default:
			rows[len(rows)-1] += " " + strings.TrimSpace(line)
		}
	}
	t.Fatalf("the exit codes of opscontext --help do not end:\n%s", help)
	return ""
}

func TestDocumentsHaveTheExitTable(t *testing.T) {
	table := exitTable(t)
	if n := strings.Count(table, "\n"); n < 11 {
		t.Fatalf("the table has %d lines: it was not read from --help:\n%s", n, table)
	}
	for _, name := range []string{format, "README.md"} {
		readDocument(t, name).wants(t, "exit table", table)
	}
}

// members lists the paths of all members of a JSON document that is written from a type, in order:
// a.b for a member of a member, a[].b for one of an element.
func members(prefix string, typ reflect.Type) []string {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() == reflect.Slice {
		return members(prefix+"[]", typ.Elem())
	}
	if typ.Kind() != reflect.Struct {
		return []string{prefix}
	}
	paths := []string{}
	if prefix != "" {
		paths = append(paths, strings.TrimSuffix(prefix, "[]"))
		prefix += "."
	}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		paths = append(paths, members(prefix+name, typ.Field(i).Type)...)
	}
	return paths
}

func TestFormatNamesEveryMemberOfTheReport(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([a-zA-Z_.\\[\\]]+)` \\|")
	var named []string
	for _, m := range row.FindAllStringSubmatch(readDocument(t, format).section(t, "11. The report"), -1) {
		named = append(named, strings.TrimSuffix(m[1], "[]"))
	}
	want := members("", reflect.TypeFor[report.Report]())
	// A finding is described once.
	want = slices.DeleteFunc(want, func(p string) bool { return strings.HasPrefix(p, "first_divergence.") })
	for i := range want {
		want[i] = strings.TrimSuffix(want[i], "[]")
	}
	if !slices.Equal(named, want) {
		t.Errorf("%s names the members\n%s\nthe report has\n%s", format, strings.Join(named, "\n"), strings.Join(want, "\n"))
	}
}

func TestFormatNamesEveryMemberOfTheKeptVerdict(t *testing.T) {
	rule := readDocument(t, format).section(t, "10. Mark and points")
	_, rule, _ = strings.Cut(rule, "- **10.7**")
	for i := range reflect.TypeFor[report.Last]().NumField() {
		name := reflect.TypeFor[report.Last]().Field(i).Tag.Get("json")
		if !strings.Contains(rule, "`"+name+"`") {
			t.Errorf("rule 10.7 of %s does not name the member %s", format, name)
		}
	}
	if !strings.Contains(rule, report.LastSchema) {
		t.Errorf("rule 10.7 of %s does not name the schema %s", format, report.LastSchema)
	}
}

// The maps of the code in the documents name every package there is, and no other.
func TestMapsNameEveryPackage(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}", "../../...").Output()
	check(t, err)
	var want []string
	for path := range strings.Lines(string(out)) {
		want = append(want, strings.TrimPrefix(strings.TrimSpace(path), "github.com/opscontext/opscontext/"))
	}
	slices.Sort(want)
	quoted := regexp.MustCompile("`((?:internal/|cmd/)?[a-z]+(?:/[a-z]+)*)`")
	for _, m := range []struct{ name, heading string }{{"README.md", "Map of the code"}, {"docs/DESIGN.md", "Packages"}} {
		var named []string
		for line := range strings.Lines(readDocument(t, m.name).section(t, m.heading)) {
			for _, cell := range strings.Split(line, "|") {
				packages := quoted.FindAllStringSubmatch(cell, -1)
				if strings.TrimSpace(strings.Trim(quoted.ReplaceAllString(cell, ""), ", ")) != "" {
					continue // prose
				}
				for _, p := range packages {
					named = append(named, p[1])
				}
			}
		}
		slices.Sort(named)
		if !slices.Equal(named, want) {
			t.Errorf("%s names the packages\n%s\nthere are\n%s", m.name, strings.Join(named, "\n"), strings.Join(want, "\n"))
		}
	}
}

// The commands in the README are those of the program, in its order.
func TestReadmeNamesEveryCommand(t *testing.T) {
	out, err := exec.Command(program(t), "--help").Output()
	check(t, err)
	_, help, _ := strings.Cut(string(out), "Commands:\n")
	help, _, _ = strings.Cut(help, "\n\n")
	want := regexp.MustCompile(`(?m)^ {3}([a-z_]+(?: [a-z-]+)?)`).FindAllStringSubmatch(help, -1)
	named := regexp.MustCompile("(?m)^\\| `([a-z_]+(?: [a-z-]+)?)`").FindAllStringSubmatch(readDocument(t, "README.md").section(t, "Commands"), -1)
	if len(want) < 5 || !slices.EqualFunc(named, want, func(a, b []string) bool { return a[1] == b[1] }) {
		t.Errorf("README.md names %v, the program has %v", named, want)
	}
}

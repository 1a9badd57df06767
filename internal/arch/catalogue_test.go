package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The catalogue of docs/TESTING.md: how many faults, attacks and bad inputs it has.
var catalogued = []struct {
	letter string
	count  int
}{{"F", 32}, {"A", 28}, {"B", 14}}

const testingPage = "docs/TESTING.md"

var (
	catalogueRow = regexp.MustCompile(`(?m)^\| ([FAB]\d+) \| ([^|]+) \| ([^|]+) \|$`)
	quoted       = regexp.MustCompile("`([^`]+)`")
	anID         = regexp.MustCompile(`^(Test|Fuzz)?[FAB]\d+`)
)

// bears reports whether a name has an id in it, and not another that begins alike.
func bears(name, id string) bool {
	return regexp.MustCompile(`(^|Test|Fuzz|[^A-Za-z0-9])` + id + `([^0-9]|$)`).MatchString(name)
}

// inventory is what can be named as a test.
type inventory struct {
	functions map[string]bool            // package directory, a dot, the name
	texts     map[string]map[string]bool // by package directory: the string literals of its tests
	scripts   map[string]bool
	cases     map[string]int // damaged logs, by id
	faults    map[string]bool
}

func takeInventory(t *testing.T) inventory {
	t.Helper()
	in := inventory{map[string]bool{}, map[string]map[string]bool{}, map[string]bool{}, map[string]int{}, map[string]bool{}}
	for _, s := range sources(t) {
		if !s.test && !strings.HasPrefix(s.dir, "internal/faults") {
			continue
		}
		if in.texts[s.dir] == nil {
			in.texts[s.dir] = map[string]bool{}
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				in.functions[s.dir+"."+f.Name.Name] = s.test
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				in.texts[s.dir][text] = true
				if strings.HasPrefix(s.dir, "internal/faults") {
					in.faults[text] = true
				}
			}
			return true
		})
	}
	tree(t, func(name string) {
		switch {
		case path.Ext(name) == ".txtar":
			in.scripts[strings.TrimSuffix(path.Base(name), ".txtar")] = true
		case path.Ext(name) == ".case":
			for line := range strings.Lines(string(read(t, name))) {
				if ids, ok := strings.CutPrefix(line, "ids: "); ok {
					for _, id := range strings.Split(strings.TrimSpace(ids), ", ") {
						in.cases[id]++
					}
					break
				}
			}
		}
	})
	return in
}

// missing says what is wrong with a test that a row of the catalogue names, "" if nothing is.
func (in inventory) missing(id, named string) string {
	if script, ok := strings.CutPrefix(named, "script "); ok {
		switch {
		case !in.scripts[script]:
			return "there is no such script"
		case !strings.HasPrefix(script, strings.ToLower(id)+"_"):
			return "the script's name does not begin with the id"
		}
		return ""
	}
	if of, ok := strings.CutPrefix(named, "corrupt "); ok {
		if of != id || in.cases[id] == 0 {
			return fmt.Sprintf("%d damaged logs have that id", in.cases[of])
		}
		return ""
	}
	if scenario, ok := strings.CutPrefix(named, "faults "); ok {
		if !in.faults[scenario] {
			return "there is no such scenario"
		}
		return ""
	}
	dot := strings.IndexByte(named, '.')
	function, sub, _ := strings.Cut(named[dot+1:], "/")
	dir := named[:max(dot, 0)]
	if !in.functions[dir+"."+function] {
		return "there is no such test"
	}
	if bears(function, id) {
		return ""
	}
	if sub != id {
		return "neither the test nor its part has the id in its name"
	}
	for text := range in.texts[dir] {
		if strings.HasPrefix(text, id+" ") {
			return ""
		}
	}
	return "no part of the test begins with the id"
}

// TestCatalogueIsTested holds the table of docs/TESTING.md: each id has its row, each row tests that are
// there and bear the id.
func TestCatalogueIsTested(t *testing.T) {
	in := takeInventory(t)
	rows := map[string]string{}
	var order []string
	for _, m := range catalogueRow.FindAllStringSubmatch(string(read(t, testingPage)), -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("%s has two rows", m[1])
		}
		rows[m[1]] = m[3]
		order = append(order, m[1])
	}
	var want []string
	for _, c := range catalogued {
		for n := range c.count {
			want = append(want, c.letter+strconv.Itoa(n+1))
		}
	}
	if !slices.Equal(order, want) {
		t.Errorf("the rows are\n%v, want\n%v", order, want)
	}
	for id, tests := range rows {
		named := quoted.FindAllStringSubmatch(tests, -1)
		if later := strings.HasPrefix(tests, "later: "); later != (len(named) == 0) {
			t.Errorf("%s: a row names tests or says with what they come later: %s", id, tests)
		}
		for _, m := range named {
			if why := in.missing(id, m[1]); why != "" {
				t.Errorf("%s names %q: %s", id, m[1], why)
			}
		}
	}
	for name, test := range in.functions {
		base := path.Ext(name)[1:]
		if !test || !anID.MatchString(base) {
			continue
		}
		if !slices.ContainsFunc(want, func(id string) bool { return bears(base, id) }) {
			t.Errorf("%s bears an id that the catalogue does not have", name)
		}
	}
}

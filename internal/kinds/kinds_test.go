package kinds

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/internal/loggen"
)

func TestTableIsSortedAndSaysEachKindOnce(t *testing.T) {
	for i, k := range Table {
		if i > 0 && Table[i-1].Name >= k.Name {
			t.Errorf("%s stands behind %s", k.Name, Table[i-1].Name)
		}
		if k.Category == Unknown || !slices.Contains(Categories, k.Category) {
			t.Errorf("%s has the category %q", k.Name, k.Category)
		}
		if k.Meaning == "" || strings.ContainsAny(k.Meaning, "|\n") || strings.HasPrefix(k.Name, ImportedPrefix) {
			t.Errorf("the row of %s is %q", k.Name, k.Meaning)
		}
	}
}

// The compliance page's table, word for word: what it promises is found where it says.
func TestPublishedKindsStandWhereThePageHasThem(t *testing.T) {
	for category, names := range map[Category]string{
		UserActivity: "vscode.prompt_submit vscode.tool_call browser.prompt browser.response cli.command",
		Exception:    "drift.hallucination drift.stuck_tool drift.silent_failure drift.prompt_loop drift.detected",
		Fault:        "hook.block policy.violation service.error queue.overflow",
		Security:     "auth.bad_secret policy.secret_detected bypass_token.used bypass_token.forged",
	} {
		for _, name := range strings.Fields(names) {
			if got := CategoryOf(name); got != category {
				t.Errorf("%s is %s, want %s", name, got, category)
			}
		}
	}
}

func TestCategoryOf(t *testing.T) {
	for name, want := range map[string]Category{
		"audit.rotate":                    UserActivity,
		"imported.audit.torn_tail":        Fault,
		"imported.imported.audit.redact":  Security,
		"imported.":                       Unknown,
		"imported.audit.note":             Unknown,
		"":                                Unknown,
		"Drift.detected":                  Unknown,
		"drift.detected ":                 Unknown,
		"drift.*":                         Unknown,
		"zzz":                             Unknown,
		"imported.vscode.tool_call.later": Unknown,
	} {
		if got := CategoryOf(name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
}

// Whatever a kind is called, it is where the table has it or unknown, taken over or not.
func TestCategoryOfAnyKind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom(Table).Draw(t, "kind").Name + rapid.SampledFrom([]string{"", "", "x", "."}).Draw(t, "more")
		})).Draw(t, "name")
		want := Unknown
		for _, k := range Table {
			if k.Name == name {
				want = k.Category
			}
		}
		if strings.HasPrefix(name, ImportedPrefix) {
			t.Skip("made up with the prefix")
		}
		if got, taken := CategoryOf(name), CategoryOf(ImportedPrefix+name); got != want || taken != want {
			t.Fatalf("%q is %s, and %s where it was taken over, want %s", name, got, taken, want)
		}
	})
}

func TestParseCategory(t *testing.T) {
	for _, c := range Categories {
		if got, err := ParseCategory(string(c)); got != c || err != nil {
			t.Errorf("%s: %s, %v", c, got, err)
		}
	}
	if _, err := ParseCategory("Security"); err == nil || !strings.Contains(err.Error(), `"Security" is none of user-activity`) {
		t.Errorf("Security: %v", err)
	}
}

// Every kind that the log writes about itself is in the table, and so is every one of its constants.
func TestTableHasTheKindsOfTheLog(t *testing.T) {
	files, err := filepath.Glob("../../chain/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Kind") {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				kind, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, kind)
			}
			return true
		})
	}
	if len(found) < 10 {
		t.Errorf("found the kinds %q: there are more", found)
	}
	for _, kind := range found {
		if CategoryOf(kind) == Unknown {
			t.Errorf("%s is not in the table", kind)
		}
	}
}

func TestTableHasTheKindsOfGeneratedLogs(t *testing.T) {
	g := loggen.New(1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 500)
	seen := map[string]bool{}
	for range 50_000 {
		_, kind, _, _ := g.Next()
		seen[kind] = true
	}
	if len(seen) < 20 {
		t.Errorf("%d kinds were generated: there are more", len(seen))
	}
	for kind := range seen {
		if CategoryOf(kind) == Unknown {
			t.Errorf("%s is not in the table", kind)
		}
	}
}

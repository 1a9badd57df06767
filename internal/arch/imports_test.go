package arch

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// floors says how high each package stands: it imports only packages of lower floors.
var floors = map[string]int{
	"internal/coverage":  0,
	"internal/durable":   0,
	"internal/ecmajson":  0,
	"internal/kinds":     0,
	"internal/loggen":    0,
	"internal/timerange": 0,

	"chain":          1,
	"internal/crash": 1,

	"segment":             2,
	"internal/corpus":     2,
	"internal/config":     2,
	"internal/report":     2,
	"internal/recordtext": 2,

	"internal/index": 3,
	"internal/where": 3,

	"archive":         4,
	"internal/intake": 4,

	"internal/verify": 5,

	"internal/adopt":  6,
	"internal/backup": 6,
	"internal/search": 6,
	"recovery":        6,

	"internal/follow":   7,
	"internal/locate":   7,
	"internal/terminal": 7,

	"cmd/opscontext":        8,
	"internal/arch":         8,
	"internal/bench":        8,
	"internal/bench/scale":  8,
	"internal/demo":         8,
	"internal/doctest":      8,
	"internal/faults/sweep": 8,
	"internal/testrun":      8,

	// A module of their own: the sweeps with file systems of their own.
	"internal/faults/realfs/medium":     0,
	"internal/faults/realfs/mounts":     0,
	"internal/faults/realfs/seeded":     0,
	"internal/faults/realfs/trial":      1,
	"internal/faults/realfs/operation":  2,
	"internal/faults/realfs/toy":        2,
	"internal/faults/realfs/badwrite":   3,
	"internal/faults/realfs/blockimage": 3,
	"internal/faults/realfs/fulldisk":   3,
	"internal/faults/realfs/limits":     3,
	"internal/faults/realfs/powercut":   3,
	"internal/faults/realfs/roundup":    3,
}

// barred lists imports that the floors would allow and the design does not.
var barred = []struct{ dir, imported, reason string }{
	{"chain", "os", "the record format is judged from bytes alone"},
	{"chain", "net", "the record format is judged from bytes alone"},
	{"internal/ecmajson", "os", "it maps text to text"},
	{"internal/coverage", "os", "it counts times"},
	{"internal/kinds", "os", "it is a table"},
	{"internal/loggen", "os", "it makes events, it does not write them"},
	{"internal/terminal", module + "/chain", "it renders neutral things: rows, verdict lines, escaped text"},
	{"internal/terminal", module + "/segment", "it renders neutral things: rows, verdict lines, escaped text"},
}

// clockless packages give the same answer at any time of day.
var clockless = []string{"chain", "internal/coverage", "internal/ecmajson", "internal/kinds", "internal/loggen"}

var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// homes gives the packages that may import a third-party module: one, so that replacing the module
// touches one package.
var homes = map[string][]string{
	"github.com/BurntSushi/toml":         {"internal/config"},
	"github.com/FastFilter/xorfilter":    {"internal/index"},
	"github.com/expr-lang/expr":          {"internal/where"},
	"github.com/go-json-experiment/json": {"internal/ecmajson"},
	"github.com/gofrs/flock":             {"segment"},
	"github.com/hanwen/go-fuse/v2":       {"internal/faults/realfs/medium"},
	"github.com/google/renameio/v2":      {"internal/durable"},
	"github.com/jedib0t/go-pretty/v6":    {"internal/terminal"},
	"github.com/klauspost/compress":      {"archive", "internal/bench", "internal/doctest"}, // one measures it alone, one spells a frame by hand
	"github.com/urfave/cli/v2":           {"cmd/opscontext"},
	"golang.org/x/mod":                   {"archive"},
	"golang.org/x/sys":                   {"internal/durable", "internal/faults/realfs/mounts"}, // one module each
	"golang.org/x/term":                  {"internal/terminal"},
	"golang.org/x/text":                  {"internal/ecmajson"},
}

// testOnly modules may be imported by the tests of any package and by nothing else.
var testOnly = []string{
	"github.com/SaveTheRbtz/zstd-seekable-format-go",
	"github.com/google/go-cmp",
	"github.com/rogpeppe/go-internal",
	"pgregory.net/rapid",
}

func TestImportsPointDown(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if s.apart {
			continue
		}
		seen[s.dir] = true
		floor, ok := floors[s.dir]
		if !ok {
			t.Errorf("%s: package %s has no floor: give it one in the table floors", s.path, s.dir)
			continue
		}
		if s.test {
			continue // a test may look at the floors above; the compiler refuses cycles
		}
		for _, imported := range s.imports() {
			if dir, ours := local(imported); ours && floors[dir] >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports point down only", s.path, floor, dir, floors[dir])
			}
			for _, b := range barred {
				if s.dir == b.dir && (imported == b.imported || strings.HasPrefix(imported, b.imported+"/")) {
					t.Errorf("%s imports %s: %s", s.path, imported, b.reason)
				}
			}
		}
	}
	for dir := range floors {
		if !seen[dir] {
			t.Errorf("the table floors names %s, which is not there", dir)
		}
	}
}

func TestThirdPartyModulesHaveOneHome(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.apart {
			continue
		}
		for _, imported := range s.imports() {
			host, _, _ := strings.Cut(imported, "/")
			if _, ours := local(imported); ours || !strings.Contains(host, ".") {
				continue
			}
			within := func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") }
			if i := slices.IndexFunc(testOnly, within); i >= 0 {
				used[testOnly[i]] = true
				if !s.test {
					t.Errorf("%s imports %s, which is for tests only", s.path, imported)
				}
				continue
			}
			known := false
			for m, dirs := range homes {
				if !within(m) {
					continue
				}
				known, used[m] = true, true
				if !slices.Contains(dirs, s.dir) {
					t.Errorf("%s imports %s, whose home is %s", s.path, imported, strings.Join(dirs, ", "))
				}
			}
			if !known {
				t.Errorf("%s imports %s: give the module a home in the table homes", s.path, imported)
			}
		}
	}
	for m := range homes {
		if !used[m] {
			t.Errorf("the table homes names %s, which nothing imports", m)
		}
	}
}

func TestClocklessPackagesReadNoClock(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !slices.Contains(clockless, s.dir) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clock, sel.Sel.Name) {
				t.Errorf("%s uses time.%s: package %s has no clock", s.path, sel.Sel.Name, s.dir)
			}
			return true
		})
	}
}

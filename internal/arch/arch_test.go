// Package arch holds the layout of the code by test: which package may import which, where each
// third-party module lives, and the house rules that a compiler does not know. It reads the source
// files alone, so it is fast and sees every platform's files at once.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/opscontext/opscontext"
	root   = "../.."
)

// source is one Go file: its path and package directory relative to the root, with slashes.
type source struct {
	path, dir string
	test      bool
	apart     bool // of a module that stands apart
	file      *ast.File
	lines     int
}

func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

// tree walks the repository without what git does not keep, giving slash-separated paths.
func tree(t *testing.T, visit func(name string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || name == "bin"):
			return fs.SkipDir
		case d.Type().IsRegular():
			visit(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// nested are the modules inside this one, and why each is one. The tables of imports hold for them, too,
// but for those that stand apart: nothing of ours is in those but what drives the work of others. Every
// other rule holds for all.
var nested = map[string]struct {
	reason string
	apart  bool
}{
	"internal/bench/peers":   {"stores of others, to hold appending against: nothing that they need may reach the program", true},
	"internal/faults/realfs": {"file systems of its own, for Linux alone", false},
}

// standsApart reports whether a file belongs to a module that the tables of imports do not hold for.
func standsApart(name string) bool {
	for dir, m := range nested {
		if m.apart && strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// A module that nobody named here would hide its imports from the tables.
func TestNestedModulesAreKnown(t *testing.T) {
	found := map[string]bool{}
	tree(t, func(name string) {
		if path.Base(name) != "go.mod" || name == "go.mod" {
			return
		}
		found[path.Dir(name)] = true
		if nested[path.Dir(name)].reason == "" {
			t.Errorf("%s makes a module that the table nested does not name", name)
		}
	})
	for dir := range nested {
		if !found[dir] {
			t.Errorf("the table nested names %s, where there is no go.mod", dir)
		}
	}
	main := string(read(t, "go.mod"))
	for dir := range nested {
		if strings.Contains(main, module+"/"+dir) {
			t.Errorf("go.mod requires %s, which is to be no part of the program", dir)
		}
	}
}

// sources parses every Go file of the module, and of the modules inside it.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	tree(t, func(name string) {
		if path.Ext(name) != ".go" || slices.Contains(strings.Split(name, "/"), "testdata") {
			return
		}
		text := read(t, name)
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{
			path: name, dir: path.Dir(name), file: file,
			test:  strings.HasSuffix(name, "_test.go"),
			apart: standsApart(name),
			lines: strings.Count(string(text), "\n"),
		})
	})
	if len(all) < 10 {
		t.Fatalf("found %d Go files: the walk is broken", len(all))
	}
	return all
}

// local gives the package directory an import path names, if it is one of ours.
func local(importPath string) (dir string, ok bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

package arch

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A file is an idea. Past longFile it needs its reason in longFiles; tests get twice that.
const longFile = 400

// longFiles maps a file that is longer to why it is one idea all the same.
var longFiles = map[string]string{}

// vague package names gather what has nothing in common.
var vague = []string{"base", "common", "helper", "helpers", "lib", "misc", "shared", "tools", "types", "util", "utils"}

func TestEveryPackageHasOneComment(t *testing.T) {
	comments := map[string][]string{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.file.Name.Name, "_test") {
			continue
		}
		if _, seen := comments[s.dir]; !seen {
			comments[s.dir] = nil
		}
		if s.file.Doc != nil && strings.TrimSpace(s.file.Doc.Text()) != "" {
			comments[s.dir] = append(comments[s.dir], s.path)
		}
	}
	for dir, files := range comments {
		switch len(files) {
		case 1:
		case 0:
			t.Errorf("package %s has no package comment", dir)
		default:
			t.Errorf("package %s has its comment in several files: %s", dir, strings.Join(files, ", "))
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	long := map[string]bool{}
	for _, s := range sources(t) {
		limit := longFile
		if s.test {
			limit *= 2
		}
		if s.lines <= limit {
			continue
		}
		long[s.path] = true
		if longFiles[s.path] == "" {
			t.Errorf("%s has %d lines, over %d: split it, or give the reason in the table longFiles", s.path, s.lines, limit)
		}
	}
	for name := range longFiles {
		if !long[name] {
			t.Errorf("the table longFiles names %s, which is short or gone", name)
		}
	}
}

func TestPackageNamesSayWhatIsInside(t *testing.T) {
	for _, s := range sources(t) {
		name := strings.TrimSuffix(s.file.Name.Name, "_test")
		if slices.Contains(vague, name) || slices.Contains(vague, path.Base(s.dir)) {
			t.Errorf("%s: a package %s in %s gathers what has nothing in common", s.path, name, s.dir)
		}
	}
}

// A path of the machine that a file was made on means nothing on the next one.
func TestNoFileNamesItsCheckout(t *testing.T) {
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var own [][]byte // with a name from the top level behind it, even a short path is unmistakable
	for _, e := range entries {
		own = append(own, []byte(filepath.Join(checkout, e.Name())))
	}
	tree(t, func(name string) {
		text := read(t, name)
		for _, p := range own {
			if bytes.Contains(text, p) {
				t.Errorf("%s names a path of this checkout: %s", name, p)
			}
		}
	})
}

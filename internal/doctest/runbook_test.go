package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
)

// runbooks gives the pages of docs/runbooks.
func runbooks(t *testing.T) []*document {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "docs", "runbooks", "*.md"))
	check(t, err)
	if len(names) < 3 {
		t.Fatalf("docs/runbooks has %d pages, want at least 3", len(names))
	}
	var pages []*document
	for _, name := range names {
		pages = append(pages, readDocument(t, "docs/runbooks/"+filepath.Base(name)))
	}
	return pages
}

// Every block of commands does what the page says of it: its exit code, and what it shows. Blocks
// follow each other in one home, until one names a stage and so begins another. They run as an
// ordinary user, and as root on the home of one.
func TestRunbooks(t *testing.T) {
	needs(t, "sh", "cp", "sed")
	for _, d := range runbooks(t) {
		for _, as := range []reader{ordinary, root0} {
			t.Run(filepath.Base(d.name)+"/"+string(as), func(t *testing.T) {
				t.Parallel()
				if as == root0 && os.Getuid() != 0 {
					t.Skip("commands are run as root on another's home only where the tests run as root")
				}
				runPage(t, d, as)
			})
		}
	}
}

func runPage(t *testing.T, d *document, as reader) {
	var s *shell
	for i, b := range d.blocks {
		if b.lang == "output" && (i == 0 || d.blocks[i-1].lang != "sh") {
			t.Errorf("%s: this output follows no commands", d.at(b))
		}
		if b.lang != "sh" {
			continue
		}
		if program := b.attrs["needs"]; program != "" {
			needs(t, program) // what follows on the page goes on from here
		}
		if name := b.attrs["stage"]; name != "" {
			s.kept(t, d)
			s = enter(t, name)
			s.runAs(t, as)
		}
		if s == nil {
			t.Fatalf("%s: no stage is set for these commands", d.at(b))
		}
		output := s.try(t, d, b)
		if i+1 == len(d.blocks) || d.blocks[i+1].lang != "output" {
			continue
		}
		if next := d.blocks[i+1]; !shows(next.text, output) {
			t.Errorf("%s: the page says\n%s\nit is\n%s", d.at(next), next.text, output)
		}
	}
	s.kept(t, d)
}

// shape are the parts that every section about a class has, in this order.
var shape = []string{"Means.", "Confirm.", "Stop writers and copy.", "Decide", "Do.", "Prove.", "Record."}

// notGiven is what a section says of a class that no check gives yet.
const notGiven = "No check of this version gives this class"

// passing classes are seen only while a writer is at work, so that no stage shows them.
var passing = []chain.Class{chain.InFlight}

// Every class has its section, in the order of the table, with the parts that a section has, and
// shows the class as the program says it.
func TestEveryClassHasItsSection(t *testing.T) {
	d := readDocument(t, "docs/runbooks/verify-says.md")
	var want, headings []string
	for _, c := range chain.Classes {
		want = append(want, string(c.Class))
		text := d.section(t, string(c.Class))
		if strings.Contains(text, notGiven) {
			if strings.Contains(text, "```sh") {
				t.Errorf("%s: the section of %s has commands, and says: %s", d.name, c.Class, notGiven)
			}
			continue
		}
		if !strings.Contains(text, fmt.Sprintf("*%v*", c.Severity)) {
			t.Errorf("%s: the section of %s does not say that it is *%v*", d.name, c.Class, c.Severity)
		}
		at := 0
		for _, part := range shape {
			n := strings.Index(text[at:], "**"+part)
			if n < 0 {
				t.Errorf("%s: the section of %s has no part %q in its place", d.name, c.Class, part)
				continue
			}
			at += n
		}
		if slices.Contains(passing, c.Class) {
			continue
		}
		if !strings.Contains(text, fmt.Sprintf("\nfound       %s (%v)", c.Class, c.Severity)) {
			t.Errorf("%s: the section of %s does not show it found", d.name, c.Class)
		}
	}
	for line := range strings.Lines(d.text) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			if h = strings.TrimSpace(h); slices.Contains(want, h) {
				headings = append(headings, h)
			}
		}
	}
	if !slices.Equal(headings, want) {
		t.Errorf("%s has the sections\n%v\nwant\n%v", d.name, headings, want)
	}
}

package arch

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A page that points at nothing is found here and not at three in the morning.
func TestMarkdownLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pages := 0
	tree(t, func(name string) {
		if path.Ext(name) != ".md" {
			return
		}
		pages++
		for _, m := range link.FindAllStringSubmatch(string(read(t, name)), -1) {
			target, fragment, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := name
			if target != "" {
				file = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(file))); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
				continue
			}
			if fragment != "" && !hasHeading(string(read(t, file)), fragment) {
				t.Errorf("%s links to %s: %s has no such heading", name, m[1], file)
			}
		}
	})
	if pages < 4 {
		t.Errorf("found %d Markdown pages: the walk is broken", pages)
	}
}

// hasHeading tells whether a page has a heading that web views of a repository give this anchor.
func hasHeading(page, anchor string) bool {
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for line := range strings.Lines(page) {
		text, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !ok || !strings.HasPrefix(line, "#") {
			continue
		}
		slug := drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), "")
		if strings.ReplaceAll(slug, " ", "-") == anchor {
			return true
		}
	}
	return false
}

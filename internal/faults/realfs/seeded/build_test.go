//go:build linux

package seeded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The mistakes have to be moved along with the source that they are put into: this says so at once, not only
// the sweeps in the end.
func TestTheSourceIsWhatTheMistakesWereMadeFor(t *testing.T) {
	if _, err := sources("../../../..", t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestAMistakeWithoutItsPlaceIsSaid(t *testing.T) {
	root := t.TempDir()
	for _, g := range grafts {
		file := filepath.Join(root, g.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("package changed\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := sources(root, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), grafts[0].file+" has") {
		t.Errorf("got %v", err)
	}
}

// Every mistake is asked for in the code that is added, under the name that the table has.
func TestEachMistakeIsMade(t *testing.T) {
	var all strings.Builder
	for file := range added {
		text, err := flaws.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, b := range Mistakes {
		if b.Name != None && !strings.Contains(all.String(), `"`+b.Name+`"`) {
			t.Errorf("nothing makes the mistake %q", b.Name)
		}
	}
}

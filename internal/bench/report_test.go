package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/terminal"
)

// holdsResults finds in the file what the terminal had, where it may have been clipped, and every ratio in
// the one table. It gives the file.
func holdsResults(t *testing.T, name, shown string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + string(text))
	_, goals, _ := strings.Cut(string(text), "\n## Goals\n")
	goals, parts, ok := strings.Cut(goals, "\n## ")
	if !ok {
		t.Fatal("no part follows the goals")
	}
	ratios := false
	for line := range strings.Lines(shown) {
		what, _, columns := strings.Cut(line, "  ")
		what, _, _ = strings.Cut(what, "…")
		switch {
		case strings.HasPrefix(line, "ratio"):
			ratios = true
		case !columns:
			ratios = false
		case ratios && !strings.Contains(goals, "\n| "+strings.ReplaceAll(what, "|", `\|`)):
			t.Errorf("not among the goals: %s", line)
		case !ratios && !strings.Contains(string(text), what):
			t.Errorf("not in the file: %s", line)
		}
	}
	if strings.Contains(parts, "| ratio |") {
		t.Error("the ratios stand there twice")
	}
	return string(text)
}

func TestReport(t *testing.T) {
	var shown strings.Builder
	r := &report{out: terminal.NewStream(&shown, terminal.ColourNever, os.LookupEnv)}
	columns := []terminal.Column{{Title: "what"}, {Title: "ms", Align: terminal.Right}}
	name := filepath.Join(t.TempDir(), "RESULTS.md")
	for _, err := range []error{
		r.field("machine", "a"),
		r.part("One"),
		r.table(columns, [][]string{{"zstd | rg", "1"}, {"rg"}}),
		r.compare([]comparison{
			{"speed", figure{sample{200, 1234}, "/s"}, figure{sample{100, 617}, "/s"}, sample{2, 2}, goal{1, true}},
			{"cost", figure{sample{0.5}, "ms"}, figure{}, sample{3}, goal{2, false}},
		}, 2),
		r.skip("nothing to hold it against"),
		r.end(name),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"- machine: a\n- goals: 1 met, 1 missed; 1 part SKIPPED\n",
		"| speed | 717 /s | 359 /s | 2.00 [2.00-2.00] | ≥ 1.00 | met |\n",
		"| cost | 0.5 ms |  | 3.00 [3.00-3.00] | ≤ 2.00 | missed |\n",
		"\n## One\n\n| what | ms |\n| --- | ---: |\n| zstd \\| rg | 1 |\n| rg |  |\n",
		"- **SKIPPED**: nothing to hold it against\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "\n\n\n") {
		t.Errorf("two blank lines in\n%s", text)
	}
	for _, want := range []string{"== One\n", "cost   3.00 [3.00-3.00]  ≤ 2.00  missed\n", "goals       1 met, 1 missed; 1 part SKIPPED\n"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("%q is not in\n%s", want, &shown)
		}
	}
	if err := r.end(filepath.Join(name, "none")); err == nil {
		t.Error("a file that cannot be written is no error")
	}
}

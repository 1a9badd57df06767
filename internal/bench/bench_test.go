package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/terminal"
)

// TestMain lets the test be what the program is: one that runs parts of itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-part" {
		main()
		return
	}
	os.Exit(m.Run())
}

// Everything is measured once on a log so small that the figures mean nothing.
func TestBenchMeasuresEverything(t *testing.T) {
	bin, dir := filepath.Join(t.TempDir(), "opscontext"), t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "urfave_cli_no_docs", "-o", bin, "../../cmd/opscontext").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	var text strings.Builder
	out := terminal.NewStream(&text, terminal.ColourNever, os.LookupEnv)
	if err := run(t.Context(), out, bin, dir, 3000, 2); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	rows := []string{"machine ", "SHA-256 ", "3,000 records", "codec alone", "opscontext archive", "audit_verify, plain", "audit_verify, archived", "cost of verify", "of 2 rounds"}
	if _, err := exec.LookPath("zstd"); err != nil {
		rows = append(rows, "SKIPPED: zstd")
	} else {
		rows = append(rows, "zstd -3 -T1 ", "speed of archive", "speed of its codec", "size of the archive")
	}
	for _, row := range rows {
		if !strings.Contains(text.String(), row) {
			t.Errorf("nothing is said of %q", row)
		}
	}
	for line := range strings.Lines(text.String()) {
		if n := len([]rune(line)) - 1; n > terminal.DefaultWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBenchFailsWithWhatItMeasures(t *testing.T) {
	out := terminal.NewStream(&strings.Builder{}, terminal.ColourNever, os.LookupEnv)
	for name, c := range map[string]struct {
		bin             string
		records, rounds int
	}{
		"no program": {filepath.Join(t.TempDir(), "none"), 10, 1},
		"no records": {"true", 0, 1},
		"no rounds":  {"true", 10, 0},
	} {
		if err := run(t.Context(), out, c.bin, t.TempDir(), c.records, c.rounds); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := part("codec", []string{"one"}); err == nil {
		t.Error("a part without its files is no error")
	}
}

func TestSample(t *testing.T) {
	s := sample{3, 1, 2}
	if got := s.String(); got != "2.00 [1.00-3.00]" {
		t.Errorf("%s", got)
	}
	if m := (sample{4, 1, 2, 3}).median(); m != 2.5 {
		t.Errorf("median %v, want 2.5", m)
	}
	if got := (sample{4, 9}).over(sample{2, 3}).String(); got != "2.50 [2.00-3.00]" {
		t.Errorf("round by round: %s", got)
	}
	if got := s.over(nil); len(got) != 0 {
		t.Errorf("without a yardstick: %v", got)
	}
}

func TestGoals(t *testing.T) {
	for _, c := range []struct {
		goal  goal
		ratio float64
		want  string
	}{
		{goal{0.7, true}, 0.69, "missed"}, {goal{0.7, true}, 0.7, "met"}, {goal{0.7, true}, 1, "met"},
		{goal{1.7, false}, 1.71, "missed"}, {goal{1.7, false}, 1.7, "met"}, {goal{1.7, false}, 1, "met"},
	} {
		if got := c.goal.met(sample{c.ratio}); got != c.want {
			t.Errorf("%v with %v: %s, want %s", c.goal, c.ratio, got, c.want)
		}
	}
}

func TestProcessor(t *testing.T) {
	with := "processor\t: 0\nmodel name\t: A 2.0\nflags\t\t: fpu sha_ni avx2\n"
	for _, c := range []struct {
		text, model, sha string
		err              error
	}{
		{with, "A 2.0", "by instructions", nil},
		{strings.Replace(with, "sha_ni ", "", 1), "A 2.0", "without", nil},
		{"Features\t: fp sha1 sha2\n", "", "by instructions", nil},
		{"", "", "unknown", errors.New("no such file")},
	} {
		if got := processor([]byte(c.text), c.err); c.model != "" && got.model != c.model || !strings.HasPrefix(got.sha, c.sha) {
			t.Errorf("%q is %+v", c.text, got)
		}
	}
}

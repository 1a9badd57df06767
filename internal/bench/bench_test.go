package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/internal/terminal"
)

// TestMain lets the test be what the program is, one that runs parts of itself, and rg.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "rg" {
		os.Exit(standIn(os.Args[1:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "-part" {
		main()
		return
	}
	os.Exit(m.Run())
}

// standIn does what is asked of rg, so that nobody needs it for the tests. With lossy, it does it badly.
func standIn(args []string) (exit int) {
	in, literal := os.Stdin, false
	for len(args) > 0 && args[0] != "--" {
		literal = literal || args[0] == "-F"
		args = args[1:]
	}
	pattern := args[1]
	if literal {
		pattern = regexp.QuoteMeta(pattern)
	}
	if len(args) > 2 {
		f, err := os.Open(args[2])
		if err != nil {
			return 2
		}
		in = f
	}
	lines, wanted, exit := bufio.NewReader(in), regexp.MustCompile(pattern), 1
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return exit
		}
		if _, lossy := os.LookupEnv(lossy); wanted.Match(line) && !lossy {
			exit = 0
			if _, err := os.Stdout.Write(line); err != nil {
				return 2
			}
		}
	}
}

const lossy = "OPSCONTEXT_BENCH_LOSSY_RG"

// withStandIn has the test find itself as rg.
func withStandIn(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, "rg"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestBench(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "opscontext")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "urfave_cli_no_docs", "-o", bin, "../../cmd/opscontext").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	withStandIn(t)
	t.Run("measures everything", func(t *testing.T) { measuresEverything(t, bin) })
	t.Run("holds hits against the yardstick", func(t *testing.T) { holdsHits(t, bin) })
}

// The logs are so small that the figures mean nothing.
func measuresEverything(t *testing.T, bin string) {
	dir, results := t.TempDir(), filepath.Join(t.TempDir(), "RESULTS.md")
	var text strings.Builder
	out := terminal.NewStream(&text, terminal.ColourNever, os.LookupEnv)
	if err := measure(t.Context(), out, options{bin: bin, dir: dir, records: 3000, search: 20_000, rounds: 1, span: 5 * time.Millisecond, long: 2000, results: results, reference: "../../testdata/conformance/standin.mjs"}); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	rows := []string{"machine ", "SHA-256 ", "3,000 records", "codec alone", "opscontext archive", "of 1 round,",
		"SHA-256 of each message", "hashes and links alone", "audit_verify, 1 core ", ", archived ", ", 1 % odd ", "hashes and links, of raw SHA-256", "audit_verify, of raw SHA-256",
		"cost of archived, of plain", "cost of 1 % odd, of clean", "MiB held, 3,000 records", "MiB held, 30,000 records", "MiB held, 300 findings",
		"SKIPPED: no module of peers", "64 goroutines, of 1 ", "4 processes, of sync in the lock ", "append to 402 KiB, ms over empty ", "append to 801 KiB, ms over empty ",
		"speed of AppendBatch, of hashing ", "speed of import FILE, of hashing "}
	for tool, row := range map[string]string{"openssl": "speed of all cores, of openssl", "sha256sum": "speed of all cores, of sha256sum", "node": "memory of another verifier"} {
		if _, err := exec.LookPath(tool); err != nil {
			row = "SKIPPED: " + tool + " is not installed: audit_verify"
		}
		rows = append(rows, row)
	}
	if _, err := exec.LookPath("zstd"); err != nil {
		rows = append(rows, "SKIPPED: zstd is not installed: archive", "SKIPPED: zstd is not installed: audit_search")
	} else {
		rows = append(rows, "zstd -3 -T1 ", "speed of archive", "speed of its codec", "size of the archive", "20,000 records", "cores idle",
			"a token id, of rg ", "a UUID, of zstd -dc | rg ", "an IP address, of rg ", "one hour, ms over start-up", "a rare kind, of zstd -dc | rg ", "half a hash, of zstd -dc | rg ",
			"all that is stored, of zstd -3 ", "of a token id: 1 hit in ")
	}
	said := text.String() + holdsResults(t, results, text.String())
	for _, row := range rows {
		if !strings.Contains(said, row) {
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

// A search that finds something else than its yardstick is not measured.
func holdsHits(t *testing.T, bin string) {
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Skip("no zstd command here: that a search with other hits is not measured was not tested")
	}
	t.Setenv(lossy, "")
	out := terminal.NewStream(&strings.Builder{}, terminal.ColourNever, os.LookupEnv)
	err := measure(t.Context(), out, options{bin: bin, dir: t.TempDir(), search: 20_000, rounds: 1})
	if err == nil || !strings.Contains(err.Error(), "a token id: audit_search --text bt-") {
		t.Errorf("other hits: %v", err)
	}
}

// A yardstick that is not there is said to be missing.
func TestBenchSaysWhatItSkips(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var text strings.Builder
	out := terminal.NewStream(&text, terminal.ColourNever, os.LookupEnv)
	if err := measure(t.Context(), out, options{bin: "none", dir: t.TempDir(), search: 1, rounds: 1}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SKIPPED: rg is not installed: audit_search was not measured\n", "0 met, 0 missed; 1 part SKIPPED\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, &text)
		}
	}
}

func TestBenchFailsWithWhatItMeasures(t *testing.T) {
	out := terminal.NewStream(&strings.Builder{}, terminal.ColourNever, os.LookupEnv)
	withStandIn(t)
	for name, o := range map[string]options{
		"no program":           {bin: filepath.Join(t.TempDir(), "none"), records: 10, rounds: 1},
		"no program to search": {bin: filepath.Join(t.TempDir(), "none"), search: 10, rounds: 1},
		"no records":           {bin: "true", rounds: 1},
		"no rounds":            {bin: "true", records: 10},
		"nothing to look for":  {bin: "true", search: 10, rounds: 1},
	} {
		o.dir = t.TempDir()
		if err := measure(t.Context(), out, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := part(t.Context(), "codec", []string{"one"}); err == nil {
		t.Error("a part without its files is no error")
	}
}

func TestSameLines(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	long := strings.Repeat("line\n", 30_000)
	for _, c := range []struct {
		a, b  string
		lines int
	}{{"", "", 0}, {"a\nb\n", "a\nb\n", 2}, {"a\n", "a\nb\n", -1}, {"a\n", "b\n", -1}, {long, long, 30_000}, {long, long + "x", -1}, {long, strings.ToUpper(long), -1}} {
		lines, err := sameLines(file("a", c.a), file("b", c.b))
		if c.lines < 0 && err == nil || c.lines >= 0 && (err != nil || lines != c.lines) {
			t.Errorf("%.10q and %.10q: %d, %v", c.a, c.b, lines, err)
		}
	}
	if _, err := sameLines(filepath.Join(dir, "none"), filepath.Join(dir, "a")); err == nil {
		t.Error("a file that is not there has lines")
	}
}

func TestIdleCores(t *testing.T) {
	all := float64(runtime.NumCPU())
	const before = "cpu  100 0 50 1000 20 0 0 0 0 0\ncpu0 1 1 1 1\n"
	for after, want := range map[string]float64{
		"cpu  100 0 50 1200 20 0 0 0 0 0\n":    all,
		"cpu  300 0 50 1000 20 0 0 0 0 0\n":    0,
		"cpu  200 0 50 1100 20 0 0 0 77 77\n":  all / 2,
		before:                                 0,
		"cpu  100 0 100 1100 20 0 0 50 0 0\nx": all / 2,
	} {
		if got := idleCores(before, after); got != want {
			t.Errorf("%q: %v, want %v", after, got, want)
		}
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

func TestHoursThatAreLookedFor(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2025, 1, 1, hour, 30, 0, 0, time.UTC) }
	for _, c := range []struct {
		events      []int // an hour each
		busy, usual string
	}{
		{[]int{10, meanHour, meanHour * 2, 5}, "2025-01-01T03:", "2025-01-01T01:"},
		{[]int{meanHour + usualOff, meanHour - usualOff, 1}, "2025-01-01T02:", "2025-01-01T01:"},
		{[]int{10, meanHour + usualOff + 1, 1}, "2025-01-01T02:", "2025-01-01T02:"},
		{[]int{meanHour}, "2025-01-01T00:", "2025-01-01T00:"},
	} {
		var n needles
		for hour, events := range c.events {
			for range events {
				n.offer(at(hour), "", nil)
			}
		}
		if err := n.settle(); err == nil {
			t.Error("ids were found in no event")
		}
		if busy, usual := hourText(n.busy), hourText(n.usual); busy != c.busy || usual != c.usual {
			t.Errorf("%v: %s and %s, want %s and %s", c.events, busy, usual, c.busy, c.usual)
		}
	}
}

func TestSkippedFrames(t *testing.T) {
	for said, want := range map[string]string{
		"1 hit in 5 records; searched 4 of 4 segments; skipped by index: 1,790 of 1,826 frames; unreadable: nothing": "1,790/1,826 skipped",
		"1 hit in 5 records; searched 4 of 4 segments; unreadable: nothing":                                          "",
	} {
		if got := (&searched{said: said}).skipped(); got != want {
			t.Errorf("%s: %q, want %q", said, got, want)
		}
	}
}

func TestSampleOfTimes(t *testing.T) {
	if got := (sample{12.34, 9, 11}).less(sample{2, 1, 1}).short(); got != "10.0 [8.0-10.3]" {
		t.Errorf("%s", got)
	}
	if got := (sample{120.4, 99.5, 1}).short(); got != "100 [1-120]" {
		t.Errorf("%s", got)
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

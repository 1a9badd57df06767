package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/internal/terminal"
)

// TestMain lets the test be what the program is, one that stands between itself and what it measures.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-usage" {
		os.Exit(standBetween(context.Background(), os.Args[2], os.Args[4:]))
	}
	os.Exit(m.Run())
}

func quiet() *terminal.Stream {
	return terminal.NewStream(&strings.Builder{}, terminal.ColourNever, os.LookupEnv)
}

// The logs are so small that the figures mean nothing.
func TestScale(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "opscontext")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "urfave_cli_no_docs", "-o", bin, "../../../cmd/opscontext").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	dir := t.TempDir()
	o := options{bin: bin, sizes: []int64{leastRecords, leastRecords + 5000}, keep: filepath.Join(dir, "kept"), markdown: filepath.Join(dir, "a", "S.md"), chart: filepath.Join(dir, "b", "s.svg")}
	var said strings.Builder
	out := terminal.NewStream(&said, terminal.ColourNever, os.LookupEnv)
	if err := run(t.Context(), out, o); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + said.String())
	page, err := os.ReadFile(o.markdown)
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"20,000 records, ", "25,000 records, ", "](../b/s.svg)", "\n| operation | 20,000 records | 25,000 records |\n| --- | ---: | ---: |\n", "## Growth", "max_bytes = \"256MiB\""} {
		if !strings.Contains(string(page), words) {
			t.Errorf("the page has no %q:\n%s", words, page)
		}
	}
	for _, op := range operations() {
		if n := strings.Count(string(page), "\n| "+op.name+" | "); n != 4 {
			t.Errorf("%s is in %d tables", op.name, n)
		}
	}
	m := kept(t, o, leastRecords)
	for name, f := range m.Figures {
		if f.CPU <= 0 || f.Wall <= 0 || f.Peak < 1<<20 || f.Peak > 4<<30 {
			t.Errorf("%s took %+v", name, f)
		}
	}
	if m.Raw < leastRecords*300 || m.Raw > leastRecords*perRecord || m.Stored >= m.Raw || m.Segments < 3 {
		t.Errorf("the log: %s", m.words())
	}
	goesOn(t, o)
}

// A run that finds figures measures what is missing, and one that finds a log half made makes it anew.
func goesOn(t *testing.T, o options) {
	before := kept(t, o, leastRecords)
	delete(before.Figures, "status")
	keep(t, o, before)
	o.bin = "none" // so that everything that is measured fails
	if err := run(t.Context(), quiet(), o); err == nil || !strings.Contains(err.Error(), "opscontext status") {
		t.Errorf("status is not measured again: %v", err)
	}
	before.Begun = opArchive
	keep(t, o, before)
	if err := run(t.Context(), quiet(), o); err == nil || !strings.Contains(err.Error(), "opscontext import") {
		t.Errorf("a log that was being archived is gone on with: %v", err)
	}
	if m := kept(t, o, leastRecords); len(m.Figures) != 0 || m.Begun != opImport {
		t.Errorf("what is left of it: %+v", m)
	}
}

func kept(t *testing.T, o options, size int) (m measurements) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.keep, strconv.Itoa(size), figuresFile))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func keep(t *testing.T, o options, m measurements) {
	t.Helper()
	s := sized{dir: filepath.Join(o.keep, strconv.FormatInt(m.Records, 10)), measurements: m}
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
}

func TestParseSizes(t *testing.T) {
	var o options
	if err := o.parseSizes("500000, 20000,500000"); err != nil || !slices.Equal(o.sizes, []int64{20_000, 500_000}) {
		t.Errorf("%v, %v", o.sizes, err)
	}
	for _, bad := range []string{"", "x", "19999", "-1", "20000,", "1e6"} {
		if err := new(options).parseSizes(bad); err == nil || !strings.Contains(err.Error(), "20,000") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A disk that is too small is said to be before anything is written.
func TestEnoughSpace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := enoughSpace(dir, 1); err != nil {
		t.Skipf("less than 2 GiB are free here: %v", err)
	}
	err := enoughSpace(dir, 1<<50)
	if err == nil || !strings.Contains(err.Error(), "free at "+dir) || !strings.Contains(err.Error(), "-sizes") {
		t.Errorf("%v", err)
	}
}

func TestMiddle(t *testing.T) {
	got := middle([]figure{{3, 30, 1}, {1, 10, 9}, {2, 20, 2}})
	if want := (figure{2, 20, 9}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// What is looked for is well inside the part that is offered, and there once.
func TestFeed(t *testing.T) {
	var events bytes.Buffer
	s, err := feed(&events, leastRecords)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(events.Bytes(), []byte{'\n'}); n != leastRecords {
		t.Errorf("%d events", n)
	}
	if n := strings.Count(events.String(), s.ID); s.ID == "" || n != 1 {
		t.Errorf("%q is there %d times", s.ID, n)
	}
	if s.Hour.Minute() != 0 || s.Hour.Before(firstDay) || s.Index != leastRecords/100*61 {
		t.Errorf("%+v", s)
	}
	if _, err := feed(broken{}, leastRecords); !errors.Is(err, errBroken) {
		t.Errorf("nobody takes the events: %v", err)
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestLineFrom(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(name, []byte("first\nsecond\nthird\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int64]string{0: "second", 5: "second", 6: "third"} {
		line, offset, err := lineFrom(name, at)
		if err != nil || string(line) != want || offset != int64(strings.Index("first\nsecond\nthird\n", want)) {
			t.Errorf("from %d: %q at %d, %v", at, line, offset, err)
		}
	}
	if line, _, err := lineFrom(name, 13); err == nil {
		t.Errorf("behind the last: %q", line)
	}
}

// What the starter needs is not what is measured, and a failure is passed on.
func TestUsageIsOfTheCommand(t *testing.T) {
	p, err := newProbe("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "usage")
	if err := command(t.Context(), p.self, "-usage", file, "--", "/bin/sh", "-c", "exec sleep 0.05").Run(); err != nil {
		t.Fatal(err)
	}
	var f figure
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil || f.Wall < (50*time.Millisecond).Seconds() || f.CPU > f.Wall {
		t.Errorf("%+v, %v", f, err)
	}
	err = command(t.Context(), p.self, "-usage", file, "--", "/bin/sh", "-c", "exit 7").Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); !ok || ended.ExitCode() != 7 {
		t.Errorf("exit code 7 is passed on as %v", err)
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[float64]string{0.0000049: "0.0049 ms", 0.00583: "5.83 ms", 0.1: "100 ms", 0.9999: "1 s", 74.78: "74.8 s", 999.4: "999 s", 1234.5: "1,235 s"} {
		if got := seconds(s); got != want {
			t.Errorf("%v: %s, want %s", s, got, want)
		}
	}
}

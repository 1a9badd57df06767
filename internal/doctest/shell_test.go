package doctest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/segment"
)

// needs skips the test where a program that the documents use is not installed.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed, and the documents use it", p)
		}
	}
}

// shell runs blocks the way a reader does who pastes them into a terminal, one after the other.
type shell struct {
	dir string // working directory, and HOME
	env []string

	as     *syscall.SysProcAttr // who runs the blocks, nil: who runs the tests
	others bool                 // the home is another's, see runAs
}

func newShell(t *testing.T, path ...string) *shell {
	t.Helper()
	dir := t.TempDir()
	env := []string{
		"HOME=" + dir, "XDG_STATE_HOME=" + filepath.Join(dir, "state"), "LC_ALL=C.UTF-8", "TZ=UTC", "NO_COLOR=1",
		"PATH=" + strings.Join(append(path, os.Getenv("PATH")), string(os.PathListSeparator)),
	}
	return &shell{dir: dir, env: env}
}

// home is where the program keeps the log by itself.
func (s *shell) home() string { return filepath.Join(s.dir, ".contextengine") }

// state is where it keeps what it remembers.
func (s *shell) state() string { return filepath.Join(s.dir, "state", "opscontext") }

// run runs a block and gives what it wrote to standard output and standard error, together.
func (s *shell) run(t *testing.T, script string) (output string, exit int) {
	t.Helper()
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = s.dir, s.env, s.as
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), failed.ExitCode()
	}
	check(t, err)
	return out.String(), 0
}

// try runs a block and holds it to the exit code behind its fence, 0 if there is none.
func (s *shell) try(t *testing.T, d *document, b block) (output string) {
	t.Helper()
	want := 0
	if code, ok := b.attrs["exit"]; ok {
		n, err := strconv.Atoi(code)
		if err != nil {
			t.Fatalf("%s: exit=%s is no number", d.at(b), code)
		}
		want = n
	}
	output, exit := s.run(t, b.text)
	if exit != want {
		t.Errorf("%s: exit code %d, the document says %d:\n%s\n%s", d.at(b), exit, want, b.text, output)
	}
	return output
}

// shows reports whether a block of expected output is what was written: every line of it is there,
// in order, and where it has no line "…" between two, they follow each other. "…" within a line
// stands for any text.
func shows(expected, output string) bool {
	pattern := "(?s)^"
	skipped := false
	for line := range strings.Lines(expected) {
		line = strings.TrimSuffix(line, "\n")
		if line == "…" {
			pattern += "(?:[^\n]*\n)*?"
			skipped = true
			continue
		}
		parts := strings.Split(line, "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		pattern += strings.Join(parts, "[^\n]*") + "\n"
		skipped = false
	}
	if !skipped {
		pattern += "$"
	}
	return regexp.MustCompile(pattern).MatchString(output)
}

func TestShowsTellsOutputsApart(t *testing.T) {
	for _, c := range []struct {
		expected, output string
		want             bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nb\n", "a\nx\nb\n", false},
		{"a\n", "a\nb\n", false},
		{"a\n…\nb\n", "a\nx\ny\nb\n", true},
		{"a\n…\n", "a\nx\ny\n", true},
		{"a\n…\nc\n", "a\nb\n", false},
		{"a … c\n", "a bb c\n", true},
		{"a … c\n", "a b\n c\n", false},
		{"a.c\n", "abc\n", false},
	} {
		if got := shows(c.expected, c.output); got != c.want {
			t.Errorf("shows(%q, %q) is %v", c.expected, c.output, got)
		}
	}
}

// The pipelines in docs/FORMAT.md recompute hashes without the program, in the home of the examples.
// Those that want a program for archives run where the segment was archived.
func TestFormatPipelines(t *testing.T) {
	needs(t, "sh", "sed", "cut", "sha256sum")
	d := readDocument(t, format)
	h := makeHistory(t)
	plain := newShell(t)
	write(t, filepath.Join(plain.dir, segment.ArchiveDir, "audit-0001.jsonl"), lineOf(h.first, h.second))
	compressed := newShell(t)
	compressed.dir = archiveHistory(t, h).home
	runs := 0
	for i, b := range d.blocks {
		if b.lang != "sh" {
			continue
		}
		runs++
		t.Run(fmt.Sprintf("line%d", b.line), func(t *testing.T) {
			s := plain
			if program := b.attrs["needs"]; program != "" {
				needs(t, program)
				s = compressed
			}
			output := s.try(t, d, b)
			if next := d.blocks[i+1]; next.lang != "output" || !shows(next.text, output) {
				t.Errorf("%s: the output is\n%s", d.at(b), output)
			}
		})
	}
	if runs != 3 {
		t.Errorf("%s has %d pipelines, want 3", format, runs)
	}
}

package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// output runs a command line and gives what it wrote.
func output(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	env := environment{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, lookup: func(string) (string, bool) { return "", false }}
	if code := run(append([]string{"opscontext"}, args...), env); code != 0 {
		t.Fatalf("%q: exit code %d, %s", args, code, errs.String())
	}
	return out.String()
}

func TestHelpOfEveryCommand(t *testing.T) {
	for _, v := range verbs() {
		t.Run(v.name, func(t *testing.T) {
			help := output(t, v.name, "--help")
			for _, want := range []string{v.usage, "Example:\n   opscontext " + v.name, "Exit codes:\n", "  0  done", " 64  the command", "--home DIR", "--quiet"} {
				if v.name == "completion" && strings.HasPrefix(want, "Example") {
					want = "Example:\n"
				}
				if !strings.Contains(help, want) {
					t.Errorf("--help lacks %q:\n%s", want, help)
				}
			}
			for _, code := range v.exits {
				if !strings.Contains(help, fmt.Sprintf("%6d  ", code)) {
					t.Errorf("--help lacks the exit code %d", code)
				}
			}
			for line := range strings.Lines(help) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	}
}

func TestHelpFitsTheScreen(t *testing.T) {
	for line := range strings.Lines(output(t, "--help")) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestManualNamesEveryCommandAndExitCode(t *testing.T) {
	page := output(t, "man")
	if !strings.HasPrefix(page, ".nh\n.TH opscontext 1\n") && !strings.Contains(page, `.TH "opscontext" "1"`) && !strings.Contains(page, ".TH opscontext 1") {
		t.Errorf("no heading of a manual page of section 1: %.80q", page)
	}
	for _, v := range verbs() {
		if !strings.Contains(page, "\n.SH "+v.name) && !strings.Contains(page, "\n.SS "+v.name) {
			t.Errorf("no part about %s", v.name)
		}
	}
	for _, row := range exitTable {
		first, _, _ := strings.Cut(row.meaning, "\n")
		if !strings.Contains(page, fmt.Sprintf("%3d  %s", row.code, first)) {
			t.Errorf("no exit code %d", row.code)
		}
	}
}

func TestExitTableIsComplete(t *testing.T) {
	for _, v := range verbs() {
		for _, code := range v.exits {
			if describeExits(code) == "" {
				t.Errorf("%s ends with %d, which the table does not have", v.name, code)
			}
		}
	}
	for _, row := range exitTable {
		if row.code == 2 {
			t.Error("2 belongs to a crashed Go program")
		}
	}
}

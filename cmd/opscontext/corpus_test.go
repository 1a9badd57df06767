package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/opscontext/opscontext/internal/corpus"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/recovery"
)

// TestCorpus runs the program on every damaged log: audit_verify ends with the exit code of its case
// and names its findings, and recover diagnose tells what happened, with the command to run next.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Read("../../testdata/corrupt")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Vector != "" {
			continue // the conformance run compares the program with existing verifiers on those
		}
		t.Run(c.Title(), func(t *testing.T) {
			t.Parallel()
			site, err := c.Lay(t.TempDir(), "../../testdata/vectors")
			if err != nil {
				t.Fatal(err)
			}
			var r report.Report
			runJSON(t, &r, c.Exit, "audit_verify", "--json", "--home", site.Home, "--state", site.State)
			var got []corpus.Finding
			for _, f := range r.Findings {
				got = append(got, corpus.Finding{Class: f.Class, Segment: f.Segment, Line: f.Line})
			}
			if d := cmp.Diff(c.Findings, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			var d recovery.Diagnosis
			runJSON(t, &d, c.Exit, "recover", "diagnose", "--json", "--home", site.Home, "--state", site.State)
			var told []corpus.Told
			for _, s := range d.Cases {
				told = append(told, corpus.Told{Case: string(s.Case), Run: s.Run})
				program, rest, _ := strings.Cut(s.Run, " ")
				if program == "opscontext" && !knownVerb(rest) {
					t.Errorf("%s ends with a command that is none: %s", s.Case, s.Run)
				}
			}
			if diff := cmp.Diff(c.Told, told, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("what happened (-want +got):\n%s", diff)
			}
		})
	}
}

// runJSON runs the program, which must end with an exit code and print one JSON object.
func runJSON(t *testing.T, into any, exit int, args ...string) {
	t.Helper()
	cmd := exec.Command("opscontext", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != exit {
		t.Errorf("%s: exit code %d, want %d: %s", args[0], got, exit, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatalf("%s: %v: %s", args[0], err, errs.String())
	}
}

// knownVerb reports whether a command line begins with a verb that the program has.
func knownVerb(line string) bool {
	return slices.ContainsFunc(verbs(), func(v verb) bool { return line == v.name || strings.HasPrefix(line, v.name+" ") })
}

package corpus

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
)

var update = flag.Bool("update", false, "write the cases of testdata/corrupt anew")

const (
	kept    = "../../testdata/corrupt"
	vectors = "../../testdata/vectors"
)

// made makes every case.
func made(t *testing.T) (cases []Case) {
	t.Helper()
	for _, d := range slices.Concat(tails, records, segments, evidence) {
		s := newSite(t)
		d.do(s)
		c := Case{Name: d.name, IDs: strings.Fields(d.ids), Made: d.made, Why: d.why, Entries: s.entries()}
		expect(t, &c)
		cases = append(cases, c)
	}
	for name := range expected {
		if vector, ok := strings.CutPrefix(name, "vector-"); ok {
			c := Case{Name: name, Vector: vector, Made: "as " + vector + " of testdata/vectors tells", Why: "a log of an existing install, whole or damaged; beside it is what existing verifiers say"}
			expect(t, &c)
			cases = append(cases, c)
		}
	}
	slices.SortFunc(cases, func(a, b Case) int { return strings.Compare(a.Name, b.Name) })
	return cases
}

// expect fills in what is expected of a case.
func expect(t *testing.T, c *Case) {
	t.Helper()
	row, ok := expected[c.Name]
	if !ok {
		t.Errorf("nothing is expected of %s", c.Name)
		return
	}
	parts := strings.Split(row, " | ")
	if len(parts) != 6 {
		t.Fatalf("%s: %q has %d parts, want 6", c.Name, row, len(parts))
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		return n
	}
	c.Exit, c.After, c.Appended = number(parts[0]), number(parts[4]), parts[5]
	for _, text := range fields(parts[1]) {
		if err := c.set("finding", text); err != nil {
			t.Fatalf("%s: %q: %v", c.Name, text, err)
		}
	}
	for _, kind := range fields(parts[2]) {
		run, ok := commands[kind]
		if !ok {
			t.Fatalf("%s: no command is expected for %s", c.Name, kind)
		}
		c.Told = append(c.Told, Told{kind, run})
	}
	do, cause, _ := strings.Cut(parts[3], " ")
	c.Plan = Plan{do, chain.Cause(cause)}
}

func fields(s string) []string {
	if s == "-" {
		return nil
	}
	return strings.Split(s, ", ")
}

// TestCorpus holds the kept cases against the ones that are made now: the same bytes, none missing,
// none too many. With -update it writes them.
func TestCorpus(t *testing.T) {
	names := map[string]bool{}
	cases := made(t)
	for _, c := range cases {
		name := filepath.Join(kept, c.Name+Suffix)
		if names[name] {
			t.Errorf("two cases %s", c.Name)
		}
		names[name] = true
		text := c.Format()
		if *update {
			if err := os.WriteFile(name, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		had, err := os.ReadFile(name)
		if err != nil {
			t.Errorf("%v: make corpus writes it", err)
		} else if !bytes.Equal(had, text) {
			t.Errorf("%s is not what is made now: make corpus writes it, git diff shows what changed", name)
		}
	}
	there, err := filepath.Glob(filepath.Join(kept, "*"+Suffix))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range there {
		if !names[name] && *update {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		} else if !names[name] {
			t.Errorf("nothing makes %s any more: make corpus removes it", name)
		}
	}
	for name := range expected {
		if !names[filepath.Join(kept, name+Suffix)] {
			t.Errorf("%s is expected of a case that nothing makes", name)
		}
	}
	if len(cases) < 70 {
		t.Errorf("%d cases, want at least 70", len(cases))
	}
	index(t, cases)
}

func read(t *testing.T) []Case {
	t.Helper()
	cases, err := Read(kept)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// index is the page that lists the cases.
func index(t *testing.T, cases []Case) {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The cases\n\nWritten by `make corpus`; [README.md](README.md) tells the form. exit: of audit_verify as found, once the\nplan was applied, once a record was appended after it.\n\n| case | made | found | told | plan | exit |\n|---|---|---|---|---|---|\n")
	for _, c := range cases {
		var found, told []string
		for _, f := range c.Findings {
			found = append(found, f.String())
		}
		for _, s := range c.Told {
			told = append(told, s.Case)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d, %d, %s |\n", c.Name, c.Made, strings.Join(found, "; "), strings.Join(told, "; "),
			strings.TrimSpace(c.Plan.Do+" "+string(c.Plan.Cause)), c.Exit, c.After, c.Appended)
	}
	name := filepath.Join(kept, "INDEX.md")
	if *update {
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if had, err := os.ReadFile(name); err != nil || !bytes.Equal(had, b.Bytes()) {
		t.Errorf("%s is not what is made now (%v): make corpus writes it", name, err)
	}
}

// What is written is read back as it was.
func TestForm(t *testing.T) {
	for _, c := range read(t) {
		again, err := Parse(c.Name, c.Format())
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if !bytes.Equal(again.Format(), c.Format()) || len(again.Entries) != len(c.Entries) {
			t.Errorf("%s: read back, it is another case", c.Name)
		}
		for i, e := range again.Entries {
			if w := c.Entries[i]; e.Path != w.Path || e.Mode != w.Mode || !bytes.Equal(e.Data, w.Data) {
				t.Errorf("%s: %s reads back with mode %v and %d bytes, want %v and %d", c.Name, w.Path, e.Mode, len(e.Data), w.Mode, len(w.Data))
			}
		}
	}
}

// Every incident that happened to existing installs has its case.
func TestIncidentsHaveCases(t *testing.T) {
	had := map[string]bool{}
	for _, c := range read(t) {
		for _, id := range c.IDs {
			had[id] = true
		}
	}
	for _, id := range []string{"TORN-TAIL", "B1-1", "UNREADABLE-HEAD", "VERIFY-READS-PAST", "194875-REFUSALS", "ARCHIVE-BEFORE-TRUNCATE", "70000-ARCHIVED-TWICE",
		"51174-OVERWRITTEN", "20-RECORDS-TWICE", "100-OWN-REWRITES", "66-FORKS", "448-LOSSES"} {
		if !had[id] {
			t.Errorf("no case of the incident %s", id)
		}
	}
}

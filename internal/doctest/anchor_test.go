package doctest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/recovery"
	"github.com/opscontext/opscontext/segment"
)

// documentRollBack is the history's home after its live log was put back, and what a person then
// declares of it: the line of the audit.anchor, and the home.
func documentRollBack(t *testing.T) (home, line string) {
	t.Helper()
	h := makeHistory(t)
	h.rollBack(t)
	home = filepath.Join(t.TempDir(), "home")
	write(t, filepath.Join(home, segment.ArchiveDir, "audit-0001.jsonl"), lineOf(h.first, h.second))
	write(t, filepath.Join(home, segment.LiveName), lineOf(h.rotate, h.breaks))
	at := time.Date(2027, 1, 4, 9, 30, 0, 0, time.UTC)
	clock := func() time.Time { return at }
	o := recovery.Options{Home: home, Now: clock, Log: segment.Options{Now: clock, Tool: "opscontext 0.1.0"},
		By: chain.Recorder{UID: 1000, User: "ada", Host: "atlas", Tool: "opscontext 0.1.0"}}
	p, err := recovery.PlanBreak(t.Context(), o, recovery.Declaration{Cause: chain.CauseBackupRestore,
		Reason: "disk replaced, restored from the copy of 2 January", Operator: "Ada King", Ticket: "OPS-7"})
	check(t, err)
	check(t, p.Apply(t.Context(), o))
	sealed, err := os.ReadFile(filepath.Join(home, segment.ArchiveDir, "audit-0002.jsonl"))
	check(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(sealed), "\n"), "\n")
	return home, lines[len(lines)-1] + "\n"
}

func payloadOf(t *testing.T, line string) (text []byte, v ecmajson.Value) {
	t.Helper()
	text = chain.ReadLine([]byte(strings.TrimSuffix(line, "\n"))).Record.Payload
	v, _, err := ecmajson.Parse(text, chain.MaxDepth)
	check(t, err)
	return text, v
}

// The example of audit.anchor is what declaring the history's break chains, and the break is then
// documented: in the verdict, counted, and a failure to nobody but --strict.
func TestExampleOfAnchor(t *testing.T) {
	d := readDocument(t, format)
	home, want := documentRollBack(t)
	b := d.example(t, chain.KindAnchor)
	if b.text != want {
		t.Errorf("%s: the example is\n%swant\n%s", d.at(b), b.text, want)
	}
	text, v := payloadOf(t, want)
	a, err := chain.ParseAnchor(v)
	if err != nil || !bytes.Equal(a.Payload(), text) {
		t.Errorf("%s: read and written again: %v, %s", d.at(b), err, a.Payload())
	}
	for strict, exit := range map[verify.Strictness]int{verify.Lenient: 0, verify.Strict: 4} {
		r, err := verify.Run(t.Context(), verify.Options{Home: home, Strict: strict})
		check(t, err)
		if r.Exit != exit || r.Verdict != "intact except 1 documented break: 2 records lost (corroborated)" || r.Incarnation != 2 {
			t.Errorf("verdict %q, exit %d, incarnation %d", r.Verdict, r.Exit, r.Incarnation)
		}
	}
}

// The table of members names every member of the payload, in order, and no other.
func TestFormatNamesEveryMemberOfTheAnchor(t *testing.T) {
	d := readDocument(t, format)
	a := chain.Anchor{Where: chain.WhereGap, After: chain.AnchorAfter{Hash: chain.Hash{1}}, Evidence: []chain.Evidence{{}}}
	v, _, err := ecmajson.Parse(a.Payload(), chain.MaxDepth)
	check(t, err)
	var want, named []string
	paths("", v, &want)
	for _, r := range d.rows(t, "The members of the payload (tested):\n") {
		named = append(named, strings.Trim(r[0], "`"))
	}
	if strings.Join(named, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s names the members\n%s\nthe payload has\n%s", format, strings.Join(named, "\n"), strings.Join(want, "\n"))
	}
}

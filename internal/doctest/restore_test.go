package doctest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/recovery"
	"github.com/opscontext/opscontext/segment"
)

// The example of our audit.restore is what restoring the history's lost records from the old disk
// chains, and the documented break is then healed.
func TestExampleOfBranch(t *testing.T) {
	d := readDocument(t, format)
	home, anchorLine := documentRollBack(t)
	h := makeHistory(t)
	anchor := chain.ReadLine([]byte(strings.TrimSuffix(anchorLine, "\n"))).Record
	want := h.comeBack(t, anchor)
	if b := d.example(t, "audit.restore.branch"); b.text != string(lineOf(want)) {
		t.Errorf("%s: the example is\n%swant\n%s", d.at(b), b.text, lineOf(want))
	}
	text, v := payloadOf(t, string(lineOf(want)))
	if p, err := chain.ParseRestore(v); err != nil || !bytes.Equal(p.Payload(), text) {
		t.Errorf("read and written again: %v, %s", err, p.Payload())
	}

	disk := filepath.Join(t.TempDir(), "old-disk")
	write(t, filepath.Join(disk, segment.LiveName), lineOf(h.rotate, h.torn, h.failed))
	clock := func() time.Time { return time.Date(2027, 1, 6, 8, 0, 0, 0, time.UTC) }
	o := recovery.Options{Home: home, Now: clock, Log: segment.Options{Now: clock, Tool: "opscontext 0.1.0"},
		By: chain.Recorder{UID: 1000, User: "ada", Host: "atlas", Tool: "opscontext 0.1.0"}}
	p, err := recovery.PlanRestore(t.Context(), o, recovery.Restoration{From: disk, Reason: "the old disk could be read", Operator: "Ada King"})
	check(t, err)
	check(t, p.Apply(t.Context(), o))
	live, err := os.ReadFile(filepath.Join(home, segment.LiveName))
	check(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(live), "\n"), "\n")
	if got, _ := payloadOf(t, lines[len(lines)-1]); !bytes.Equal(got, text) { // what it follows has the host's name
		t.Errorf("restoring chains\n%s, want\n%s", got, text)
	}
	branch := readOne(t, filepath.Join(home, segment.ArchiveDir), "audit-0002-b1.jsonl")
	if !bytes.Equal(branch, lineOf(h.torn, h.failed)) {
		t.Errorf("the branch holds\n%s", branch)
	}
	r, err := verify.Run(t.Context(), verify.Options{Home: home, Strict: verify.Strict})
	check(t, err)
	if r.Exit != 0 || r.Verdict != "intact" || r.Anchors[0].State != chain.AnchorHealed {
		t.Errorf("verdict %q, exit %d, the break is %s", r.Verdict, r.Exit, r.Anchors[0].State)
	}
}

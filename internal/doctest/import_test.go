package doctest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/intake"
	"github.com/opscontext/opscontext/segment"
)

// The source, the records, the bookmark before and after: one import, and what it leaves.
func TestExampleImport(t *testing.T) {
	d := readDocument(t, format)
	source := d.example(t, "import-source").text
	home := filepath.Join(t.TempDir(), "home")
	clock := func() time.Time { return time.Date(2027, 1, 6, 9, 0, 0, 0, time.UTC) }
	// Without periods: a rotation would name this machine.
	so := segment.Options{Now: clock, Period: segment.PeriodNone, Tool: "opscontext 0.1.0"}
	o := intake.Options{Times: intake.TimesOfSource, By: chain.Recorder{UID: 1000, User: "ops", Host: "box", Tool: "opscontext 0.1.0"}}
	r, err := intake.File(t.Context(), home, so, intake.Source{Name: "history.jsonl", Data: strings.NewReader(source)}, o)
	check(t, err)

	live, err := os.ReadFile(filepath.Join(home, segment.LiveName))
	check(t, err)
	if got := d.example(t, "import-records").text + d.example(t, "audit.import").text; got != string(live) {
		t.Errorf("the examples import-records and audit.import are\n%swant\n%s", got, live)
	}
	kept, err := os.ReadFile(filepath.Join(home, segment.ArchiveDir, segment.ImportName(r.SHA256)))
	check(t, err)
	if b := d.example(t, "bookmark-closed"); b.text != string(kept) {
		t.Errorf("%s: the example is\n%swant\n%s", d.at(b), b.text, kept)
	}

	v, _, err := ecmajson.Parse(r.Closed.Payload, chain.MaxDepth)
	check(t, err)
	p, err := chain.ParseImport(v)
	if err != nil || string(p.Payload()) != string(r.Closed.Payload) || p != r.Import {
		t.Errorf("the payload is read as %+v: %v", p, err)
	}

	// The bookmark of an import that was killed is one to go on from: here nothing was written yet.
	open := d.example(t, "bookmark").text
	again := filepath.Join(t.TempDir(), "home")
	check(t, os.MkdirAll(filepath.Join(again, segment.ArchiveDir), 0o700))
	check(t, os.WriteFile(filepath.Join(again, segment.ArchiveDir, segment.ImportName(r.SHA256)), []byte(open), 0o600))
	marks, err := intake.ReadBookmarks(durable.OS(), again)
	check(t, err)
	if len(marks) != 1 || marks[0].Unfinished() == "" {
		t.Errorf("the bookmark is read as %+v", marks)
	}
	if _, err = intake.File(t.Context(), again, so, intake.Source{Name: "history.jsonl", Data: strings.NewReader(source)}, o); err != nil {
		t.Errorf("going on from the bookmark: %v", err)
	}
	after, err := os.ReadFile(filepath.Join(again, segment.LiveName))
	check(t, err)
	if string(after) != string(live) {
		t.Errorf("going on from the bookmark makes\n%swant\n%s", after, live)
	}
}

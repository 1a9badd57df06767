package doctest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/adopt"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// The example of audit.adopt is what an adoption of the history's home chains.
func TestExampleOfAdoption(t *testing.T) {
	d := readDocument(t, format)
	h := makeHistory(t)
	dir := t.TempDir()
	old, home := filepath.Join(dir, "old"), filepath.Join(dir, "new")
	write(t, filepath.Join(old, segment.ArchiveDir, "audit-0001.jsonl"), lineOf(h.first, h.second))
	write(t, filepath.Join(old, segment.LiveName), append(lineOf(h.rotate, h.torn, h.failed), fragmentText...))
	at := time.Date(2027, 1, 6, 8, 0, 0, 0, time.UTC)
	_, err := adopt.Apply(context.Background(), adopt.Options{From: old, To: home,
		By:  chain.Recorder{UID: 1000, User: "ada", Host: "atlas", Tool: "opscontext 0.1.0"},
		Log: segment.Options{State: filepath.Join(dir, "state"), Now: func() time.Time { return at }, Tool: "opscontext 0.1.0"}})
	check(t, err)
	live, err := os.ReadFile(filepath.Join(home, segment.LiveName))
	check(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(live), "\n"), "\n")
	want := lines[len(lines)-1] + "\n"
	b := d.example(t, chain.KindAdopt)
	if b.text != want {
		t.Errorf("%s: the example is\n%swant\n%s", d.at(b), b.text, want)
	}
	text := chain.ReadLine([]byte(strings.TrimSuffix(want, "\n"))).Record.Payload
	v, _, err := ecmajson.Parse(text, chain.MaxDepth)
	check(t, err)
	p, err := chain.ParseAdopt(v)
	if err != nil || !bytes.Equal(p.Payload(), text) {
		t.Errorf("%s: read and written again: %v, %s", d.at(b), err, p.Payload())
	}
}

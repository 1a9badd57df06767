package doctest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// history is the log that the examples of docs/FORMAT.md come from: two records, sealed by a
// rotation at the turn of the year; a torn tail; refused appends; a mark of all that; then the live
// log is put back to the day of the rotation, and the next writer finds that out.
type history struct {
	first, second, rotate, torn, failed, breaks chain.Record
	redact, restore                             chain.Record // of existing writers

	mark   segment.Mark
	points []segment.Point
}

const (
	fragmentText    = `{"ts":"2027-01-02T09:00:01.000Z","event":"session.sa`
	redactedPayload = `{"surface":"vscode","tool":"Edit","args_preview":"[removed]","session":"s1","cwd":"/home/ada/shop","input_chars":16}`
)

func seal(t *testing.T, prev chain.Record, ts, event, actor string, payload []byte) chain.Record {
	t.Helper()
	r, err := chain.Seal(prev.Hash, ts, event, actor, payload)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func lineOf(rs ...chain.Record) []byte {
	var text []byte
	for i := range rs {
		text = chain.AppendLine(text, &rs[i])
	}
	return text
}

// makeHistory makes the log up to the failed appends, and what a machine remembers of it.
func makeHistory(t *testing.T) *history {
	t.Helper()
	h := &history{}
	h.first = seal(t, chain.Record{}, "2026-01-05T08:30:00.000Z", "session.save", "system",
		[]byte(`{"name":"monday","key":"plan","value_length":12,"entries":1}`))
	h.second = seal(t, h.first, "2026-01-05T08:30:04.250Z", "vscode.tool_call", "claude-code",
		[]byte(`{"surface":"vscode","tool":"Edit","args_preview":"Zürich/<a> 100%","session":"s1","cwd":"/home/ada/shop","input_chars":16}`))
	h.rotate = seal(t, h.second, "2027-01-02T09:00:00.000Z", chain.KindRotate, chain.SystemActor, chain.Rotate{
		Segment: "audit-0001.jsonl", Records: 2, FirstHash: h.first.Hash, LastHash: h.second.Hash,
		Cutoff: "2027-01-02T09:00:00.000Z", LogID: h.first.Hash, Incarnation: 1, Reason: chain.ReasonPeriod, Machine: "atlas",
	}.Payload())
	h.torn = seal(t, h.rotate, "2027-01-02T09:10:00.000Z", chain.KindTornTail, chain.SystemActor, chain.TornTail{
		Kept: "audit.torn-2027-01-02T09-10-00-000Z.partial", Bytes: int64(len(fragmentText)),
		SHA256: sha256.Sum256([]byte(fragmentText)), Note: chain.NoteTorn,
	}.Payload())
	h.failed = seal(t, h.torn, "2027-01-03T10:05:00.000Z", chain.KindAppendFailed, chain.SystemActor, chain.AppendFailed{
		Count: 3, First: "2027-01-03T10:00:00.000Z", Last: "2027-01-03T10:00:02.000Z",
		Events: []chain.Count{{Name: "vscode.tool_call", Count: 2}, {Name: "session.save", Count: 1}},
		Errors: []chain.Count{{Name: "no space left on device", Count: 3}}, PIDs: []int64{4111, 4207},
	}.Payload())

	content := seal(t, h.first, h.second.TS, h.second.Event, h.second.Actor, []byte(redactedPayload)).Hash
	h.redact = seal(t, h.second, "2026-01-06T12:00:00.000Z", chain.KindRedact, "cli", fmt.Appendf(nil,
		`{"reason":"customer name removed","redacted":[{"index":1,"hash":"%v","content_hash":"%v","ts":"%s","event":"%s"}]}`,
		h.second.Hash, content, h.second.TS, h.second.Event))
	h.restore = seal(t, h.failed, "2027-01-05T12:00:00.000Z", chain.KindRestore, "cli", fmt.Appendf(nil,
		`{"segment":"audit-0001-r1.jsonl","after":"audit-0001.jsonl","records":2,"first_hash":"%v","last_hash":"%v","first_ts":"%s","last_ts":"%s","source":"lost.jsonl","reason":"from the nightly backup"}`,
		h.first.Hash, h.second.Hash, h.first.TS, h.second.TS))

	id := h.first.Hash
	end := func(rs ...chain.Record) int64 { return int64(len(lineOf(rs...))) }
	point := func(number, offset, records int64, r chain.Record) segment.Point {
		return segment.Point{LogID: id, Segment: number, Offset: offset, Hash: r.Hash, Records: records, TS: r.TS}
	}
	h.points = []segment.Point{
		point(1, end(h.first), 1, h.first),
		point(1, end(h.first, h.second), 2, h.second),
		point(2, end(h.rotate), 3, h.rotate),
		point(2, end(h.rotate, h.torn, h.failed), 5, h.failed),
	}
	h.mark = segment.Mark{LogID: id, Incarnation: 1, Segment: 2, Offset: end(h.rotate, h.torn, h.failed),
		Head: h.failed.Hash, Records: 5, TS: h.failed.TS}
	return h
}

// comeBack is the record of the lost records' return, in the log that went on behind an anchor.
func (h *history) comeBack(t *testing.T, anchor chain.Record) chain.Record {
	t.Helper()
	sealed := seal(t, anchor, "2027-01-04T09:30:00.001Z", chain.KindRotate, chain.SystemActor, chain.Rotate{
		Segment: "audit-0002.jsonl", Records: 3, FirstHash: h.rotate.Hash, LastHash: anchor.Hash,
		Cutoff: "2027-01-04T09:30:00.001Z", LogID: h.first.Hash, Incarnation: 2, Reason: chain.ReasonManual, Machine: "atlas",
	}.Payload())
	lost, disk := lineOf(h.torn, h.failed), lineOf(h.rotate, h.torn, h.failed)
	return seal(t, sealed, "2027-01-06T08:00:00.000Z", chain.KindRestore, chain.SystemActor, chain.Restore{
		Segment: segment.BranchName{Number: 2, Index: 1}.String(), After: "audit-0002.jsonl", Records: 2,
		FirstHash: h.torn.Hash, LastHash: h.failed.Hash, FirstTS: h.torn.TS, LastTS: h.failed.TS,
		Source: "old-disk", Reason: "the old disk could be read", Disposition: chain.PutAsBranch, SHA256: sha256.Sum256(lost),
		From:     []chain.File{{Name: "old-disk/audit.log", Bytes: int64(len(disk)), SHA256: sha256.Sum256(disk)}},
		Operator: "Ada King", RecordedBy: chain.Recorder{UID: 1000, User: "ada", Host: "atlas", Tool: "opscontext 0.1.0"},
	}.Payload())
}

// rollBack puts the live log back to where it was after the rotation, has the memory compared with
// it, and makes the audit.break that a writer chains then. It gives the files of the memory.
func (h *history) rollBack(t *testing.T) (mark, points []byte) {
	t.Helper()
	home, state := filepath.Join(t.TempDir(), "home"), t.TempDir()
	write(t, filepath.Join(home, segment.ArchiveDir, "audit-0001.jsonl"), lineOf(h.first, h.second))
	write(t, filepath.Join(home, segment.LiveName), lineOf(h.rotate))
	m, err := segment.OpenMemory(durable.OS(), state, home)
	check(t, err)
	for _, p := range h.points {
		check(t, m.AddPoint(p))
	}
	check(t, m.SetMark(h.mark))
	mark = readOne(t, state, ".mark")
	c, err := m.Check(context.Background(), segment.HomeView{})
	check(t, err)
	if c.Standing != segment.Broken {
		t.Fatalf("the memory does not see that the log was put back: standing %d", c.Standing)
	}
	h.breaks = seal(t, h.rotate, "2027-01-04T07:00:00.000Z", chain.KindBreak, chain.SystemActor, c.Break().Payload())
	check(t, m.Supersede(c))
	return mark, readOne(t, state, ".points")
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o700))
	check(t, os.WriteFile(path, data, 0o600))
}

// readOne reads the one file in dir with that ending.
func readOne(t *testing.T, dir, ending string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+ending))
	check(t, err)
	if len(names) != 1 {
		t.Fatalf("%s holds %d files *%s, want 1", dir, len(names), ending)
	}
	data, err := os.ReadFile(names[0])
	check(t, err)
	return data
}

package doctest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

const format = "docs/FORMAT.md"

// The examples are one history, so that places, counts and hashes in them mean what they say.
func TestExamplesAreOneHistory(t *testing.T) {
	d := readDocument(t, format)
	h := makeHistory(t)
	mark, points := h.rollBack(t)
	for _, e := range []struct {
		name string
		want []byte
	}{
		{"record", lineOf(h.first)},
		{"second", lineOf(h.second)},
		{"audit.rotate", lineOf(h.rotate)},
		{"audit.torn_tail", lineOf(h.torn)},
		{"audit.append_failed", lineOf(h.failed)},
		{"audit.break", lineOf(h.breaks)},
		{"audit.redact", lineOf(h.redact)},
		{"audit.restore", lineOf(h.restore)},
		{"mark", append(bytes.TrimRight(mark, " \n"), '\n')},
		{"points", points},
	} {
		b := d.example(t, e.name)
		if b.text != string(e.want) {
			t.Errorf("%s: the example %s is\n%swant\n%s", d.at(b), e.name, b.text, e.want)
		}
	}
}

// Every block that is a record must be one to the judge: exact under both lenses, its hash right,
// and the same bytes when its values are sealed again.
func TestExampleRecordsReadAndWriteBack(t *testing.T) {
	d := readDocument(t, format)
	records := 0
	for _, b := range d.blocks {
		if b.lang != "json" || !strings.HasPrefix(b.text, `{"ts"`) || strings.Contains(b.text, `"pid"`) {
			continue
		}
		for line := range strings.Lines(b.text) {
			records++
			r := chain.ReadLine([]byte(strings.TrimSuffix(line, "\n")))
			if r.Class != chain.LineExact || r.Content != r.Record.Hash {
				t.Errorf("%s: not an exact record: class %d, %s", d.at(b), r.Class, r.Why)
				continue
			}
			again, err := chain.Seal(r.Record.Prev, r.Record.TS, r.Record.Event, r.Record.Actor, r.Record.Payload)
			check(t, err)
			if got := string(chain.AppendLine(nil, &again)); got != line {
				t.Errorf("%s: written again it is\n%s", d.at(b), got)
			}
		}
	}
	if records < 8 {
		t.Errorf("%s shows %d records, want at least 8", format, records)
	}
}

// Payloads of system records go through the types that the code has for them.
func TestExamplePayloadsReadAndWriteBack(t *testing.T) {
	d := readDocument(t, format)
	payload := func(name string) (ecmajson.Value, []byte, block) {
		b := d.example(t, name)
		text := chain.ReadLine([]byte(strings.TrimSuffix(b.text, "\n"))).Record.Payload
		v, _, err := ecmajson.Parse(text, chain.MaxDepth)
		check(t, err)
		return v, text, b
	}
	rotate, text, b := payload("audit.rotate")
	p, err := chain.ParseRotate(chain.KindRotate, rotate)
	if err != nil || !bytes.Equal(p.Payload(), text) {
		t.Errorf("%s: read and written again: %v, %s", d.at(b), err, p.Payload())
	}
	broken, text, b := payload("audit.break")
	q, err := chain.ParseBreak(broken)
	if err != nil || !bytes.Equal(q.Payload(), text) {
		t.Errorf("%s: read and written again: %v, %s", d.at(b), err, q.Payload())
	}
	restore, _, b := payload("audit.restore")
	if p, err = chain.ParseRotate(chain.KindRestore, restore); err != nil || p.Records != 2 {
		t.Errorf("%s: it names %d records: %v", d.at(b), p.Records, err)
	}
}

// The mark and the points are read and written by the memory itself.
func TestExampleMemoryReadsAndWritesBack(t *testing.T) {
	d := readDocument(t, format)
	home := t.TempDir()
	m := openMemory(t, home)
	markText := d.example(t, "mark").text
	m.put(".mark", fmt.Sprintf("%-511s\n", strings.TrimSuffix(markText, "\n")))
	mark, ok := m.Mark()
	if !ok {
		t.Fatal("the mark is not read")
	}
	m.put(".points", d.example(t, "points").text)
	points, err := m.Points()
	check(t, err)
	h := makeHistory(t)
	if len(points) != 3 || points[0] != h.points[0] || points[2] != h.points[2] {
		t.Errorf("of the points %d are in force, want 3 of the history's: %+v", len(points), points)
	}
	again := openMemory(t, home)
	check(t, again.SetMark(mark))
	if got := string(readOne(t, again.dir, ".mark")); strings.TrimRight(got, " \n") != strings.TrimSuffix(markText, "\n") || len(got) != 512 {
		t.Errorf("written again the mark is %d bytes:\n%s", len(got), got)
	}
	m.put(".mark", markText)
	if _, ok := m.Mark(); ok {
		t.Error("a mark that is not 512 bytes long is read, which docs/FORMAT.md excludes")
	}
}

// memory is a state directory of its own.
type memory struct {
	*segment.Memory
	t         *testing.T
	dir, base string
}

func openMemory(t *testing.T, home string) *memory {
	t.Helper()
	dir := t.TempDir()
	m, err := segment.OpenMemory(durable.OS(), dir, home)
	check(t, err)
	check(t, m.SetMark(segment.Mark{Incarnation: 1}))
	names, err := filepath.Glob(filepath.Join(dir, "*.mark"))
	check(t, err)
	return &memory{m, t, dir, strings.TrimSuffix(names[0], ".mark")}
}

func (m *memory) put(suffix, text string) {
	m.t.Helper()
	check(m.t, os.WriteFile(m.base+suffix, []byte(text), 0o600))
}

// The suspect word is what its rule says, and a writer that finds it in the lock file clears it.
func TestExampleSuspectWord(t *testing.T) {
	d := readDocument(t, format)
	b := d.example(t, "suspect")
	text, sum, _ := cutLast(strings.TrimSuffix(b.text, "\n"), " ")
	if want := fmt.Sprintf("%08x", crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli))); sum != want {
		t.Fatalf("%s: the checksum is %s", d.at(b), want)
	}
	home := t.TempDir()
	lock := filepath.Join(home, segment.FlockName)
	write(t, lock, fmt.Appendf(nil, "%-63s\n", strings.TrimSuffix(b.text, "\n")))
	log, err := segment.Open(home, segment.Options{})
	check(t, err)
	_, err = log.Append(context.Background(), segment.Event{Kind: "test.event", Payload: []byte("{}")})
	check(t, err)
	check(t, log.Close())
	got, err := os.ReadFile(lock)
	check(t, err)
	if want := strings.Repeat(" ", 63) + "\n"; string(got) != want {
		t.Errorf("after an append %s holds %q, want it blank", segment.FlockName, got)
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// A refused append's line is taken up by the next append.
func TestExampleRefusal(t *testing.T) {
	d := readDocument(t, format)
	home := t.TempDir()
	write(t, filepath.Join(home, segment.RefusedName), []byte(d.example(t, "refused").text))
	log, err := segment.Open(home, segment.Options{})
	check(t, err)
	r, err := log.Append(context.Background(), segment.Event{Kind: "test.event", Payload: []byte("{}")})
	check(t, err)
	check(t, log.Close())
	live, err := os.ReadFile(filepath.Join(home, segment.LiveName))
	check(t, err)
	first, _, _ := bytes.Cut(live, []byte("\n"))
	failed := chain.ReadLine(first).Record
	if failed.Event != chain.KindAppendFailed || r.Prev != failed.Hash || !bytes.Contains(failed.Payload, []byte(`"count":1`)) {
		t.Errorf("the live log is\n%s", live)
	}
}

// The finding is one that a check of the example log gives, once its second record was changed.
func TestExampleFinding(t *testing.T) {
	d := readDocument(t, format)
	h := makeHistory(t)
	home := filepath.Join(t.TempDir(), "home")
	sealed := bytes.Replace(lineOf(h.first, h.second), []byte(`"tool":"Edit"`), []byte(`"tool":"Read"`), 1)
	write(t, filepath.Join(home, segment.ArchiveDir, "audit-0001.jsonl"), sealed)
	write(t, filepath.Join(home, segment.LiveName), lineOf(h.rotate))
	r, err := verify.Run(context.Background(), verify.Options{Home: home})
	check(t, err)
	if r.FirstDivergence == nil {
		t.Fatalf("no finding of damage: %s", r.Verdict)
	}
	want, err := json.Marshal(r.FirstDivergence)
	check(t, err)
	b := d.example(t, "finding")
	var compact bytes.Buffer
	check(t, json.Compact(&compact, []byte(b.text)))
	if !bytes.Equal(compact.Bytes(), want) {
		t.Errorf("%s: the finding is\n%s", d.at(b), want)
	}
}

// What the redact and restore examples claim is what the judge makes of them.
func TestExampleRedaction(t *testing.T) {
	h := makeHistory(t)
	changed := h.second
	changed.Payload = []byte(redactedPayload)
	home := filepath.Join(t.TempDir(), "home")
	write(t, filepath.Join(home, segment.LiveName), lineOf(h.first, changed, h.redact))
	r, err := verify.Run(context.Background(), verify.Options{Home: home})
	check(t, err)
	if r.Exit != 0 || r.Counts[string(chain.Redacted)] != 1 {
		t.Errorf("verdict %q, want one redaction", r.Verdict)
	}
}

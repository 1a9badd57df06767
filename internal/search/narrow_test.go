package search

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/timerange"
	"github.com/opscontext/opscontext/segment"
)

// layFrames makes a home with an archived segment of several frames, one needle in each third of it,
// and gives the home. The needles have salt in them.
func layFrames(t *testing.T, salt string) string {
	t.Helper()
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	must(t, os.MkdirAll(filepath.Join(home, segment.ArchiveDir), 0o700))
	head := chain.Genesis
	pad := strings.Repeat("x", 1000)
	lay := func(name string, n int) {
		var text []byte
		for i := range n {
			payload := fmt.Sprintf(`{"n":%d,"pad":%q}`, i, pad)
			if i%1000 == 500 {
				payload = fmt.Sprintf(`{"n":%d,"token":"bt-%s%d","text":"line\nbreak"}`, i, salt, i)
			}
			kind := "often"
			if i%1500 == 700 {
				kind = "rare.kind"
			}
			r, err := chain.Seal(head, fmt.Sprintf("2026-01-01T%02d:%02d:%02d.000Z", i/3600, i/60%60, i%60), kind, "a", []byte(payload))
			must(t, err)
			head = r.Hash
			text = chain.AppendLine(text, &r)
		}
		must(t, os.WriteFile(filepath.Join(home, filepath.FromSlash(name)), text, 0o600))
	}
	lay("audit-archive/audit-0001.jsonl", 6000)
	lay("audit-archive/audit-0002.jsonl", 3)
	lay("audit.log", 3)
	results, err := archive.Run(t.Context(), home, segment.Options{State: filepath.Join(dir, "state"), OpenArchived: archive.Opener(durable.OS())}, archive.Options{})
	must(t, err)
	for _, r := range results {
		must(t, r.Err)
		must(t, r.IndexErr)
	}
	return home
}

// found are the hits of a query in a home, and what was said on the way.
func found(t *testing.T, home string, q Query) (s Summary, hits, said string) {
	t.Helper()
	snap := open(t, home)
	var out, problems strings.Builder
	s, err := Run(t.Context(), snap, Options{Query: q, Workers: 2,
		Append:  func(dst []byte, h Hit) []byte { return append(append(dst, h.Line...), '\n') },
		Write:   func(text []byte) error { out.Write(text); return nil },
		Problem: func(text string) { problems.WriteString(text + "\n") },
	})
	must(t, err)
	must(t, snap.Close())
	return s, out.String(), problems.String()
}

var framed = map[string]Query{
	"text":         {Text: "bt-0a1b2c3500"},
	"escaped text": {Text: "line\nbreak"},
	"rare kind":    {Kinds: []string{"rare.*"}},
	"time":         {Span: timerange.Range{Since: "2026-01-01T01:00:00.000Z", Until: "2026-01-01T01:00:10.000Z"}},
	"all of them":  {Kinds: []string{"*"}, Actor: "a", Text: "token"},
}

// With an index fewer frames are read, and nothing else is found.
func TestIndexSparesFrames(t *testing.T) {
	home := layFrames(t, "0a1b2c")
	for name, q := range framed {
		s, hits, said := found(t, home, q)
		if s.Frames < 6 || s.Skipped == 0 || s.Unindexed != 0 || hits == "" || said != "" {
			t.Errorf("%s: %+v, %d bytes of hits, said %q", name, s, len(hits), said)
		}
	}
	must(t, os.Remove(filepath.Join(home, "audit-archive", "audit-0001.idx")))
	for name, q := range framed {
		if s, hits, said := found(t, home, q); s.Frames != 0 || s.Unindexed != 1 || hits == "" || said != "" {
			t.Errorf("%s without the index: %+v, %d bytes of hits, said %q", name, s, len(hits), said)
		}
	}
}

// An index that was damaged, is of another segment or of a newer format changes no answer.
func TestDamagedIndexChangesNoAnswer(t *testing.T) {
	home := layFrames(t, "0a1b2c")
	path := filepath.Join(home, "audit-archive", "audit-0001.idx")
	good, err := os.ReadFile(path)
	must(t, err)
	want := map[string]string{}
	records := map[string]int64{}
	for name, q := range framed {
		s, hits, _ := found(t, home, q)
		want[name], records[name] = hits, s.Records
	}
	foreign := filepath.Join(layFrames(t, "0a1b2d"), "audit-archive", "audit-0001.idx")
	other, err := os.ReadFile(foreign)
	must(t, err)
	damaged := map[string][]byte{
		"empty": {}, "cut": good[:len(good)/2], "cut in the header": good[:40], "longer": append(bytes.Clone(good), 0),
		"newer": bytes.Replace(good, []byte("-idx/1"), []byte("-idx/2"), 1), "garbage": bytes.Repeat([]byte("garbage "), 99),
	}
	damaged["foreign"] = other
	for i := range 40 {
		bad := bytes.Clone(good)
		bad[i*(len(good)-1)/39] ^= 0x10
		damaged[fmt.Sprintf("byte %d flipped", i*(len(good)-1)/39)] = bad
	}
	for what, text := range damaged {
		must(t, os.WriteFile(path, text, 0o600))
		for name, q := range framed {
			s, hits, said := found(t, home, q)
			if hits != want[name] || s.Records != records[name] || s.Unreadable != 0 {
				t.Errorf("%s, %s: %d bytes of hits, want %d; %+v", what, name, len(hits), len(want[name]), s)
			}
			if s.Unindexed == 1 && !strings.Contains(said, "archive --reindex makes a new one") {
				t.Errorf("%s, %s: nobody is told of it: %q", what, name, said)
			}
		}
	}
	must(t, os.Remove(path))
	must(t, os.Mkdir(path, 0o700))
	if s, hits, said := found(t, home, framed["text"]); hits != want["text"] || s.Unindexed != 1 || said == "" {
		t.Errorf("a directory in its place: %+v, said %q", s, said)
	}
}

// A frame that cannot be read is told where it is looked for, and those beside it are searched.
func TestDamagedFrameIsTold(t *testing.T) {
	home := layFrames(t, "0a1b2c")
	q := Query{Kinds: []string{"often"}} // in every frame
	_, want, _ := found(t, home, q)
	path := filepath.Join(home, "audit-archive", "audit-0001.jsonl.zst")
	file, err := os.ReadFile(path)
	must(t, err)
	file[len(file)/2] ^= 0xff
	must(t, os.Chmod(path, 0o600))
	must(t, os.WriteFile(path, file, 0o600))
	s, hits, said := found(t, home, q)
	if s.Unreadable != 1 || !strings.Contains(said, "audit-0001.jsonl.zst: frame ") {
		t.Errorf("%+v, said %q", s, said)
	}
	if lost := strings.Count(want, "\n") - strings.Count(hits, "\n"); lost < 500 || lost > 1100 {
		t.Errorf("%d of the hits are missing, which is not one frame", lost)
	}
}

// Of a frame whose rare records are named, only its beginning is decoded. Wherever it was damaged,
// those records are found as they were, or the frame is told to be unreadable.
func TestDamagedBeginningIsTold(t *testing.T) {
	home := layFrames(t, "0a1b2c")
	q := Query{Kinds: []string{"rare.kind"}}
	_, want, _ := found(t, home, q)
	path := filepath.Join(home, "audit-archive", "audit-0001.jsonl.zst")
	good, err := os.ReadFile(path)
	must(t, err)
	must(t, os.Chmod(path, 0o600))
	told := 0
	for i := range 200 {
		bad := bytes.Clone(good)
		bad[i*(len(good)-100)/200] ^= 0x41
		must(t, os.WriteFile(path, bad, 0o600))
		switch s, hits, said := found(t, home, q); {
		case s.Unreadable > 0 && strings.Contains(said, "frame"):
			told++
			for line := range strings.Lines(hits) {
				if !strings.Contains(want, line) {
					t.Errorf("byte %d: a hit that there is not: %s", i, line)
				}
			}
		case hits != want:
			t.Errorf("byte %d: other hits, and nobody is told: %+v", i, s)
		}
	}
	if told == 0 || told == 200 {
		t.Errorf("%d of 200 are told: the test is broken", told)
	}
}

// The last few records of all are found without a look at an index, however many there are.
func TestLastRecordsNeedNoIndex(t *testing.T) {
	home := layFrames(t, "")
	index := filepath.Join(home, segment.ArchiveDir, segment.Name{Number: 1}.File(segment.FormIndex))
	must(t, os.WriteFile(index, []byte("no index"), 0o600))
	for _, c := range []struct {
		limit int64
		query Query
		asked int64
	}{{3, Query{}, 0}, {0, Query{}, 1}, {3, Query{Kinds: []string{"often"}}, 1}, {3, Query{Span: timerange.Range{Since: "2026"}}, 1}} {
		snap := open(t, home)
		s, err := Run(t.Context(), snap, Options{Query: c.query, Limit: c.limit, Reverse: true})
		must(t, err)
		must(t, snap.Close())
		if s.Unindexed != c.asked || c.limit > 0 && s.Hits != c.limit {
			t.Errorf("%+v, at most %d: %d hits, %d indexes were asked in vain, want %d", c.query, c.limit, s.Hits, s.Unindexed, c.asked)
		}
	}
}

package search_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// said is a record as the test made it: what it says, and the line that says it.
type said struct {
	whole     object
	reads     string // in canonical order, with its strings as they read: where people look for text
	line      string
	abandoned bool
}

func (r *said) member(name string) any { return get(r.whole, name) }

// history makes records, one behind the other.
type history struct {
	rnd  *rand.Rand
	head chain.Hash
	at   time.Time
	// spelled and odd are how many of eight records are spelled in another way than JSON.stringify, and
	// say something unusual. fill is how long some of them are, in bytes.
	spelled, odd, fill int
}

var (
	events   = []string{"drift.detected", "drift.silent_failure", "hook.block", "session.save", "vscode.prompt_submit", "ünïcode", "a\tb"}
	actors   = []string{"system", "ci", "claude-code", "ci \"quoted\"", "日本"}
	sessions = []any{"", "s-1", "s-2", "日本", "a\\b", numbers[0], list{"s-1"}, list{"a\"b"}}
	scraps   = []string{"plain", "10.0.0.7", "ü", "日本語", "😀", "\n", "\t", `"`, `\`, "/", "\u2028", "\u007f", "\x01", `\n`, "u00fc", " ", "a", "\ufffd", loneSurrogate, "\b", "null", `","event":"`}
	words    = []string{"lorem ", "ipsum-", "dolor/", "sit_", "amet."}
)

func (h *history) note(parts []string) string {
	note := ""
	for range h.rnd.IntN(12) {
		note += pick(h.rnd, parts)
	}
	return strings.ReplaceAll(note, loneSurrogate+loneSurrogate, loneSurrogate)
}

// payload says something usual, or what no writer of ours would say.
func (h *history) payload(odd bool) any {
	parts := scraps
	if h.odd == 0 {
		parts = []string{"plain", "10.0.0.7", "ü", "日本語", "😀", "/", "a", " "}
	}
	p := object{{pick(h.rnd, []string{"session", "session_id"}), pick(h.rnd, sessions)}, {"note", h.note(parts)}, {"n", pick(h.rnd, numbers)}}
	if h.rnd.IntN(3) == 0 {
		p = append(p, member{"list", list{h.note(parts), pick(h.rnd, numbers), nil, true, list{"a"}, object{{"deep", h.note(parts)}}}})
	}
	if h.fill > 0 && h.rnd.IntN(4) == 0 {
		p = append(p, member{"fill", strings.Repeat(pick(h.rnd, words), h.fill/6)})
	}
	if !odd {
		return p
	}
	p = append(p, member{"10", "ten"}, member{"2", nil}, member{"key \"\n", false}, member{"01", "x"})
	h.rnd.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
	switch h.rnd.IntN(8) {
	case 0:
		return "a text"
	case 1:
		return list{p}
	case 2:
		return object{{"redacted", true}}
	case 3:
		p = slices.DeleteFunc(p, func(m member) bool { return m.name == "n" })
		return append(p, member{"n", "many"})
	}
	return p
}

// record makes the next one. One that is odd may lack members or have them as no writer has; its hash is
// not right then, which is nothing to a search.
func (h *history) record(t *testing.T) *said {
	t.Helper()
	h.at = h.at.Add(time.Duration(h.rnd.IntN(36)) * time.Minute)
	odd := h.rnd.IntN(8) < h.odd
	known := events
	if h.odd == 0 {
		known = events[:len(events)-1] // without the one that has an escape
	}
	whole := object{{"ts", h.at.Format("2006-01-02T15:04:05.000Z")}, {"event", pick(h.rnd, known)}, {"actor", pick(h.rnd, actors)}, {"payload", h.payload(odd)}}
	sealed, err := chain.Seal(h.head, get(whole, "ts").(string), get(whole, "event").(string), get(whole, "actor").(string), []byte(write(whole[3].value, asStringify)))
	must(t, err)
	if h.rnd.IntN(10) > 0 { // else the next one has the same parent: a fork
		h.head = sealed.Hash
	}
	whole = append(whole, member{"prev_hash", sealed.Prev.String()}, member{"hash", sealed.Hash.String()})
	if odd {
		switch at := h.rnd.IntN(4); h.rnd.IntN(10) {
		case 0:
			whole = slices.Delete(whole, at, at+1)
		case 1:
			whole[at].value = pick(h.rnd, []any{nil, numbers[0], list{"x"}, true})
		case 2:
			h.rnd.Shuffle(len(whole), func(i, j int) { whole[i], whole[j] = whole[j], whole[i] })
		}
	}
	r := &said{whole: whole, reads: write(whole, asItReads), line: write(whole, asStringify)}
	if h.rnd.IntN(8) < h.spelled {
		r.line = spelling{h.rnd}.value(whole)
	}
	return r
}

// laid is a home, what it holds in reading order, and what lies in the branch beside it.
type laid struct {
	home, state string
	log, branch []*said
}

// lay makes a home with archived segments, one of them of several frames, a sealed one, a live log and an
// abandoned branch.
func lay(t *testing.T, seed uint64) laid {
	t.Helper()
	dir := t.TempDir()
	l := laid{home: filepath.Join(dir, "home"), state: filepath.Join(dir, "state")}
	must(t, os.MkdirAll(filepath.Join(l.home, segment.ArchiveDir), 0o700))
	h := &history{rnd: rand.New(rand.NewPCG(seed, 1)), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	write := func(name string, records int) (part []*said) {
		if raced {
			records, h.fill = max(5, records/3), 0
		}
		var text strings.Builder
		for range records {
			r := h.record(t)
			part = append(part, r)
			text.WriteString(r.line + "\n")
		}
		f, err := os.OpenFile(filepath.Join(l.home, filepath.FromSlash(name)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		must(t, err)
		_, err = f.WriteString(text.String())
		must(t, err)
		must(t, f.Close())
		return part
	}
	// Segment 1 is as our writer has it at first, and long enough for several frames; not so under the race
	// detector.
	const first = "audit-archive/audit-0001.jsonl"
	h.fill = 40_000
	l.log = append(l.log, write(first, 110)...)
	h.spelled, h.odd = 2, 1
	l.log = append(l.log, write(first, 110)...)
	h.fill = 0
	l.log = append(l.log, write(first, 40)...)
	l.log = append(l.log, write("audit-archive/audit-0002.jsonl", 40)...)
	head := h.head
	l.branch = write("audit-archive/audit-0002-b1.jsonl", 20)
	for _, r := range l.branch {
		r.abandoned = true
	}
	h.head = head
	l.log = append(l.log, write("audit-archive/audit-0002-r1.jsonl", 10)...)
	h.spelled, h.odd = 0, 0
	l.log = append(l.log, write("audit-archive/audit-0003.jsonl", 40)...)
	h.spelled, h.odd = 2, 1
	l.log = append(l.log, write("audit-archive/audit-0004.jsonl", 40)...)
	l.log = append(l.log, write(segment.LiveName, 40)...)
	h.spelled, h.odd = 0, 0
	l.log = append(l.log, write(segment.LiveName, 5)...)
	l.archive(t)
	l.own(t)
	return l
}

func (l *laid) options() segment.Options {
	return segment.Options{State: l.state, OpenArchived: archive.Opener(durable.OS())}
}

func (l *laid) archive(t *testing.T) {
	t.Helper()
	results, err := archive.Run(context.Background(), l.home, l.options(), archive.Options{})
	must(t, err)
	for _, r := range results {
		must(t, r.Err)
	}
}

// own adds what the log wrote of its archives: lines without an escape, of a payload that no query of the
// test names a member of.
func (l *laid) own(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(l.home, segment.LiveName))
	must(t, err)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, `{"ts":"`) && strings.Contains(line, `","event":"audit.archive","actor":"system","payload":{`) {
			whole := object{{"ts", line[len(`{"ts":"`):][:len("2006-01-02T15:04:05.000Z")]}, {"event", "audit.archive"}, {"actor", "system"}, {"payload", object{}}}
			l.log = append(l.log, &said{whole: whole, reads: line, line: line})
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

package search

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/recordtext"
	"github.com/opscontext/opscontext/internal/timerange"
	"github.com/opscontext/opscontext/segment"
)

// made is a record as the test made it: what it says, and the line that says it in some spelling.
type made struct {
	ts, event, actor, session string
	shown                     string
	line                      string
	abandoned                 bool
}

// history makes records and spells them.
type history struct {
	rnd  *rand.Rand
	head chain.Hash
	at   time.Time
}

var (
	events   = []string{"drift.detected", "hook.block", "session.save", "vscode.prompt_submit", "ünïcode"}
	actors   = []string{"system", "ci", "claude-code", "ci \"quoted\""}
	sessions = []string{"", "s-1", "s-2", "日本"}
	scraps   = []string{"plain", "10.0.0.7", "ü", "日本語", "😀", "\n", "\t", `"`, `\`, "/", "\u2028", "\u007f", "\x01", `\n`, "u00fc", " ", "a"}
)

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// spelled is a JSON string that says s: any character may be escaped, some must.
func (h *history) spelled(s string) string {
	short := map[rune]string{'\n': `\n`, '\t': `\t`, '"': `\"`, '\\': `\\`, '/': `\/`}
	var b strings.Builder
	for _, r := range s {
		must := r < 0x20 || r == '"' || r == '\\'
		switch way := h.rnd.IntN(8); {
		case !must && way > 1:
			b.WriteRune(r)
		case short[r] != "" && way%2 == 0:
			b.WriteString(short[r])
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04X`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return `"` + b.String() + `"`
}

// canonicalString is the spelling of JSON.stringify, in other words than the code under test.
func canonicalString(s string) string {
	short := map[rune]string{'\n': `\n`, '\t': `\t`, '"': `\"`, '\\': `\\`}
	var b strings.Builder
	for _, r := range s {
		switch {
		case short[r] != "":
			b.WriteString(short[r])
		case r < 0x20:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}

func (h *history) record(t *testing.T) made {
	h.at = h.at.Add(time.Duration(h.rnd.IntN(36)) * time.Hour)
	m := made{ts: h.at.Format("2006-01-02T15:04:05.000Z"), event: pick(h.rnd, events), actor: pick(h.rnd, actors), session: pick(h.rnd, sessions)}
	note := ""
	for range h.rnd.IntN(12) {
		note += pick(h.rnd, scraps)
	}
	member := pick(h.rnd, []string{"session", "session_id"})
	r, err := chain.Seal(h.head, m.ts, m.event, m.actor, []byte("{"+canonicalString(member)+":"+canonicalString(m.session)+`,"note":`+canonicalString(note)+`,"n":7}`))
	if err != nil {
		t.Fatal(err)
	}
	h.head = r.Hash
	whole := func(say func(string) string, gap string) string {
		return "{" + strings.Join([]string{
			`"ts":` + gap + say(m.ts), `"event":` + gap + say(m.event), `"actor":` + gap + say(m.actor),
			`"payload":{` + gap + say(member) + ":" + say(m.session) + `,"note":` + say(note) + gap + `,"n":7}`,
			`"prev_hash":"` + r.Prev.String() + `"`, `"hash":"` + r.Hash.String() + `"`,
		}, ",") + "}"
	}
	m.shown = whole(func(s string) string { return `"` + s + `"` }, "")
	m.line = whole(canonicalString, "")
	if h.rnd.IntN(3) == 0 {
		m.line = whole(h.spelled, pick(h.rnd, []string{"", " ", "\t "}))
	}
	return m
}

// lay makes a home with archived, sealed and live records and an abandoned branch, and gives what it
// holds, in reading order, the branch last.
func lay(t *testing.T, seed uint64) (home string, all []made) {
	t.Helper()
	dir := t.TempDir()
	home = filepath.Join(dir, "home")
	must(t, os.MkdirAll(filepath.Join(home, segment.ArchiveDir), 0o700))
	h := &history{rnd: rand.New(rand.NewPCG(seed, 1)), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	var branch []made
	for i, name := range []string{"audit-archive/audit-0001.jsonl", "audit-archive/audit-0002.jsonl", "audit-archive/audit-0002-b1.jsonl", "audit-archive/audit-0003.jsonl", "audit.log"} {
		head, text := h.head, ""
		var part []made
		for range 40 + i {
			m := h.record(t)
			text += m.line + "\n"
			part = append(part, m)
		}
		must(t, os.WriteFile(filepath.Join(home, filepath.FromSlash(name)), []byte(text), 0o600))
		if !strings.Contains(name, "-b1") {
			all = append(all, part...)
			continue
		}
		h.head = head
		for _, m := range part {
			m.abandoned = true
			branch = append(branch, m)
		}
	}
	results, err := archive.Run(context.Background(), home, segment.Options{State: filepath.Join(dir, "state"), OpenArchived: archive.Opener(durable.OS())}, archive.Options{})
	must(t, err)
	for _, r := range results {
		must(t, r.Err)
	}
	return home, append(all, branch...)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, home string) *segment.Snapshot {
	t.Helper()
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{OpenArchived: archive.Opener(durable.OS())})
	must(t, err)
	t.Cleanup(func() { must(t, snap.Close()) })
	return snap
}

// lines has a search give its hits a line each, marked where they are abandoned, without what the
// log wrote about itself while the home was laid.
func lines(ctx context.Context, snap *segment.Snapshot, o Options) (hits []string, s Summary, err error) {
	o.Append = func(dst []byte, h Hit) []byte {
		mark := "  "
		if h.Abandoned() {
			mark = "! "
		}
		return append(append(append(dst, mark...), h.Line...), '\n')
	}
	o.Write = func(text []byte) error {
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, `"event":"audit.archive"`) {
				hits = append(hits, strings.TrimSuffix(line, "\n"))
			}
		}
		return nil
	}
	s, err = Run(ctx, snap, o)
	return hits, s, err
}

func writeHome(t *testing.T, files map[string]string) string {
	t.Helper()
	home := t.TempDir()
	for name, text := range files {
		path := filepath.Join(home, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return home
}

// groupWords gives what was counted, [{KEY OTHER HITS}].
func groupWords(groups []Group) string {
	words := []string{}
	for _, g := range groups {
		words = append(words, fmt.Sprintf("{%s %t %d}", g.Key, g.Other, g.Hits))
	}
	return fmt.Sprint(words)
}

func TestGroups(t *testing.T) {
	home := writeHome(t, map[string]string{"audit.log": `{"ts":"2026-02-03T00:00:00.000Z","event":"b","actor":"x"}
{"ts":"2026-01-31T00:00:00.000Z","event":"a","actor":"x"}
{"ts":"2026-01-30T00:00:00.000Z","event":"\u0061","actor":7}
{"ts":"yesterday","event":"a"}
`})
	snap := open(t, home)
	for by, want := range map[By]string{
		ByKind:  "[{a false 3} {b false 1}]",
		ByActor: "[{x false 2} { true 2}]",

		ByCategory: "[{unknown false 4}]",
		ByDay:      "[{2026-01-30 false 1} {2026-01-31 false 1} {2026-02-03 false 1} { true 1}]",
		ByMonth:    "[{2026-01 false 2} {2026-02 false 1} { true 1}]",
	} {
		s, err := Run(t.Context(), snap, Options{By: by})
		if got := groupWords(s.Groups); err != nil || got != want {
			t.Errorf("by %s: %s, %v, want %s", by, got, err, want)
		}
	}
	if _, err := ParseBy("year"); err == nil {
		t.Error("hits were counted by year")
	}
}

// Each value's hits are counted by day besides, wherever the ts stands on the line.
func TestDatedGroups(t *testing.T) {
	home := writeHome(t, map[string]string{"audit.log": `{"ts":"2026-02-03T00:00:00.000Z","event":"b","actor":"x"}
{"event":"a","actor":"x","ts":"2026-01-31T00:00:00.000Z"}
{"ts":"2026-01-30T00:00:00.000Z","event":"\u0061","actor":7}
{"ts":"yesterday","event":"a"}
{"ts":7,"event":"a"}
{"event":"a"}
{"ts":"2026-03-01T00:00:00.000Z","actor":"x"}
`})
	s, err := Run(t.Context(), open(t, home), Options{By: ByKind, Dated: true, ExtentSize: 60})
	var words []string
	for _, g := range s.Groups {
		words = append(words, fmt.Sprintf("%s %d, undated %d, %v from %s", g.Key, g.Hits, g.When.Undated, g.When.Days(), g.When.First))
	}
	want := []string{
		"a 5, undated 3, [2026-01-30 2026-01-31] from 2026-01-30T00:00:00.000Z",
		"b 1, undated 0, [2026-02-03] from 2026-02-03T00:00:00.000Z",
		" 1, undated 0, [2026-03-01] from 2026-03-01T00:00:00.000Z",
	}
	if err != nil || !slices.Equal(words, want) {
		t.Errorf("%v, %q, want %q", err, words, want)
	}
}

// Made-up kinds take no more memory than maxGroups of them do, and none is lost from the sum.
func TestGroupsAreBounded(t *testing.T) {
	g := newGroups(&Options{By: ByKind})
	for i := range maxGroups + 5 {
		one := newGroups(&Options{By: ByKind})
		one.add(fmt.Appendf(nil, `{"event":"k%d"}`, i))
		g.join(one)
	}
	list := g.list()
	if last := list[len(list)-1]; len(list) != maxGroups+1 || !last.Other || last.Hits != 5 {
		t.Errorf("%d groups, the last is %+v", len(list), list[len(list)-1])
	}
}

// What could not be searched is told and counted; what is around it is searched.
func TestUnreadable(t *testing.T) {
	home, all := lay(t, 9)
	frame := filepath.Join(home, "audit-archive", "audit-0001.jsonl.zst")
	text, err := os.ReadFile(frame)
	must(t, err)
	must(t, os.Chmod(frame, 0o600))
	text[len(text)/3] ^= 0xff
	must(t, os.WriteFile(frame, text, 0o600))
	must(t, os.Mkdir(filepath.Join(home, "audit-archive", "audit-0007.jsonl"), 0o700))
	live, err := os.OpenFile(filepath.Join(home, "audit.log"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = live.WriteString("garbage\n\n")
	must(t, err)
	must(t, live.Close())
	var told []string
	got, s, err := lines(t.Context(), open(t, home), Options{Problem: func(text string) { told = append(told, text) }})
	must(t, err)
	if len(got) != len(all)-40 || s.Unreadable != 3 || s.Segments != 4 || s.Searched != 3 {
		t.Errorf("%d hits, %+v", len(got), s)
	}
	for _, want := range []string{"audit-0001.jsonl: bytes 0 to ", "audit-0007.jsonl cannot be searched", "audit.log, byte "} {
		if !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("nothing is told of %q: %q", want, told)
		}
	}
}

// A hit is held against its own hash, and no more than that.
func TestVerifyLooksAtTheHashAlone(t *testing.T) {
	var l []string
	head := chain.Genesis
	for i := range 3 {
		r, err := chain.Seal(head, "2026-01-01T00:00:00.000Z", "k", "a", fmt.Appendf(nil, `{"n":%d}`, i))
		must(t, err)
		head = r.Hash
		l = append(l, string(chain.AppendLine(nil, &r)))
	}
	altered := strings.Replace(l[1], `"n":1`, `"n":8`, 1)
	home := writeHome(t, map[string]string{"audit.log": l[2] + altered + l[0]})
	var told []string
	s, err := Run(t.Context(), open(t, home), Options{Verify: true, Problem: func(text string) { told = append(told, text) }})
	if err != nil || s.Hits != 3 || s.Wrong != 1 || s.Unreadable != 0 || len(told) != 1 || !strings.HasPrefix(told[0], fmt.Sprintf("audit.log, byte %d: ", len(l[2]))) {
		t.Errorf("%+v, %v, %q", s, err, told)
	}
	if s, err = Run(t.Context(), open(t, home), Options{}); err != nil || s.Wrong != 0 {
		t.Errorf("%+v, %v without being asked", s, err)
	}
}

// While a writer appends and rotates, a search finds what was acknowledged before it began, each record
// once and in order.
func TestF29SearchBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	log, err := segment.Open(home, segment.Options{State: filepath.Join(dir, "state"), MaxBytes: 4 * segment.MinMaxBytes})
	must(t, err)
	const total = 200
	var acknowledged atomic.Int64
	wrote := make(chan error, 1)
	go func() {
		for i := range total {
			if _, err := log.Append(context.Background(), segment.Event{Kind: "w", Payload: fmt.Appendf(nil, `{"n":%d,"fill":%q}`, i, strings.Repeat("ü", i%90))}); err != nil {
				wrote <- err
				return
			}
			acknowledged.Store(int64(i + 1))
		}
		wrote <- log.Close()
	}()
	number := regexp.MustCompile(`"n":(\d+),`)
	for before, segments := int64(0), int64(0); before < total; {
		before = acknowledged.Load()
		snap := open(t, home)
		hits, s, err := lines(t.Context(), snap, Options{Query: Query{Kinds: []string{"w"}}, Problem: func(text string) { t.Error(text) }})
		must(t, err)
		for i, hit := range hits {
			if n := number.FindStringSubmatch(hit); n == nil || n[1] != strconv.Itoa(i) {
				t.Fatalf("hit %d is %s", i, hit)
			}
		}
		if int64(len(hits)) < before || s.Segments < segments {
			t.Fatalf("%d hits in %d segments, after %d in %d", len(hits), s.Segments, before, segments)
		}
		if segments = s.Segments; before == total && segments < 3 {
			t.Fatalf("the log was not rotated: %d segments", segments)
		}
		if len(wrote) > 0 && acknowledged.Load() < total {
			break // it says why below
		}
	}
	must(t, <-wrote)
}

// Records that an interrupted rotation left in the live log, too, are found once.
func TestCopiesAreFoundOnce(t *testing.T) {
	var l []string
	head := chain.Genesis
	for i := range 6 {
		r, err := chain.Seal(head, "2026-01-01T00:00:00.000Z", "k", "a", fmt.Appendf(nil, `{"n":%d}`, i))
		must(t, err)
		head = r.Hash
		l = append(l, string(chain.AppendLine(nil, &r)))
	}
	home := writeHome(t, map[string]string{"audit-archive/audit-0001.jsonl": strings.Join(l[:4], ""), "audit.log": strings.Join(l[2:], "")})
	for _, o := range []Options{{}, {Reverse: true}} {
		if hits, s, err := lines(t.Context(), open(t, home), o); err != nil || len(hits) != len(l) || s.Records != int64(len(l)) {
			t.Errorf("%d hits, %+v, %v", len(hits), s, err)
		}
	}
}

func TestRunEndsWithItsReaderAndItsContext(t *testing.T) {
	home, _ := lay(t, 4)
	full := errors.New("no more")
	o := Options{Append: func(dst []byte, h Hit) []byte { return append(dst, h.Line...) }, Write: func([]byte) error { return full }}
	if _, err := Run(t.Context(), open(t, home), o); !errors.Is(err, full) {
		t.Errorf("ended with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, open(t, home), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

func TestShown(t *testing.T) {
	for line, want := range map[string]string{
		`{}`:                           `{}`,
		`{"a":"b"}`:                    `{"a":"b"}`,
		`{"a":"\"\\\n\u0001","b":[1]}`: "{\"a\":\"\"\\\n\x01\",\"b\":[1]}",
		`["\ud800"]`:                   "[\"\xed\xa0\x80\"]",
		`{"\t":null}`:                  "{\"\t\":null}",
		`not JSON`:                     `not JSON`,
		`{"a":"not closed`:             `{"a":"not closed`,
	} {
		if got := string(recordtext.AppendShown([]byte("x"), []byte(line))); got != "x"+want {
			t.Errorf("%s is shown %q, want %q", line, got[1:], want)
		}
	}
}

// No line makes a query panic, and a text that a line's strings say is found.
func FuzzWants(f *testing.F) {
	for _, line := range []string{`{"event":"a","payload":{"session":"s"}}`, `{"a":"\ud83d\ude00"}`, `[1e400,"\u00fc"]`, "\xff", `{"payload":""}`, `"x"`} {
		f.Add(line, "s")
	}
	f.Fuzz(func(t *testing.T, line, text string) {
		q := Query{Kinds: []string{"*"}, Actor: "*", Session: "s", Text: text, Span: timerange.Range{Since: "2026"}}
		if _, ok := recordtext.IsRecord([]byte(line)); !ok {
			return
		}
		q.Wants([]byte(line))
		if !utf8.ValidString(text) {
			return
		}
		record := []byte(`{"x":` + (&history{rnd: rand.New(rand.NewPCG(1, 1))}).spelled(text) + `}`)
		if q = (Query{Text: text}); !q.Wants(record) {
			t.Errorf("%q is not found in %s", text, record)
		}
	})
}

package intake

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// failAt has the write to the live log fail that comes after skip others.
func failAt(m *durable.Mem, skip int) {
	m.Inject(durable.Fault{Op: durable.OpWrite, Name: segment.LiveName, Skip: skip, Err: syscall.ENOSPC})
}

func TestAnySourceInAnyPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newDisk()
		var b strings.Builder
		events := 0
		for range rapid.IntRange(1, 30).Draw(t, "lines") {
			if rapid.IntRange(0, 9).Draw(t, "kind of line") > 0 {
				b.WriteString(line(rapid.IntRange(0, 50).Draw(t, "event")))
				events++
			}
			b.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\n\n"}).Draw(t, "end"))
		}
		if events == 0 {
			return
		}
		data := strings.TrimRight(b.String(), rapid.SampledFrom([]string{"", "\r\n"}).Draw(t, "last end"))
		o := Options{Times: Times(rapid.IntRange(0, 1).Draw(t, "times")), Piece: rapid.Int64Range(1, 2000).Draw(t, "piece"), Workers: rapid.IntRange(1, 3).Draw(t, "workers"), By: testBy}
		so := options(m)
		others := 0
		for stops := rapid.IntRange(0, 3).Draw(t, "stops"); stops > 0; stops-- {
			failAt(m, rapid.IntRange(0, 6).Draw(t, "writes before it fails"))
			_, err := File(context.Background(), testHome, so, text(data), o)
			m.ClearFaults()
			if err == nil {
				break
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			o.Order = BackDated // others write now
			o.Piece = rapid.Int64Range(1, 2000).Draw(t, "piece")
			l, err := segment.Open(testHome, so)
			if err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "other") {
				others++
				if _, err := l.Append(context.Background(), segment.Event{Kind: otherKind, Payload: []byte("{}")}); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := File(context.Background(), testHome, so, text(data), o); err != nil && !strings.Contains(err.Error(), "it was imported") {
			t.Fatal(err)
		}
		if err := whole(m, []byte(data), o, others); err != nil {
			t.Fatal(err)
		}
	})
}

// The source ends in empty lines that are a piece of their own, and the run before wrote all events.
func TestLastPieceWithoutEvents(t *testing.T) {
	src := text(line(1) + "\n\n")
	resumed := 0
	for skip := range 3 {
		m := newDisk()
		failAt(m, skip)
		o := Options{Piece: 3}
		_, err := importInto(m, src, o)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		m.ClearFaults()
		resumed += int(mustImport(t, m, src, o).Resumed)
		o.By = testBy
		if err := whole(m, bytesOf(t, src), o, 0); err != nil {
			t.Errorf("write %d failed: %v", skip, err)
		}
	}
	if resumed == 0 {
		t.Error("no run found the event of the one before")
	}
}

// Somebody writes just what the source has next, right after a kill: it is not the import's.
func TestLookalike(t *testing.T) {
	m := newDisk()
	src := text(`{"event":"a.b","actor":"x","payload":1}` + "\n" + `{"event":"a.b","actor":"x","payload":2}` + "\n")
	appendOther(t, m, 1)
	failAt(m, 0)
	if _, err := importInto(m, src, Options{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	so := options(m)
	so.Now = ticking("2026-10-05T12:00:01.000Z")
	l, err := segment.Open(testHome, so)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), segment.Event{Kind: "a.b", Actor: "x", Payload: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := mustImport(t, m, src, Options{})
	all, err := history(m)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range all {
		if r.Event == "a.b" {
			n++
		}
	}
	if r.Resumed != 0 || n != 3 {
		t.Errorf("resumed from %d, %d records, want 0 and 3", r.Resumed, n)
	}
}

// changing gives other bytes once it was read to its end.
type changing struct {
	first, then string
	read        bool
}

func (c *changing) ReadAt(p []byte, off int64) (int, error) {
	s := c.first
	if c.read {
		s = c.then
	}
	n, err := strings.NewReader(s).ReadAt(p, off)
	c.read = c.read || errors.Is(err, io.EOF)
	return n, err
}

func TestSourceThatChanges(t *testing.T) {
	three := line(1) + "\n" + line(2) + "\n" + line(3) + "\n"
	for about, tt := range map[string]struct {
		then string
		want error
	}{
		"grown":   {three + line(4) + "\n", nil},
		"changed": {strings.Replace(three, `"n":3`, `"n":9`, 1), ErrChanged},
		"cut":     {line(1) + "\n", ErrChanged},
	} {
		t.Run(about, func(t *testing.T) {
			m := newDisk()
			_, err := importInto(m, Source{Name: "past.jsonl", Data: &changing{first: three, then: tt.then}}, Options{Times: TimesOfSource, Piece: 100})
			if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if tt.want == nil {
				if err := whole(m, []byte(three), Options{Times: TimesOfSource}, 0); err != nil {
					t.Error(err)
				}
				return
			}
			if strings.Contains(kindsOf(t, m), chain.KindImport) {
				t.Error("an import of a file that changed was closed")
			}
			// Once the file is what it was, the import goes on.
			if _, err := importInto(m, text(three), Options{Times: TimesOfSource, Piece: 100}); err != nil {
				t.Error(err)
			}
			if err := whole(m, []byte(three), Options{Times: TimesOfSource}, 0); err != nil {
				t.Error(err)
			}
		})
	}
}

// A file that grew after its import was interrupted is completed as it was.
func TestFileThatGrewSinceItWasInterrupted(t *testing.T) {
	m := newDisk()
	failAt(m, 0)
	o := Options{Times: TimesOfSource, Piece: 300}
	if _, err := importInto(m, source(8), o); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	r := mustImport(t, m, source(12), o)
	left := int64(len(bytesOf(t, source(12))) - len(bytesOf(t, source(8))))
	if r.Records != 8 || r.Left != left || r.Resumed == 0 {
		t.Errorf("%d records, %d of them from before, %d bytes left, want 8, some and %d", r.Records, r.Resumed, r.Left, left)
	}
	if err := whole(m, bytesOf(t, source(8)), o, 0); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	begun := func(t *testing.T, m *durable.Mem, o Options) {
		failAt(m, 2)
		if _, err := importInto(m, source(8), o); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	keep := Options{Times: TimesOfSource, Piece: 100}
	for _, tt := range []struct {
		about   string
		prepare func(*testing.T, *durable.Mem)
		src     Source
		o       Options
		want    string // part of the error
	}{
		{"no event", nil, text("\n\r\n"), keep, "there is no event in it"},
		{"bad line", nil, text(line(1) + "\nx\n"), keep, "one line cannot be imported"},
		{"twice", func(t *testing.T, m *durable.Mem) { mustImport(t, m, source(3), keep) }, source(3), keep, "it was imported 2026-10-05T"},
		{"grown since", func(t *testing.T, m *durable.Mem) { mustImport(t, m, source(3), keep) }, source(4), keep, "bytes were imported 2026-10-05T"},
		{"behind the head", func(t *testing.T, m *durable.Mem) { appendOther(t, m, 1) }, source(3), keep, "--allow-back-dated"},
		{"begun with times", func(t *testing.T, m *durable.Mem) { begun(t, m, keep) }, source(8), Options{}, "run it again with --keep-time"},
		{"begun without times", func(t *testing.T, m *durable.Mem) { begun(t, m, Options{Piece: 300}) }, source(8), keep, "run it again without --keep-time"},
		{"log gone", func(t *testing.T, m *durable.Mem) {
			begun(t, m, keep)
			appendOther(t, m, 1)
			if err := m.Remove(testHome + "/" + segment.LiveName); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"audit-0001.jsonl", "audit-0002.jsonl", "audit-0003.jsonl"} {
				_ = m.Remove(testHome + "/audit-archive/" + name)
			}
		}, source(8), keep, "the log no longer has them"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			m := newDisk()
			if tt.prepare != nil {
				tt.prepare(t, m)
				m.ClearFaults()
			}
			before := len(m.Ops())
			_, err := importInto(m, tt.src, tt.o)
			if err == nil || !errors.Is(err, segment.ErrRefused) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want a refusal that says %q", err, tt.want)
			}
			for _, op := range m.Ops()[before:] {
				if strings.HasSuffix(op.Name, segment.LiveName) || strings.Contains(op.Name, segment.ArchiveDir) {
					t.Errorf("a refused import did %v", op)
				}
			}
		})
	}
}

func TestUnusableBookmark(t *testing.T) {
	for about, data := range map[string]string{"no JSON": "{", "newer": `{"format":2}`, "nothing": `{"format":1}`, "backwards": `{"format":1,"bytes":9,"events":9,"steps":[{"records":5},{"records":1}]}`} {
		t.Run(about, func(t *testing.T) {
			m := newDisk()
			appendOther(t, m, 1)
			mustImport(t, m, source(1), Options{})
			name := testHome + "/audit-archive/" + segment.ImportName(chain.Genesis)
			if err := m.Replace(name, []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := importInto(m, source(2), Options{}); !errors.Is(err, segment.ErrRefused) || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want a refusal that names the file", err)
			}
		})
	}
}

// Two imports of one file at a time: one of them finds that the other is at it.
func TestTwoAtATime(t *testing.T) {
	m := newDisk()
	first, err := open(testHome, options(m), source(8), Options{Times: TimesOfSource, Piece: 300, By: testBy})
	if err != nil {
		t.Fatal(err)
	}
	defer first.log.Close() //nolint:errcheck // nothing is lost with it
	if err := first.examine(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustImport(t, m, source(8), Options{Times: TimesOfSource, Piece: 300})
	if err := first.load(t.Context()); !errors.Is(err, segment.ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	if err := whole(m, bytesOf(t, source(8)), Options{Times: TimesOfSource}, 0); err != nil {
		t.Error(err)
	}
}

func TestStream(t *testing.T) {
	m := newDisk()
	data := line(1) + "\n\n" + line(2) + "\n" + line(3) + "\nx\n" + line(4) + "\n"
	_, err := Stream(t.Context(), testHome, options(m), "pipe", strings.NewReader(data), Options{Times: TimesOfSource, Piece: 150, By: testBy})
	stopped, ok := errors.AsType[*StoppedError](err)
	if !ok || stopped.Records != 3 || stopped.Line != 5 || !stopped.Closed || stopped.Resumes {
		t.Errorf("got %+v", err)
	}
	if got := kindsOf(t, m); got != "past.kind1 past.kind2 audit.rotate past.kind0 audit.rotate audit.import" {
		t.Errorf("the log holds %s", got)
	}
	all, err := history(m)
	if err != nil {
		t.Fatal(err)
	}
	if last := all[len(all)-1]; !strings.Contains(string(last.Payload), `"records":3,`) {
		t.Errorf("the closing record says %s", last.Payload)
	}
	for about, data := range map[string]string{"nothing": "\n", "wrong from the start": "x\n"} {
		before := len(all)
		if _, err := Stream(t.Context(), testHome, options(m), "pipe", strings.NewReader(data), Options{By: testBy}); err == nil {
			t.Errorf("%s: no error", about)
		}
		if all, err = history(m); err != nil || len(all) != before {
			t.Errorf("%s: the log was written to", about)
		}
	}
}

func TestB4LineTooLongToRead(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a line of 64 MiB")
	}
	long := strings.Repeat("x", chain.MaxLine+10) + "\n" + line(1) + "\n"
	_, err := importInto(newDisk(), text(line(0)+"\n"+long), Options{})
	bad, ok := errors.AsType[*BadLinesError](err)
	if !ok || !bad.Partly || bad.Count != 1 || bad.Lines[0].Line != 2 {
		t.Errorf("got %v", err)
	}
}

// FuzzBookmark: a bookmark that is used does not contradict itself, and reads the same written anew; one
// that is not is refused by name.
func FuzzBookmark(f *testing.F) {
	source := chain.Hash{7}
	for _, b := range []*Bookmark{
		{Format: bookmarkFormat, Source: "a.jsonl", SHA256: source, Bytes: 10, Events: 3, Steps: []Step{{}, {Records: 2}}},
		{Format: bookmarkFormat, SHA256: source, Bytes: 10, Events: 3, Closed: &Closed{TS: "2026-01-01T00:00:00.000Z"}},
		{Format: bookmarkFormat, SHA256: source, Bytes: 10, Events: 3, Steps: []Step{{Records: 2}, {Records: 1}}},
		{Format: 2},
	} {
		text, err := b.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"format":1,"sha256":"07","steps":[null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m := durable.NewMem()
		if err := m.Mkdir("/h", 0o700); err != nil {
			t.Fatal(err)
		}
		path := "/h/" + segment.ImportName(source)
		if err := m.Place(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		b, _, err := readBookmark(m, path, source)
		var refused *segment.Refusal
		if err != nil {
			if !errors.As(err, &refused) || refused.Path != path || refused.Next == "" {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if words := b.Unfinished(); (words == "") != (b.Closed != nil) {
			t.Errorf("%q is %q", text, words)
		}
		last := int64(0)
		for _, s := range b.Steps {
			if s.Records < last || s.Records >= b.Events {
				t.Errorf("%q: step at %d behind %d, of %d", text, s.Records, last, b.Events)
			}
			last = s.Records
		}
		again, err := b.encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := m.Place(path, again, 0o600); err != nil {
			t.Fatal(err)
		}
		if same, _, err := readBookmark(m, path, source); err != nil || !reflect.DeepEqual(same, b) {
			t.Errorf("%q reads as %+v, and %q as %+v: %v", text, b, again, same, err)
		}
	})
}

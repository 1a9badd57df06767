package chain_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
)

// log is a history as lines, so that it can be damaged.
type log struct {
	segments [][]string
	live     []string
	eol      string
	tail     string
}

func (l *log) files() (fs []file) {
	join := func(lines []string, tail string) []byte {
		if len(lines) == 0 {
			return nil
		}
		var b bytes.Buffer
		for i, s := range lines {
			b.WriteString(s)
			if i < len(lines)-1 {
				b.WriteString(l.eol)
			}
		}
		b.WriteString(tail)
		return b.Bytes()
	}
	for i, s := range l.segments {
		fs = append(fs, file{name: fmt.Sprintf("audit-%04d.jsonl", i+1), data: join(s, l.eol)})
	}
	return append(fs, file{name: "audit.log", live: true, data: join(l.live, l.tail)})
}

// pick draws one of the files that has lines.
func (l *log) pick(t *rapid.T) *[]string {
	var with []*[]string
	for i := range l.segments {
		if len(l.segments[i]) > 0 {
			with = append(with, &l.segments[i])
		}
	}
	if len(l.live) > 0 {
		with = append(with, &l.live)
	}
	if len(with) == 0 {
		l.live = []string{"{}"}
		return &l.live
	}
	return with[rapid.IntRange(0, len(with)-1).Draw(t, "file")]
}

func sealed(prev chain.Hash, at time.Time, event string, payload string) (string, chain.Hash) {
	r, err := chain.Seal(prev, at.UTC().Format("2006-01-02T15:04:05.000Z"), event, "system", []byte(payload))
	if err != nil {
		panic(err)
	}
	return string(bytes.TrimSuffix(chain.AppendLine(nil, &r), []byte("\n"))), r.Hash
}

// sum is the hash of a text.
func sum(s string) chain.Hash { return sha256.Sum256([]byte(s)) }

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// genuine is an undamaged history of n records over some segments.
func genuine(t *rapid.T) *log {
	l := &log{eol: "\n", tail: "\n"}
	n := rapid.IntRange(3, 40).Draw(t, "records")
	var all []string
	prev := chain.Genesis
	for i := range n {
		var line string
		line, prev = sealed(prev, start.Add(time.Duration(i)*20*time.Second), "vscode.tool_call", fmt.Sprintf(`{"n":%d,"s":"é\u2028<"}`, i))
		all = append(all, line)
	}
	for k := rapid.IntRange(0, 3).Draw(t, "segments"); k > 0 && len(all) > 2; k-- {
		at := rapid.IntRange(1, len(all)-1).Draw(t, "cut")
		l.segments, all = append(l.segments, all[:at:at]), all[at:]
	}
	l.live = all
	return l
}

func line(l *log, t *rapid.T) (*[]string, int) {
	f := l.pick(t)
	return f, rapid.IntRange(0, len(*f)-1).Draw(t, "line")
}

func replace(old, with string) func(*log, *rapid.T) {
	return func(l *log, t *rapid.T) {
		f, i := line(l, t)
		(*f)[i] = string(bytes.Replace([]byte((*f)[i]), []byte(old), []byte(with), 1))
	}
}

func insert(lines ...string) func(*log, *rapid.T) {
	return func(l *log, t *rapid.T) {
		f, i := line(l, t)
		*f = append((*f)[:i:i], append([]string{rapid.SampledFrom(lines).Draw(t, "inserted")}, (*f)[i:]...)...)
	}
}

// damages are the things that can happen to a log, each alone or mixed.
var damages = map[string]func(*log, *rapid.T){
	"content":  replace(`"n":`, `"n":9`),
	"prev":     replace(`"prev_hash":"`, `"prev_hash":"0`),
	"hash":     replace(`"hash":"`, `"hash":"f`),
	"extra":    replace(`"actor":`, `"note":1,"actor":`),
	"spelling": replace(`"actor":`, ` "actor" : `),
	"noHash":   replace(`"hash":"`, `"HASH":"`),
	"garbage":  insert("garbage", "\r", `{"ts":`, "\ufeff{}", " "),
	"oddJSON":  insert("123", `"s"`, "[]", "true", "{}", `{"hash":"x"}`, `{"hash":5}`, `{"prev_hash":null}`),
	"null":     insert("null"),
	"blank":    insert(""),
	"delete": func(l *log, t *rapid.T) {
		f, i := line(l, t)
		*f = append((*f)[:i:i], (*f)[min(len(*f), i+rapid.IntRange(1, 3).Draw(t, "gone")):]...)
	},
	"copy": func(l *log, t *rapid.T) {
		f, i := line(l, t)
		block := append([]string(nil), (*f)[i:min(len(*f), i+rapid.IntRange(1, 5).Draw(t, "copied"))]...)
		g, k := line(l, t)
		*g = append((*g)[:k:k], append(block, (*g)[k:]...)...)
	},
	"copyToEnd": func(l *log, t *rapid.T) {
		f, i := line(l, t)
		l.live = append(l.live, (*f)[i:min(len(*f), i+rapid.IntRange(1, 5).Draw(t, "copied"))]...)
	},
	"swap": func(l *log, t *rapid.T) {
		f, i := line(l, t)
		k := rapid.IntRange(0, len(*f)-1).Draw(t, "other")
		(*f)[i], (*f)[k] = (*f)[k], (*f)[i]
	},
	"glue": func(l *log, t *rapid.T) {
		f, i := line(l, t)
		if i+1 < len(*f) {
			*f = append((*f)[:i:i], append([]string{(*f)[i] + (*f)[i+1]}, (*f)[i+2:]...)...)
		}
	},
	"fork": func(l *log, t *rapid.T) {
		f, i := line(l, t)
		parent, err := chain.HeadOf([]byte((*f)[i]))
		if err != nil {
			return
		}
		forked, _ := sealed(parent, start, "x.fork", fmt.Sprintf(`{"n":%d}`, rapid.IntRange(0, 9).Draw(t, "fork")))
		g, k := line(l, t)
		*g = append((*g)[:k:k], append([]string{forked}, (*g)[k:]...)...)
	},
	"genesis": func(l *log, t *rapid.T) {
		s, _ := sealed(chain.Genesis, start, "x.genesis", "{}")
		insert(s)(l, t)
	},
	"acknowledge": func(l *log, t *rapid.T) {
		f, i := line(l, t)
		r := chain.ReadLine([]byte((*f)[i]))
		if r.Class != chain.LineAltered || len(l.live) == 0 {
			return
		}
		head, err := chain.HeadOf([]byte(l.live[len(l.live)-1]))
		if err != nil {
			return
		}
		s, _ := sealed(head, start, chain.KindRedact, fmt.Sprintf(`{"reason":"r","redacted":[{"hash":"%s","content_hash":"%s","ts":"%s","event":"%s"}]}`,
			r.Record.Hash, r.Content, r.Record.TS, r.Record.Event))
		l.live = append(l.live, s)
	},
	"acknowledgeNull": func(l *log, t *rapid.T) {
		s, _ := sealed(chain.Genesis, start, chain.KindRedact, `{"reason":"r","redacted":[null]}`)
		insert(s)(l, t)
	},
	"seam": func(l *log, t *rapid.T) {
		if n := len(l.segments); n > 0 {
			last := l.segments[n-1]
			k := rapid.IntRange(0, len(last)).Draw(t, "seam")
			l.live = append(append([]string(nil), last[k:]...), l.live...)
		}
	},
	"dropSegment": func(l *log, t *rapid.T) {
		if n := len(l.segments); n > 0 {
			i := rapid.IntRange(0, n-1).Draw(t, "segment")
			l.segments = append(l.segments[:i:i], l.segments[i+1:]...)
		}
	},
	"emptySegment": func(l *log, t *rapid.T) { l.segments = append(l.segments, nil) },
	"crlf":         func(l *log, t *rapid.T) { l.eol, l.tail = "\r\n", "\r\n" },
	"torn": func(l *log, t *rapid.T) {
		if n := len(l.live); n > 0 {
			l.live = append(l.live, l.live[n-1][:rapid.IntRange(0, len(l.live[n-1])).Draw(t, "torn")])
			l.tail = ""
		}
	},
	"noNewline": func(l *log, t *rapid.T) { l.tail = "" },
}

// TestDamage holds the judge to the reference over random damage, whatever the block size.
func TestDamage(t *testing.T) {
	names := slices.Sorted(maps.Keys(damages))
	check := func(t *rapid.T) {
		l := genuine(t)
		for range rapid.IntRange(0, 5).Draw(t, "damages") {
			damages[rapid.SampledFrom(names).Draw(t, "damage")](l, t)
		}
		files := l.files()
		want := reference(files)
		got := judge(t, files, rapid.SampledFrom([]int{1, 300, 2000, 1 << 20}).Draw(t, "block")).Compat
		ignore := cmpopts.IgnoreFields(chain.Compat{}, "BreakReason", "BreakAtIndex", "Acknowledgements")
		if d := cmp.Diff(want, got, ignore, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	}
	for range 10 { // each with a seed of its own
		rapid.Check(t, check)
	}
}

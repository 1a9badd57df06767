package search_test

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/timerange"
	"github.com/opscontext/opscontext/internal/where"
)

// verdict is what a question says of a record.
type verdict int

const (
	no verdict = iota
	yes
	unsure // an expression does not say
)

// question is a search, and the same asked of what the test knows that records say. The two share no code:
// of the package under test the latter uses nothing.
type question struct {
	search.Options
	expression string
	asks       []func(*said) verdict // in the order in which they are asked
}

// of asks a question of a record.
func (q *question) of(r *said) verdict {
	for _, ask := range q.asks {
		if v := ask(r); v != yes {
			return v
		}
	}
	return yes
}

func (q *question) ask(holds func(*said) bool) {
	q.asks = append(q.asks, func(r *said) verdict {
		if holds(r) {
			return yes
		}
		return no
	})
}

// scan asks it of all records, in the order in which a search goes.
func (q *question) scan(l *laid) (hits []*said, undecided int64) {
	log, branch := slices.Clone(l.log), slices.Clone(l.branch)
	if q.Reverse {
		slices.Reverse(log)
		slices.Reverse(branch)
	}
	for _, r := range append(log, branch...) {
		switch q.of(r) {
		case yes:
			if hits = append(hits, r); int64(len(hits)) == q.Limit {
				return hits, undecided
			}
		case unsure:
			undecided++
		}
	}
	return hits, undecided
}

// globbed reports whether a text is one that a glob stands for.
func globbed(glob, text string) bool {
	if glob == "" {
		return text == ""
	}
	g, t := []rune(glob), []rune(text)
	switch {
	case g[0] == '*':
		return globbed(string(g[1:]), text) || len(t) > 0 && t[0] != '/' && globbed(glob, string(t[1:]))
	case len(t) == 0:
		return false
	case g[0] == '[': // of the form [a-z]
		return g[1] <= t[0] && t[0] <= g[3] && globbed(string(g[5:]), string(t[1:]))
	case g[0] == '?' && t[0] != '/' || g[0] == t[0]:
		return globbed(string(g[1:]), string(t[1:]))
	}
	return false
}

var globs = []string{"drift.*", "*", "hook.block", "session.*", "[g-v]*", "?*e", "ün*", "audit.*", "*\t*", "none.such", "*.*.*", "v*_submit"}

// categories are those of the kinds that the test has.
var categories = map[string]kinds.Category{
	"drift.detected": "exception", "drift.silent_failure": "exception", "hook.block": "fault", "session.save": "user-activity",
	"vscode.prompt_submit": "user-activity", "audit.archive": "user-activity",
}

// needle is a text to look for: mostly a piece of what some record says, cut anywhere, also within a
// character.
func needle(rnd *rand.Rand, l *laid) string {
	reads := pick(rnd, append(l.log, l.branch...)).reads
	piece := func(least, most int) string {
		from := rnd.IntN(len(reads))
		return reads[from:min(len(reads), from+least+rnd.IntN(most-least+1))]
	}
	switch rnd.IntN(10) {
	case 0:
		return piece(1, 2)
	case 1:
		return pick(rnd, []string{`","event":"`, `"`, `\`, "\n", "\x01", `\n`, "\xe6", "\x97\xa5", "\ufffd", loneSurrogate, "😀", "null", ":100,", "1e+21", "9007199254740993", `"n":7`, `:"ci "quoted"",`, "lorem lorem", "}", "\x00", "absent anywhere", `{"ts":"2026`, `\u00fc`, "\xed", `"2":null,"10":"ten"`, `"overwritten"`, `\/`, "\u2028"})
	case 2: // only in the hash of a record, and in the prev_hash of the one behind it
		hash, _ := pick(rnd, l.log[:len(l.log)-3]).member("hash").(string)
		from := rnd.IntN(len(hash) - 4)
		return hash[from : from+4+rnd.IntN(len(hash)-from-3)]
	case 3:
		return pick(rnd, scraps) + pick(rnd, scraps)
	}
	return piece(3, 24)
}

// patterns are expressions with a place for a needle that is text.
var patterns = []string{"NEEDLE", "(?i)NEEDLE", "^(?s:.*)NEEDLE", `NEEDLE|"event":"drift`, `(?:NEEDLE)+`, `[^0-9]NEEDLE?`, `"event":"[^"]*NEEDLE`, `(?s)NEEDLE.*"hash"`, `^\{"ts":"2026-01-0[2-5].*NEEDLE`, `\bNEEDLE`, `NEEDLE\z`, "(NEEDLE){0,1}null"}

// expression is one for --where, and what it says.
type expression struct {
	text string
	says func(*said) verdict
}

func plainly(holds bool) verdict {
	if holds {
		return yes
	}
	return no
}

func payloadOf(r *said, name string) any { return get(r.member("payload"), name) }

var expressions = []expression{
	{`payload.n == 100`, func(r *said) verdict { n, _ := payloadOf(r, "n").(number); return plainly(n.is == 100) }},
	{`payload.n != nil and type(payload.n) == "number"`, func(r *said) verdict { _, ok := payloadOf(r, "n").(number); return plainly(ok) }},
	{`payload.n > 5`, func(r *said) verdict {
		switch n := payloadOf(r, "n").(type) {
		case number:
			return plainly(n.is > 5)
		case string:
			return unsure
		}
		return no
	}},
	{`payload.n % 7 == 0 or payload.redacted`, func(r *said) verdict {
		switch n := payloadOf(r, "n").(type) {
		case number:
			if math.Mod(n.is, 7) == 0 {
				return yes
			}
		case string:
			return unsure
		}
		return plainly(payloadOf(r, "redacted") == true)
	}},
	{`payload.note contains "ü" or payload.list[0] contains "ü"`, func(r *said) verdict {
		note, _ := payloadOf(r, "note").(string)
		all, _ := payloadOf(r, "list").(list)
		return plainly(strings.Contains(note, "ü") || len(all) > 0 && strings.Contains(all[0].(string), "ü"))
	}},
	{`event startsWith "drift." and payload.nowhere == nil`, func(r *said) verdict {
		switch event := r.member("event").(type) {
		case nil:
			return no
		case string:
			return plainly(strings.HasPrefix(event, "drift."))
		}
		return unsure
	}},
	{`actor in ["ci", "system"] and ts >= "2026-01-03"`, func(r *said) verdict {
		if actor := r.member("actor"); actor != "ci" && actor != "system" {
			return no
		}
		switch ts := r.member("ts").(type) {
		case nil:
			return no
		case string:
			return plainly(ts >= "2026-01-03")
		}
		return unsure
	}},
	{`payload["key \"\n"] == false or payload["10"] == "ten" and payload["2"] == nil`, func(r *said) verdict {
		return plainly(payloadOf(r, "key \"\n") == false || payloadOf(r, "10") == "ten")
	}},
	{`any(payload.list, # == 7 or # == ["a"] and len(payload.list) == 6)`, func(r *said) verdict {
		all, ok := payloadOf(r, "list").(list)
		return plainly(ok && len(all) == 6)
	}},
	{`(payload.session ?? payload.session_id) == "日本"`, func(r *said) verdict {
		id := payloadOf(r, "session")
		if id == nil {
			id = payloadOf(r, "session_id")
		}
		return plainly(id == "日本")
	}},
	{`type(payload) == "string" ? payload == "a text" : payload.list[-1].deep matches "^(?:a|日)"`, func(r *said) verdict {
		if text, ok := r.member("payload").(string); ok {
			return plainly(text == "a text")
		}
		all, _ := payloadOf(r, "list").(list)
		if len(all) == 0 {
			return no
		}
		deep := get(all[len(all)-1], "deep").(string)
		return plainly(strings.HasPrefix(deep, "a") || strings.HasPrefix(deep, "日"))
	}},
}

// newQuestion makes one up. Most ask for two things.
func newQuestion(t *testing.T, rnd *rand.Rand, l *laid) *question {
	t.Helper()
	q := &question{}
	q.Workers, q.ExtentSize, q.Reverse = 1+rnd.IntN(3), pick(rnd, []int{700, 20_000, 0}), rnd.IntN(3) == 0
	if rnd.IntN(4) == 0 {
		q.Limit = 1 + rnd.Int64N(12)
	}
	one := func() bool { return rnd.IntN(4) == 0 }
	if one() {
		q.Query.Kinds = []string{pick(rnd, globs), pick(rnd, globs)}[:1+rnd.IntN(2)]
		q.ask(func(r *said) bool {
			event, ok := r.member("event").(string)
			return ok && slices.ContainsFunc(q.Query.Kinds, func(glob string) bool { return globbed(glob, event) })
		})
	}
	if one() {
		c := pick(rnd, []kinds.Category{"user-activity", "exception", "fault", "unknown"})
		q.Query.Categories = []kinds.Category{c}
		q.ask(func(r *said) bool {
			event, ok := r.member("event").(string)
			is, known := categories[event]
			return ok && (is == c || !known && c == "unknown")
		})
	}
	if one() {
		q.Query.Actor = pick(rnd, []string{"ci*", "system", "*-code", "*\"*", "?本", "*", "nobody"})
		q.ask(func(r *said) bool {
			actor, ok := r.member("actor").(string)
			return ok && globbed(q.Query.Actor, actor)
		})
	}
	if one() {
		q.askTime(rnd, l)
	}
	if one() {
		id := pick(rnd, sessions[1:])
		q.Query.Session, _ = id.(string)
		if q.Query.Session == "" {
			q.Query.Session = write(id, asStringify)
		}
		q.ask(func(r *said) bool {
			is := func(v any) bool {
				return v != nil && (v == any(q.Query.Session) || write(v, asStringify) == q.Query.Session)
			}
			return is(payloadOf(r, "session")) || is(payloadOf(r, "session_id"))
		})
	}
	if rnd.IntN(2) == 0 {
		q.Query.Text = needle(rnd, l)
		q.ask(func(r *said) bool { return strings.Contains(r.reads, q.Query.Text) })
	}
	if one() {
		q.Query.Regexp = regexp.MustCompile(strings.ReplaceAll(pick(rnd, patterns), "NEEDLE", regexp.QuoteMeta(strings.ToValidUTF8(needle(rnd, l), ""))))
		q.ask(func(r *said) bool { return q.Query.Regexp.MatchString(r.reads) })
	}
	if one() {
		e := pick(rnd, expressions)
		compiled, err := where.Compile(e.text)
		must(t, err)
		q.Where, q.expression = compiled, e.text
		q.asks = append(q.asks, e.says)
	}
	return q
}

func (q *question) askTime(rnd *rand.Rand, l *laid) {
	times := []string{"2026-01-02T00:00:00.000Z", "2025", "2027"}
	for range 2 {
		if ts, ok := pick(rnd, l.log).member("ts").(string); ok {
			times = append(times, ts)
		}
	}
	from, to := times[len(times)-1], times[len(times)-2]
	if from > to {
		from, to = to, from
	}
	switch rnd.IntN(4) {
	case 0:
		from = ""
	case 1:
		to = ""
	}
	q.Query.Span = timerange.Range{Since: from, Until: to}
	q.ask(func(r *said) bool {
		ts, ok := r.member("ts").(string)
		return !ok || from <= ts && (to == "" || ts <= to)
	})
}

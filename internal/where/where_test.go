package where

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/opscontext/opscontext/internal/recordtext"
)

const sample = `{"ts":"2026-04-01T00:00:00.000Z","event":"hook.block","actor":"ci","payload":{"severity":"critical","n":7,` +
	`"f":1.5,"big":9007199254740993,"vast":1e999,"ok":true,"no":false,"nil":null,"tags":["a","b","ü"],"xs":[1,2,3,[4],{"k":"v"}],` +
	`"o":{"a b":1,"q\"":2,"c":{"d":"deep"}},"said":"say \"so\" \u00fc\n","num":" 12 ","files":[{"path":"/etc/passwd","size":12},{"path":"a.go"}]},` +
	`"prev_hash":"x","hash":"y"}`

func compile(t testing.TB, text string) *Expr {
	t.Helper()
	e, err := Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

func match(t testing.TB, text, record string) (bool, error) {
	t.Helper()
	return compile(t, text).Match(recordtext.Canonical([]byte(record)))
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{`payload.severity == "critical"`, true},
		{`payload["severity"] != "critical"`, false},
		{`payload.severity in ["high", "critical"]`, true},
		{`payload.severity not in ["high", "critical"]`, false},
		{`ts >= "2026-04-01" and ts < "2026-04-02"`, true},
		{`ts startsWith "2026-04"`, true},
		{`event == "hook.block" && actor == "ci"`, true},
		{`event matches "^hook[.]" and not (event matches "(?i)BLOCKS")`, true},
		{`event contains "ook" and event endsWith "block"`, true},
		{`actor > "ch" and actor <= "ci"`, true},

		// numbers are doubles, in the record and in the expression
		{`payload.n == 7 and payload.n == 7.0 and payload.n != 8`, true},
		{`payload.n > 6 and payload.n >= 7 and payload.n < 7.5`, true},
		{`payload.f * 2 == 3 and payload.f + 1 == 2.5 and 3 / 2 == 1.5 and 7 % 4 == 3 and -payload.n == -7 and +payload.n == 7`, true},
		{`payload.big == 9007199254740992 and payload.big == 9007199254740993`, true},
		{`payload.big > 9007199254740991`, true},
		{`payload.vast == nil`, true},
		{`float(payload.num) == 12 and int(12.7) == 12 and float(payload.n) == 7`, true},
		{`string(payload.n) == "7" and string(payload.ok) == "true" and string(payload.tags) == '["a","b","ü"]'`, true},
		{`payload.n == "7"`, false},

		// text is what it says
		{"payload.said == \"say \\\"so\\\" ü\\n\"", true},
		{`payload.said contains 'say "so"'`, true},
		{`len(payload.tags[2]) == 1 and len(payload.said) == 11`, true},
		{`upper(payload.severity) == "CRITICAL" and lower("Ü") == "ü" and trim(payload.num) == "12"`, true},
		{`actor + ":" + event == "ci:hook.block"`, true},

		// truth
		{`payload.ok`, true},
		{`payload.ok and not payload.no`, true},
		{`payload.no || payload.ok`, true},
		{`payload.ok ? payload.n == 7 : false`, true},
		{`if payload.ok { payload.no } else { true }`, false},
		{`let n = payload.n; n > 1 and n < 9`, true},

		// lists and objects
		{`payload.tags[0] == "a" and payload.tags[-1] == "ü" and payload.tags[3] == nil and payload.tags[0.5] == nil`, true},
		{`"b" in payload.tags and "x" not in payload.tags`, true},
		{`2 in payload.xs and [4] in payload.xs`, true},
		{`payload.tags == ["a", "b", "ü"] and payload.tags != ["a"] and payload.tags == payload.tags and ["a"] != payload.n`, true},
		{`payload.xs[3] == [4] and payload.xs[4].k == "v"`, true},
		{`payload.o["a b"] == 1 and payload.o['q"'] == 2 and payload.o.c.d == "deep" and payload.o?.c?.d == "deep"`, true},
		{`"c" in payload.o and 'q"' in payload.o and "d" not in payload.o and "nil" in payload`, true},
		{`keys(payload.o) == ["a b", 'q"', "c"] and len(payload.o) == 3 and len(payload.xs) == 5 and len([1, 2]) == 2`, true},
		{`payload.o.c == payload.o.c and payload.o != payload.o.c`, true},
		{`any(payload.tags, # == "b") and all(payload.tags, len(#) == 1) and none(payload.tags, # == "z") and one(payload.tags, # == "a")`, true},
		{`any(payload.files, .path startsWith "/etc/" and .size > 10)`, true},
		{`all(payload.files, .size > 10)`, false},
		{`count(payload.files, .size == nil) == 1`, true},
		{`len(filter(payload.files, .size > 1)) == 1 and map(payload.files, .size) == [12, nil]`, true},
		{`find(payload.files, .size == nil).path == "a.go"`, true},
		{`payload.tags | any(# == "b")`, true},
		{`any(payload.files, any(payload.tags, # == "b") and .size == 12)`, true},
		{`type(payload) == "object" and type(payload.tags) == "array" and type([]) == "array" and type(payload.n) == "number" and type(ts) == "string" and type(nil) == "nil" and type(payload.ok) == "bool"`, true},

		// what is absent
		{`payload.nope == nil and payload.nil == nil and nil == nil`, true},
		{`payload.nope == "x" or payload.nope > 1 or payload.nope <= 1 or 1 > payload.nope or payload.nope contains "x" or payload.nope matches "x"`, false},
		{`payload.nope != "x"`, true},
		{`payload.nope.deeper[3].yet == nil and payload.severity.of == nil and payload.n.of == nil and payload.n[0] == nil`, true},
		{`payload.nope`, false},
		{`not payload.nope`, true},
		{`payload.nope and payload.ok`, false},
		{`payload.nope ? false : true`, true},
		{`(payload.nope ?? "or") == "or"`, true},
		{`payload.nope + 1 > 0 or payload.nope - 1 < 0 or -payload.nope == 0`, false},
		{`lower(payload.nope) == nil and len(payload.nope) == nil and float(payload.nope) == nil and string(payload.nope) == nil and keys(payload.nope) == nil and int(payload.nope) == nil`, true},
		{`any(payload.nope, true) or "a" in payload.nope or nil in []`, false},
		{`all(payload.nope, false) and none(payload.nope, true)`, true},
	} {
		if got, err := match(t, c.text, sample); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.text, got, err)
		}
	}
}

// Records have anything anywhere, or nothing; spelling does not matter.
func TestMatchOtherRecords(t *testing.T) {
	for _, c := range []struct {
		text, record string
		want         bool
	}{
		{`payload.severity == "critical"`, `{"ts":"T"}`, false},
		{`payload.severity == "critical"`, `{"payload":"critical"}`, false},
		{`payload.severity == "critical"`, `{"payload":["critical"]}`, false},
		{`payload.severity == "critical"`, ` { "payload" : { "severity" : "cr\u0069tical" , "n" : 1.0 } } `, true},
		{`payload.severity == "critical"`, `{"payload":{"severity":"low","severity":"critical"}}`, true},
		{`payload == "x" and payload != 1`, `{"payload":"x"}`, true},
		{`payload == 1`, `{"payload":1e0}`, true},
		{`payload == nil and event == nil and ts == nil`, `{}`, true},
		{`ts == "T"`, `{"ts":7}`, false},
		{`payload.a == [1, 2]`, `{"payload":{"a":[ 1.0 , 2e0 ]}}`, true},
		{`payload.a == "\u2028"`, `{"payload":{"a":"\u2028"}}`, true},
		{`payload.a != "?" and len(payload.a) > 0`, `{"payload":{"a":"\ud800"}}`, true},
		{`payload[""] == 1`, `{"payload":{"":1}}`, true},
	} {
		if got, err := match(t, c.text, c.record); err != nil || got != c.want {
			t.Errorf("%s of %s: %v, %v", c.text, c.record, got, err)
		}
	}
}

func TestMatchCannotSay(t *testing.T) {
	long := `{"payload":{"a":[` + strings.Repeat("1,", 5000) + `1]}}`
	for _, c := range []struct{ text, record, want string }{
		{`payload.n > 3`, `{"payload":{"n":"many"}}`, `the text "many" and the number 3 are in no order (at 1:11)`},
		{`payload.n > 3`, `{"payload":{"n":"` + strings.Repeat("ü", 50) + `"}}`, `the text "` + strings.Repeat("ü", 40) + `"… and the number 3`},
		{`ts > "2026"`, `{"ts":7}`, `the number 7 and the text "2026" are in no order`},
		{`payload.n < payload.n`, `{"payload":{"n":true}}`, `true and true are in no order (at 1:11)`},
		{`payload.n contains "x"`, `{"payload":{"n":["x"]}}`, `an array is no text`},
		{`"x" startsWith payload.n`, `{"payload":{"n":1}}`, `the number 1 is no text`},
		{`payload.n matches "x"`, `{"payload":{"n":{}}}`, `an object is no text`},
		{`payload.n + "x" == "x"`, `{"payload":{"n":1}}`, `cannot be reckoned with`},
		{`-payload.n == 1`, `{"payload":{"n":"x"}}`, `cannot be reckoned with`},
		{`payload.n`, `{"payload":{"n":1}}`, `the number 1 is no condition`},
		{`payload.n and true`, `{"payload":{"n":"yes"}}`, `the text "yes" is no condition (at 1:9)`},
		{`not payload.n`, `{"payload":{"n":[]}}`, `an array is no condition`},
		{`any(payload.n, true)`, `{"payload":{"n":"ab"}}`, `the text "ab" is no list`},
		{`any(payload.n, # + 1)`, `{"payload":{"n":[1]}}`, `the number 2 is no condition`},
		{`"x" in payload.n`, `{"payload":{"n":"xx"}}`, `the text "xx" is no list`},
		{`len(payload.n) == 1`, `{"payload":{"n":1}}`, `the number 1 has no length`},
		{`lower(payload.n) == ""`, `{"payload":{"n":1}}`, `the number 1 is no text`},
		{`float(payload.n) == 1`, `{"payload":{"n":"one"}}`, `the text "one" is no number`},
		{`keys(payload.n) == []`, `{"payload":{"n":[]}}`, `an array has no members`},
		{`payload[1] == 1`, `{"payload":{"1":1}}`, `a member has a name, not the number 1`},
		{`any(payload.a, any(payload.a, any(payload.a, # == 2)))`, long, `too many steps`},
		{`let a = payload.a; let b = string(a) + string(a); ` + doublings(30) + ` == "x"`, long, `too many steps`},
	} {
		got, err := match(t, c.text, c.record)
		if err == nil || got || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s of %.60s: %v, %v, want %s", c.text, c.record, got, err, c.want)
		}
	}
}

// doublings is an expression for a text that is twice as long each time.
func doublings(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "let b%d = b%[2]s + b%[2]s; ", i, strings.TrimPrefix(strconv.Itoa(i-1), "-1"))
	}
	return b.String() + "b" + strconv.Itoa(n-1)
}

func TestCompileRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                                "unexpected token EOF",
		`severity == "critical"`:          "unknown name severity (1:1)\n | severity == \"critical\"\n | ^",
		`payload.n ==`:                    "unexpected token EOF (1:12)\n | payload.n ==\n | ...........^",
		`payload.n = 1`:                   "(1:11)",
		`ts`:                              "expected bool, but got string",
		`1 + 1`:                           "expected bool",
		`ts > 3`:                          "(1:4)\n | ts > 3\n | ...^",
		`ts.year == 2026`:                 "(1:4)",
		`event matches "("`:               "missing closing )",
		`event matches payload.pattern`:   "a pattern stands in quotes (1:23)",
		`now() > date(ts)`:                "unknown name now (1:1)",
		`date(ts) > date("2026-01-01")`:   "unknown name date",
		`payload.f()`:                     "a value has no functions (1:9)",
		`payload.f() == 1`:                "a value has no functions",
		`$env.ts == "T"`:                  "there is no $env here (1:1)",
		`$env["the meter"] == nil`:        "unknown name the meter",
		`1 in 1..1000000000`:              "there is no operator .. here (1:7)",
		`payload[1:2] == nil`:             "have no place here",
		`{"a": 1} == payload`:             "have no place here",
		`true; false`:                     "have no place here",
		`reduce(payload, #acc) == 1`:      "unknown name reduce (1:1)",
		`sum(payload.xs) > 1`:             "unknown name sum",
		`sortBy(payload, #) == 1`:         "unknown name sortBy",
		`count(payload.xs) == 1`:          "count wants a list and a condition",
		`len(payload.xs, 1) == 1`:         "(1:1)",
		`2 ** 3 == 8`:                     "there is no operator ** here",
		`b"x" == payload`:                 "have no place here",
		strings.Repeat("(", 5000):         "bytes long",
		strings.Repeat("1+", 800) + "1>0": "exceeds maximum allowed nodes",
	} {
		e, err := Compile(text)
		if err == nil || e != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
}

// One expression serves many goroutines, each its own records.
func TestMatchConcurrently(t *testing.T) {
	e := compile(t, `let n = payload.n; any(payload.xs, # == n) and payload.n % 2 == 0`)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 500 {
				n := string(rune('0' + (i+g)%10))
				got, err := e.Match([]byte(`{"payload":{"n":` + n + `,"xs":[0,1,2,3,4,` + n + `]}}`))
				if want := (i+g)%2 == 0; err != nil || got != want {
					t.Errorf("%s: %v, %v", n, got, err)
				}
			}
		})
	}
	all.Wait()
}

// What one record had does not show in the next.
func TestMatchForgets(t *testing.T) {
	e := compile(t, `payload.a == 1`)
	for _, c := range []struct {
		record string
		want   bool
	}{{`{"payload":{"a":1}}`, true}, {`{}`, false}, {`{"payload":{"a":1}}`, true}, {`{"payload":{}}`, false}} {
		if got, err := e.Match([]byte(c.record)); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.record, got, err)
		}
	}
}

// No expression and no record make it panic, or say something else the second time.
func FuzzMatch(f *testing.F) {
	for _, text := range []string{
		`payload.severity == "critical"`, `any(payload.files, .size > 10)`, `payload.xs[-1].k in ["v"]`, `let a = payload.n; a + 1 > a`,
		`len(filter(payload.tags, # matches "a|b")) > 1 ? true : payload.no`, `(payload.o | keys())[0] == "a b"`, `payload?.x ?? true`, `-payload.f < 0`,
	} {
		f.Add(text, sample)
		f.Add(text, `{"payload":[1,{"a":"\ud800"},1e400]}`)
	}
	f.Fuzz(func(t *testing.T, text, record string) {
		if _, ok := recordtext.IsRecord([]byte(record)); !ok {
			return
		}
		e, err := Compile(text)
		if err != nil {
			return
		}
		canonical := recordtext.Canonical([]byte(record))
		got, err := e.Match(canonical)
		again, second := e.Match(canonical)
		if got != again || (err == nil) != (second == nil) || got && err != nil {
			t.Errorf("%v, %v, then %v, %v", got, err, again, second)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	e := compile(b, `payload.severity == "critical"`)
	record := recordtext.Canonical([]byte(sample))
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := e.Match(record); !ok || err != nil {
			b.Fatal(err)
		}
	}
}

package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/opscontext/opscontext/chain"
)

func TestParseEvent(t *testing.T) {
	for _, c := range []struct{ in, kind, actor, payload string }{
		{`{"event":"a","payload":{}}`, "a", "", `{}`},
		{`{"payload":null,"actor":"ci","event":"a.b"}`, "a.b", "ci", `null`},
		{" { \"event\" : \"a\" ,\t\"payload\" : [ 1.0 , -0 ] } \r", "a", "", `[1,0]`},
		{`{"event":"a","payload":"\ud800\u2028\/"}`, "a", "", "\"\\ud800\u2028/\""},
		{`{"event":"a","payload":{"b":1,"10":2,"2":3,"__proto__":4}}`, "a", "", `{"2":3,"10":2,"b":1,"__proto__":4}`},
		{`{"event":"a","payload":12345678901234567890}`, "a", "", `12345678901234567000`},
		{`{"event":"\u0061","payload":1e400}`, "a", "", `null`},
		{`{"event":"audited","payload":0}`, "audited", "", `0`},
	} {
		e, err := parseEvent([]byte(c.in))
		if err != nil || e.Kind != c.kind || e.Actor != c.actor || string(e.Payload) != c.payload {
			t.Errorf("parseEvent(%s) = %q %q %s, %v", c.in, e.Kind, e.Actor, e.Payload, err)
		}
	}
}

func TestB5ParseEventRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, "not JSON"},
		{`{"event":"a"`, "not JSON"},
		{`{"event":"a","payload":{}} x`, "not JSON"},
		{"\xef\xbb\xbf{}", "not JSON"},
		{`[]`, "a JSON array where an object belongs"},
		{`null`, "a JSON null where an object belongs"},
		{`{"payload":{}}`, "no member event"},
		{`{"event":"a"}`, "no member payload"},
		{`{"Event":"a","payload":{}}`, `unknown member "Event"`},
		{`{"event":"a","payload":{},"ts":"2026-01-01T00:00:00.000Z"}`, `unknown member "ts"`},
		{`{"event":"a","event":"b","payload":{}}`, "two members of one name"},
		{`{"event":"a","payload":{"x":[{"y":1,"y":2}]}}`, "two members of one name"},
		{"{\"event\":\"a\",\"payload\":\"\xff\"}", "not UTF-8"},
		{`{"event":1,"payload":{}}`, "member event is not a string"},
		{`{"event":"","payload":{}}`, "member event is not a string with something in it"},
		{`{"event":"a","payload":{},"actor":null}`, "member actor is not a string"},
		{`{"event":"audit.redact","payload":{}}`, "written by the log itself"},
		{`{"event":"a","payload":` + strings.Repeat("[", chain.MaxDepth+1) + `}`, "nested too deep"},
	} {
		if e, err := parseEvent([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("parseEvent(%.60s) = %v, %v; want an error that says %q", c.in, e, err, c.want)
		}
	}
}

const line = `{"event":"e","payload":{}}` + "\n"

func TestBatches(t *testing.T) {
	for _, c := range []struct {
		name  string
		in    io.Reader
		sizes []int // of the batches
		last  int64 // line of the last event
		err   string
	}{
		{"nothing", strings.NewReader(""), []int{0}, 0, "EOF"},
		{"a file comes at once", strings.NewReader(strings.Repeat(line, 5)), []int{5, 0}, 5, "EOF"},
		{"the last line may lack its end", strings.NewReader(line + strings.TrimSuffix(line, "\n")), []int{1, 1, 0}, 2, "EOF"},
		{"empty lines are lines", strings.NewReader("\n\n" + line + "\n" + line + "\n"), []int{2, 0}, 5, "EOF"},
		{"a line that is typed is recorded at once", iotest.OneByteReader(strings.NewReader(line + line)), []int{1, 1, 0}, 2, "EOF"},
		{"what stands before a bad line", strings.NewReader(line + "\n" + line + "{\n" + line), []int{2}, 3, "not JSON"},
		{"a broken input", io.MultiReader(strings.NewReader(line), iotest.ErrReader(errors.New("gone"))), []int{1, 0}, 1, "gone"},
		{"a line over the limit", io.MultiReader(strings.NewReader(line), endless{}), []int{1, 0}, 1, "longer than 67108864 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newEventReader(c.in)
			var last int64
			for i, size := range c.sizes {
				b := r.next()
				if len(b.events) != size || len(b.lines) != size {
					t.Fatalf("batch %d has %d events on lines %v, want %d", i, len(b.events), b.lines, size)
				}
				if size > 0 {
					last = b.lines[size-1]
				}
				if final := i == len(c.sizes)-1; final != (b.err != nil) {
					t.Fatalf("batch %d: %v", i, b.err)
				} else if final && !strings.Contains(b.err.Error(), c.err) {
					t.Errorf("ends with %v, want %q", b.err, c.err)
				}
			}
			if last != c.last {
				t.Errorf("the last event stands on line %d, want %d", last, c.last)
			}
		})
	}
}

func TestInputErrorsNameTheirLine(t *testing.T) {
	for in, want := range map[string]int64{
		"{\n":                        1,
		"\n" + line + "\n[]\n":       4,
		line + line[:len(line)-5]:    2,
		line + `{"event":"audit.x"}`: 2,
	} {
		r := newEventReader(strings.NewReader(in))
		b := r.next()
		for b.err == nil {
			b = r.next()
		}
		var bad *inputError
		if !errors.As(b.err, &bad) || bad.line != want {
			t.Errorf("%q: %v, want line %d", in, b.err, want)
		}
	}
}

// endless is a line that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func FuzzParseEvent(f *testing.F) {
	for _, seed := range []string{line, `{"event":"a","payload":{"\ud800":1e400}}`, `{"event":"a","payload":{"x":1,"x":2}}`, "\xff", `{"actor":"","payload":0}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := parseEvent(text)
		if err != nil {
			return
		}
		if e.Kind == "" || chain.IsSystem(e.Kind) {
			t.Fatalf("%q gives the kind %q", text, e.Kind)
		}
		if _, err := chain.Seal(chain.Genesis, "2026-01-01T00:00:00.000Z", e.Kind, "system", e.Payload); err != nil {
			t.Fatalf("%q gives a payload that cannot be recorded: %v", text, err)
		}
	})
}

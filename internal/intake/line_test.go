package intake

import (
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

func TestLines(t *testing.T) {
	event := func(ts, kind, actor, payload string) segment.Event {
		return segment.Event{TS: ts, Kind: kind, Actor: actor, Payload: []byte(payload)}
	}
	const ts = "2024-03-01T10:00:00.000Z"
	for _, tt := range []struct {
		about, line string
		times       Times
		want        segment.Event
		err         string // part of it
	}{
		{"usual", `{"ts":"` + ts + `","event":"a.b","actor":"x","payload":{"n":1}}`, TimesOfSource, event(ts, "a.b", "x", `{"n":1}`), ""},
		{"time of writing", `{"ts":"` + ts + `","event":"a.b","actor":"x","payload":{}}`, TimesOfWriting, event("", "a.b", "x", `{}`), ""},
		{"time of any type, not wanted", `{"ts":7,"event":"a.b","payload":{}}`, TimesOfWriting, event("", "a.b", "", `{}`), ""},
		{"any order, no actor", `{"payload":[1],"event":"a.b"}`, TimesOfWriting, event("", "a.b", "", `[1]`), ""},
		{"spaces and spellings", ` { "event" : "\u0061.b" , "payload" : { "b": 1.0, "10": "\u00e9" } } `, TimesOfWriting, event("", "a.b", "", `{"10":"é","b":1}`), ""},
		{"CR at the end", `{"event":"a.b","payload":1}` + "\r", TimesOfWriting, event("", "a.b", "", `1`), ""},
		{"payload null", `{"event":"a.b","payload":null}`, TimesOfWriting, event("", "a.b", "", `null`), ""},
		{"other members", `{"event":"a.b","payload":1,"hash":"x","prev_hash":"y"}`, TimesOfWriting, event("", "a.b", "", `1`), ""},
		{"kind of the log", `{"event":"audit.rotate","payload":1}`, TimesOfWriting, event("", "imported.audit.rotate", "", `1`), ""},
		{"kind that only looks so", `{"event":"auditor","payload":1}`, TimesOfWriting, event("", "auditor", "", `1`), ""},

		{"no event", `{"payload":1}`, TimesOfWriting, segment.Event{}, "no member event"},
		{"no payload", `{"event":"a.b"}`, TimesOfWriting, segment.Event{}, "no member payload"},
		{"no ts", `{"event":"a.b","payload":1}`, TimesOfSource, segment.Event{}, "no member ts"},
		{"ts of another type", `{"ts":7,"event":"a.b","payload":1}`, TimesOfSource, segment.Event{}, "member ts is not a string"},
		{"empty event", `{"event":"","payload":1}`, TimesOfWriting, segment.Event{}, "member event is not a string with"},
		{"empty actor", `{"event":"a","actor":"","payload":1}`, TimesOfWriting, segment.Event{}, "member actor is not"},
		{"actor null", `{"event":"a","actor":null,"payload":1}`, TimesOfWriting, segment.Event{}, "member actor is not"},
		{"member twice", `{"event":"a","event":"b","payload":1}`, TimesOfWriting, segment.Event{}, "two members of one name"},
		{"ts twice, not wanted", `{"ts":"x","ts":"x","event":"b","payload":1}`, TimesOfWriting, segment.Event{}, "two members of one name"},
		{"other member twice", `{"x":1,"x":1,"event":"b","payload":1}`, TimesOfWriting, segment.Event{}, "two members of one name"},
		{"member twice inside", `{"event":"a","payload":{"x":1,"x":2}}`, TimesOfWriting, segment.Event{}, "two members of one name"},
		{"no UTF-8", "{\"event\":\"a\",\"payload\":\"\xff\"}", TimesOfWriting, segment.Event{}, "not UTF-8"},
		{"number too large", `{"event":"a","payload":1e999}`, TimesOfWriting, segment.Event{}, "beyond the range of a double"},
		{"byte order mark", "\ufeff" + `{"event":"a","payload":1}`, TimesOfWriting, segment.Event{}, "byte order mark"},
		{"no object", `["event"]`, TimesOfWriting, segment.Event{}, "a JSON array where an object belongs"},
		{"no JSON", `event`, TimesOfWriting, segment.Event{}, "not JSON"},
		{"cut short", `{"event":"a","payload":{"x"`, TimesOfWriting, segment.Event{}, "ends too early"},
		{"two objects", `{"event":"a","payload":1} {}`, TimesOfWriting, segment.Event{}, "the value is over"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			var count tally
			got, ok, err := newReader(tt.times, &count).event([]byte(tt.line))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || ok {
					t.Errorf("got %+v, error %v, want one about %q", got, err, tt.err)
				}
				return
			}
			if err != nil || !ok || got.TS != tt.want.TS || got.Kind != tt.want.Kind || got.Actor != tt.want.Actor || string(got.Payload) != string(tt.want.Payload) {
				t.Errorf("got %+v %s, %v, %v, want %+v", got, got.Payload, ok, err, tt.want)
			}
		})
	}
}

func TestBlankLines(t *testing.T) {
	for _, line := range []string{"", "\r", "  \t\r"} {
		var count tally
		if e, ok, err := newReader(TimesOfWriting, &count).event([]byte(line)); ok || err != nil {
			t.Errorf("%q is %+v, %v", line, e, err)
		}
	}
}

func TestWhatIsLeftOutIsCounted(t *testing.T) {
	var count tally
	r := newReader(TimesOfWriting, &count)
	for _, line := range []string{`{"event":"a","payload":1,"hash":"x","seq":1}`, ` {"event":"a","payload":1,"hash":"x"}`, `{"event":"audit.a","payload":1}`} {
		if _, _, err := r.event([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if count.odd != 2 || count.renamed != 1 || count.ignored["hash"] != 2 || count.ignored["seq"] != 1 || len(count.ignored) != 2 {
		t.Errorf("counted %+v", count)
	}
	if got := count.members(); len(got) != 2 || got[0] != (chain.Count{Name: "hash", Count: 2}) {
		t.Errorf("the most frequent are %v", got)
	}
}

// FuzzLine holds the quick reading of a line against the thorough one: what the first accepts, the
// second reads the same, and no line makes either fail in another way than by an error.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{line(1), `{"event":"a","payload":{"b":[1,2.5,"x"]},"ts":"t"}`, `{"payload":1,"event":"a","x":1,"x":2}`, `{"event":"a","payload":"\ud800"}`,
		`{"ts":"","event":"audit.x","actor":"b","payload":null}` + "\r", "{\"event\":\"\xff\",\"payload\":1}", `{"":1,"event":"a","payload":{}}`} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, keep bool) {
		times := TimesOfWriting
		if keep {
			times = TimesOfSource
		}
		var quick, thorough tally
		r := newReader(times, &quick)
		got, ok, err := r.event(text)
		if ok != (err == nil) && len(strings.Trim(string(text), " \t\r")) > 0 {
			t.Fatalf("%q: ok is %v, error %v", text, ok, err)
		}
		if _, usual := r.scan(text); !usual {
			return
		}
		p := newReader(times, &thorough)
		fields, parseErr := p.parse(text)
		if parseErr != nil {
			t.Fatalf("%q: taken quickly as %+v, and thoroughly not: %v", text, got, parseErr)
		}
		want, parseErr := p.complete(fields)
		if (err == nil) != (parseErr == nil) || got.TS != want.TS || got.Kind != want.Kind || got.Actor != want.Actor || string(got.Payload) != string(want.Payload) {
			t.Fatalf("%q: quickly %+v (%v), thoroughly %+v (%v)", text, got, err, want, parseErr)
		}
		if quick.odd != thorough.odd || quick.renamed != thorough.renamed || len(quick.ignored) != len(thorough.ignored) {
			t.Fatalf("%q: quickly %+v, thoroughly %+v", text, quick, thorough)
		}
		if err == nil && ecmajson.ScanValue(got.Payload, 0, chain.MaxDepth-1) != len(got.Payload) {
			t.Fatalf("%q: the payload %s is not spelled as it is kept", text, got.Payload)
		}
	})
}

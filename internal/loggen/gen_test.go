package loggen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var start = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)

func sum(g *Gen, n int) string {
	h := sha256.New()
	for range n {
		ts, kind, actor, payload := g.Next()
		h.Write(fmt.Appendf(nil, "%s %s %s %s\n", ts.Format(time.RFC3339Nano), kind, actor, payload))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// A log made from a seed is named in bug reports, so its bytes must never drift: not with the
// processor, not with the Go release, not by an edit to the vocabulary that nobody noticed.
func TestSameSeedSameBytes(t *testing.T) {
	const want = "79b534bf371d3b59f528be86783d9819bc635c9b0dc29ec748df404e2728bb28"
	if got := sum(New(1, start, 500), 20_000); got != want {
		t.Errorf("20,000 events of seed 1 hash to\n%s, want\n%s", got, want)
	}
	const access = "507d1b177acf12fc17e9b4ba40bb12bf6e886ad041600aecccbdce5eae926394"
	if got := sum(NewWithAccess(1, start, 500), 20_000); got != access {
		t.Errorf("20,000 events of seed 1, with access, hash to\n%s, want\n%s", got, access)
	}
	if a, b := sum(New(7, start, 500), 100), sum(New(8, start, 500), 100); a == b {
		t.Error("seeds 7 and 8 give the same events")
	}
}

// What is looked for by its id is found in one event.
func TestIdsOccurOnce(t *testing.T) {
	id := regexp.MustCompile(`"(?:request_id|conversation_id)":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"|"token_id":"bt-[0-9a-f]{8}"`)
	g, seen := NewWithAccess(2, start, 80_000), map[string]bool{}
	for range 30_000 {
		_, _, _, payload := g.Next()
		for _, m := range id.FindAll(payload, -1) {
			if seen[string(m)] {
				t.Errorf("%s occurs twice", m)
			}
			seen[string(m)] = true
		}
	}
	if len(seen) < 500 {
		t.Errorf("%d ids in 30,000 events, want 500 or more", len(seen))
	}
}

func TestTimesNeverGoBack(t *testing.T) {
	for _, perDay := range []float64{0.5, 20, 80_000, 864_000} {
		g := New(3, start, perDay)
		last := start
		for i := range 2_000 {
			ts, _, _, _ := g.Next()
			if ts.Before(last) || ts.Location() != time.UTC || ts.Nanosecond()%1e6 != 0 {
				t.Fatalf("%g a day, event %d: %v after %v", perDay, i, ts, last)
			}
			last = ts
		}
	}
}

func TestRateIsPerDay(t *testing.T) {
	for _, perDay := range []float64{2, 30, 1000} {
		g := New(5, start, perDay)
		n := min(int(perDay*700), 40_000)
		var ts time.Time
		for range n {
			ts, _, _, _ = g.Next()
		}
		got := float64(n) / (ts.Sub(start).Hours() / 24)
		if got < perDay*0.9 || got > perDay*1.1 {
			t.Errorf("asked for %g events a day, got %.2f", perDay, got)
		}
	}
}

func TestPayloadsAreCanonicalObjects(t *testing.T) {
	g := NewWithAccess(11, start, 1000)
	seen := map[string]int{}
	beyondASCII := 0
	for i := range 20_000 {
		_, kind, actor, payload := g.Next()
		seen[kind]++
		if actor == "" || !utf8.Valid(payload) {
			t.Fatalf("event %d (%s): actor %q, payload %q", i, kind, actor, payload)
		}
		if got := respell(t, payload); !bytes.Equal(got, payload) {
			t.Fatalf("event %d (%s) is not spelled canonically:\n got %s\nwant %s", i, kind, payload, got)
		}
		if strings.ContainsFunc(string(payload), func(r rune) bool { return r > 0x7f }) {
			beyondASCII++
		}
	}
	for _, k := range g.kinds {
		if k.weight > 5 && seen[k.name] == 0 {
			t.Errorf("no %s in 20,000 events", k.name)
		}
	}
	if beyondASCII < 1000 {
		t.Errorf("%d of 20,000 payloads go beyond ASCII, want at least 1,000", beyondASCII)
	}
}

// respell writes payload again token by token, as encoding/json spells it without its HTML escapes.
// That is JSON.stringify's spelling for everything in the vocabulary.
func respell(t *testing.T, payload []byte) []byte {
	t.Helper()
	var compact, out bytes.Buffer
	if err := json.Compact(&compact, payload); err != nil || payload[0] != '{' {
		t.Fatalf("%s: not a JSON object: %v", payload, err)
	}
	var members json.RawMessage
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	dec := json.NewDecoder(&compact)
	if err := dec.Decode(&members); err != nil {
		t.Fatal(err)
	}
	tokens := json.NewDecoder(bytes.NewReader(members))
	var spelled []byte
	for {
		at := int(tokens.InputOffset())
		tok, err := tokens.Token()
		if err != nil {
			return append(spelled, members[at:]...)
		}
		raw := members[at:tokens.InputOffset()]
		lead := len(raw) - len(bytes.TrimLeft(raw, ",:"))
		spelled = append(spelled, raw[:lead]...)
		if _, delim := tok.(json.Delim); delim {
			spelled = append(spelled, raw[lead:]...)
			continue
		}
		out.Reset()
		if err := enc.Encode(tok); err != nil {
			t.Fatal(err)
		}
		spelled = append(spelled, bytes.TrimRight(out.Bytes(), "\n")...)
	}
}

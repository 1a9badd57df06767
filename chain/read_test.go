package chain_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/corpus"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// zeros is the parent of a first record.
var zeros = strings.Repeat("0", chain.HashLen)

// genesis is the first record of a log, by hand: its hash is what
// printf '%s' '{"prev_hash":"0…0","ts":"2026-10-05T12:34:56.789Z","event":"vscode.tool_call","actor":"claude-code","payload":{"tool":"Edit","n":1}}' | sha256sum
// prints.
const genesisHash = "55d6dd13a1bd1a8706ddc6d5a799784c963bc23d076d232c232d086b02a5a65e"

func genesisLine() string {
	return `{"ts":"2026-10-05T12:34:56.789Z","event":"vscode.tool_call","actor":"claude-code","payload":{"tool":"Edit","n":1},"prev_hash":"` +
		zeros + `","hash":"` + genesisHash + `"}`
}

// A record that is sealed and written in one go is the one that two steps make.
func TestAppendRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		v := ecmajson.Value{Kind: ecmajson.Array, Elems: []ecmajson.Value{{Kind: ecmajson.String, Str: text.Draw(t, "payload")}, {Kind: ecmajson.Number, Num: rapid.Float64().Draw(t, "number")}}}
		payload := ecmajson.AppendStringify(nil, v)
		prev := chain.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "prev"))
		ts, event, actor := text.Draw(t, "ts"), text.Draw(t, "event"), text.Draw(t, "actor")
		want, err := chain.Seal(prev, ts, event, actor, payload)
		if err != nil {
			t.Fatal(err)
		}
		before := []byte("before ")
		line, got := chain.AppendRecord(before, prev, ts, event, actor, payload)
		if got.Hash != want.Hash || got.Prev != prev || got.TS != ts || got.Event != event || got.Actor != actor || !bytes.Equal(got.Payload, want.Payload) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if want := chain.AppendLine(before, &want); !bytes.Equal(line, want) {
			t.Fatalf("got %q, want %q", line, want)
		}
	})
}

func TestSealWritesTheFormat(t *testing.T) {
	r, err := chain.Seal(chain.Genesis, "2026-10-05T12:34:56.789Z", "vscode.tool_call", "claude-code", []byte(` { "tool" : "\u0045dit", "n": 1.0 } `))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(chain.AppendLine(nil, &r)); got != genesisLine()+"\n" {
		t.Errorf("line\n%s want\n%s", got, genesisLine())
	}
	for _, bad := range []string{"", "{", "{} {}", "\ufeff{}", "nul"} {
		if _, err := chain.Seal(chain.Genesis, "t", "e", "a", []byte(bad)); !errors.Is(err, chain.ErrPayload) {
			t.Errorf("payload %q: %v, want ErrPayload", bad, err)
		}
	}
	deep := strings.Repeat("[", chain.MaxDepth) + strings.Repeat("]", chain.MaxDepth)
	if _, err := chain.Seal(chain.Genesis, "t", "e", "a", []byte(deep)); !errors.Is(err, chain.ErrDepth) {
		t.Errorf("deep payload: %v, want ErrDepth", err)
	}
}

func TestReadLine(t *testing.T) {
	line := genesisLine()
	swap := func(old, with string) string {
		if !strings.Contains(line, old) {
			t.Fatalf("%q is not in the line", old)
		}
		return strings.Replace(line, old, with, 1)
	}
	for _, c := range []struct {
		name, line string
		class      chain.LineClass
	}{
		{"as written", line, chain.LineExact},
		{"B1 CR before LF", line + "\r", chain.LineReEncoded},
		{"B1 spaces", " " + swap(`"n":1`, `"n" : 1`), chain.LineReEncoded},
		{"B2 1.0", swap(`"n":1`, `"n":1.0`), chain.LineReEncoded},
		{"escaped", swap(`Edit`, `\u0045dit`), chain.LineReEncoded},
		{"members in another order", swap(`"ts":"2026-10-05T12:34:56.789Z","event":"vscode.tool_call"`, `"event":"vscode.tool_call","ts":"2026-10-05T12:34:56.789Z"`), chain.LineReEncoded},
		{"A26 duplicate member, last wins", swap(`"n":1`, `"n":2,"n":1`), chain.LineAmbiguous},
		{"A26 duplicate hash", swap(`"prev_hash"`, `"hash":"x","prev_hash"`), chain.LineAmbiguous},
		{"A26 case variant", swap(`"prev_hash"`, `"HASH":"x","prev_hash"`), chain.LineAmbiguous},
		{"extra member", swap(`"payload"`, `"v":2,"payload"`), chain.LineAmbiguous},
		{"extra empty member", swap(`"payload"`, `"":2,"payload"`), chain.LineAmbiguous},
		{"content", swap(`"n":1`, `"n":2`), chain.LineAltered},
		{"string members swapped", swap(`"tool":"Edit","n":1`, `"n":1,"tool":"Edit"`), chain.LineAltered},
		{"B5 upper-case hash", swap(genesisHash, strings.ToUpper(genesisHash)), chain.LineAltered},
		{"B5 hash of 63 digits", swap(genesisHash, genesisHash[1:]), chain.LineAltered},
		{"B5 hash a number", swap(`"`+genesisHash+`"`, "5"), chain.LineAltered},
		{"B5 no hash", swap(`,"hash":"`+genesisHash+`"`, ""), chain.LineAltered},
		{"B1 NUL", swap("Edit", "E\x00it"), chain.LineUnreadable},
		{"B1 byte order mark", "\ufeff" + line, chain.LineUnreadable},
		{"B1 only CR", "\r", chain.LineUnreadable},
		{"cut short", line[:len(line)-1], chain.LineUnreadable},
		{"two records", line + line, chain.LineUnreadable},
		{"not an object", "123", chain.LineUnreadable},
		{"null", "null", chain.LineUnreadable},
		{"no member of a record", `{"a":1}`, chain.LineUnreadable},
		{"B2 too deep", `{"payload":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + "}", chain.LineUnreadable},
		{"empty", "", chain.LineUnreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := chain.ReadLine([]byte(c.line))
			if r.Class != c.class {
				t.Fatalf("class %v (%s), want %v", r.Class, r.Why, c.class)
			}
			if wantWhy := c.class == chain.LineAmbiguous || c.class == chain.LineUnreadable; wantWhy != (r.Why != "") {
				t.Errorf("why %q", r.Why)
			}
			if c.class.Whole() && (r.Record.Hash.String() != genesisHash || r.Content != r.Record.Hash || r.Record.Actor != "claude-code") {
				t.Errorf("record %+v", r.Record)
			}
		})
	}
}

// TestNonsenseWithItsHash: bytes that anyone can hash are no record, whatever their hash says.
func TestNonsenseWithItsHash(t *testing.T) {
	for _, body := range []string{`"ts":1,"ts":2`, `x`, `"payload":{"a":1,"a":2}`, `"actor":"\u0061"`, `"payload":1 `, `"other":1`} {
		line := hashed(body)
		if r := chain.ReadLine([]byte(line)); r.Class == chain.LineExact {
			t.Errorf("%s is taken for a record", line)
		}
	}
	if r := chain.ReadLine([]byte(hashed(`"ts":1,"payload":null`))); r.Class != chain.LineExact {
		t.Errorf("a record of odd types: %v (%s)", r.Class, r.Why)
	}
}

// hashed puts the hash of its own bytes on any body.
func hashed(body string) string {
	h := sum(`{"prev_hash":"` + zeros + `",` + body + "}")
	return "{" + body + `,"prev_hash":"` + zeros + `","hash":"` + h.String() + `"}`
}

func TestHeadOf(t *testing.T) {
	h, err := chain.HeadOf([]byte(genesisLine()))
	if err != nil || h.String() != genesisHash {
		t.Errorf("head %v, %v", h, err)
	}
	h, err = chain.HeadOf([]byte(" " + strings.Replace(genesisLine(), `"n":1`, `"n":2`, 1)))
	if err != nil || h.String() != genesisHash {
		t.Errorf("head of an altered, re-encoded line: %v, %v", h, err)
	}
	for _, bad := range []string{"", "garbage", "null", "[]", "{}", `{"hash":5}`, `{"hash":"abc"}`, `{"hash":"` + strings.ToUpper(genesisHash) + `"}`,
		"x" + genesisLine()[1:], `{"x":` + genesisLine()[1:]} {
		if h, err := chain.HeadOf([]byte(bad)); !errors.Is(err, chain.ErrNoHead) {
			t.Errorf("head of %q: %v, %v", bad, h, err)
		}
	}
}

// TestSealedIsExact: what is written reads as exact, through both lenses, whatever the payload.
func TestSealedIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "string")
		payload := append(ecmajson.AppendString([]byte(`{"10":1,"2":[`), string(text)), "],\"n\":"...)
		payload = append(payload, rapid.SampledFrom([]string{"1e21", "-0", "1e400", "0.1", "12345678901234567890", `"\ud800"`, "{}"}).Draw(t, "n")...)
		r, err := chain.Seal(chain.Genesis, "2026-01-01T00:00:00.000Z", rapid.String().Draw(t, "event"), rapid.String().Draw(t, "actor"), append(payload, '}'))
		if err != nil {
			t.Fatal(err)
		}
		line := bytes.TrimSuffix(chain.AppendLine(nil, &r), []byte("\n"))
		got := chain.ReadLine(line)
		if got.Class != chain.LineExact || got.Record.Hash != r.Hash || !bytes.Equal(got.Record.Payload, r.Payload) {
			t.Fatalf("%s reads as %v (%s)", line, got.Class, got.Why)
		}
		if respelled := chain.ReadLine(append([]byte(" "), line...)); respelled.Class != chain.LineReEncoded || respelled.Content != r.Hash {
			t.Fatalf("value lens: %v", respelled.Class)
		}
	})
}

// FuzzReadLine: no input breaks the reader, and what is exact is what would be written.
func FuzzReadLine(f *testing.F) {
	f.Add([]byte(genesisLine()))
	f.Add([]byte(hashed(`"ts":1,"payload":null`)))
	logs, _ := filepath.Glob(filepath.Join(vectors, "*", "home", "audit.log"))
	for _, path := range logs {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		// All of them would take the time in which others are to be found.
		for i, line := range bytes.Split(b, []byte("\n")) {
			if len(line) < 4096 && (i < 2 || chain.ReadLine(line).Class != chain.LineExact) {
				f.Add(line)
			}
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r := chain.ReadLine(line)
		if r.Class == chain.LineUnreadable {
			return
		}
		v, odd, err := ecmajson.Parse(line, chain.MaxDepth)
		if err != nil {
			t.Fatalf("%v, but it does not parse: %v", r.Class, err)
		}
		if r.Class == chain.LineExact && (odd != 0 || !bytes.Equal(ecmajson.AppendStringify(nil, v), line)) {
			t.Fatalf("exact, but spelled otherwise than written: %s", line)
		}
		if r.Class.Whole() != (refKey(v, "hash") == refString(refDigest(v)) && odd == 0 && onlyMembers(v)) {
			t.Fatalf("%v: %s", r.Class, line)
		}
	})
}

// onlyMembers reports whether v has no members but a record's.
func onlyMembers(v ecmajson.Value) bool {
	for _, m := range v.Members {
		switch m.Name {
		case "ts", "event", "actor", "payload", "prev_hash", "hash":
		default:
			return false
		}
	}
	return true
}

// FuzzJudge: no bytes break the judge, and it agrees with the reference about all of them.
func FuzzJudge(f *testing.F) {
	f.Add([]byte(genesisLine()+"\n"+genesisLine()), []byte("x\n{}\n{}"))
	f.Add([]byte("{}\n[]\n"), []byte(`{"hash":5}`+"\n"+`{"prev_hash":5}`))
	cases, err := corpus.Read("../testdata/corrupt")
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		seed := map[string][]byte{}
		for _, e := range c.Entries {
			seed[e.Path] = e.Data
		}
		f.Add(seed["home/audit-archive/audit-0003.jsonl"], seed["home/audit.log"])
	}
	f.Fuzz(func(t *testing.T, segment, live []byte) {
		files := []file{{name: "audit-0001.jsonl", data: segment}, {name: "audit.log", live: true, data: live}}
		want, got := reference(files), judge(t, files, 64).Compat
		if want.OK != got.OK || want.Total != got.Total || len(want.DuplicateIndices) != len(got.DuplicateIndices) ||
			len(want.ForkIndices) != len(got.ForkIndices) || len(want.OrphanIndices) != len(got.OrphanIndices) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

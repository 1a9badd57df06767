package chain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

func TestImportPayload(t *testing.T) {
	want := chain.Import{Source: "past.jsonl", SHA256: chain.Hash{1}, Bytes: 7, Records: 3, FirstHash: chain.Hash{2}, LastHash: chain.Hash{3}, KeepTime: true,
		BackDated: true, Ignored: 2, By: chain.Recorder{UID: 1000, User: "ops", Host: "box", Tool: "test 1"}}
	text := string(want.Payload())
	read := func(text string) (chain.Import, error) {
		v, _, err := ecmajson.Parse([]byte(text), chain.MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		return chain.ParseImport(v)
	}
	if got, err := read(text); err != nil || got != want {
		t.Errorf("%s is read as %+v: %v", text, got, err)
	}
	if got, err := read(strings.Replace(text, `"ignored":2,`, "", 1)); err != nil || got.Ignored != 0 {
		t.Errorf("without ignored: %+v, %v", got, err)
	}
	if _, err := read(strings.Replace(text, `"v":1`, `"v":2`, 1)); !errors.Is(err, chain.ErrUnknownVersion) {
		t.Errorf("a newer version: %v", err)
	}
	for _, wrong := range []string{strings.Replace(text, "keep_time", "kept_time", 1), strings.Replace(text, `"back_dated":true`, `"back_dated":1`, 1),
		strings.Replace(text, `"records":3`, `"records":-3`, 1), `{}`, `null`} {
		if got, err := read(wrong); err == nil {
			t.Errorf("%s is read as %+v", wrong, got)
		}
	}
}

// Imports are said one by one, whatever they say.
func TestImportsAreNoted(t *testing.T) {
	var log []byte
	head := chain.Genesis
	add := func(kind string, payload []byte) {
		r, err := chain.Seal(head, "2026-10-05T12:00:00.000Z", kind, chain.SystemActor, payload)
		if err != nil {
			t.Fatal(err)
		}
		log, head = chain.AppendLine(log, &r), r.Hash
	}
	add("a.b", []byte("1"))
	add(chain.KindImport, chain.Import{Source: "one.jsonl", Records: 1}.Payload())
	add(chain.KindImport, chain.Import{Source: "two.jsonl", Records: 2, KeepTime: true, BackDated: true}.Payload())
	add(chain.KindImport, []byte(`{"v":1}`))
	v := judge(t, []file{{name: "audit.log", live: true, data: log}}, 1<<20)
	want := []string{`1 records from "one.jsonl"`, "what the source says, and begin before", "cannot be read"}
	if len(v.Findings) != len(want) {
		t.Fatalf("findings %+v", v.Findings)
	}
	for i, f := range v.Findings {
		if f.Class != chain.Imported || f.Line != int64(i+2) || !strings.Contains(f.Detail, want[i]) {
			t.Errorf("finding %d is %+v, want %q", i, f, want[i])
		}
	}
}

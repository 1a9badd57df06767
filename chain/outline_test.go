package chain

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

func TestOutlineReadsWhatReadLineReads(t *testing.T) {
	usual := mustSeal(t, Genesis, "2026-10-05T12:00:00.000Z", "a.b", "p", `{"x":1}`)
	escaped := mustSeal(t, usual.Hash, "2026-10-05T12:00:00.000Z", "a\nb", "p\"q", `{}`)
	empty := mustSeal(t, usual.Hash, "", "", "", `null`)
	for _, r := range []Record{usual, escaped, empty} {
		line := AppendLine(nil, &r)
		line = line[:len(line)-1]
		for name, spelled := range map[string][]byte{
			"as written": line,
			"spaced":     bytes.Replace(line, []byte(`,"event"`), []byte(`, "event"`), 1),
		} {
			o, ok := OutlineOf(spelled)
			if !ok || string(o.TS) != r.TS || string(o.Event) != r.Event || string(o.Actor) != r.Actor || o.Prev != r.Prev || o.Hash != r.Hash {
				t.Errorf("%s %s: %+v, %v", name, spelled, o, ok)
			}
		}
	}
}

func TestOutlineAcceptsWhatHeadOfAccepts(t *testing.T) {
	r := mustSeal(t, Genesis, "2026-10-05T12:00:00.000Z", "a.b", "p", `{"x":1}`)
	line := AppendLine(nil, &r)
	line = line[:len(line)-1]
	lines := [][]byte{nil, []byte("{}"), []byte("null"), []byte("not json"), line, line[:len(line)-1],
		bytes.Replace(line, []byte(`{"x":1}`), []byte(`{"x":1`), 1),
		bytes.Replace(line, []byte(`"prev_hash":"00`), []byte(`"prev_hash":"ZZ`), 1),
		[]byte(`{"hash":"` + r.Hash.String() + `"}`),
		[]byte(`{"ts":7,"event":null,"hash":"` + r.Hash.String() + `"}`)}
	for _, l := range lines {
		_, err := HeadOf(l)
		o, ok := OutlineOf(l)
		if ok != (err == nil) {
			t.Errorf("%s: outline %v, head %v", l, ok, err)
		}
		if ok && o.Hash != r.Hash {
			t.Errorf("%s: hash %v", l, o.Hash)
		}
	}
	if o, _ := OutlineOf(lines[len(lines)-1]); o.TS != nil || o.Event != nil || o.Prev != Genesis {
		t.Errorf("members that are no strings read as %+v", o)
	}
}

func mustSeal(t *testing.T, prev Hash, ts, event, actor, payload string) Record {
	t.Helper()
	r, err := Seal(prev, ts, event, actor, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestArchivePayloadReadsBack(t *testing.T) {
	want := Archive{Segment: "audit-0006.jsonl", LogID: Hash{1}, Incarnation: 2, Index: 17, SHA256: Hash{2}, Archived: Hash{3}, Manifest: Hash{4}, Tool: "opscontext 0.1.0"}
	v, odd, err := ecmajson.Parse(want.Payload(), MaxDepth)
	if err != nil || odd != 0 {
		t.Fatal(err, odd)
	}
	got, err := ParseArchive(v)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, text := range map[string]string{
		"no hash":    `{"v":1,"segment":"audit-0006.jsonl"}`,
		"not object": `[]`,
		"count":      `{"v":1,"segment":"a","log_id":"` + want.LogID.String() + `","incarnation":-1}`,
	} {
		v, _, _ := ecmajson.Parse([]byte(text), MaxDepth)
		if _, err := ParseArchive(v); err == nil || errors.Is(err, ErrUnknownVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
	v, _, _ = ecmajson.Parse([]byte(`{"v":2}`), MaxDepth)
	if _, err := ParseArchive(v); !errors.Is(err, ErrUnknownVersion) {
		t.Errorf("a newer version is %v", err)
	}
}

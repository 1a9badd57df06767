package chain

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// payloads read what the records that the log writes about itself say.
var payloads = map[string]func(ecmajson.Value) (interface{ Payload() []byte }, error){
	KindRotate:  func(v ecmajson.Value) (interface{ Payload() []byte }, error) { return ParseRotate(KindRotate, v) },
	KindBreak:   func(v ecmajson.Value) (interface{ Payload() []byte }, error) { return ParseBreak(v) },
	KindAnchor:  func(v ecmajson.Value) (interface{ Payload() []byte }, error) { return ParseAnchor(v) },
	KindArchive: func(v ecmajson.Value) (interface{ Payload() []byte }, error) { return ParseArchive(v) },
	KindImport:  func(v ecmajson.Value) (interface{ Payload() []byte }, error) { return ParseImport(v) },
	KindAdopt:   func(v ecmajson.Value) (interface{ Payload() []byte }, error) { return ParseAdopt(v) },
	KindRestore: func(v ecmajson.Value) (interface{ Payload() []byte }, error) { return ParseRestore(v) },
}

// FuzzPayload: whoever can append can write any payload. What is read of one is what is read of it
// written anew.
func FuzzPayload(f *testing.F) {
	for kind, payload := range systemPayloads(f) {
		f.Add(kind, []byte(payload))
	}
	f.Add(KindBreak, []byte(`{"v":1,"found":"rolled-back","remembered":[],"lost":{"min":null,"max":1e400}}`))
	f.Add(KindAnchor, []byte(`{"v":2}`))
	f.Add(KindRestore, []byte(`{"segment":"a","records":9007199254740992,"first_hash":"","last_hash":""}`))
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		parse, ok := payloads[kind]
		if !ok {
			return
		}
		v, _, err := ecmajson.Parse(payload, MaxDepth)
		if err != nil {
			return
		}
		p, err := parse(v)
		if err != nil {
			return
		}
		text := p.Payload()
		if v, _, err = ecmajson.Parse(text, MaxDepth); err != nil {
			t.Fatalf("%s %q is written %q: %v", kind, payload, text, err)
		}
		if again, err := parse(v); err != nil || !reflect.DeepEqual(again, p) || !bytes.Equal(again.Payload(), text) {
			t.Errorf("%s %q reads as %+v, and %q as %+v: %v", kind, payload, p, text, again, err)
		}
	})
}

// systemPayloads gives a payload of each kind that the vectors have.
func systemPayloads(f *testing.F) map[string]string {
	found := map[string]string{}
	err := filepath.WalkDir("../testdata/vectors", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".log" && filepath.Ext(path) != ".jsonl" {
			return err
		}
		b, err := os.ReadFile(path)
		for line := range bytes.Lines(b) {
			if r := ReadLine(bytes.TrimSuffix(line, []byte("\n"))).Record; IsSystem(r.Event) {
				found[r.Event] = string(r.Payload)
			}
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	asserted := Claim{Grade: Asserted}
	for _, p := range []struct {
		kind string
		of   interface{ Payload() []byte }
	}{
		{KindBreak, Break{Found: RolledBack, Remembered: Remembered{Records: UnknownCount, Points: []RememberedPoint{{Agrees: "no"}}}, Lost: Bounds{1, UnknownCount}}},
		{KindAnchor, Anchor{Where: WhereGap, Cause: CauseSegmentLost, After: AnchorAfter{Hash: Hash{1}}, Lost: Lost{HeadClaim: asserted, RecordClaim: asserted, TimeClaim: asserted}, Evidence: []Evidence{{Kind: "mark"}}, ApprovedBy: []string{"a"}, Corrects: Hash{2}}},
		{KindArchive, Archive{Segment: "audit-0001.jsonl", Index: 7}},
		{KindImport, Import{Source: "a", Records: 1, KeepTime: true}},
		{KindAdopt, Adopt{Sources: []AdoptedFile{{File: "a"}}, Left: &Fragment{File: "b"}, Known: Known{Counts: []Count{{"fork", 66}}, Findings: []FindingByHash{{Class: Fork}}}}},
		{KindRestore, Restore{Segment: "a", Disposition: PutInGap, From: []File{{Name: "x"}}, Kept: File{Name: "y"}}},
	} {
		text := p.of.Payload()
		v, _, err := ecmajson.Parse(text, MaxDepth)
		if err == nil {
			_, err = payloads[p.kind](v)
		}
		if err != nil {
			f.Fatalf("%s %s: %v", p.kind, text, err)
		}
		found[p.kind] = string(text)
	}
	return found
}

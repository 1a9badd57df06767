package archive

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// describing makes the manifest of text, compressed in frames of so many lines.
func describing(t testing.TB, text []byte, lines int, id identity) *Manifest {
	t.Helper()
	m := durable.NewMem()
	put(t, m, "/"+testFile, frameUp(t, text, lines))
	s, err := open(m, "/"+testFile, segment.Name{Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := describe(t.Context(), s, nil, id, 2, nil, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func sealed(t testing.TB, prev chain.Hash, ts, event, actor string) chain.Record {
	t.Helper()
	r, err := chain.Seal(prev, ts, event, actor, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestManifestSaysWhatTheSegmentHolds(t *testing.T) {
	var text []byte
	var hashes [][]byte
	add := func(r chain.Record) int64 {
		at := int64(len(text))
		text = chain.AppendLine(text, &r)
		hashes = append(hashes, r.Hash[:])
		return at
	}
	first := sealed(t, chain.Hash{9}, "2026-01-02T00:00:00.000Z", "a.b", "ann")
	add(first)
	text = append(text, "\nnot a record\n{\"hash\":7}\n"...)
	add(sealed(t, first.Hash, "2026-01-01T00:00:00.000Z", "audit.redact", "system")) // a clock that went back
	late := sealed(t, chain.Hash{7}, "2026-03-01T00:00:00.000Z", "audit.rotate", "system")
	lateAt := add(late)
	add(sealed(t, late.Hash, strings.Repeat("9", 65), strings.Repeat("k", 257), "ann")) // no ts, no name that counts
	last := sealed(t, chain.Hash{8}, "2026-02-01T00:00:00.000Z", "a.b", "bob")
	add(last)
	id := identity{chain.Hash{1}, 2, 3000}
	m := describing(t, text, 4, id)
	if m.Records != 5 || m.Lines != 8 || m.Bytes != int64(len(text)) || m.SHA256 != sha256.Sum256(text) {
		t.Errorf("%d records, %d lines, %d bytes", m.Records, m.Lines, m.Bytes)
	}
	if *m.First != (Edge{first.TS, first.Prev, first.Hash}) || *m.Last != (Edge{last.TS, last.Prev, last.Hash}) {
		t.Errorf("from %+v to %+v", m.First, m.Last)
	}
	if m.TSMin != "2026-01-01T00:00:00.000Z" || m.TSMax != late.TS {
		t.Errorf("from %s to %s", m.TSMin, m.TSMax)
	}
	if want := (Counts{Top: []chain.Count{{Name: "a.b", Count: 2}, {Name: "audit.redact", Count: 1}, {Name: "audit.rotate", Count: 1}}, Other: 1}); !reflect.DeepEqual(m.Events, want) {
		t.Errorf("events %+v", m.Events)
	}
	if want := (Counts{Top: []chain.Count{{Name: "ann", Count: 2}, {Name: "system", Count: 2}, {Name: "bob", Count: 1}}}); !reflect.DeepEqual(m.Actors, want) {
		t.Errorf("actors %+v", m.Actors)
	}
	if len(m.System) != 2 || m.System[1] != (SystemRecord{"audit.rotate", late.Hash, lateAt}) {
		t.Errorf("system %+v", m.System)
	}
	if m.Root != rootByTlog(t, hashes) {
		t.Error("the root is another")
	}
	if m.LogID != id.logID || m.Incarnation != 2 || m.Index != 3000 {
		t.Errorf("%+v", m)
	}
	fs := m.Archived.Frames
	if len(fs) != 2 || fs[0].Records != 1 || fs[0].TSMax != first.TS || fs[1].Records != 4 || fs[1].TSMin != "2026-01-01T00:00:00.000Z" {
		t.Errorf("frames %+v", fs)
	}
}

// rootByTlog is the root by the code that certificate logs use.
func rootByTlog(t testing.TB, data [][]byte) chain.Hash {
	t.Helper()
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, x := range at {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i, d := range data {
		hs, err := tlog.StoredHashes(int64(i), d, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hs...)
	}
	h, err := tlog.TreeHash(int64(len(data)), read)
	if err != nil {
		t.Fatal(err)
	}
	return chain.Hash(h)
}

func TestTreeGrowsAsTlogHasIt(t *testing.T) {
	var tr tree
	var data [][]byte
	for n := range 70 {
		if n > 0 && tr.root() != rootByTlog(t, data) {
			t.Fatalf("the root of %d leaves is another", n)
		}
		data = append(data, []byte{byte(n)})
		tr.add(tlog.RecordHash(data[n]))
		record := chain.Hash{byte(n), 31: byte(n)}
		if leafOf(record) != tlog.RecordHash(record[:]) {
			t.Fatalf("the leaf of the record %v is another", record)
		}
	}
	if (&tree{}).root() != sha256.Sum256(nil) {
		t.Error("the root of no leaves is not the hash of no bytes")
	}
}

// A manifest does not depend on how the frames are cut but for the table of them, survives being
// written and read, and has one spelling.
func TestManifestProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var text []byte
		prev := chain.Genesis
		for range rapid.IntRange(1, 40).Draw(rt, "records") {
			r := sealed(t, prev, rapid.StringMatching(`202[0-9]-0[1-9]-01T00:00:00.000Z|`).Draw(rt, "ts"),
				rapid.SampledFrom([]string{"a", "b.c", "audit.redact", "é\"\n", "7"}).Draw(rt, "event"), rapid.StringN(0, 5, 300).Draw(rt, "actor"))
			text = chain.AppendLine(text, &r)
			prev = r.Hash
		}
		a := describing(t, text, rapid.IntRange(1, 50).Draw(rt, "lines a"), identity{incarnation: 1})
		b := describing(t, text, rapid.IntRange(1, 50).Draw(rt, "lines b"), identity{incarnation: 1})
		read, err := ParseManifest(a.Encode())
		if err != nil {
			rt.Fatalf("%v: %s", err, a.Encode())
		}
		if !bytes.Equal(read.Encode(), a.Encode()) {
			rt.Fatalf("read and written again it is another:\n%s\n%s", a.Encode(), read.Encode())
		}
		a.Archived, b.Archived = Archived{}, Archived{}
		if !bytes.Equal(a.Encode(), b.Encode()) {
			rt.Fatalf("cut otherwise it is another:\n%s\n%s", a.Encode(), b.Encode())
		}
	})
}

func TestCountsAreBounded(t *testing.T) {
	all := names{}
	var other int64
	for chunk := range 4 {
		next := names{}
		for i := range maxNames / 2 {
			next.add(fmt.Appendf(nil, "name %d", chunk*maxNames/2+i))
			next.add([]byte("name 3"))
		}
		all.follow(next, &other)
	}
	c := all.top(other)
	if len(all) != maxNames || len(c.Top) != TopNames || c.Top[0].Name != "name 3" || c.Top[0].Count != 2*maxNames+1 {
		t.Errorf("%d names, top %+v of %d", len(all), c.Top[0], len(c.Top))
	}
	if err := c.consistent("names", 4*maxNames); err != nil {
		t.Error(err)
	}
}

func TestTooManySystemRecordsAreNotListed(t *testing.T) {
	m := &Manifest{Archived: Archived{Codec: CodecZstd}}
	s := newTotal(m)
	for range 2 {
		s.add(place{}, &tally{events: names{}, actors: names{}, system: make([]SystemRecord, MaxSystem/2)})
	}
	if len(m.System) != MaxSystem {
		t.Fatalf("%d are listed", len(m.System))
	}
	s.add(place{}, &tally{events: names{}, actors: names{}, system: make([]SystemRecord, 1)})
	s.add(place{}, &tally{events: names{}, actors: names{}})
	if m.System != nil || !bytes.Contains(m.Encode(), []byte(`"system":null`)) {
		t.Errorf("%d are listed", len(m.System))
	}
}

func sampleManifest(t testing.TB) []byte {
	plain, _ := sample(t)
	return describing(t, plain, 5, identity{chain.Hash{1}, 1, 0}).Encode()
}

func TestA12ParseManifestRefuses(t *testing.T) {
	good := sampleManifest(t)
	if _, err := ParseManifest(good); err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) func() []byte {
		return func() []byte {
			if !bytes.Contains(good, []byte(old)) {
				t.Fatalf("%s is not in %s", old, good)
			}
			return bytes.Replace(good, []byte(old), []byte(new), 1)
		}
	}
	for name, make := range map[string]func() []byte{
		"no JSON":                 func() []byte { return []byte("manifest") },
		"empty":                   func() []byte { return nil },
		"cut short":               func() []byte { return good[:len(good)/2] },
		"array":                   func() []byte { return []byte("[]") },
		"another format":          change(`"format":"opscontext.manifest/1"`, `"format":"other/1"`),
		"no format":               change(`"format":`, `"fmt":`),
		"member twice":            change(`"records":`, `"records":1,"records":`),
		"member twice deep":       change(`"codec":`, `"codec":"x","codec":`),
		"ill-formed UTF-8":        change(`"name":"test`, "\"name\":\"t\xffst"),
		"negative":                change(`"index":0`, `"index":-1`),
		"fraction":                change(`"index":0`, `"index":0.5`),
		"overflow":                change(`"index":0`, `"index":9007199254740993`),
		"no number":               change(`"index":0`, `"index":1e999`),
		"text for a number":       change(`"index":0`, `"index":"0"`),
		"incarnation":             change(`"incarnation":1`, `"incarnation":0`),
		"short hash":              change(`"log_id":"01`, `"log_id":"0`),
		"upper case hash":         change(`"log_id":"01`, `"log_id":"0A`),
		"path":                    change(`"segment":"audit-0001.jsonl"`, `"segment":"../audit-0001.jsonl"`),
		"other file":              change(`"file":"audit-0001`, `"file":"audit-0002`),
		"file as segment":         change(`"segment":"audit-0001.jsonl"`, `"segment":"audit-0001.jsonl.zst"`),
		"codec":                   change(`"codec":"zstd"`, `"codec":"gzip"`),
		"more records than lines": change(`"lines":12`, `"lines":11`),
		"records":                 change(`"records":12`, `"records":11`),
		"no first":                change(`"first":{`, `"first":null,"x":{`),
		"gap in the file":         change(`"frames":[{"offset":0`, `"frames":[{"offset":1`),
		"gap in the raw bytes":    change(`"raw_offset":0`, `"raw_offset":1`),
		"frame of nothing":        change(`"raw_size":`, `"raw_size":0,"y":`),
		"frame of 2^40":           change(`"raw_size":`, `"raw_size":1099511627776,"y":`),
		"counts":                  change(`"other":0`, `"other":1`),
		"counts below 0":          change(`"other":0`, `"other":-5`),
		"counts out of order":     change(`"events":{"top":[`, `"events":{"top":[{"name":"z","records":0},`),
		"frames no list":          change(`"frames":[`, `"frames":{},"x":[`),
		"deep":                    func() []byte { return append(bytes.Repeat([]byte("["), 100), bytes.Repeat([]byte("]"), 100)...) },
		"huge": func() []byte {
			return slices.Concat([]byte(`{"x":"`), bytes.Repeat([]byte("x"), maxManifest), good[1:])
		},
		"commas": func() []byte {
			return slices.Concat([]byte(`{"x":[0`), bytes.Repeat([]byte(",0"), maxCommas), []byte("],"), good[1:])
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := make()
			if _, err := ParseManifest(text); !errors.Is(err, ErrManifest) || errors.Is(err, chain.ErrUnknownVersion) {
				t.Errorf("%v", err)
			}
		})
	}
	for _, version := range []string{"2", "1.5", "", "01"} {
		_, err := ParseManifest(change(`manifest/1"`, `manifest/`+version+`"`)())
		if !errors.Is(err, chain.ErrUnknownVersion) || errors.Is(err, ErrManifest) {
			t.Errorf("version %q: %v", version, err)
		}
	}
	more, err := ParseManifest(change(`"codec":`, `"level":3,"codec":`)())
	if err != nil || !bytes.Equal(more.Encode(), good) {
		t.Errorf("a member that is not known: %v", err)
	}
}

func TestReadManifestNamesItsFile(t *testing.T) {
	m := durable.NewMem()
	put(t, m, "/audit-0001.manifest.json", []byte("{"))
	if _, err := ReadManifest(m, "/audit-0001.manifest.json"); !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), "audit-0001.manifest.json") {
		t.Errorf("%v", err)
	}
}

func FuzzManifest(f *testing.F) {
	good := sampleManifest(f)
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"records":12`), []byte(`"records":1e1`), 1))
	f.Add(bytes.Replace(good, []byte(`"other":0`), []byte(`"other":9007199254740991`), 1))
	f.Add([]byte(`{"format":"opscontext.manifest/1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err != nil {
			return
		}
		again, err := ParseManifest(m.Encode())
		if err != nil {
			t.Fatalf("what was read is refused when written: %v", err)
		}
		if !bytes.Equal(again.Encode(), m.Encode()) {
			t.Fatal("it has two spellings")
		}
		var sum int64
		for _, fr := range m.Archived.Frames {
			if sum += fr.RawSize; fr.RawSize < 1 || fr.RawSize > MaxFrame {
				t.Fatalf("a frame of %d bytes", fr.RawSize)
			}
		}
		if sum != m.Bytes {
			t.Fatalf("frames of %d bytes in a segment of %d", sum, m.Bytes)
		}
	})
}

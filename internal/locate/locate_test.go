package locate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/corpus"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, home string) *segment.Snapshot {
	t.Helper()
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{OpenArchived: archive.Opener(durable.OS())})
	must(t, err)
	t.Cleanup(func() { must(t, snap.Close()) })
	return snap
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	home := t.TempDir()
	for name, text := range files {
		path := filepath.Join(home, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return home
}

// In every damaged log, a record stands where the findings of a check have it: under the same position,
// on the same line, with the same hash.
func TestPositionsAreThoseOfFindings(t *testing.T) {
	cases, err := corpus.Read("../../testdata/corrupt")
	must(t, err)
	compared := 0
	for _, c := range cases {
		site, err := c.Lay(t.TempDir(), "../../testdata/vectors")
		must(t, err)
		r, err := verify.Run(t.Context(), verify.Options{Home: site.Home, State: site.State})
		must(t, err)
		for _, f := range r.Findings {
			if f.Record < 0 || f.Line == 0 || f.Hash == "" {
				continue
			}
			snap := open(t, site.Home)
			qs := []Query{{Index: f.Record}, {Hash: f.Hash}, {Source: f.Segment, Offset: f.Offset}}
			r, err := Find(t.Context(), snap, qs[2], nil)
			must(t, err)
			record := f.Record
			switch {
			case len(r.Places) == 1 && r.Places[0].Copy:
				qs, record = qs[2:], -1
			case len(r.Places) == 1 && r.Places[0].Hash == chain.Genesis:
				qs, f.Hash = []Query{qs[0], qs[2]}, chain.Genesis.String() // that of a finding stands for what is no hash
			}
			for _, q := range qs {
				found, err := Find(t.Context(), snap, q, nil)
				must(t, err)
				same := func(p Place) bool {
					return p.Source.Name() == f.Segment && p.Line == f.Line && p.Offset == f.Offset && p.Index == record && p.Hash.String() == f.Hash
				}
				if !slices.ContainsFunc(found.Places, same) {
					t.Errorf("%s: %s %s line %d offset %d record %d is, for %+v, at %+v", c.Name, f.Class, f.Segment, f.Line, f.Offset, f.Record, q, found.Places)
				}
				compared++
			}
		}
	}
	if compared < 50 {
		t.Errorf("%d findings were compared", compared)
	}
}

// One independent count: every position, place and hash leads to its line, and so does what is around it.
func TestEveryRecord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type want struct {
			file         string
			line, offset int64
			text         string
		}
		var wants []want
		files := map[string]string{}
		head := chain.Genesis
		n := 0
		for _, name := range []string{"audit-archive/audit-0001.jsonl", "audit-archive/audit-0001-r1.jsonl", "audit-archive/audit-0010.jsonl", "audit.log"} {
			var b strings.Builder
			for line := range int64(rapid.IntRange(0, 6).Draw(rt, "lines")) {
				text, what := "", rapid.SampledFrom([]string{"record", "record", "record", "record", "blank", "garbage", "json"}).Draw(rt, "what")
				if line == 0 {
					what = "record" // two lines without a hash would be copies of each other
				}
				switch what {
				case "record":
					n++
					r, err := chain.Seal(head, "2026-01-01T00:00:00.000Z", "k", "a", fmt.Appendf(nil, `{"n":%d}`, n))
					must(rt, err)
					head, text = r.Hash, strings.TrimSuffix(string(chain.AppendLine(nil, &r)), "\n")
				case "garbage":
					text = "{garbage"
				case "json":
					text = `[1]`
				}
				if json.Valid([]byte(text)) {
					wants = append(wants, want{name, line + 1, int64(b.Len()), text})
				}
				b.WriteString(text + "\n")
			}
			files[name] = b.String()
		}
		home := write(t, files)
		snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{})
		must(rt, err)
		defer snap.Close() //nolint:errcheck // it was read only
		for i, w := range wants {
			r := chain.ReadLine([]byte(w.text))
			qs := []Query{{Index: int64(i)}, {Source: filepath.Base(w.file), Offset: w.offset}}
			if r.Class == chain.LineExact {
				qs = append(qs, Query{Hash: r.Record.Hash.String()[:MinDigits]})
			}
			for _, q := range qs {
				res, err := Find(rt.Context(), snap, q, nil)
				must(rt, err)
				if len(res.Places) != 1 {
					rt.Fatalf("%+v is at %+v", q, res.Places)
				}
				f, err := res.Look(res.Places[0])
				must(rt, err)
				if string(f.Raw) != w.text || f.Index != int64(i) || f.Line != w.line || f.Offset != w.offset || segment.FileOf(f.Source) != w.file {
					rt.Fatalf("%+v is %s at %+v, want %+v", q, f.Raw, f.Place, w)
				}
				if (f.Before == nil) != (i == 0) || (f.After == nil) != (i == len(wants)-1) {
					rt.Fatalf("%+v stands between %+v and %+v", q, f.Before, f.After)
				}
				if f.Before != nil && f.Before.Index != int64(i-1) || f.After != nil && f.After.Index != int64(i+1) {
					rt.Fatalf("%+v stands between %+v and %+v", q, f.Before, f.After)
				}
				if r.Class == chain.LineExact && r.Record.Prev != chain.Genesis && (f.Parent == nil || f.Parent.Hash != r.Record.Prev) {
					rt.Fatalf("the parent of %d is %+v", i, f.Parent)
				}
			}
		}
		res, err := Find(rt.Context(), snap, Query{Index: int64(len(wants))}, nil)
		if err != nil || len(res.Places) > 0 || res.Records != int64(len(wants)) {
			rt.Fatalf("behind the last: %+v, %v", res, err)
		}
	})
}

// Relatives are found where they are near, and copies of a record all.
func TestRelatives(t *testing.T) {
	seal := func(prev chain.Hash, n int) chain.Record {
		r, err := chain.Seal(prev, "2026-01-01T00:00:00.000Z", "k", "a", fmt.Appendf(nil, `{"n":%d}`, n))
		must(t, err)
		return r
	}
	a := seal(chain.Genesis, 0)
	b, c := seal(a.Hash, 1), seal(a.Hash, 2)
	d, e := seal(b.Hash, 3), seal(b.Hash, 4)
	var text []byte
	for _, r := range []chain.Record{a, b, c, d, e, b} {
		text = chain.AppendLine(text, &r)
	}
	snap := open(t, write(t, map[string]string{"audit.log": string(text), "audit-archive/audit-0001-b1.jsonl": string(chain.AppendLine(nil, &d))}))
	look := func(h chain.Hash) (*Result, *Found) {
		r, err := Find(t.Context(), snap, Query{Hash: h.String()}, nil)
		must(t, err)
		f, err := r.Look(r.Places[0])
		must(t, err)
		return r, f
	}
	indexes := func(ns []Neighbour) (is []int64) {
		for _, n := range ns {
			is = append(is, n.Index)
		}
		return is
	}
	r, f := look(b.Hash)
	if len(r.Places) != 2 || r.Places[1].Index != 5 || !slices.Equal(indexes(f.Children), []int64{3, 4}) || !slices.Equal(indexes(f.Siblings), []int64{2}) || f.Parent.Index != 0 {
		t.Errorf("b: %+v, %+v", r.Places, f)
	}
	r, f = look(d.Hash)
	if len(r.Places) != 2 || !r.Places[1].Abandoned() || r.Places[1].Index != -1 || f.Parent.Index != 1 || f.Before.Index != 2 || !slices.Equal(indexes(f.Siblings), []int64{4}) {
		t.Errorf("d: %+v, %+v", r.Places, f)
	}
	alone, err := r.Look(r.Places[1])
	if err != nil || alone.Before != nil || alone.After != nil || alone.Parent != nil {
		t.Errorf("d in the branch: %+v, %v", alone, err)
	}
}

// What cannot be read is said, and does not keep what can be from being found.
func TestUnread(t *testing.T) {
	r, err := chain.Seal(chain.Genesis, "2026-01-01T00:00:00.000Z", "k", "a", []byte("{}"))
	must(t, err)
	home := write(t, map[string]string{"audit.log": string(chain.AppendLine(nil, &r)), "audit-archive/audit-0001.jsonl.zst": "no archive"})
	must(t, os.Mkdir(filepath.Join(home, "audit-archive", "audit-0002.jsonl"), 0o700))
	found, err := Find(t.Context(), open(t, home), Query{Hash: r.Hash.String()}, nil)
	must(t, err)
	if len(found.Places) != 1 || len(found.Unread) != 2 {
		t.Fatalf("%+v", found)
	}
	f, err := found.Look(found.Places[0])
	if err != nil || f.Unread == nil || f.Before != nil {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestParseHash(t *testing.T) {
	for digits, want := range map[string]bool{
		"": false, "0123abc": false, "0123abcd": true, "0123abcg": false, "0123ABCD": false,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
	} {
		if got := ParseHash(digits) == nil; got != want {
			t.Errorf("%q is the beginning of a hash: %v", digits, got)
		}
	}
}

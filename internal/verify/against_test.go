package verify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// recompute edits a line of a file of the home, from 1, and seals it and what follows it anew up to the
// end of the log, as of the same times. Files are in reading order.
func (s *site) recompute(line int, files ...string) {
	s.t.Helper()
	var head chain.Hash
	for i, name := range files {
		s.change(filepath.Join(s.home, name), func(b []byte) []byte {
			lines := bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
			var out []byte
			for n, text := range lines {
				r := chain.ReadLine(text).Record
				if i > 0 || n+1 >= line {
					payload := r.Payload
					if i == 0 && n+1 == line {
						payload = []byte(`{"n":"edited"}`)
					}
					if head == chain.Genesis {
						head = r.Prev
					}
					var err error
					r, err = chain.Seal(head, r.TS, r.Event, r.Actor, payload)
					must(s.t, err)
					head = r.Hash
				}
				out = chain.AppendLine(out, &r)
			}
			return out
		})
	}
}

// line is a line of a file of the home, from 1.
func (s *site) line(file string, n int) chain.Record {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.home, file))
	must(s.t, err)
	return chain.ReadLine(bytes.Split(b, []byte("\n"))[n-1]).Record
}

func TestA1Against(t *testing.T) {
	const first, live = segment.ArchiveDir + "/audit-0001.jsonl", segment.LiveName
	s := newSite(t)
	s.append(20)
	young := s.copyTo("young")
	s.rotate()
	s.append(20)
	// Two writers that raced: the last record is a leaf, which nothing follows.
	parent := s.line(live, 20)
	s.change(filepath.Join(s.home, live), func(b []byte) []byte {
		r, err := chain.Seal(parent.Hash, s.line(live, 21).TS, "x.y", "system", []byte(`{"leaf":1}`))
		must(t, err)
		last := bytes.LastIndexByte(b[:len(b)-1], '\n') + 1
		return append(append(bytes.Clone(b[:last]), chain.AppendLine(nil, &r)...), b[last:]...)
	})
	copied := s.copyTo("copy")
	report := filepath.Join(t.TempDir(), "report.json")
	must(t, os.WriteFile(report, encode(t, s.verify()), 0o600))

	edit := func(file string, line int, then ...string) func(*site) {
		return func(s *site) { s.recompute(line, append([]string{file}, then...)...) }
	}
	for _, c := range []struct {
		name    string
		against string
		damage  func(*site)
		exit    int
		class   chain.Class // empty: none
		at      string      // the first difference, as the log has it
		line    int64
		says    string
	}{
		{"as it was, a copy", copied, func(*site) {}, 0, "", "", 0, "all 2 segments"},
		{"as it was, a report", report, func(*site) {}, 0, "", "", 0, "all 2 segments"},
		{"gone on, a copy", copied, func(s *site) { s.append(3); s.rotate(); s.append(2) }, 0, "", "", 0, ""},
		{"gone on, a young copy", young, func(s *site) { s.append(3) }, 0, "", "", 0, ""},
		{"recomputed, a copy", copied, edit(live, 8), 3, chain.Diverged, live, 8, "line 8 of its audit.log, "},
		{"recomputed, a report", report, edit(live, 8), 3, chain.Diverged, live, 22, "the last record of its audit.log, "},
		{"recomputed from a sealed segment on, a copy", copied, edit(first, 3, live), 3, chain.Diverged, "audit-0001.jsonl", 3, "line 3 of its audit-0001.jsonl, "},
		{"recomputed from a sealed segment on, a report", report, edit(first, 3, live), 3, chain.Diverged, "audit-0001.jsonl", 20, "the last record of its audit-0001.jsonl, "},
		{"recomputed from a sealed segment on, a young copy", young, edit(first, 3, live), 3, chain.Diverged, "audit-0001.jsonl", 3, "line 3 of its audit.log, "},
		{"a leaf edited, which no record's parent shows", copied, func(s *site) {
			s.change(filepath.Join(s.home, live), func(b []byte) []byte {
				lines := bytes.SplitAfter(b, []byte("\n"))
				r, err := chain.Seal(parent.Hash, s.line(live, 21).TS, "x.y", "system", []byte(`{"leaf":2}`))
				must(s.t, err)
				lines[20] = chain.AppendLine(nil, &r)
				return bytes.Join(lines, nil)
			})
		}, 3, chain.Diverged, live, 21, "line 21 of its audit.log, "},
		{"put back, a copy", copied, func(s *site) { s.putBack(young) }, 3, chain.RolledBack, "", 0, "lacks 22 records of audit.log"},
		{"put back and gone on, a copy", copied, func(s *site) { s.putBack(young); s.append(3) }, 3, chain.RolledBack, live, 21, "it went on without them"},
		{"put back and gone on for longer, a report", report, func(s *site) { s.putBack(young); s.append(40); s.rotate(); s.append(1) }, 3, chain.RolledBack, "audit-0001.jsonl", 21, "it went on without them"},
		{"a line that cannot be read, a copy", copied, func(s *site) { s.garble(live, 5) }, 3, chain.Missing, "", 0, "1 record that cannot be read in the log is in it, from line 5 of its audit.log on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tried := &site{t: t, home: filepath.Join(t.TempDir(), "home"), n: 1000}
			tried.putBack(s.home)
			c.damage(tried)
			r := run(t, verify.Options{Home: tried.home, Against: c.against})
			if c.class != "" {
				tried.want(r, c.exit, c.class, "")
			} else if r.Exit != c.exit {
				t.Errorf("exit %d: %s", r.Exit, r.Verdict)
			}
			if r.Against.Agrees != (c.exit == 0) || !strings.Contains(r.Against.Detail, c.says) {
				t.Errorf("against: %+v", r.Against)
			}
			d := r.Against.FirstDifference
			if (d != nil) != (c.class == chain.Diverged || c.class == chain.RolledBack) || (d != nil && d.Found != nil) != (c.at != "") {
				t.Fatalf("first difference %+v", d)
			}
			if c.at == "" {
				return
			}
			name := c.at
			if name != live {
				name = segment.ArchiveDir + "/" + name
			}
			there := tried.line(name, int(c.line))
			if d.Found.Segment != c.at || d.Found.Line != c.line || d.Found.Hash != there.Hash.String() || d.Found.TS != there.TS || d.Kept.Hash == d.Found.Hash {
				t.Errorf("first difference %+v, %+v, want %s line %d, %s", d.Kept, d.Found, c.at, c.line, there.Hash)
			}
			for _, f := range r.Findings {
				if f.Class == c.class && f.Segment == c.at && f.Line == c.line && f.Record == d.Found.Record && f.Hash == d.Found.Hash {
					return
				}
			}
			t.Errorf("no finding at the place: %+v", r.Findings)
		})
	}

	t.Run("a copy with a line that cannot be read", func(t *testing.T) {
		damaged := &site{t: t, home: filepath.Join(t.TempDir(), "copy")}
		damaged.putBack(copied)
		damaged.garble(live, 5)
		if r := run(t, verify.Options{Home: s.home, Against: damaged.home}); r.Exit != 0 || !r.Against.Agrees {
			t.Errorf("exit %d, %+v", r.Exit, r.Against)
		}
	})
}

// garble makes a line of a file of the home, from 1, no JSON.
func (s *site) garble(file string, line int) {
	s.t.Helper()
	s.change(filepath.Join(s.home, file), func(b []byte) []byte {
		lines := bytes.SplitAfter(b, []byte("\n"))
		lines[line-1] = append([]byte("garbled "), lines[line-1]...)
		return bytes.Join(lines, nil)
	})
}

// Copies that an interrupted rotation left are the same record, wherever they are, and in whichever of the two.
func TestAgainstSeam(t *testing.T) {
	s := newSite(t)
	s.append(20)
	s.rotate()
	s.append(3)
	whole := s.copyTo("whole")
	sealed, err := os.ReadFile(filepath.Join(s.home, segment.ArchiveDir, "audit-0001.jsonl"))
	must(t, err)
	s.change(filepath.Join(s.home, segment.LiveName), func(b []byte) []byte {
		lines := bytes.SplitAfter(sealed, []byte("\n"))
		return append(bytes.Join(lines[15:], nil), b...)
	})
	seam := s.copyTo("seam")
	for _, c := range []struct{ home, against string }{{seam, whole}, {whole, seam}, {seam, seam}} {
		if r := run(t, verify.Options{Home: c.home, Against: c.against}); r.Exit != 0 || !r.Against.Agrees {
			t.Errorf("%s against %s: exit %d, %+v", c.home, c.against, r.Exit, r.Against)
		}
	}
}

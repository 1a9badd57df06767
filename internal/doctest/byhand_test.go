package doctest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

const byHand = "docs/verify-by-hand/README.md"

// newByHand is a shell beside the script, with a home of two archived segments, one sealed one and a
// live log. The first archive has several frames.
func newByHand(t *testing.T) *shell {
	t.Helper()
	needs(t, "python3", "zstd", "sh", "sed", "cp")
	s := newShell(t)
	script, err := os.ReadFile(filepath.Join(root, "docs", "verify-by-hand", "verify.py"))
	check(t, err)
	write(t, filepath.Join(s.dir, "verify.py"), script)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	o := segment.Options{Tool: "opscontext 0.1.0", Period: segment.PeriodNone, Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}}
	log, err := segment.Open(s.home(), o)
	check(t, err)
	for n, records := range []int{40, 40, 40, 5} {
		if n > 0 {
			_, err := log.Rotate(t.Context())
			check(t, err)
		}
		var events []segment.Event
		for i := range records {
			payload := fmt.Sprintf(`{"n":%d,"2":1.5e-9,"text":"Zürich \u001f \ud800 <%s>","pad":"%s"}`, i, "\U0001F600", strings.Repeat("x", 1<<15>>(3*n)))
			events = append(events, segment.Event{Kind: kind, Actor: fmt.Sprintf("ci%d", i%3), Payload: []byte(payload)})
		}
		_, err := log.AppendBatch(t.Context(), events)
		check(t, err)
	}
	results, err := archive.Run(t.Context(), s.home(), o, archive.Options{})
	check(t, err)
	for _, r := range results {
		check(t, r.Err)
	}
	if len(results) != 2 {
		t.Fatalf("%d segments were archived, want 2", len(results))
	}
	_, err = log.Append(t.Context(), segment.Event{Kind: kind, Payload: []byte("null")})
	check(t, err)
	check(t, log.Close())
	return s
}

// The commands of the page do what it says, one after the other, and change nothing in the log.
func TestByHandPage(t *testing.T) {
	s := newByHand(t)
	before := contents(t, s.home())
	d := readDocument(t, byHand)
	runs := 0
	for i, b := range d.blocks {
		if b.lang != "sh" {
			continue
		}
		runs++
		output := s.try(t, d, b)
		if i+1 < len(d.blocks) && d.blocks[i+1].lang == "output" && !shows(d.blocks[i+1].text, output) {
			t.Errorf("%s: the output is\n%s", d.at(b), output)
		}
	}
	if runs != 3 {
		t.Errorf("%s has %d blocks of commands, want 3", byHand, runs)
	}
	if after := contents(t, s.home()); after != before {
		t.Errorf("the log was changed: it was\n%s\nit is\n%s", before, after)
	}
}

// contents is every file below a directory, with its bytes and its time.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	check(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %v %v\n", path, info.ModTime(), archive.Digest(data))
		return err
	}))
	return all.String()
}

// What was tampered with is named by its place.
func TestByHandFindsTampering(t *testing.T) {
	s := newByHand(t)
	for _, c := range []struct {
		name   string
		file   string
		tamper func(data []byte) []byte // nil removes the file
		exit   int
		want   []string
	}{
		{"record byte", "audit.log", swap(`"n":3`, `"n":4`), 3, []string{"WRONG    audit.log: line 5: altered"}},
		{"record byte in a sealed segment", "audit-archive/audit-0003.jsonl", swap(`"n":7`, `"n":8`), 3, []string{"WRONG    audit-0003.jsonl: line 9: altered"}},
		{"record removed", "audit.log", without(2), 3, []string{"WRONG    audit.log: line 3: gap"}},
		{"record twice", "audit.log", func(data []byte) []byte { return append(data, lineAt(data, 2)...) }, 0, []string{"warning  audit.log: line 10: copy"}},
		{"another start", "audit.log", func(data []byte) []byte { return append(data, lineOf(makeHistory(t).first)...) }, 3, []string{"WRONG    audit.log: line 10: second start"}},
		{"spelled anew", "audit.log", swap(`"event":`, `"event": `), 0, []string{"1 records are not in the usual spelling"}},
		{"member repeated", "audit.log", swap(`"n":3`, `"n":4,"n":3`), 3, []string{"WRONG    audit.log: line 5: ambiguous"}},
		{"no JSON", "audit.log", swap(`{"ts"`, `["ts"`), 3, []string{"UNREAD   audit.log: line 1: not JSON", "WRONG    audit.log: line 2: gap"}},
		{"torn", "audit.log", func(data []byte) []byte { return append(data, `{"ts":"2026`...) }, 5, []string{"UNREAD   audit.log: line 10: cut short"}},
		{"live log gone", "audit.log", nil, 3, []string{"WRONG    audit.log: it is missing"}},
		{"manifest records", "audit-archive/audit-0001.manifest.json", swap(`"lines":40`, `"lines":41`), 3,
			[]string{"audit-0001.manifest.json: lines is not", "audit-0001.jsonl: its manifest is not what audit.log line 7 vouches for"}},
		{"manifest root", "audit-archive/audit-0002.manifest.json", swap(`"root":"`, `"root":"0`), 3, []string{"audit-0002.manifest.json: root is not"}},
		{"manifest frames", "audit-archive/audit-0001.manifest.json", swap(`"raw_offset":0`, `"raw_offset":1`), 3, []string{"audit-0001.manifest.json: archived.frames[0] does not begin"}},
		{"manifest no object", "audit-archive/audit-0001.manifest.json", func([]byte) []byte { return []byte("[]\n") }, 3, []string{"audit-0001.manifest.json: not a manifest"}},
		{"manifest gone", "audit-archive/audit-0001.manifest.json", nil, 0, []string{"warning  audit-0001.jsonl.zst: it has no manifest"}},
		{"archive byte", "audit-archive/audit-0001.jsonl.zst", flip(300), 3, []string{"UNREAD   audit-0001.jsonl.zst: zstd cannot decompress it",
			"audit-0001.manifest.json: archived.sha256 is not", "audit-0001.jsonl: its compressed file is not what audit.log line 7 vouches for"}},
		{"archive cut", "audit-archive/audit-0002.jsonl.zst", func(data []byte) []byte { return data[:len(data)/2] }, 3, []string{"UNREAD   audit-0002.jsonl.zst: zstd cannot"}},
		{"seek table byte", "audit-archive/audit-0002.jsonl.zst", func(data []byte) []byte { return flip(len(data) - 12)(data) }, 3, []string{"audit-0002.jsonl.zst: its seek table"}},
		{"archive gone", "audit-archive/audit-0001.jsonl.zst", nil, 3, []string{"audit-0001.manifest.json: its segment is gone", "audit-0002.jsonl.zst: line 1: gap"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.fresh(t)
			path := filepath.Join(s.dir, "copy", filepath.FromSlash(c.file))
			data, err := os.ReadFile(path)
			check(t, err)
			check(t, os.Remove(path))
			if c.tamper != nil {
				write(t, path, c.tamper(data))
			}
			s.judges(t, c.exit, c.want...)
		})
	}
	t.Run("segments swapped", func(t *testing.T) {
		s.fresh(t)
		dir := filepath.Join(s.dir, "copy", segment.ArchiveDir)
		for _, form := range []string{".jsonl.zst", ".manifest.json"} {
			one, two, aside := filepath.Join(dir, "audit-0001"+form), filepath.Join(dir, "audit-0002"+form), filepath.Join(dir, "aside")
			check(t, os.Rename(one, aside))
			check(t, os.Rename(two, one))
			check(t, os.Rename(aside, two))
		}
		s.judges(t, 3, "audit-0001.jsonl.zst: line 1: gap", "audit-0002.jsonl.zst: line 1: second start",
			"audit-0001.manifest.json: segment is not", "audit-0001.jsonl: its plain bytes is not")
	})
	t.Run("both forms", func(t *testing.T) {
		s.fresh(t)
		_, exit := s.run(t, "zstd -dq copy/audit-archive/audit-0001.jsonl.zst -o copy/audit-archive/audit-0001.jsonl")
		if exit != 0 {
			t.Fatal("zstd does not decompress the archive")
		}
		s.judges(t, 0, "segment  audit-0001.jsonl: 40 records; manifest agrees")
	})
	t.Run("a link in the place of a segment", func(t *testing.T) {
		s.fresh(t)
		path := filepath.Join(s.dir, "copy", segment.ArchiveDir, "audit-0003.jsonl")
		check(t, os.Remove(path))
		check(t, os.Symlink(filepath.Join(s.home(), segment.ArchiveDir, "audit-0003.jsonl"), path))
		s.judges(t, 5, "UNREAD   audit-0003.jsonl: cannot be read")
	})
	t.Run("nothing there", func(t *testing.T) {
		check(t, os.RemoveAll(filepath.Join(s.dir, "copy")))
		s.judges(t, 5, "verdict  INCOMPLETE: 0 things could not be read; 0 records")
	})
}

// fresh puts an untouched copy of the log in the place of the last one.
func (s *shell) fresh(t *testing.T) {
	t.Helper()
	if output, exit := s.run(t, "rm -rf copy && cp -a .contextengine copy"); exit != 0 {
		t.Fatal(output)
	}
}

// judges runs the script over the copy.
func (s *shell) judges(t *testing.T, exit int, want ...string) {
	t.Helper()
	output, code := s.run(t, "python3 -B verify.py copy")
	if code != exit {
		t.Errorf("exit code %d, want %d", code, exit)
	}
	for _, w := range want {
		if !strings.Contains(output, w) {
			t.Errorf("the output does not say %q", w)
		}
	}
	if t.Failed() {
		t.Log(output)
	}
}

func swap(old, fresh string) func([]byte) []byte {
	return func(data []byte) []byte { return bytes.Replace(data, []byte(old), []byte(fresh), 1) }
}

func flip(at int) func([]byte) []byte {
	return func(data []byte) []byte {
		data[at] ^= 0x10
		return data
	}
}

// lineAt is line n, from 0, with its LF.
func lineAt(data []byte, n int) []byte { return bytes.SplitAfter(data, []byte("\n"))[n] }

func without(n int) func([]byte) []byte {
	return func(data []byte) []byte { return bytes.Replace(data, lineAt(data, n), nil, 1) }
}

// An anchor is listed with what it says, and whatever it says is printed without harm; the gap that it
// is about is wrong all the same.
func TestByHandListsAnchors(t *testing.T) {
	s := newByHand(t)
	for payload, want := range map[string]string{
		`{"operator":"Ada\u001b[31m","cause":"segment-lost","place":"gap","before":{"hash":"` + strings.Repeat("ab", 32) + `"},"lost":{"head":{"hash":7},"records":{"min":3,"max":null}},"reason":"x"}`: `anchor   audit.log: line 10: 'Ada\x1b[31m' documents a break ('segment-lost', 'gap'): after abababababab, up to nothing, 3 to unknown records lost; reason 'x'`,
		`[]`:             `anchor   audit.log: line 10: None documents a break (None, None): after nothing, up to nothing, unknown to unknown records lost; reason None`,
		`{"before":[0]}`: "after nothing",
	} {
		s.fresh(t)
		path := filepath.Join(s.dir, "copy", segment.LiveName)
		data, err := os.ReadFile(path)
		check(t, err)
		head := chain.ReadLine(bytes.TrimSuffix(lineAt(data, 8), []byte("\n"))).Record
		write(t, path, append(data, lineOf(seal(t, head, head.TS, chain.KindAnchor, chain.SystemActor, []byte(payload)))...))
		s.judges(t, 0, want, "note     1 breaks are documented")
	}
}

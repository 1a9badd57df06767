package corpus

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/loggen"
	"github.com/opscontext/opscontext/segment"
)

// Paths of the files that cases damage.
const (
	live    = "home/audit.log"
	first   = "home/audit-archive/audit-0001.jsonl"
	second  = "home/audit-archive/audit-0002.jsonl"
	third   = "home/audit-archive/audit-0003.jsonl"
	flock   = "home/audit.flock"
	packed1 = "home/audit-archive/audit-0001.jsonl.zst"
	packed2 = "home/audit-archive/audit-0002.jsonl.zst"
	says1   = "home/audit-archive/audit-0001.manifest.json"
	says2   = "home/audit-archive/audit-0002.manifest.json"
	mark    = "state/mark"
	points  = "state/points"
)

// history is a log of three sealed segments and a live one, five records each, by day. Every segment
// but the first begins with its audit.rotate.
type history [4][]chain.Record

// day is the time of the first record of a segment; the others follow it ten seconds apart.
func day(segment int) time.Time { return time.Date(2026, 3, 2+segment, 9, 0, 0, 0, time.UTC) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// newHistory makes the log of an imaginary team; another seed is another log.
func newHistory(seed uint64) (h history) {
	events := loggen.New(seed, day(0), 5000)
	head := chain.Genesis
	for s := range h {
		for n := range 5 {
			_, kind, actor, payload := events.Next()
			if s > 0 && n == 0 {
				kind, actor, payload = chain.KindRotate, chain.SystemActor, rotation(h[s-1], s, h[0][0].Hash, day(s))
			}
			r := seal(head, day(s).Add(time.Duration(n)*10*time.Second), kind, actor, payload)
			head = r.Hash
			h[s] = append(h[s], r)
		}
	}
	return h
}

// rotation is the payload of the audit.rotate after a segment.
func rotation(sealed []chain.Record, number int, logID chain.Hash, at time.Time) []byte {
	return chain.Rotate{Segment: segment.Name{Number: int64(number)}.File(segment.FormPlain), Records: int64(len(sealed)),
		FirstHash: sealed[0].Hash, LastHash: sealed[len(sealed)-1].Hash, Cutoff: stamp(at), LogID: logID, Incarnation: 1,
		Reason: chain.ReasonManual, Machine: "ws-01"}.Payload()
}

func seal(prev chain.Hash, ts time.Time, kind, actor string, payload []byte) chain.Record {
	r, err := chain.Seal(prev, stamp(ts), kind, actor, payload)
	if err != nil {
		panic(err)
	}
	return r
}

// chained makes n records that follow a record, ten seconds apart.
func chained(after chain.Record, n int) (rs []chain.Record) {
	ts, err := time.Parse(time.RFC3339, after.TS)
	if err != nil {
		panic(err)
	}
	for i := range n {
		ts = ts.Add(10 * time.Second)
		after = seal(after.Hash, ts, "vscode.prompt_submit", "claude-code", fmt.Appendf(nil, `{"n":%d,"text":"später"}`, i))
		rs = append(rs, after)
	}
	return rs
}

func text(rs ...chain.Record) (b []byte) {
	for i := range rs {
		b = chain.AppendLine(b, &rs[i])
	}
	return b
}

// site is a home that is being damaged, and what the machine remembers of it.
type site struct {
	t     *testing.T
	h     history
	files map[string]Entry
}

// newSite is the sound log, as a machine left it that remembers all of it.
func newSite(t *testing.T) *site {
	s := &site{t: t, h: newHistory(1), files: map[string]Entry{}}
	for i, path := range []string{first, second, third} {
		s.files[path] = Entry{path, 0o400, text(s.h[i]...)}
	}
	s.put(live, text(s.h[3]...))
	s.put(flock, []byte(strings.Repeat(" ", 63)+"\n"))
	s.remember(s.h[:]...)
	return s
}

// remember sets the mark to the end of the segments, and a point at each seal and each day's start.
func (s *site) remember(segments ...[]chain.Record) {
	s.t.Helper()
	s.remembers(func(m *segment.Memory) (err error) {
		var n int64
		id := segments[0][0].Hash
		for i, rs := range segments {
			number, offset, end := int64(i+1), int64(len(text(rs[0]))), int64(len(text(rs...)))
			last := rs[len(rs)-1]
			err = m.AddPoint(segment.Point{LogID: id, Segment: number, Offset: offset, Hash: rs[0].Hash, Records: n + 1, TS: rs[0].TS})
			n += int64(len(rs))
			if err == nil && i < len(segments)-1 {
				err = m.AddPoint(segment.Point{LogID: id, Segment: number, Offset: end, Hash: last.Hash, Records: n, TS: last.TS})
			}
			if err == nil && i == len(segments)-1 {
				err = m.SetMark(segment.Mark{LogID: id, Incarnation: 1, Segment: number, Offset: end, Head: last.Hash, Records: n, TS: last.TS})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// remembers makes the memory of the machine anew.
func (s *site) remembers(tell func(*segment.Memory) error) {
	s.t.Helper()
	dir := s.t.TempDir()
	m, err := segment.OpenMemory(durable.OS(), dir, dir)
	if err == nil {
		err = tell(m)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.readMemory(dir)
}

// readMemory takes the mark and the points of a state directory.
func (s *site) readMemory(dir string) {
	s.t.Helper()
	for _, path := range []string{mark, points} {
		names, err := filepath.Glob(filepath.Join(dir, "*."+strings.TrimPrefix(path, "state/")))
		if err != nil || len(names) > 1 {
			s.t.Fatal(names, err)
		}
		delete(s.files, path)
		for _, name := range names {
			s.put(path, s.readFile(name))
		}
	}
}

func (s *site) readFile(name string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *site) forget() { s.drop(mark, points) }

func (s *site) put(path string, data []byte) { s.files[path] = Entry{path, 0o600, data} }

func (s *site) drop(paths ...string) {
	s.t.Helper()
	for _, path := range paths {
		s.data(path)
		delete(s.files, path)
	}
}

func (s *site) rename(from, to string) {
	s.t.Helper()
	e := Entry{to, s.files[from].Mode, s.data(from)}
	delete(s.files, from)
	s.files[to] = e
}

func (s *site) mode(path string, mode fs.FileMode) {
	e := s.files[path]
	e.Path, e.Mode = path, mode
	s.files[path] = e
}

func (s *site) data(path string) []byte {
	s.t.Helper()
	e, ok := s.files[path]
	if !ok {
		s.t.Fatalf("no file %s", path)
	}
	return e.Data
}

// edit changes the bytes of a file that is there, and keeps its mode.
func (s *site) edit(path string, change func([]byte) []byte) {
	s.t.Helper()
	e := s.files[path]
	e.Data = change(bytes.Clone(s.data(path)))
	s.files[path] = e
}

func (s *site) append(path string, more []byte) {
	s.t.Helper()
	s.edit(path, func(b []byte) []byte { return append(b, more...) })
}

// replace replaces a text in a line, from 1, that must hold it.
func (s *site) replace(path string, line int, old, with string) {
	s.t.Helper()
	s.line(path, line, func(l []byte) []byte {
		if !bytes.Contains(l, []byte(old)) {
			s.t.Fatalf("%s, line %d: no %q in %s", path, line, old, l)
		}
		return bytes.Replace(l, []byte(old), []byte(with), 1)
	})
}

// line changes a line, which has its LF.
func (s *site) line(path string, line int, change func([]byte) []byte) {
	s.t.Helper()
	s.edit(path, func(b []byte) []byte {
		lines := slices.Collect(bytes.Lines(b))
		lines[line-1] = change(bytes.Clone(lines[line-1]))
		return bytes.Join(lines, nil)
	})
}

// lines rearranges the lines of a file.
func (s *site) lines(path string, change func([][]byte) [][]byte) {
	s.t.Helper()
	s.edit(path, func(b []byte) []byte { return bytes.Join(change(slices.Collect(bytes.Lines(b))), nil) })
}

// entries are the files, in the order of their paths.
func (s *site) entries() (es []Entry) {
	for _, e := range s.files {
		es = append(es, e)
	}
	slices.SortFunc(es, func(a, b Entry) int {
		if al, bl := a.Mode&hardLink, b.Mode&hardLink; al != bl {
			return int(al>>1) - int(bl>>1) // a link comes after what it leads to
		}
		return strings.Compare(a.Path, b.Path)
	})
	return es
}

// at is the clock of what the program does to a site.
func at() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

// run has the program do something to the site, and takes what comes of it.
func (s *site) run(do func(home string, o segment.Options) error) {
	s.t.Helper()
	c := Case{Entries: s.entries()}
	laid, err := c.Lay(s.t.TempDir(), "")
	if err != nil {
		s.t.Fatal(err)
	}
	o := segment.Options{State: laid.State, Now: at, Tool: "opscontext 0.1.0", OpenArchived: archive.Opener(durable.OS()), Period: segment.PeriodNone}
	if err := do(laid.Home, o); err != nil {
		s.t.Fatal(err)
	}
	s.files = map[string]Entry{}
	err = filepath.WalkDir(laid.Home, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(laid.Home, name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		path := "home/" + filepath.ToSlash(rel)
		s.files[path] = Entry{path, info.Mode(), s.readFile(name)}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.readMemory(laid.State)
	s.readMemory(laid.State)
}

// archived compresses the segments 1 and 2. Search indexes are left out: they are derived, and no
// damage to a log.
func (s *site) archived() {
	s.t.Helper()
	s.run(func(home string, o segment.Options) error {
		results, err := archive.Run(context.Background(), home, o, archive.Options{Workers: 1})
		for _, r := range results {
			if r.Err != nil {
				return r.Err
			}
			index := filepath.Join(home, segment.ArchiveDir, r.Segment.File(segment.FormIndex))
			if err := os.Remove(index); err != nil {
				return err
			}
		}
		return err
	})
}

// parseAnchor reads the payload of an audit.anchor.
func parseAnchor(payload []byte) (chain.Anchor, error) {
	v, _, err := ecmajson.Parse(payload, chain.MaxDepth)
	if err != nil {
		return chain.Anchor{}, err
	}
	return chain.ParseAnchor(v)
}

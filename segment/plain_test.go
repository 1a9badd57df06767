package segment

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/internal/durable"
)

// line is a line of a source as a reader gets it.
type line struct {
	offset int64
	text   string
}

// naiveLines is the plainest way to say what the lines of data are: cut at LF, what is longer than
// longest cut after one byte more, nothing after the last LF.
func naiveLines(data []byte, longest int) []line {
	var all []line
	at := int64(0)
	for _, text := range bytes.SplitAfter(data, []byte("\n")) {
		if len(text) > 0 {
			body := bytes.TrimSuffix(text, []byte("\n"))
			all = append(all, line{at, string(body[:min(len(body), longest+1)])})
		}
		at += int64(len(text))
	}
	return all
}

// someBytes draws a file: lines of all lengths, empty ones, NULs, with or without a last LF.
func someBytes(t *rapid.T) []byte {
	var data []byte
	for range rapid.IntRange(0, 12).Draw(t, "lines") {
		n := rapid.OneOf(rapid.IntRange(0, 4), rapid.IntRange(0, 200)).Draw(t, "length")
		data = append(data, bytes.Repeat([]byte{rapid.SampledFrom([]byte("ax\x00\r \xff")).Draw(t, "byte")}, n)...)
		data = append(data, '\n')
	}
	if len(data) > 0 && rapid.Bool().Draw(t, "unended") {
		data = data[:len(data)-1]
	}
	return data
}

// onDisk is the source of a file that holds data.
func onDisk(t testing.TB, data []byte, r reach) *plain {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit-0001.jsonl")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := durable.OS().Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	p := &plain{fs: durable.OS(), path: path, label: "audit-0001.jsonl", name: Name{Number: 1}, state: StateSealed, info: info, reach: r}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// rewrite puts data in the file's place, in the same file.
func rewrite(t *rapid.T, p *plain, data []byte) {
	if err := os.WriteFile(p.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	p.info.Size = int64(len(data))
}

func TestPlainGivesEachLineOnce(t *testing.T) {
	p := onDisk(t, nil, reach{})
	rapid.Check(t, func(t *rapid.T) {
		data := someBytes(t)
		rewrite(t, p, data)
		p.reach = reach{longest: rapid.IntRange(1, 250).Draw(t, "longest"), ahead: rapid.IntRange(0, 64).Draw(t, "ahead")}
		buf := make([]byte, 0, rapid.IntRange(0, 300).Draw(t, "buffer"))
		var got []line
		at := int64(0)
		for _, e := range p.Extents(rapid.IntRange(1, 120).Draw(t, "extent")) {
			if e.Offset != at || e.Size < 1 {
				t.Fatalf("extent %+v does not follow byte %d", e, at)
			}
			at += e.Size
			c, err := p.Read(e, buf)
			if err != nil {
				t.Fatal(err)
			}
			for offset, text := range c.Lines() {
				if offset < e.Offset || offset >= e.Offset+e.Size {
					t.Fatalf("line at %d given for extent %+v", offset, e)
				}
				got = append(got, line{offset, string(text)})
			}
		}
		if at != int64(len(data)) {
			t.Fatalf("extents cover %d of %d bytes", at, len(data))
		}
		want := naiveLines(data, p.reach.longest)
		if len(got) != len(want) {
			t.Fatalf("%d lines, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("line %d is %.80q at %d, want %.80q at %d", i, got[i].text, got[i].offset, want[i].text, want[i].offset)
			}
		}
	})
}

func TestReadOneLineByItsOffset(t *testing.T) {
	p := onDisk(t, []byte("one\ntwo\n\nfour"), fullReach)
	for offset, want := range map[int64]string{0: "one\n", 4: "two\n", 8: "\n", 9: "four", 1: "", 13: "", 99: ""} {
		c, err := p.Read(Extent{Offset: offset, Size: 1}, nil)
		if err != nil || string(c.Data) != want {
			t.Errorf("line at %d is %q (%v), want %q", offset, c.Data, err, want)
		}
		if c.Ended() != (want != "four") {
			t.Errorf("line at %d: Ended() = %v", offset, c.Ended())
		}
	}
	for _, e := range []Extent{{-1, 5}, {0, 0}, {0, -3}, {0, int64(fullReach.longest) + 1}} {
		if _, err := p.Read(e, nil); err == nil {
			t.Errorf("extent %+v was read", e)
		}
	}
}

func TestReadStopsAtTheSnapshot(t *testing.T) {
	p := onDisk(t, []byte("one\ntw"), fullReach)
	if err := os.WriteFile(p.path, []byte("one\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := p.Read(Extent{0, 6}, nil)
	if err != nil || string(c.Data) != "one\ntw" || c.Ended() {
		t.Errorf("read %q, ended %v (%v), want what the snapshot had", c.Data, c.Ended(), err)
	}
}

// A writer that finds a torn tail cuts it off; a reader under way gets less, and no error.
func TestReadOfAFileThatBecameShorter(t *testing.T) {
	data := []byte("one\ntwo\n{\"torn")
	for cut := range data {
		p := onDisk(t, data, reach{longest: 100, ahead: 2})
		if err := os.Truncate(p.path, int64(cut)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for _, e := range p.Extents(3) {
			c, err := p.Read(e, nil)
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			got = append(got, c.Data...)
		}
		if !bytes.Equal(got, data[:cut]) {
			t.Errorf("cut at %d: read %q", cut, got)
		}
	}
}

// The memory of a reader is bounded by the longest line, not by what has no LF.
func TestA28ReadOfASparseFile(t *testing.T) {
	p := onDisk(t, nil, reach{longest: 1 << 20, ahead: readAhead})
	const size = 1 << 40
	if err := os.Truncate(p.path, size); err != nil {
		t.Skipf("this file system holds no sparse file of 1 TiB: %v", err)
	}
	p.info.Size = size
	es := p.Extents(DefaultExtent)
	if len(es) > maxExtents+1 && es[0].Size < int64(p.reach.longest) {
		t.Errorf("%d extents of %d bytes", len(es), es[0].Size)
	}
	c, err := p.Read(es[0], nil)
	if err != nil || len(c.Data) != p.reach.longest+1 || cap(c.Data) > 4*p.reach.longest {
		t.Errorf("first line is %d bytes in %d (%v), want %d", len(c.Data), cap(c.Data), err, p.reach.longest+1)
	}
	if c, err := p.Read(es[len(es)-1], nil); err != nil || len(c.Data) != 0 {
		t.Errorf("last extent gives %d bytes (%v), want none", len(c.Data), err)
	}
}

func TestA14ReplacedSegmentIsNotRead(t *testing.T) {
	p := onDisk(t, []byte("one\n"), fullReach)
	other := p.path + ".other"
	if err := os.WriteFile(other, []byte("six\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, p.path); err != nil {
		t.Fatal(err)
	}
	es := p.Extents(DefaultExtent)
	if len(es) != 1 {
		t.Fatalf("%d extents, want one to carry the error", len(es))
	}
	if _, err := p.Read(es[0], nil); !errors.Is(err, ErrReplaced) {
		t.Errorf("got %v, want ErrReplaced", err)
	}
}

// Once reading has begun, archiving may take the name away.
func TestReadOutlivesTheName(t *testing.T) {
	p := onDisk(t, []byte("one\n"), fullReach)
	es := p.Extents(DefaultExtent)
	if err := os.Remove(p.path); err != nil {
		t.Fatal(err)
	}
	if c, err := p.Read(es[0], nil); err != nil || string(c.Data) != "one\n" {
		t.Errorf("read %q (%v)", c.Data, err)
	}
}

func FuzzLines(f *testing.F) {
	for _, seed := range []string{"", "\n", "\n\n", "a", "a\n", "a\r\n\x00\n", "{}\n{}\n{", "\xff\n\u2028\n"} {
		f.Add([]byte(seed), 3, 5, 2)
	}
	p := onDisk(f, nil, reach{})
	f.Fuzz(func(t *testing.T, data []byte, extent, longest, ahead int) {
		if longest < 1 || ahead < 0 || ahead > 1<<16 || longest > 1<<16 || len(data) > 1<<16 {
			t.Skip("beyond what a reader is made with")
		}
		if err := os.WriteFile(p.path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		p.info.Size, p.reach = int64(len(data)), reach{longest, ahead}
		var got []line
		for _, e := range p.Extents(extent) {
			c, err := p.Read(e, nil)
			if err != nil {
				t.Fatal(err)
			}
			for offset, text := range c.Lines() {
				got = append(got, line{offset, string(text)})
			}
		}
		want := naiveLines(data, longest)
		if len(got) != len(want) {
			t.Fatalf("%d lines, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("line %d: %+v, want %+v", i, got[i], want[i])
			}
		}
	})
}

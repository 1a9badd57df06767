package archive

import (
	"bytes"
	"errors"
	"testing"

	"github.com/opscontext/opscontext/segment"
)

// A prefix is the lines that start in it, as reading the whole frame gives them.
func TestPrefix(t *testing.T) {
	m := newHome(t, 2, 8000, 3)
	plain := readFile(t, m, archivePath("audit-0002.jsonl"))
	mustRun(t, options(m))
	src, err := open(m, archivePath("audit-0002.jsonl.zst"), segment.Name{Number: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(src.frames) < 2 {
		t.Fatalf("%d frames, the test wants more", len(src.frames))
	}
	for _, f := range src.frames {
		raw := plain[f.rawOffset:f.rawEnd()]
		for n := int64(1); n < f.rawSize; n += 1 + f.rawSize/50 {
			want := raw[:n]
			if raw[n-1] != '\n' {
				want = raw[:n+int64(bytes.IndexByte(raw[n:], '\n'))+1]
			}
			c, err := Prefix(src, segment.Extent{Offset: f.rawOffset, Size: n}, nil)
			if err != nil || c.Offset != f.rawOffset || !bytes.Equal(c.Data, want) {
				t.Fatalf("%d bytes at %d: %d bytes at %d, %v; want %d", n, f.rawOffset, len(c.Data), c.Offset, err, len(want))
			}
		}
	}
	first := src.frames[0]
	for _, e := range []segment.Extent{{Offset: 1, Size: 5}, {Offset: 0, Size: 0}, {Offset: 0, Size: first.rawSize}, {Offset: -1, Size: 1}, {Offset: src.raw, Size: 1}} {
		if _, err := Prefix(src, e, nil); err == nil {
			t.Errorf("%+v is read", e)
		}
	}
	file := bytes.Clone(readFile(t, m, archivePath("audit-0002.jsonl.zst")))
	for i := range file[:first.size] {
		file[i] = 'x'
	}
	put(t, m, archivePath("audit-0002.jsonl.zst"), file)
	if src, err = open(m, archivePath("audit-0002.jsonl.zst"), segment.Name{Number: 2}); err != nil {
		t.Fatal(err)
	}
	var frame *FrameError
	if _, err := Prefix(src, segment.Extent{Offset: 0, Size: 100}, nil); !errors.As(err, &frame) || frame.Frame != 0 {
		t.Errorf("of a damaged frame: %v", err)
	}
	snap, err := segment.OpenSnapshot(testHome, segment.SnapshotOptions{FS: m})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Prefix(snap.Live, segment.Extent{Offset: 0, Size: 1}, nil); !errors.Is(err, ErrNotArchived) {
		t.Errorf("of the live log: %v", err)
	}
	if _, err := OpenIndex(snap.Live); !errors.Is(err, ErrNotArchived) {
		t.Errorf("an index of the live log: %v", err)
	}
}

package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

func encoder(t testing.TB, o ...zstd.EOption) *zstd.Encoder {
	t.Helper()
	e, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithEncoderConcurrency(1)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const testFile = "audit-0001.jsonl.zst"

// reading opens a file as an archived segment and reads all of it.
func reading(t testing.TB, file []byte) ([]byte, *source, error) {
	t.Helper()
	m := durable.NewMem()
	put(t, m, "/"+testFile, file)
	s, err := open(m, "/"+testFile, segment.Name{Number: 1})
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { _ = s.Close() })
	data, err := readAll(s)
	return data, s, err
}

// sample is a small segment and its archive of three frames.
func sample(t testing.TB) (plain, file []byte) {
	m := newHome(t, 12)
	plain = readFile(t, m, archivePath("audit-0001.jsonl"))
	return plain, frameUp(t, plain, 5)
}

// checkDamaged is what holds of a damaged archive: an error, or the exact bytes.
func checkDamaged(t *testing.T, plain, file []byte, what string) (failed bool) {
	t.Helper()
	got, _, err := reading(t, file)
	if err == nil && !bytes.Equal(got, plain) {
		t.Fatalf("%s: %d bytes of %d without an error", what, len(got), len(plain))
	}
	return err != nil
}

func TestB8TruncatedAtEveryByte(t *testing.T) {
	plain, file := sample(t)
	for n := range len(file) {
		if !checkDamaged(t, plain, file[:n], fmt.Sprintf("cut after %d bytes", n)) {
			t.Errorf("cut after %d bytes of %d: no error", n, len(file))
		}
	}
}

func TestB8EveryByteFlipped(t *testing.T) {
	plain, file := sample(t)
	failed := 0
	for i := range file {
		for _, bit := range []byte{1, 0x10, 0x80} {
			bad := slices.Clone(file)
			bad[i] ^= bit
			if checkDamaged(t, plain, bad, fmt.Sprintf("byte %d xor %#x", i, bit)) {
				failed++
			}
		}
	}
	if failed < 2*len(file) {
		t.Errorf("of %d damaged files only %d are found out", 3*len(file), failed)
	}
}

// Damage in one frame leaves the others readable, and is named by frame and records.
func TestDamageIsPlaced(t *testing.T) {
	m := newHome(t, 12, 1)
	plain := readFile(t, m, archivePath("audit-0001.jsonl"))
	file := frameUp(t, plain, 5)
	put(t, m, archivePath(testFile), file)
	mustRun(t, options(m))
	s := openTest(t, m, testFile)
	bad := slices.Clone(file)
	bad[s.frames[1].offset+s.frames[1].size/2] ^= 4
	put(t, m, archivePath(testFile), bad)
	s = openTest(t, m, testFile)
	for i, e := range s.Extents(0) {
		c, err := s.Read(e, nil)
		if i != 1 {
			if err != nil || !bytes.Equal(c.Data, plain[e.Offset:e.Offset+e.Size]) {
				t.Errorf("frame %d: %v", i, err)
			}
			continue
		}
		fe, ok := errors.AsType[*FrameError](err)
		if !ok || fe.Frame != 1 || fe.Records != [2]int64{5, 10} || fe.Raw != e || fe.Offset != s.frames[1].offset {
			t.Errorf("%+v, %v", fe, err)
		}
		if !strings.Contains(err.Error(), "records 5 to 9") {
			t.Errorf("%v", err)
		}
	}
}

func TestB8WhatIsNoArchive(t *testing.T) {
	plain, file := sample(t)
	var frames []place
	if s := mustOpenBytes(t, file); s != nil {
		frames = s.frames
	}
	last := frames[len(frames)-1]
	body := file[:last.end()]
	skippable := func(n int, data string) []byte {
		b := binary.LittleEndian.AppendUint32(nil, 0x184D2A50+uint32(n))
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(data))), data...)
	}
	table := func(change func([]place)) []byte {
		fs := slices.Clone(frames)
		change(fs)
		return append(slices.Clone(body), appendSeekTable(nil, fs)...)
	}
	dict := encoder(t, zstd.WithEncoderDictRaw(77, bytes.Repeat([]byte("dictionary"), 100))).EncodeAll(plain, nil)
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"empty":                    {nil, "no archived segment"},
		"plain JSON":               {plain, "no archived segment"},
		"garbage behind":           {append(slices.Clone(file), "garbage"...), ErrIncomplete.Error()},
		"no table":                 {body, ErrIncomplete.Error()},
		"a frame behind the table": {append(slices.Clone(file), body[:frames[0].size]...), ErrIncomplete.Error()},
		"a frame too few":          {slices.Concat(body[:frames[1].end()], appendSeekTable(nil, frames)), ErrIncomplete.Error()},
		"another skippable frame":  {slices.Concat(skippable(3, "hidden"), file), ErrIncomplete.Error()},
		"a frame in the table that is skippable": {func() []byte {
			s := skippable(1, strings.Repeat("x", 50))
			p := place{0, int64(len(s)), 0, 10}
			return append(s, appendSeekTable(nil, []place{p})...)
		}(), "something else"},
		"a dictionary":                 {append(slices.Clone(dict), appendSeekTable(nil, []place{{0, int64(len(dict)), 0, int64(len(plain))}})...), "dictionary"},
		"a frame said to hold less":    {table(func(p []place) { p[1].rawSize-- }), "says that it holds"},
		"a frame said to hold more":    {table(func(p []place) { p[1].rawSize += 1000 }), "says that it holds"},
		"a frame said to hold nothing": {table(func(p []place) { p[1].rawSize = 0 }), ErrIncomplete.Error()},
		"a frame said to hold 4 GiB":   {table(func(p []place) { p[1].rawSize = 1<<32 - 1 }), ErrIncomplete.Error()},
		"two frames in one place": {append(slices.Clone(body), appendSeekTable(nil, []place{
			{0, frames[1].end(), 0, frames[1].rawEnd()}, {frames[1].end(), last.size, frames[1].rawEnd(), last.rawSize}})...), "ends after"},
		"a frame cut within a line": {func() []byte {
			e := encoder(t)
			a := e.EncodeAll(plain[:100], nil)
			b := e.EncodeAll(plain[100:], nil)
			return slices.Concat(a, b, appendSeekTable(nil, []place{{0, int64(len(a)), 0, 100}, {0, int64(len(b)), 100, int64(len(plain) - 100)}}))
		}(), "within a line"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := reading(t, c.file)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%d bytes, %v; want %q", len(got), err, c.says)
			}
		})
	}
}

func mustOpenBytes(t testing.TB, file []byte) *source {
	t.Helper()
	_, s, err := reading(t, file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What zstd itself makes of a segment is read, and said to be perhaps not all of it.
func TestWithoutTableAllIsRead(t *testing.T) {
	plain, file := sample(t)
	s := mustOpenBytes(t, file)
	for name, body := range map[string][]byte{
		"frames":   file[:s.frames[2].end()],
		"one":      encoder(t, zstd.WithSingleSegment(true)).EncodeAll(plain, nil),
		"bad size": append(slices.Clone(file[:len(file)-5]), 'x', 'x', 'x', 'x', 'x'),
	} {
		got, _, err := reading(t, body)
		if !bytes.Equal(got, plain) || !errors.Is(err, ErrIncomplete) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(plain), err)
		}
	}
}

// The table of a manifest stands in for one that is damaged, even where the frames cannot be walked.
func TestManifestStandsInForTheTable(t *testing.T) {
	m := newHome(t, 12, 1)
	plain := readFile(t, m, archivePath("audit-0001.jsonl"))
	put(t, m, archivePath(testFile), frameUp(t, plain, 5))
	mustRun(t, options(m))
	file := readFile(t, m, archivePath(testFile))
	s := openTest(t, m, testFile)
	file[s.frames[1].offset] ^= 1 // no longer a frame
	file[len(file)-1] ^= 1        // no longer a table
	put(t, m, archivePath(testFile), file)
	s = openTest(t, m, testFile)
	es := s.Extents(0)
	if len(es) != 4 {
		t.Fatalf("%v", es)
	}
	c, err := s.Read(es[2], nil)
	if err != nil || !bytes.Equal(c.Data, plain[es[2].Offset:]) {
		t.Errorf("%v", err)
	}
	if _, err := s.Read(es[3], nil); !errors.Is(err, ErrIncomplete) {
		t.Errorf("the end is %v", err)
	}
}

// Bombs are refused before they take memory.
func TestA13Bombs(t *testing.T) {
	// 1 GiB of zeros in a frame that says so: RLE blocks of 128 KiB.
	bomb := func(declared uint64, blocks int) []byte {
		b := binary.LittleEndian.AppendUint32(nil, 0xFD2FB528)
		b = append(b, 0xe0) // single segment, content size in 8 bytes
		b = binary.LittleEndian.AppendUint64(b, declared)
		for i := range blocks {
			h := uint32(128<<10)<<3 | 1<<1
			if i == blocks-1 {
				h |= 1
			}
			b = append(b, byte(h), byte(h>>8), byte(h>>16), 0)
		}
		return b
	}
	window := func() []byte {
		b := binary.LittleEndian.AppendUint32(nil, 0xFD2FB528)
		b = append(b, 0x80, 0xa8)                        // a window of 2 GiB, content size in 4 bytes
		b = binary.LittleEndian.AppendUint32(b, 128<<10) // that is small
		h := uint32(128<<10)<<3 | 1<<1 | 1
		return append(b, byte(h), byte(h>>8), byte(h>>16), 0)
	}()
	small, big := bomb(1000, 8192), bomb(1<<30, 8192)
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"declared":              {slices.Concat(big, appendSeekTable(nil, []place{{0, int64(len(big)), 0, 64 << 10}})), "more than"},
		"declared in table too": {slices.Concat(big, appendSeekTable(nil, []place{{0, int64(len(big)), 0, 1 << 30}})), "more than"},
		"understated":           {slices.Concat(small, appendSeekTable(nil, []place{{0, int64(len(small)), 0, 1000}})), "not what a compressor writes"},
		"understated, padded":   {slices.Concat(bomb(40_000, 8192), appendSeekTable(nil, []place{{0, int64(len(bomb(40_000, 8192))), 0, 40_000}})), "frame 0"},
		"window":                {slices.Concat(window, appendSeekTable(nil, []place{{0, int64(len(window)), 0, 128 << 10}})), "window"},
		"without table":         {big, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []byte
			var err error
			bytesTaken := allocated(func() { got, _, err = reading(t, c.file) })
			if err == nil || !strings.Contains(err.Error(), c.says) || len(got) > 0 {
				t.Errorf("%d bytes, %v; want %q", len(got), err, c.says)
			}
			if bytesTaken > 16<<20 {
				t.Errorf("%d bytes of memory", bytesTaken)
			}
		})
	}
}

// Any extent of an archived segment reads as the same one of the plain file.
func TestAnyExtentReadsAsPlain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-z{}]{0,30}`), 1, 60).Draw(rt, "lines")
		plain := []byte(strings.Join(lines, "\n"))
		if rapid.Bool().Draw(rt, "ended") || lines[len(lines)-1] == "" {
			plain = append(plain, '\n')
		}
		m := durable.NewMem()
		if err := errors.Join(m.Mkdir("/h", 0o700), m.Mkdir("/h/audit-archive", 0o700)); err != nil {
			rt.Fatal(err)
		}
		put(t, m, archivePath("audit-0001.jsonl"), plain)
		snap, err := segment.OpenSnapshot(testHome, segment.SnapshotOptions{FS: m})
		if err != nil {
			rt.Fatal(err)
		}
		defer snap.Close() //nolint:errcheck // reading only
		put(t, m, archivePath(testFile), frameUpText(t, plain, rapid.IntRange(1, 20).Draw(rt, "per frame")))
		s := openTest(t, m, testFile)
		if s.Size() != int64(len(plain)) {
			rt.Fatalf("%d bytes, want %d", s.Size(), len(plain))
		}
		for range 20 {
			e := segment.Extent{Offset: rapid.Int64Range(0, int64(len(plain))+2).Draw(rt, "offset"), Size: rapid.Int64Range(1, 200).Draw(rt, "size")}
			want, err := snap.Sources[0].Read(e, nil)
			if err != nil {
				rt.Fatal(err)
			}
			got, err := s.Read(e, make([]byte, rapid.IntRange(0, 300).Draw(rt, "buffer")))
			if err != nil || !bytes.Equal(got.Data, want.Data) || len(want.Data) > 0 && got.Offset != want.Offset {
				rt.Fatalf("%+v: %d %q, want %d %q (%v)", e, got.Offset, got.Data, want.Offset, want.Data, err)
			}
		}
	})
}

func frameUpText(t testing.TB, text []byte, lines int) []byte {
	if !bytes.HasSuffix(text, []byte("\n")) {
		whole := frameUp(t, append(slices.Clone(text), '\n'), lines)
		s := mustOpenBytes(t, whole)
		var out []byte
		frames := slices.Clone(s.frames)
		for i, f := range frames {
			end := min(f.rawEnd(), int64(len(text)))
			frame := encoder(t).EncodeAll(text[f.rawOffset:end], nil)
			at := place{}
			if i > 0 {
				at = frames[i-1]
			}
			frames[i] = place{at.end(), int64(len(frame)), f.rawOffset, end - f.rawOffset}
			out = append(out, frame...)
		}
		if last := len(frames) - 1; frames[last].rawSize == 0 {
			out, frames = out[:frames[last].offset], frames[:last]
		}
		return appendSeekTable(out, frames)
	}
	return frameUp(t, text, lines)
}

func TestReaderKnowsItsFileAgain(t *testing.T) {
	_, file := sample(t)
	m := durable.NewMem()
	put(t, m, "/"+testFile, file)
	s, err := open(m, "/"+testFile, segment.Name{Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	put(t, m, "/keep", nil) // so that the inode number is not given again
	put(t, m, "/"+testFile, file)
	if _, err := readAll(s); !errors.Is(err, segment.ErrReplaced) {
		t.Errorf("another file under the name: %v", err)
	}
	remove(t, m, "/"+testFile)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(s); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file under the name: %v", err)
	}
	if _, err := Opener(m)("/"+testFile, segment.Name{Number: 1}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open without a file: %v", err)
	}
}

// A sealed segment that was there when the snapshot was taken may be gone, with no archive in its place,
// when it is read.
func TestA14SegmentThatVanishes(t *testing.T) {
	m := newHome(t, 3)
	snap, err := segment.OpenSnapshot(testHome, segment.SnapshotOptions{FS: m, OpenArchived: Opener(m)})
	if err != nil {
		t.Fatal(err)
	}
	remove(t, m, archivePath("audit-0001.jsonl"))
	if _, err := readAll(snap.Sources[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read: %v", err)
	}
	if err := snap.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	plain, file := sample(f)
	f.Add(file)
	f.Add(file[:len(file)-20])
	f.Add(plain)
	f.Add([]byte{})
	rng := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		bad := slices.Clone(file)
		bad[rng.IntN(len(bad))] ^= byte(1 + rng.IntN(255))
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<16 {
			return
		}
		got, s, err := reading(t, file)
		if err != nil {
			return
		}
		// What reads without an error is lines, once each, whole but for the last.
		if int64(len(got)) != s.Size() {
			t.Fatalf("%d bytes of %d", len(got), s.Size())
		}
		if len(got) > 1<<16 {
			return // small extents of large frames take long
		}
		var again []byte
		for at := int64(0); at < s.Size(); at += 100 {
			c, err := s.Read(segment.Extent{Offset: at, Size: 100}, nil)
			if err != nil {
				t.Fatal(err)
			}
			again = append(again, c.Data...)
		}
		if !bytes.Equal(again, got) {
			t.Fatal("in small extents it reads otherwise")
		}
		for _, line := range bytes.Split(got, []byte("\n")) {
			if len(line) > chain.MaxLine {
				t.Fatal("a line longer than lines are")
			}
		}
	})
}

package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

func TestRunArchivesAllButTheHighest(t *testing.T) {
	m := newHome(t, 30, 400, 7)
	before := mustHistory(t, m)
	plain := readFile(t, m, archivePath("audit-0002.jsonl"))
	results := mustRun(t, options(m))
	want := []string{"audit-0001.idx", "audit-0001.jsonl.zst", "audit-0001.manifest.json", "audit-0002.idx", "audit-0002.jsonl.zst", "audit-0002.manifest.json", "audit-0003.jsonl"}
	if got := listed(t, m); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if len(results) != 2 || !slices.Equal(results[1].Steps, []Step{StepCompressed, StepManifest, StepIndexed, StepAttested, StepRemoved}) {
		t.Errorf("results %+v", results)
	}
	file := readFile(t, m, archivePath("audit-0002.jsonl.zst"))
	if !bytes.Equal(unzstd(t, file), plain) {
		t.Error("the compressed file holds other bytes")
	}
	after := mustHistory(t, m)
	if len(after) != len(before)+2 {
		t.Fatalf("%d records before, %d after", len(before), len(after))
	}
	vs := vouched(t, after)
	mf := readFile(t, m, archivePath("audit-0002.manifest.json"))
	got := vs[1]
	if got.Segment != "audit-0002.jsonl" || got.SHA256 != sha256.Sum256(plain) || got.Archived != sha256.Sum256(file) ||
		got.Manifest != sha256.Sum256(mf) || got.LogID != before[0].Hash || got.Incarnation != 1 || got.Index != 30 || got.Tool != "test 1" {
		t.Errorf("the chain vouches for %+v", got)
	}
	if again := mustRun(t, options(m)); len(again) != 0 {
		t.Errorf("a second run finds to do: %+v", again)
	}
	snap, err := segment.OpenSnapshot(testHome, segment.SnapshotOptions{FS: m, OpenArchived: Opener(m)})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close() //nolint:errcheck // reading only
	var data []byte
	for _, s := range snap.Sources[:2] {
		d, err := readAll(s)
		if err != nil || s.State() != segment.StateArchived {
			t.Fatal(err)
		}
		data = append(data, d...)
	}
	if n := bytes.Count(data, []byte("\n")); n != 30+401 {
		t.Errorf("%d lines", n)
	}
	if len(snap.Facts) != 0 || len(snap.Others) != 0 {
		t.Errorf("facts %v, others %v", snap.Facts, snap.Others)
	}
}

func TestRunWithoutSealedSegments(t *testing.T) {
	m := newHome(t)
	if rs := mustRun(t, options(m)); rs != nil {
		t.Errorf("%+v", rs)
	}
	m = newHome(t, 3)
	if rs := mustRun(t, options(m)); rs != nil {
		t.Errorf("the only sealed segment was not left alone: %+v", rs)
	}
}

// Each state in which a kill can leave a segment is completed to the same files.
func TestRunCompletesWhatWasLeft(t *testing.T) {
	m := newHome(t, 30, 40, 7)
	plain := readFile(t, m, archivePath("audit-0001.jsonl"))
	mustRun(t, options(m))
	file, manifest := readFile(t, m, archivePath("audit-0001.jsonl.zst")), readFile(t, m, archivePath("audit-0001.manifest.json"))
	for name, c := range map[string]struct {
		left  func(t *testing.T)
		steps []Step
	}{
		"plain there":   {func(t *testing.T) { put(t, m, archivePath("audit-0001.jsonl"), plain) }, []Step{StepRemoved}},
		"manifest gone": {func(t *testing.T) { remove(t, m, archivePath("audit-0001.manifest.json")) }, []Step{StepManifest}},
		"plain there, no manifest": {func(t *testing.T) {
			put(t, m, archivePath("audit-0001.jsonl"), plain)
			remove(t, m, archivePath("audit-0001.manifest.json"))
		}, []Step{StepManifest, StepRemoved}},
		"temporary files": {func(t *testing.T) {
			put(t, m, archivePath("audit-0001.jsonl"), plain)
			put(t, m, archivePath(".audit-0001.zst.tmp"), file[:20])
			put(t, m, archivePath(".audit-0001.manifest.json77"), manifest[:20])
			put(t, m, archivePath(".audit-0001.idx7"), manifest[:20])
		}, []Step{StepRemoved}},
		"plain alone": {func(t *testing.T) {
			put(t, m, archivePath("audit-0001.jsonl"), plain)
			remove(t, m, archivePath("audit-0001.jsonl.zst"))
			remove(t, m, archivePath("audit-0001.manifest.json"))
		}, []Step{StepCompressed, StepManifest, StepRemoved}},
	} {
		t.Run(name, func(t *testing.T) {
			c.left(t)
			rs := mustRun(t, options(m))
			if len(rs) != 1 || !slices.Equal(rs[0].Steps, c.steps) {
				t.Errorf("%+v", rs)
			}
			if !bytes.Equal(readFile(t, m, archivePath("audit-0001.jsonl.zst")), file) || !bytes.Equal(readFile(t, m, archivePath("audit-0001.manifest.json")), manifest) {
				t.Error("the files are others than before")
			}
			if n := len(vouched(t, mustHistory(t, m))); n != 2 {
				t.Errorf("%d audit.archive, want 2", n)
			}
			if got := listed(t, m); len(got) != 7 {
				t.Errorf("files %v", got)
			}
		})
	}
}

// What contradicts the chain, or the other file of the segment, stays as it is.
func TestA12RunTouchesNothingThatContradicts(t *testing.T) {
	build := func(t *testing.T) (plain, file, manifest []byte, o segment.Options, put1 func(string, []byte), gone func(string), list func() []string) {
		m := newHome(t, 30, 40, 7)
		plain = readFile(t, m, archivePath("audit-0001.jsonl"))
		mustRun(t, options(m))
		file, manifest = readFile(t, m, archivePath("audit-0001.jsonl.zst")), readFile(t, m, archivePath("audit-0001.manifest.json"))
		return plain, file, manifest, options(m), func(base string, data []byte) { put(t, m, archivePath(base), data) },
			func(base string) { remove(t, m, archivePath(base)) }, func() []string { return listed(t, m) }
	}
	for name, damage := range map[string]func(plain, file, manifest []byte, put func(string, []byte), gone func(string)){
		"plain differs": func(plain, _, _ []byte, put func(string, []byte), _ func(string)) {
			put("audit-0001.jsonl", bytes.Replace(plain, []byte(`"n":3`), []byte(`"n":4`), 1))
		},
		"plain longer": func(plain, _, _ []byte, put func(string, []byte), _ func(string)) {
			put("audit-0001.jsonl", append(slices.Clone(plain), plain...))
		},
		"plain alone differs": func(plain, _, _ []byte, put func(string, []byte), gone func(string)) {
			put("audit-0001.jsonl", bytes.Replace(plain, []byte(`"n":3`), []byte(`"n":4`), 1))
			gone("audit-0001.jsonl.zst")
		},
		"archive cut": func(plain, file, _ []byte, put func(string, []byte), _ func(string)) {
			put("audit-0001.jsonl", plain)
			put("audit-0001.jsonl.zst", file[:len(file)-1])
		},
		"manifest of another": func(_, _, m []byte, put func(string, []byte), _ func(string)) {
			put("audit-0001.manifest.json", bytes.Replace(m, []byte(`"index":0`), []byte(`"index":1`), 1))
		},
		"archive recompressed, manifest made anew": func(plain, _, m []byte, put func(string, []byte), _ func(string)) {
			file := frameUp(t, plain, 10)
			had, err := ParseManifest(m)
			if err != nil {
				t.Fatal(err)
			}
			put("audit-0001.jsonl.zst", file)
			put("audit-0001.manifest.json", describing(t, plain, 10, identity{had.LogID, had.Incarnation, had.Index}).Encode())
		},
		"archive recompressed, manifest gone": func(plain, _, _ []byte, put func(string, []byte), gone func(string)) {
			put("audit-0001.jsonl.zst", frameUp(t, plain, 10))
			gone("audit-0001.manifest.json")
		},
	} {
		t.Run(name, func(t *testing.T) {
			plain, file, manifest, o, put, gone, list := build(t)
			damage(plain, file, manifest, put, gone)
			before := list()
			rs, err := Run(t.Context(), testHome, o, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(rs) != 1 || rs[0].Err == nil {
				t.Fatalf("nobody objects: %+v", rs)
			}
			t.Log(rs[0].Err)
			for _, base := range before {
				if !slices.Contains(list(), base) {
					t.Errorf("%s is gone", base)
				}
			}
		})
	}
}

// frameUp compresses text in frames of so many lines.
func frameUp(t testing.TB, text []byte, lines int) []byte {
	t.Helper()
	e := encoder(t)
	var out []byte
	var frames []place
	var at place
	for len(text) > 0 {
		n := 0
		for range lines {
			n += bytes.IndexByte(text[n:], '\n') + 1
			if n == len(text) {
				break
			}
		}
		frame := e.EncodeAll(text[:n], nil)
		at = place{at.end(), int64(len(frame)), at.rawEnd(), int64(n)}
		frames = append(frames, at)
		out = append(out, frame...)
		text = text[n:]
	}
	return appendSeekTable(out, frames)
}

func TestIndexCountsAcrossArchivedSegments(t *testing.T) {
	m := newHome(t, 5, 5, 5)
	mustRun(t, options(m))
	fill(t, options(m), testHome, 4, 4)
	mustRun(t, options(m))
	var got []int64
	for _, v := range vouched(t, mustHistory(t, m)) {
		got = append(got, v.Index)
	}
	// Each segment but the first begins with its audit.rotate; two audit.archive stand in the fourth.
	if want := []int64{0, 5, 11, 17}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Without a word on the chain the comparison alone stands between two forms that differ.
func TestRunComparesBothForms(t *testing.T) {
	m := newHome(t, 30, 7)
	plain := readFile(t, m, archivePath("audit-0001.jsonl"))
	other := bytes.Replace(plain, []byte(`"n":3`), []byte(`"n":4`), 1)
	put(t, m, archivePath("audit-0001.jsonl.zst"), frameUp(t, other, 100))
	rs, err := Run(t.Context(), testHome, options(m), Options{})
	if err != nil || len(rs) != 1 || !errors.Is(rs[0].Err, ErrDiffers) {
		t.Errorf("%+v, %v", rs, err)
	}
	if !bytes.Equal(readFile(t, m, archivePath("audit-0001.jsonl")), plain) || len(vouched(t, mustHistory(t, m))) != 0 {
		t.Error("the plain file or the chain has changed")
	}
}

// meddling writes other bytes into a temporary compressed file, between its last sync and the first time
// that it is read back.
type meddling struct {
	*durable.Mem
	t     *testing.T
	bytes func(was []byte) []byte
	done  bool
}

func (m *meddling) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	if !m.done && flag == os.O_RDONLY && strings.HasSuffix(name, tempSuffix) {
		m.done = true
		put(m.t, m.Mem, name, m.bytes(readFile(m.t, m.Mem, name)))
	}
	return m.Mem.OpenFile(name, flag, perm)
}

// What is read back is compared with the plain file and with nothing that was remembered of the writing.
func TestRunComparesWhatIsReadBack(t *testing.T) {
	base := newHome(t, 30, 7)
	plain := readFile(t, base, archivePath("audit-0001.jsonl"))
	for name, c := range map[string]struct {
		bytes func(was []byte) []byte
		wants error // nil: any
	}{
		"a frame that decodes to other bytes": {func([]byte) []byte {
			return frameUp(t, bytes.Replace(plain, []byte(`"n":3`), []byte(`"n":4`), 1), 100)
		}, ErrDiffers},
		"frames in another order": {func([]byte) []byte {
			half := len(plain)/2 + bytes.IndexByte(plain[len(plain)/2:], '\n') + 1
			return frameUp(t, append(slices.Clone(plain[half:]), plain[:half]...), 10)
		}, ErrDiffers},
		"a line more":       {func([]byte) []byte { return frameUp(t, append(slices.Clone(plain), "{}\n"...), 10) }, ErrDiffers},
		"a line less":       {func([]byte) []byte { return frameUp(t, plain[:bytes.LastIndexByte(plain[:len(plain)-1], '\n')+1], 10) }, ErrDiffers},
		"a byte in a frame": {func(was []byte) []byte { was[len(was)/2] ^= 1; return was }, nil},
		"the checksum":      {func(was []byte) []byte { was[len(was)-skippableHead-seekEntry-seekFooter-1] ^= 1; return was }, nil},
		"a cut":             {func(was []byte) []byte { return was[:len(was)-1] }, ErrIncomplete},
	} {
		t.Run(name, func(t *testing.T) {
			m := &meddling{Mem: base.Crash(durable.Loss{Kept: durable.KeptCache}), t: t, bytes: c.bytes}
			o := options(m.Mem)
			o.FS = m
			rs, err := Run(t.Context(), testHome, o, Options{})
			if err != nil || len(rs) != 1 || rs[0].Err == nil || c.wants != nil && !errors.Is(rs[0].Err, c.wants) {
				t.Fatalf("%+v, %v", rs, err)
			}
			t.Log(rs[0].Err)
			if !m.done {
				t.Error("nothing was read back")
			}
			want := []string{"audit-0001.jsonl", "audit-0002.jsonl"}
			if got := listed(t, m.Mem); !slices.Equal(got, want) || !bytes.Equal(readFile(t, m, archivePath("audit-0001.jsonl")), plain) {
				t.Errorf("files %v, want %v as they were", got, want)
			}
			if n := len(vouched(t, mustHistory(t, m.Mem))); n != 0 {
				t.Errorf("the chain vouches for %d archives", n)
			}
		})
	}
}

// Bytes that decode to the same are compared, and attested as they are read, however they were written.
func TestRunAttestsWhatIsReadBack(t *testing.T) {
	m := &meddling{Mem: newHome(t, 30, 7), t: t}
	m.bytes = func([]byte) []byte { return frameUp(t, readFile(t, m.Mem, archivePath("audit-0001.jsonl")), 10) }
	o := options(m.Mem)
	o.FS = m
	mustRun(t, o)
	file := readFile(t, m, archivePath(testFile))
	if vs := vouched(t, mustHistory(t, m.Mem)); len(vs) != 1 || vs[0].Archived != sha256.Sum256(file) {
		t.Errorf("the chain vouches for %+v", vs)
	}
}

func TestLinesWithAKind(t *testing.T) {
	const kind = "audit.archive"
	for text, want := range map[string][]string{
		"":                                      nil,
		"a.b\n.\n\n":                            nil,
		".archive\naudit.\naudit.archiv":        nil,
		kind:                                    {kind},
		"x\n" + kind + " " + kind + "\ny":       {kind + " " + kind},
		"a." + kind + "\n" + kind + ".\naudit.": {"a." + kind, kind + "."},
		"audit.x " + kind + "\n\n.." + kind:     {"audit.x " + kind, ".." + kind},
	} {
		var got []string
		for _, line := range linesWith([]byte(text), kind) {
			got = append(got, string(line))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q has %q, want %q", text, got, want)
		}
	}
}

// A record whose content does not match its hash vouches for nothing.
func TestAlteredRecordsVouchForNothing(t *testing.T) {
	r, err := chain.Seal(chain.Genesis, "2026-10-05T12:00:00.000Z", chain.KindArchive, "system", chain.Archive{Segment: "audit-0001.jsonl"}.Payload())
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.TrimSuffix(chain.AppendLine(nil, &r), []byte("\n"))
	for i, text := range [][]byte{line, bytes.Replace(line, []byte(`"index":0`), []byte(`"index":1`), 1)} {
		var v Vouched
		v.add(text)
		if ok := len(v.Archives) == 1; ok != (i == 0) {
			t.Errorf("%s: %v", text, ok)
		}
	}
}

// An archive whose attestation was lost with the end of the log is attested again, as it is: its
// manifest stays, although the log before it is no longer what it was.
func TestRunAttestsAgain(t *testing.T) {
	m := newHome(t, 5, 6, 7)
	mustRun(t, options(m))
	manifest := readFile(t, m, archivePath("audit-0002.manifest.json"))
	live := readFile(t, m, testHome+"/audit.log")
	put(t, m, testHome+"/audit.log", live[:bytes.IndexByte(live, '\n')+1])
	remove(t, m, archivePath("audit-0001.jsonl.zst"))
	remove(t, m, archivePath("audit-0001.manifest.json"))
	rs := mustRun(t, options(m))
	if len(rs) != 1 || !slices.Equal(rs[0].Steps, []Step{StepAttested}) {
		t.Errorf("%+v", rs)
	}
	if !bytes.Equal(readFile(t, m, archivePath("audit-0002.manifest.json")), manifest) {
		t.Error("the manifest is another")
	}
	if again := mustRun(t, options(m)); len(again) != 0 {
		t.Errorf("a second run finds to do: %+v", again)
	}
}

func TestRunTellsHowFarItIs(t *testing.T) {
	m := newHome(t, 300, 400, 5)
	var last, total int64
	_, err := Run(t.Context(), testHome, options(m), Options{Workers: 1, Progress: func(done, all int64) {
		if done < last || done > all || total != 0 && all != total {
			t.Errorf("%d of %d after %d of %d", done, all, last, total)
		}
		last, total = done, all
	}})
	if err != nil || last != total || total < 700*200 {
		t.Errorf("%d of %d, %v", last, total, err)
	}
}

// Whoever stops a run finds no temporary file, and goes on later.
func TestRunStops(t *testing.T) {
	m := newHome(t, 300, 400, 5)
	for range 3 {
		ctx, stop := context.WithCancel(t.Context())
		if _, err := Run(ctx, testHome, options(m), Options{Workers: 1, Progress: func(int64, int64) { stop() }}); !errors.Is(err, context.Canceled) {
			t.Fatalf("%v", err)
		}
		if got := listed(t, m); strings.HasPrefix(got[0], ".") {
			t.Errorf("files %v", got)
		}
	}
	mustRun(t, options(m))
	if len(mustHistory(t, m)) < 705 {
		t.Error("records are gone")
	}
}

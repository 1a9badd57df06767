package doctest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// archived is the history's home after its first segment was archived.
type archived struct {
	home     string
	manifest []byte
	record   []byte        // the audit.archive line
	attested chain.Archive // what it says
	results  []archive.Result
}

// storedFrame is raw as one zstd frame that stores it, spelled by hand: the example is to have the
// same bytes whatever a compressor makes of its input.
func storedFrame(t *testing.T, raw []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(true))
	check(t, err)
	coded := enc.EncodeAll(raw, nil)
	le := binary.LittleEndian
	frame := le.AppendUint32(nil, 0xFD2FB528)
	frame = append(frame, 0x64) // single segment, checksum, size in two bytes
	frame = le.AppendUint16(frame, uint16(len(raw)-256))
	head := uint32(len(raw))<<3 | 1 // stored, and the last block
	frame = append(frame, byte(head), byte(head>>8), byte(head>>16))
	frame = append(frame, raw...)
	return append(frame, coded[len(coded)-4:]...) // the checksum is of the content alone
}

// seekTable is the table behind one frame.
func seekTable(frame, raw int) []byte {
	le := binary.LittleEndian
	table := le.AppendUint32(nil, 0x184D2A5E)
	table = le.AppendUint32(table, 17)
	table = le.AppendUint32(table, uint32(frame))
	table = le.AppendUint32(table, uint32(raw))
	table = le.AppendUint32(table, 1)
	table = append(table, 0)
	return le.AppendUint32(table, 0x8F92EAB1)
}

// archiveHistory seals what the history left live, and archives its first segment, which somebody has
// compressed already.
func archiveHistory(t *testing.T, h *history) *archived {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	raw := lineOf(h.first, h.second)
	frame := storedFrame(t, raw)
	again := seal(t, h.failed, "2027-01-05T02:00:00.000Z", chain.KindRotate, chain.SystemActor, chain.Rotate{
		Segment: "audit-0002.jsonl", Records: 3, FirstHash: h.rotate.Hash, LastHash: h.failed.Hash,
		Cutoff: "2027-01-05T02:00:00.000Z", LogID: h.first.Hash, Incarnation: 1, Reason: chain.ReasonManual, Machine: "atlas",
	}.Payload())
	dir := filepath.Join(home, segment.ArchiveDir)
	write(t, filepath.Join(dir, "audit-0001.jsonl"), raw)
	write(t, filepath.Join(dir, "audit-0001.jsonl.zst"), append(frame, seekTable(len(frame), len(raw))...))
	write(t, filepath.Join(dir, "audit-0002.jsonl"), lineOf(h.rotate, h.torn, h.failed))
	write(t, filepath.Join(home, segment.LiveName), lineOf(again))
	a := &archived{home: home}
	a.run(t)
	var err error
	a.manifest, err = os.ReadFile(filepath.Join(dir, "audit-0001.manifest.json"))
	check(t, err)
	live, err := os.ReadFile(filepath.Join(home, segment.LiveName))
	check(t, err)
	a.record = bytes.TrimPrefix(live, lineOf(again))
	v, _, err := ecmajson.Parse(chain.ReadLine(bytes.TrimSuffix(a.record, []byte("\n"))).Record.Payload, chain.MaxDepth)
	check(t, err)
	a.attested, err = chain.ParseArchive(v)
	check(t, err)
	return a
}

func (a *archived) run(t *testing.T) {
	t.Helper()
	at := time.Date(2027, 1, 5, 2, 0, 1, 0, time.UTC)
	var err error
	a.results, err = archive.Run(t.Context(), a.home, segment.Options{Now: func() time.Time { return at }, Tool: "opscontext 0.1.0"}, archive.Options{})
	check(t, err)
	for _, r := range a.results {
		check(t, r.Err)
	}
}

func (a *archived) path(name string) string { return filepath.Join(a.home, segment.ArchiveDir, name) }

// The archive that the examples show is what archiving the history leaves.
func TestExampleArchive(t *testing.T) {
	d := readDocument(t, format)
	h := makeHistory(t)
	a := archiveHistory(t, h)
	raw := lineOf(h.first, h.second)
	file, err := os.ReadFile(a.path("audit-0001.jsonl.zst"))
	check(t, err)
	frame := len(file) - 25
	for _, e := range []struct {
		name string
		want []byte
	}{
		{"manifest", a.manifest},
		{"audit.archive", a.record},
		{"zstd-head", dump(file[:10])},
		{"seek-table", dump(file[frame:frame+8], file[frame+8:frame+16], file[frame+16:])},
		{"store", []byte(archive.Key(h.first.Hash, segment.Name{Number: 1}, a.attested.SHA256, segment.FormZstd) + "\n" +
			archive.Key(h.first.Hash, segment.Name{Number: 1}, a.attested.SHA256, segment.FormManifest) + "\n")},
	} {
		if b := d.example(t, e.name); b.text != string(e.want) {
			t.Errorf("%s: the example %s is\n%swant\n%s", d.at(b), e.name, b.text, e.want)
		}
	}
	names, err := filepath.Glob(a.path("*"))
	check(t, err)
	if len(names) != 4 {
		t.Errorf("audit-archive holds %q, want the archive, its manifest, its index and the last segment", names)
	}
	dec, err := zstd.NewReader(nil)
	check(t, err)
	defer dec.Close()
	if got, err := dec.DecodeAll(file, nil); err != nil || !bytes.Equal(got, raw) {
		t.Errorf("decompressed the example is %d bytes of %d, %v", len(got), len(raw), err)
	}
}

// dump is bytes in hexadecimal, a line for each part.
func dump(parts ...[]byte) []byte {
	var text []byte
	for _, p := range parts {
		for i, b := range p {
			if i > 0 {
				text = append(text, ' ')
			}
			text = hex.AppendEncode(text, []byte{b})
		}
		text = append(text, '\n')
	}
	return text
}

// The manifest and the payload go through the types that the code has for them.
func TestExampleManifestReadsAndWritesBack(t *testing.T) {
	d := readDocument(t, format)
	b := d.example(t, "manifest")
	m, err := archive.ParseManifest([]byte(b.text))
	check(t, err)
	if got := m.Encode(); string(got) != b.text {
		t.Errorf("%s: written again it is\n%s", d.at(b), got)
	}
	a := archiveHistory(t, makeHistory(t))
	if got := a.attested; got.Manifest != archive.Digest([]byte(b.text)) || got.Archived != m.Archived.SHA256 || got.SHA256 != m.SHA256 {
		t.Errorf("the audit.archive record is not of the manifest in %s: %+v", d.at(b), got)
	}
}

// A manifest that is lost is made again from the compressed file and the record, byte for byte.
func TestExampleManifestIsRebuilt(t *testing.T) {
	a := archiveHistory(t, makeHistory(t))
	check(t, os.Remove(a.path("audit-0001.manifest.json")))
	a.run(t)
	again, err := os.ReadFile(a.path("audit-0001.manifest.json"))
	check(t, err)
	if !bytes.Equal(again, a.manifest) {
		t.Errorf("the manifest is\n%swas\n%s", again, a.manifest)
	}
	if len(a.results) != 1 || len(a.results[0].Steps) != 1 || a.results[0].Steps[0] != archive.StepManifest {
		t.Errorf("%+v, want the manifest made and nothing else", a.results)
	}
}

// The table of members names every member of a manifest, in order, and no other.
func TestFormatNamesEveryMemberOfTheManifest(t *testing.T) {
	d := readDocument(t, format)
	a, _ := archiveBig(t)
	text, err := os.ReadFile(a.path("audit-0002.manifest.json")) // begins with a system record
	check(t, err)
	v, _, err := ecmajson.Parse(text, chain.MaxDepth)
	check(t, err)
	var want []string
	paths("", v, &want)
	var named []string
	for _, r := range d.rows(t, "The members of a manifest (tested):\n") {
		named = append(named, strings.Trim(r[0], "`"))
	}
	if strings.Join(named, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s names the members\n%s\na manifest has\n%s", format, strings.Join(named, "\n"), strings.Join(want, "\n"))
	}
}

// paths lists the members of a value in order, those of the elements of a list as a[].b.
func paths(prefix string, v ecmajson.Value, to *[]string) {
	for _, e := range v.Elems[:min(len(v.Elems), 1)] {
		paths(strings.TrimSuffix(prefix, ".")+"[].", e, to)
	}
	for _, m := range v.Members {
		*to = append(*to, prefix+m.Name)
		paths(prefix+m.Name+".", m.Value, to)
	}
}

// archiveBig archives two segments, and gives the bytes of the first, which has several frames.
func archiveBig(t *testing.T) (a *archived, first []byte) {
	t.Helper()
	a = &archived{home: t.TempDir()}
	log, err := segment.Open(a.home, segment.Options{})
	check(t, err)
	for n := range 3 {
		pad := strings.Repeat("x", 1<<16)
		var events []segment.Event
		for range 40 >> (2 * n) {
			events = append(events, segment.Event{Kind: kind, Payload: []byte(`"` + pad + `"`)})
		}
		_, err := log.AppendBatch(t.Context(), events)
		check(t, err)
		_, err = log.Rotate(t.Context())
		check(t, err)
	}
	check(t, log.Close())
	first, err = os.ReadFile(a.path("audit-0001.jsonl"))
	check(t, err)
	a.run(t)
	return a, first
}

// What a reader relies on in an archive that this program compressed: frames that are complete lines,
// one after the other, and the table behind them.
func TestArchivesAreAsDescribed(t *testing.T) {
	a, raw := archiveBig(t)
	m, err := archive.ReadManifest(durable.OS(), a.path("audit-0001.manifest.json"))
	check(t, err)
	file, err := os.ReadFile(a.path("audit-0001.jsonl.zst"))
	check(t, err)
	if len(m.Archived.Frames) < 3 || len(m.System) != 0 {
		t.Fatalf("%d frames, %d system records", len(m.Archived.Frames), len(m.System))
	}
	dec, err := zstd.NewReader(nil)
	check(t, err)
	defer dec.Close()
	table := file[len(file)-(8+8*len(m.Archived.Frames)+9):]
	for i, f := range m.Archived.Frames {
		coded := file[f.Offset : f.Offset+f.Size]
		var head zstd.Header
		check(t, head.Decode(coded))
		if !head.HasCheckSum || !head.HasFCS || head.FrameContentSize != uint64(f.RawSize) || head.DictionaryID != 0 {
			t.Errorf("frame %d says %+v", i, head)
		}
		lines, err := dec.DecodeAll(coded, nil)
		if err != nil || !bytes.Equal(lines, raw[f.RawOffset:f.RawOffset+f.RawSize]) || !bytes.HasSuffix(lines, []byte("\n")) {
			t.Errorf("frame %d: %d bytes, %v", i, len(lines), err)
		}
		lastLine := f.RawOffset + int64(bytes.LastIndexByte(lines[:len(lines)-1], '\n')+1)
		if f.RawOffset>>20 != lastLine>>20 {
			t.Errorf("frame %d holds lines that begin at %d and at %d, which is not one MiB", i, f.RawOffset, lastLine)
		}
		entry := table[8+8*i:]
		if binary.LittleEndian.Uint32(entry) != uint32(f.Size) || binary.LittleEndian.Uint32(entry[4:]) != uint32(f.RawSize) {
			t.Errorf("the table has %x for frame %d, which is %+v", entry[:8], i, f)
		}
	}
}

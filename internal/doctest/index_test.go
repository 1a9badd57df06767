package doctest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"os"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/index"
)

// readIndex reads an index of one frame as the rules of the format say, in other words than the
// program does.
func readIndex(t *testing.T, file []byte) (header []byte, sections [3][]byte) {
	t.Helper()
	const size = 16 + 32 + 4 + 4 + 3*(8+4) + 4
	le, table := binary.LittleEndian, crc32.MakeTable(crc32.Castagnoli)
	header = file[:size]
	if le.Uint32(header[size-4:]) != crc32.Checksum(header[:size-4], table) {
		t.Error("the header's checksum is another")
	}
	rest := file[size:]
	for i := range sections {
		at := header[56+12*i:]
		n := le.Uint64(at)
		sections[i], rest = rest[:n], rest[n:]
		if le.Uint32(at[8:]) != crc32.Checksum(sections[i], table) {
			t.Errorf("the checksum of section %d is another", i+1)
		}
	}
	if len(rest) > 0 {
		t.Errorf("%d bytes behind the sections", len(rest))
	}
	return header, sections
}

// mayHold asks a filter for three bytes, or six.
func mayHold(filter []byte, gram string) bool {
	le := binary.LittleEndian
	seed, length, n := le.Uint64(filter), uint64(le.Uint32(filter[8:])), uint64(le.Uint32(filter[12:]))
	prints := filter[16:]
	h := seed
	for i := range len(gram) {
		h += uint64(gram[i]) << (8 * (len(gram) - 1 - i))
	}
	if len(gram) == 6 {
		h += 1 << 48
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	p, _ := bits.Mul64(h, n*length)
	second, third := (p+length)^(h>>18%length), (p+2*length)^(h%length)
	return byte(h^h>>32) == prints[p]^prints[second]^prints[third]
}

// An id of six letters and digits is in a filter, and what only looks like one is not.
func TestFilterKnowsIDs(t *testing.T) {
	r := seal(t, chain.Record{}, "2026-01-05T08:30:00.000Z", "k", "a", []byte(`{"id":"bt-13608e68","word":"lettersonly"}`))
	line := bytes.TrimSuffix(lineOf(r), []byte("\n"))
	o, ok := chain.OutlineOf(line)
	if !ok {
		t.Fatal("no record")
	}
	p, b := index.NewPart(), index.NewBuilder()
	p.Add(0, line, &o)
	p.Done()
	b.Add(p, 1, int64(len(line))+1)
	_, sections := readIndex(t, b.Encode(nil))
	held := 0
	for _, id := range []string{"13608e", "3608e6", "608e68"} {
		if !mayHold(sections[2], id) {
			t.Errorf("%s is not known", id)
		}
	}
	for _, other := range []string{"letter", "etters", "tterso", "rsonly", "t-1360", "-13608", "08e68\""} {
		if mayHold(sections[2], other) {
			held++
		}
	}
	if held > 1 { // one in 256 passes
		t.Errorf("%d are known that are no ids", held)
	}
}

// The index that the examples show is the one that archiving makes, and says what the rules say.
func TestExampleIndex(t *testing.T) {
	d := readDocument(t, format)
	h := makeHistory(t)
	a := archiveHistory(t, h)
	file, err := os.ReadFile(a.path("audit-0001.idx"))
	check(t, err)
	header, sections := readIndex(t, file)
	digest := archive.Digest(a.manifest)
	if !bytes.Equal(header[16:48], digest[:]) {
		t.Error("the header has not the digest of the manifest")
	}
	if binary.LittleEndian.Uint32(header[48:]) != crc32.Checksum(a.manifest, crc32.MakeTable(crc32.Castagnoli)) {
		t.Error("the header has not the checksum of the manifest")
	}
	frames, names, filter := sections[0], sections[1], sections[2]
	want := dump(header[:16], header[16:48], header[48:52], header[52:56], header[56:68], header[68:80], header[80:92], header[92:], frames, names, filter[:16])
	b := d.example(t, "index")
	if b.text != string(want) {
		t.Errorf("%s: the example is\n%swant\n%s", d.at(b), b.text, want)
	}
	if want := fmt.Sprintf("of which there are %d:", len(filter)-16); !strings.Contains(d.text, want) {
		t.Errorf("the document does not say %q", want)
	}

	// What the records say, from the end of their ts up to their hashes; they have no escapes in them,
	// and no id.
	for _, r := range []chain.Record{h.first, h.second} {
		line := string(lineOf(r))
		said := line[strings.Index(line, `","event"`) : strings.Index(line, `,"prev_hash":"`)+len(`,"prev_hash":"`)]
		for i := range len(said) - 2 {
			if !mayHold(filter, said[i:i+3]) {
				t.Errorf("the filter does not have %q", said[i:i+3])
			}
		}
	}
	passed := 0
	for i := range 10_000 {
		if mayHold(filter, string([]byte{0x80 + byte(i>>8), byte(i), 0xfe})) {
			passed++
		}
	}
	if passed == 0 || passed > 100 {
		t.Errorf("%d of 10,000 trigrams that are not there pass", passed)
	}
}

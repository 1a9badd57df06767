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

// mayHold asks a filter for three bytes.
func mayHold(filter []byte, three string) bool {
	le := binary.LittleEndian
	seed, length, n := le.Uint64(filter), uint64(le.Uint32(filter[8:])), uint64(le.Uint32(filter[12:]))
	prints := filter[16:]
	h := uint64(three[0])<<16 + uint64(three[1])<<8 + uint64(three[2]) + seed
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	p, _ := bits.Mul64(h, n*length)
	second, third := (p+length)^(h>>18%length), (p+2*length)^(h%length)
	return byte(h^h>>32) == prints[p]^prints[second]^prints[third]
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

	// What the first record says, from the end of its ts up to its hashes; it has no escapes.
	line := string(lineOf(h.first))
	said := line[strings.Index(line, `","event"`) : strings.Index(line, `,"prev_hash":"`)+len(`,"prev_hash":"`)]
	for i := range len(said) - 2 {
		if !mayHold(filter, said[i:i+3]) {
			t.Errorf("the filter does not have %q", said[i:i+3])
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

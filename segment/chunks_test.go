package segment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"testing"

	"github.com/opscontext/opscontext/internal/durable"
)

// patchy is a source of three pieces, the second of which cannot be read.
type patchy struct{ Source }

func (patchy) Extents(int) []Extent { return []Extent{{0, 2}, {2, 2}, {4, 2}} }

func (p patchy) Read(e Extent, buf []byte) (Chunk, error) {
	if e.Offset == 2 {
		return Chunk{}, errors.New("bad sector")
	}
	return Chunk{Offset: e.Offset, Data: append(buf[:0], "a\n"...)}, nil
}

func TestChunksGoOnBehindWhatCannotBeRead(t *testing.T) {
	var got []string
	for c, err := range Chunks(t.Context(), patchy{}) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, string(c.Data))
	}
	if len(got) != 3 || got[0] != "a\n" || got[1] != "bad sector" || got[2] != "a\n" {
		t.Errorf("got %q", got)
	}
}

func TestChunksEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pieces := 0
	for _, err := range Chunks(ctx, patchy{}) {
		pieces++
		cancel()
		if pieces == 2 && !errors.Is(err, context.Canceled) {
			t.Errorf("the second is %v", err)
		}
	}
	if pieces != 2 {
		t.Errorf("%d pieces, want one and why there are no more", pieces)
	}
}

// A file that goes between being looked at and being read is an error of the read.
func TestOpenFileThatGoes(t *testing.T) {
	m := durable.NewMem()
	mustAppend(t, openLog(t, memOptions(m)), 1)
	src, err := OpenFile(m, testHome+"/"+LiveName)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Remove(testHome + "/" + LiveName); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Read(Extent{Size: 1}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading gives %v", err)
	}
}

func TestChunksAreTheFile(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	for i := range 20 {
		mustAppend(t, l, i)
	}
	want, err := readAll(m, testHome+"/"+LiveName)
	if err != nil {
		t.Fatal(err)
	}
	src, err := OpenFile(m, testHome+"/"+LiveName)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for c, err := range Chunks(t.Context(), src) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c.Data...)
	}
	if sum, err := RawSum(t.Context(), src); err != nil || sum != sha256.Sum256(want) {
		t.Errorf("the sum is %v, %v", sum, err)
	}
	if err := src.Close(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
}

package chain

import (
	"bytes"
	"strings"
	"testing"
)

// Every byte at every place: a hash is 64 of 0 to 9 and a to f, and nothing else is.
func TestDecodeHash(t *testing.T) {
	const digits = "0123456789abcdef"
	base := strings.Repeat(digits, HashLen/len(digits))
	for at := range HashLen {
		for c := range 256 {
			text := []byte(base)
			text[at] = byte(c)
			var h Hash
			ok := decodeHash(&h, text)
			if want := strings.IndexByte(digits, byte(c)) >= 0; ok != want {
				t.Fatalf("%q at %d: %v", byte(c), at, ok)
			}
			if ok && h.String() != string(text) {
				t.Fatalf("%s is read as %v", text, h)
			}
		}
	}
	for _, n := range []int{0, HashLen - 1, HashLen + 1} {
		if decodeHash(new(Hash), bytes.Repeat([]byte("0"), n)) {
			t.Errorf("%d digits are a hash", n)
		}
	}
}

func BenchmarkDecodeHash(b *testing.B) {
	text := []byte(strings.Repeat("0123456789abcdef", 4))
	var h Hash
	b.SetBytes(HashLen)
	for b.Loop() {
		if !decodeHash(&h, text) {
			b.Fatal("no hash")
		}
	}
}

func TestHexOfAHash(t *testing.T) {
	for i := range 256 {
		h := Hash{0: byte(i), 1: byte(i + 1), 31: byte(255 - i)}
		if got := string(appendHex([]byte("x"), &h)); got != "x"+h.String() {
			t.Errorf("got %s, want x%s", got, h)
		}
	}
}

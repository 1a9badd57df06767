package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// HashLen is the length of a hash as it is written in a record: 64 lower-case hexadecimal digits.
const HashLen = 2 * sha256.Size

// Hash is a SHA-256 digest (FIPS 180-4): of a record, or the parent that a record names.
// The zero value is [Genesis].
type Hash [sha256.Size]byte

// Genesis is the parent of a log's first record: 64 zeros on disk.
var Genesis Hash

// String gives the 64 lower-case hexadecimal digits that [ParseHash] reads.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short gives the first 12 digits, for people; never for comparing.
func (h Hash) Short() string { return h.String()[:12] }

// MarshalText writes the form of [Hash.String].
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is [ParseHash].
func (h *Hash) UnmarshalText(text []byte) error {
	p, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = p
	return nil
}

// ParseHash reads exactly 64 lower-case hexadecimal digits, so that every hash has one spelling only.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if !decodeHash(&h, []byte(s)) {
		return Hash{}, fmt.Errorf("%q is not a hash: want %d lower-case hexadecimal digits", clip(s), HashLen)
	}
	return h, nil
}

// decodeHash writes the digest that text spells into h and reports whether text is a hash.
func decodeHash(h *Hash, text []byte) bool {
	if len(text) != HashLen {
		return false
	}
	var bad byte
	for i := range h {
		hi, lo := unhex[text[2*i]], unhex[text[2*i+1]]
		bad |= hi | lo
		h[i] = hi<<4 | lo
	}
	return bad&0xf0 == 0
}

// unhex maps a lower-case hexadecimal digit to its value and every other byte to 0xff.
var unhex = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
	}
	return t
}()

// appendHex appends what String gives.
func appendHex(dst []byte, h *Hash) []byte {
	n := len(dst)
	dst = append(dst, zeros...)
	text := dst[n:][:HashLen]
	for i, b := range h {
		binary.LittleEndian.PutUint16(text[2*i:], hexOf[b])
	}
	return dst
}

// zeros makes room for a hash.
const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

// hexOf holds the two digits of each byte, the first in the low eight bits.
var hexOf = func() (t [256]uint16) {
	const digits = "0123456789abcdef"
	for i := range t {
		t[i] = uint16(digits[i>>4]) | uint16(digits[i&0xf])<<8
	}
	return t
}()

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

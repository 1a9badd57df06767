package ecmajson

import (
	"testing"

	"pgregory.net/rapid"
)

// Writing what was read, and reading that again, changes nothing; and a text is canonical for
// ScanValue exactly if that would leave it as it is.
func TestReadingAndWritingAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			consistent(t, randomText(rapidDice{t}))
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) { consistent(t, text) })
}

// FuzzScanValue scans from within a text, at a depth that may be too small.
func FuzzScanValue(f *testing.F) {
	for i, seed := range fuzzSeeds() {
		f.Add(seed, i%3, 1+i%4)
	}
	f.Fuzz(func(t *testing.T, text []byte, i, depth int) {
		end := ScanValue(text, i, depth)
		if s := ScanString(text, i); s != -1 && s != end {
			t.Fatalf("%q from %d: ScanString = %d, ScanValue = %d", text, i, s, end)
		}
		if end == -1 {
			if i >= 0 && i < len(text) {
				v, _, err := Parse(text[i:], depth)
				if err == nil && string(AppendStringify(nil, v)) == string(text[i:]) {
					t.Fatalf("%q from %d is canonical, but ScanValue does not take it", text, i)
				}
			}
			return
		}
		v, odd, err := Parse(text[i:end], depth)
		if err != nil || odd != 0 || string(AppendStringify(nil, v)) != string(text[i:end]) {
			t.Fatalf("ScanValue takes %q: %v, %v", text[i:end], odd, err)
		}
	})
}

// consistent holds text to everything that must be true of any text, ECMAScript being out of reach.
func consistent(t rapid.TB, text []byte) {
	v, _, err := Parse(text, MaxDepth)
	if err != nil {
		refuses(t, text)
		return
	}
	written := AppendStringify(nil, v)
	agrees(t, text, written)
	v2, odd, err := Parse(written, MaxDepth)
	if err != nil || odd != 0 {
		t.Fatalf("%q was written %q, which reads with %v, %v", text, written, odd, err)
	}
	if again := AppendStringify(nil, v2); string(again) != string(written) {
		t.Fatalf("%q was written %q, and then %q", text, written, again)
	}
}

func fuzzSeeds() [][]byte {
	texts, _ := payloads(12)
	for _, s := range []string{
		`{"b":1,"10":2,"2":3,"b":4}`, `"\ud800\udc00\ud83d\n\u0007"`, "\"\xE2\x82\xED\xA0\x80\"", ` [ 1e400 , -0.0 , 12345678901234567890, 1e-7 ] `, `[[[[{"a":{"b":[]}}]]]]`,
		`{"\ud800":1,"\uD800":2,"":3}`, `0.000001234`, `-0.0000012345678901234567`, `{"a":tru`, "\ufeff1", `[1,]`, `{"0":0,"1":1,"4294967294":2,"4294967295":3}`,
	} {
		texts = append(texts, []byte(s))
	}
	return texts
}

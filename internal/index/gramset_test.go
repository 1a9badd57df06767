package index

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestGramsAreThoseOfTheTexts holds the fast ways to go through a text against the plain one: filters
// have all of a text's grams, and are made in the order in which its trigrams came.
func TestGramsAreThoseOfTheTexts(t *testing.T) {
	var s grams
	// A few letters, so that grams come again; digits, what parts words, and bytes of every kind.
	text := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]byte("aZ07 9-/:@[`{")), rapid.Byte()), 0, 60)
	rapid.Check(t, func(t *rapid.T) {
		defer s.clear()
		var list []uint64
		had, longer := map[uint64]bool{}, map[uint64]bool{}
		for _, text := range rapid.SliceOfN(text, 1, 4).Draw(t, "texts") {
			for g := range gramsOf(text) {
				if g&long != 0 {
					longer[g] = true
				} else if !had[g] {
					had[g] = true
					list = append(list, g)
				}
			}
			s.addTrigrams(text)
			s.addLonger(text)
		}
		if got, want := s.keys(), append(list, slices.Sorted(maps.Keys(longer))...); !slices.Equal(got, want) {
			t.Fatalf("the set has %x, the texts have %x", got, want)
		}
	})
	if slices.Max(s.bits[:]) != 0 {
		t.Fatal("the set is not empty when it is to be used again")
	}
}

func TestRest(t *testing.T) {
	const usual = `{"ts":"2026-01-05T08:30:00.000Z`
	for text, want := range map[string]string{
		usual + `","event":"a"`:             `","event":"a"`,
		usual + `"`:                         `"`,
		usual:                               usual,
		"":                                  "",
		usual + `+01:00"`:                   usual + `+01:00"`,
		`{"ts":"2026-01-05T08:30:00.0000Z"`: `{"ts":"2026-01-05T08:30:00.0000Z"`,
	} {
		if got := string(rest([]byte(text))); got != want {
			t.Errorf("of %s the rest is %s, not %s", text, got, want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		text := []byte(usual + `","event":`)
		at := rng.IntN(len(beforeRest) + 1)
		text[at] = byte(rng.Uint32())
		want := string(text)
		if text[len(beforeRest)] == '"' && beginsWith(beforeRest, string(text[:len(beforeRest)])) {
			want = string(text[len(beforeRest):])
		}
		if got := string(rest(text)); got != want {
			t.Fatalf("of %q the rest is %q, not %q", text, got, want)
		}
	}
}

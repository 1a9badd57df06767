package segment

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSuspicionReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := suspicion{}
		if rapid.Bool().Draw(t, "set") {
			s = suspicion{set: true, inode: rapid.Uint64().Draw(t, "inode"), offset: rapid.Int64Range(0, math.MaxInt64).Draw(t, "offset")}
		}
		word := s.word()
		if len(word) != suspectSize {
			t.Fatalf("%q has %d bytes", word, len(word))
		}
		if got := parseSuspicion(word); got != s {
			t.Errorf("%+v is %q, which reads as %+v", s, word, got)
		}
	})
}

// A word that cannot be read must count as set: the other guess could acknowledge what is not there.
func TestSuspicionBroken(t *testing.T) {
	good := string(suspicion{set: true, inode: 12, offset: 345}.word())
	for _, word := range []string{
		strings.Replace(good, "345", "346", 1), strings.Replace(good, "12", "13", 1), good[:30], good[1:], good + "x", "x", "suspect", "\x00" + good[1:],
		strings.Replace(good, "suspect", "Suspect", 1), strings.Repeat("\x00", suspectSize),
	} {
		if got := parseSuspicion([]byte(word)); !got.set || !got.broken {
			t.Errorf("%q reads as %+v", word, got)
		}
	}
	for _, word := range []string{"", strings.Repeat(" ", 63) + "\n"} {
		if got := parseSuspicion([]byte(word)); got != (suspicion{}) {
			t.Errorf("%q reads as %+v", word, got)
		}
	}
}

// FuzzSuspicion: only a blank word is clear, and only what word writes is a suspicion of a place.
func FuzzSuspicion(f *testing.F) {
	f.Add(suspicion{}.word())
	f.Add(suspicion{set: true, inode: 12, offset: 345}.word())
	f.Add(suspicion{set: true, inode: math.MaxUint64, offset: math.MaxInt64}.word())
	f.Add([]byte("suspect -1 -1 00000000"))
	f.Add(make([]byte, suspectSize))
	f.Fuzz(func(t *testing.T, word []byte) {
		s := parseSuspicion(word)
		switch blank := len(bytes.TrimRight(word, " \n")) == 0; {
		case s.set == blank:
			t.Errorf("%q reads as %+v", word, s)
		case s.set && !s.broken && !bytes.Equal(s.word(), word):
			t.Errorf("%q reads as %+v, which is written %q", word, s, s.word())
		case s.broken && (s.inode != 0 || s.offset != 0):
			t.Errorf("%q cannot be read and says %+v", word, s)
		}
	})
}

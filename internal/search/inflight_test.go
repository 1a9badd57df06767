package search

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The record that is being written when a search begins is no damage, and is not searched; the end of a log
// that stays half written is damage.
func TestRecordInFlight(t *testing.T) {
	const one, two = `{"ts":"T","event":"one"}` + "\n", `{"ts":"T","event":"two"}` + "\n"
	for name, c := range map[string]struct {
		meanwhile  func(t *testing.T, live string)
		unreadable int64
	}{
		"written on": {func(t *testing.T, live string) {
			must(t, os.WriteFile(live, []byte(one+two), 0o600))
		}, 0},
		"set aside": {func(t *testing.T, live string) { must(t, os.Truncate(live, int64(len(one)))) }, 0},
		"rotated": {func(t *testing.T, live string) {
			must(t, os.Rename(live, live+".old"))
			must(t, os.WriteFile(live, []byte(two), 0o600))
		}, 0},
		"taken away": {func(t *testing.T, live string) { must(t, os.Rename(live, live+".old")) }, 0},
		"left":       {func(*testing.T, string) {}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			home := writeHome(t, map[string]string{"audit.log": one + two[:10]})
			snap := open(t, home)
			c.meanwhile(t, filepath.Join(home, "audit.log"))
			hits, s, err := lines(t.Context(), snap, Options{})
			if err != nil || s.Unreadable != c.unreadable || len(hits) < 1 || !strings.Contains(hits[0], `"one"`) {
				t.Errorf("%q, %+v, %v", hits, s, err)
			}
		})
	}
}

package search

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/where"
)

// Records of which an expression cannot say whether it means them are counted as far as the search went,
// whatever pieces it is made in.
func TestUndecided(t *testing.T) {
	var text strings.Builder
	for i := range 60 {
		n := fmt.Sprint(i)
		if i%3 == 1 {
			n = `"` + n + `"`
		}
		fmt.Fprintf(&text, `{"ts":"T","event":"k%d","payload":{"n":%s}}`+"\n", i%2, n)
	}
	snap := open(t, writeHome(t, map[string]string{"audit.log": text.String()}))
	expression, err := where.Compile(`payload.n >= 30`)
	must(t, err)
	const first = "audit.log, byte 42: the text \"1\" and the number 30 are in no order (at 1:11)"
	for _, c := range []struct {
		o               Options
		hits, undecided int64
		first           string
	}{
		{Options{}, 20, 20, first},
		{Options{Query: Query{Kinds: []string{"k0"}}}, 10, 10, "audit.log, byte 170: the text \"4\""},
		{Options{Limit: 1}, 1, 10, first},
		{Options{Limit: 2}, 2, 11, first},
		{Options{Limit: 2, Reverse: true}, 2, 1, "audit.log, byte "},
	} {
		for _, size := range []int{100, 1000, 0} {
			c.o.Where, c.o.ExtentSize = expression, size
			s, err := Run(t.Context(), snap, c.o)
			if err != nil || s.Hits != c.hits || s.Undecided != c.undecided || !strings.HasPrefix(s.FirstUndecided, c.first) || s.Unreadable != 0 {
				t.Errorf("%+v: %+v, %v", c, s, err)
			}
		}
	}
}

package terminal

import (
	"bytes"
	"strings"
	"testing"
)

func TestLinesKeepTheirColumns(t *testing.T) {
	s := NewStream(&bytes.Buffer{}, ColourNever, func(string) (string, bool) { return "", false })
	l := s.NewLines(4, 3)
	for _, c := range []struct {
		cells []string
		want  string
	}{
		{[]string{"a", "b", "c"}, "a     b    c\n"},
		{[]string{"äöü", "日本", "c"}, "äöü   日本  c\n"},
		{[]string{"wider than that", "b", "c"}, "wider than that  b    c\n"},
		{[]string{"\x1b[2J", "b\n", "c\u202e"}, `\x1b[2J  b\n  c\u202e` + "\n"},
		{[]string{"a", "", ""}, "a\n"},
		{[]string{"a"}, "a\n"},
		{[]string{"", "", strings.Repeat("x", 200)}, strings.Repeat(" ", 11) + strings.Repeat("x", 200) + "\n"},
	} {
		if got := string(l.Append([]byte("before "), c.cells...)); got != "before "+c.want {
			t.Errorf("%q is laid out %q, want %q", c.cells, got, c.want)
		}
	}
}

func TestLinesFitATerminal(t *testing.T) {
	l := &Lines{widths: []int{4}, limit: 12}
	if got := string(l.Append(nil, "a", strings.Repeat("x", 1000))); got != "a     xxxxx…\n" {
		t.Errorf("%q", got)
	}
	if got := string(l.Append(nil, "a", "xxxxxx")); got != "a     xxxxxx\n" {
		t.Errorf("%q", got)
	}
}

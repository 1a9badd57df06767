package terminal

import (
	"fmt"
	"io"
	"strings"
)

// labelWidth is the column where the text of a field begins.
const labelWidth = 12

// Field writes a label and what it stands for, wrapped at spaces under its first line:
//
//	protected   nothing off this machine vouches for these records: a full
//	            recompute would not be seen
//
// safe is our own text or has been through [Escape]; it may be painted. An empty label continues
// the field above. A word that is wider than the screen stays whole: a path or a command can be
// copied from there.
func (s *Stream) Field(label, safe string) error {
	var b strings.Builder
	for i, line := range wrap(safe, s.width-labelWidth) {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(&b, "%-*s%s\n", labelWidth, label, line)
	}
	_, err := io.WriteString(s, b.String())
	return err
}

// wrap breaks safe at spaces into lines of at most columns columns; there is at least one line.
func wrap(safe string, columns int) []string {
	var lines []string
	line, used := "", 0
	for i, word := range strings.Split(safe, " ") {
		w := width(word)
		switch {
		case i == 0:
			line, used = word, w
		case used+1+w > columns:
			lines = append(lines, line)
			line, used = word, w
		default:
			line, used = line+" "+word, used+1+w
		}
	}
	return append(lines, line)
}

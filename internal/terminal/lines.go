package terminal

import (
	"fmt"
	"strings"
)

// Lines lays out rows one by one, so that any number of them takes no memory: other than in a
// [Table], the columns have the widths they are given, and a cell that is wider moves those after
// it. It is safe for concurrent use.
type Lines struct {
	widths []int // in columns
	limit  int   // of a whole line; 0: none
}

// NewLines lays out rows for s, whose lines are clipped where it is a terminal and nowhere else. The
// last column has what is left.
func (s *Stream) NewLines(widths ...int) *Lines {
	l := &Lines{widths: widths}
	if s.Terminal() {
		l.limit = s.width
	}
	return l
}

// Append appends a row with its line end. Cells are escaped.
func (l *Lines) Append(dst []byte, cells ...string) []byte {
	var row strings.Builder
	for i, cell := range cells {
		if l.limit > 0 {
			cell = Clip(cell, l.limit) // without a look at what is not shown
		} else {
			cell = Escape(cell)
		}
		row.WriteString(cell)
		if i < len(l.widths) && i < len(cells)-1 {
			row.WriteString(strings.Repeat(" ", max(l.widths[i]-width(cell), 0)) + columnGap)
		}
	}
	safe := strings.TrimRight(row.String(), " ")
	if l.limit > 0 {
		safe = clipEscaped(safe, l.limit)
	}
	return fmt.Appendln(dst, safe)
}

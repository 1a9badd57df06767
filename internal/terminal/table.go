package terminal

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Align says at which edge of its column a cell stands.
type Align int

// The alignments: text left, numbers right.
const (
	Left Align = iota
	Right
)

// Column is one column of a [Table].
type Column struct {
	Title string
	Align Align
}

// Table gathers rows and prints them in columns two spaces apart, without rules, so that the lines
// can be read by people and cut by other tools.
type Table struct {
	columns []Column
	rows    [][]string
}

// NewTable starts a table with these columns.
func NewTable(columns ...Column) *Table { return &Table{columns: columns} }

// Row adds a row, one cell a column, missing ones empty. Cells are escaped.
func (t *Table) Row(cells ...string) {
	row := make([]string, len(t.columns))
	for i := range row {
		if i < len(cells) {
			row[i] = Escape(cells[i])
		}
	}
	t.rows = append(t.rows, row)
}

// Print writes the table to s, titles first. Where it is wider than the stream, the widest columns
// of text are clipped; numbers never are, nor is the last column: a path or a command there can be
// copied.
func (t *Table) Print(s *Stream) error {
	w := table.NewWriter()
	w.SetStyle(plainStyle)
	w.SuppressTrailingSpaces()
	limits := t.fit(s.width)
	header := make(table.Row, len(t.columns))
	configs := make([]table.ColumnConfig, len(t.columns))
	for i, c := range t.columns {
		header[i] = c.Title
		configs[i] = table.ColumnConfig{Number: i + 1, Align: aligns[c.Align], AlignHeader: aligns[c.Align]}
	}
	w.AppendHeader(header)
	w.SetColumnConfigs(configs)
	for _, cells := range t.rows {
		row := make(table.Row, len(cells))
		for i, cell := range cells {
			row[i] = clipEscaped(cell, limits[i])
		}
		w.AppendRow(row)
	}
	if _, err := io.WriteString(s, w.Render()+"\n"); err != nil {
		return fmt.Errorf("print a table: %w", err)
	}
	return nil
}

var aligns = map[Align]text.Align{Left: text.AlignLeft, Right: text.AlignRight}

// plainStyle has no borders, no rules and titles as they are given.
var plainStyle = table.Style{
	Name:    "plain",
	Box:     table.BoxStyle{PaddingRight: columnGap},
	Options: table.OptionsNoBordersAndSeparators,
	Format:  table.FormatOptions{Header: text.FormatDefault, Row: text.FormatDefault},
}

const columnGap = "  "

// fit gives the columns each column may take so that they take no more than total, as long as the
// last one takes no more than a quarter.
func (t *Table) fit(total int) []int {
	widths := make([]int, len(t.columns))
	sum := -len(columnGap)
	last := len(t.columns) - 1
	for i, c := range t.columns {
		widths[i] = width(c.Title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], width(row[i]))
		}
		sum += widths[i] + len(columnGap)
	}
	sum += min(widths[last], total/4) - widths[last]
	for ; sum > total; sum-- {
		widest := -1
		for i, c := range t.columns[:last] {
			if c.Align == Left && widths[i] > width(c.Title) && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break // nothing left that may be clipped
		}
		widths[widest]--
	}
	return widths
}

// clipEscaped cuts text that is escaped already.
func clipEscaped(safe string, columns int) string {
	if width(safe) <= columns {
		return safe
	}
	return text.Trim(safe, columns-1) + "…"
}

package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/internal/terminal"
)

// markdown is the report as a page.
func (r *report) markdown(o options) []byte {
	var to bytes.Buffer
	to.WriteString("# How cost grows\n\nWhat `make scale` measured, in one run or, with `-keep`, in several. It is written anew by each run; what the\n" +
		"figures mean is said in [DESIGN](../docs/DESIGN.md#how-cost-grows).\n\n")
	for _, f := range r.facts {
		fmt.Fprintf(&to, "- %s: %s\n", f.label, f.text)
	}
	for i := range r.sizes {
		fmt.Fprintf(&to, "- log: %s\n", r.sizes[i].words())
	}
	if len(r.sizes) > 1 {
		fmt.Fprintf(&to, "- grew: %s\n", r.summary())
	}
	if o.chart != "" {
		if link, err := filepath.Rel(filepath.Dir(o.markdown), o.chart); err == nil {
			fmt.Fprintf(&to, "\n![Processor time and memory of each command by the length of the log](%s)\n", filepath.ToSlash(link))
		}
	}
	for _, part := range []struct {
		title, about string
		of           func(figure) string
	}{
		{"Processor time", "Of all threads, in user and system mode.", func(f figure) string { return seconds(f.CPU) }},
		{"Time by the clock", "It depends on what else the machine does.", func(f figure) string { return seconds(f.Wall) }},
		{"Memory", "The most that was resident.", func(f figure) string { return terminal.Bytes(f.Peak) }},
	} {
		fmt.Fprintf(&to, "\n## %s\n\n%s\n\n", part.title, part.about)
		t := r.bySize(part.of)
		t.markdown(&to)
	}
	if len(r.sizes) > 1 {
		fmt.Fprintf(&to, "\n## Growth\n\nFactors for a tenfold of records, one for each step. What goes through the whole log, or to each of its\n"+
			"segments, may take ten times as long; all else may grow to %.1f times at most, or by %s or %s.\n\n", mayGrow, seconds(cpuNoise), terminal.Bytes(peakNoise))
		t := r.growth()
		t.markdown(&to)
	}
	return to.Bytes()
}

// bySize has a column for each log.
func (r *report) bySize(of func(figure) string) table {
	t := table{columns: []terminal.Column{text("operation")}}
	for i := range r.sizes {
		t.columns = append(t.columns, figures(terminal.Plural(r.sizes[i].Records, "record")))
	}
	for _, op := range operations() {
		row := []string{op.name}
		for i := range r.sizes {
			row = append(row, of(r.sizes[i].Figures[op.name]))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func (t *table) markdown(to *bytes.Buffer) {
	titles, rules := make([]string, len(t.columns)), make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i], rules[i] = c.Title, "---"
		if c.Align == terminal.Right {
			rules[i] = "---:"
		}
	}
	for _, cells := range append([][]string{titles, rules}, t.rows...) {
		fmt.Fprintf(to, "| %s |\n", strings.Join(cells, " | "))
	}
}

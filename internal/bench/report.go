package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/opscontext/opscontext/internal/terminal"
)

// report is where everything that is measured goes: to the terminal as it comes, and at the end, with
// all goals in one table, to a Markdown file.
type report struct {
	out      *terminal.Stream
	run      bytes.Buffer // Markdown of what holds for the whole run
	parts    bytes.Buffer // and of the parts so far
	compared []comparison
	skipped  []string
}

// part begins what follows under a heading. Before the first one stands what holds for all.
func (r *report) part(title string) error {
	gap(&r.parts)
	fmt.Fprintf(&r.parts, "## %s\n\n", title)
	_, err := fmt.Fprintf(r.out, "\n== %s\n", title)
	return err
}

// markdown is where the file goes on.
func (r *report) markdown() *bytes.Buffer {
	if r.parts.Len() == 0 {
		return &r.run
	}
	return &r.parts
}

// field says one thing of a run or of a part. text is safe to show.
func (r *report) field(label, text string) error {
	fmt.Fprintf(r.markdown(), "- %s: %s\n", label, text)
	return r.out.Field(label, text)
}

// table writes rows of cells that are safe to show, between blank lines.
func (r *report) table(columns []terminal.Column, rows [][]string) error {
	markdownTable(r.markdown(), columns, rows)
	return r.print(columns, rows)
}

func (r *report) print(columns []terminal.Column, rows [][]string) error {
	t := terminal.NewTable(columns...)
	for _, cells := range rows {
		t.Row(cells...)
	}
	if _, err := fmt.Fprintln(r.out); err != nil {
		return err
	}
	return errors.Join(t.Print(r.out), blank(r.out))
}

func blank(out *terminal.Stream) error {
	_, err := fmt.Fprintln(out)
	return err
}

// compare writes ratios with their goals, of so many rounds. In the file they are in the one table.
func (r *report) compare(all []comparison, rounds int) error {
	columns := []terminal.Column{{Title: "ratio"}, {Title: "measured", Align: terminal.Right}, {Title: "goal", Align: terminal.Right}, {Title: ""}}
	var rows [][]string
	for _, c := range all {
		rows = append(rows, []string{c.what, c.ratio.String(), c.goal.String(), c.goal.met(c.ratio)})
	}
	r.compared = append(r.compared, all...)
	if err := r.print(columns, rows); err != nil {
		return err
	}
	of := fmt.Sprintf("median [least-greatest] of %s, everything in turn", terminal.Plural(int64(rounds), "round"))
	gap(r.markdown())
	fmt.Fprintf(r.markdown(), "%s\n\n", of)
	_, err := fmt.Fprintln(r.out, of)
	return err
}

// skip says that something was not measured, and why.
func (r *report) skip(why string) error {
	r.skipped = append(r.skipped, why)
	gap(r.markdown())
	fmt.Fprintf(r.markdown(), "**SKIPPED**: %s\n\n", why)
	_, err := fmt.Fprintln(r.out, "SKIPPED:", why)
	return err
}

// tally counts the goals.
func (r *report) tally() string {
	missed := 0
	for _, c := range r.compared {
		if c.goal.met(c.ratio) == missedGoal {
			missed++
		}
	}
	return fmt.Sprintf("%d met, %d missed; %s SKIPPED", len(r.compared)-missed, missed, terminal.Plural(int64(len(r.skipped)), "part"))
}

// end closes the report on the terminal and writes it to a file, unless that has no name.
func (r *report) end(name string) error {
	if err := errors.Join(blank(r.out), r.out.Field("goals", r.tally())); err != nil || name == "" {
		return err
	}
	var text bytes.Buffer
	text.WriteString("# Results\n\nWhat one run of `make bench` measured. It is written anew by each run; what the figures mean is said in\n" +
		"[DESIGN](../docs/DESIGN.md).\n\n")
	text.Write(r.run.Bytes())
	fmt.Fprintf(&text, "- goals: %s\n\n## Goals\n\nA ratio is that of ours to the yardstick, or of their speeds, round by round: its median, the least and the\ngreatest.\n", r.tally())
	columns := []terminal.Column{{Title: "operation"}, {Title: "ours", Align: terminal.Right}, {Title: "yardstick", Align: terminal.Right},
		{Title: "ratio", Align: terminal.Right}, {Title: "goal", Align: terminal.Right}, {Title: ""}}
	var rows [][]string
	for _, c := range r.compared {
		rows = append(rows, []string{c.what, c.ours.String(), c.yard.String(), c.ratio.String(), c.goal.String(), c.goal.met(c.ratio)})
	}
	markdownTable(&text, columns, rows)
	for _, why := range r.skipped {
		fmt.Fprintf(&text, "- **SKIPPED**: %s\n", why)
	}
	gap(&text)
	text.Write(r.parts.Bytes())
	return os.WriteFile(name, append(bytes.TrimRight(text.Bytes(), "\n"), '\n'), 0o644) //nolint:gosec // a page of the repository
}

// gap ends what stands before with one blank line.
func gap(to *bytes.Buffer) {
	for to.Len() > 0 && !bytes.HasSuffix(to.Bytes(), []byte("\n\n")) {
		to.WriteByte('\n')
	}
}

// markdownTable writes a table between blank lines.
func markdownTable(to *bytes.Buffer, columns []terminal.Column, rows [][]string) {
	row := func(cells []string) {
		to.WriteByte('|')
		for i := range columns {
			cell := ""
			if i < len(cells) {
				cell = strings.ReplaceAll(cells[i], "|", `\|`)
			}
			fmt.Fprintf(to, " %s |", cell)
		}
		to.WriteByte('\n')
	}
	titles, rules := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		titles[i], rules[i] = c.Title, "---"
		if c.Align == terminal.Right {
			rules[i] = "---:"
		}
	}
	gap(to)
	row(titles)
	row(rules)
	for _, cells := range rows {
		row(cells)
	}
	to.WriteByte('\n')
}

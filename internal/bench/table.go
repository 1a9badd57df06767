package main

import (
	"fmt"

	"github.com/opscontext/opscontext/internal/terminal"
)

// goal bounds a ratio.
type goal struct {
	bound   float64
	atLeast bool
}

func (g goal) String() string {
	if g.atLeast {
		return fmt.Sprintf("≥ %.2f", g.bound)
	}
	return fmt.Sprintf("≤ %.2f", g.bound)
}

// met is how a ratio does, by its median.
func (g goal) met(ratio sample) string {
	if m := ratio.median(); m == g.bound || m > g.bound == g.atLeast {
		return "met"
	}
	return "missed"
}

// comparison is a row of the table of ratios.
type comparison struct {
	what  string
	ratio sample
	goal  goal
}

func (b *bench) comparisons() []comparison {
	all := []comparison{
		{"speed of archive, of zstd -3", b.zstd.over(b.archive), goal{0.7, true}},
		{"speed of its codec, of zstd -3", b.zstd.over(b.codec), goal{0.7, true}},
		{"size of the archive, of zstd -3", b.archiveSize.over(b.zstdSize), goal{1.02, false}},
		{"cost of verify, of it from plain", b.verifyArchive.over(b.verifyPlain), goal{1.7, false}},
	}
	measured := all[:0]
	for _, c := range all {
		if len(c.ratio) > 0 {
			measured = append(measured, c)
		}
	}
	return measured
}

// print writes what was measured.
func (b *bench) print(out *terminal.Stream) error {
	costs := terminal.NewTable(terminal.Column{Title: "processor time of"}, terminal.Column{Title: "seconds", Align: terminal.Right}, terminal.Column{Title: "MB/s", Align: terminal.Right})
	for _, c := range []struct {
		what string
		cost sample
	}{
		{"zstd -3 -T1", b.zstd},
		{"archive's codec alone", b.codec},
		{"SHA-256 of the segment alone", b.hash},
		{"opscontext archive", b.archive},
		{"opscontext audit_verify, plain", b.verifyPlain},
		{"opscontext audit_verify, archived", b.verifyArchive},
	} {
		if len(c.cost) > 0 {
			costs.Row(c.what, c.cost.String(), fmt.Sprintf("%.0f", float64(b.bytes)/1e6/c.cost.median()))
		}
	}
	if _, err := fmt.Fprintln(out); err != nil {
		return err
	}
	if err := costs.Print(out); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out); err != nil {
		return err
	}
	if err := printRatios(out, b.comparisons(), b.done); err != nil {
		return err
	}
	for _, s := range b.skipped {
		if _, err := fmt.Fprintln(out, "SKIPPED:", s); err != nil {
			return err
		}
	}
	return busy(out, "after")
}

// printRatios writes comparisons with their goals.
func printRatios(out *terminal.Stream, all []comparison, rounds int) error {
	ratios := terminal.NewTable(terminal.Column{Title: "ratio"}, terminal.Column{Title: "measured", Align: terminal.Right}, terminal.Column{Title: "goal", Align: terminal.Right}, terminal.Column{Title: ""})
	for _, c := range all {
		ratios.Row(c.what, c.ratio.String(), c.goal.String(), c.goal.met(c.ratio))
	}
	if err := ratios.Print(out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nmedian [least-greatest] of %s, everything in turn\n", terminal.Plural(int64(rounds), "round"))
	return err
}

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
		return metGoal
	}
	return missedGoal
}

const (
	metGoal    = "met"
	missedGoal = "missed"
)

// figure is what was measured, a number a round, and of what.
type figure struct {
	sample sample
	unit   string
}

// Units of figures.
const (
	secondsCPU = "s of CPU"
	millisWall = "ms"
	millisCPU  = "ms of CPU"
	inMiB      = "MiB"
	inBytes    = "bytes"
)

// String is the median with its unit, empty if nothing was measured.
func (f figure) String() string {
	if len(f.sample) == 0 {
		return ""
	}
	switch m := f.sample.median(); {
	case m >= 100:
		return terminal.Count(int64(m+0.5)) + " " + f.unit
	default:
		return fmt.Sprintf("%.3g %s", m, f.unit)
	}
}

// comparison is a row of the table of ratios.
type comparison struct {
	what       string
	ours, yard figure
	ratio      sample
	goal       goal
}

func (b *bench) comparisons() []comparison {
	cpu := func(s sample) figure { return figure{s, secondsCPU} }
	all := []comparison{
		{"speed of archive, of zstd -3", cpu(b.archive), cpu(b.zstd), b.zstd.over(b.archive), goal{0.7, true}},
		{"speed of its codec, of zstd -3", cpu(b.codec), cpu(b.zstd), b.zstd.over(b.codec), goal{0.7, true}},
		{"size of the archive, of zstd -3", figure{b.archiveSize, inBytes}, figure{b.zstdSize, inBytes}, b.archiveSize.over(b.zstdSize), goal{1.02, false}},
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
func (b *bench) print(out *report) error {
	columns := []terminal.Column{{Title: "processor time of"}, {Title: "seconds", Align: terminal.Right}, {Title: "MB/s", Align: terminal.Right}}
	var rows [][]string
	for _, c := range []struct {
		what string
		cost sample
	}{
		{"zstd -3 -T1", b.zstd},
		{"archive's codec alone", b.codec},
		{"SHA-256 of the segment alone", b.hash},
		{"opscontext archive", b.archive},
	} {
		if len(c.cost) > 0 {
			rows = append(rows, []string{c.what, c.cost.String(), fmt.Sprintf("%.0f", float64(b.log.bytes)/1e6/c.cost.median())})
		}
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	if err := out.compare(b.comparisons(), b.done); err != nil {
		return err
	}
	return busy(out, "after")
}

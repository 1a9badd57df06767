package main

import (
	"fmt"

	"github.com/opscontext/opscontext/internal/terminal"
)

// The memory that a check may hold, in MiB: this, and as much for each core.
const (
	heldAtMost  = 16
	heldPerCore = 8
)

// print writes what was measured.
func (v *verifies) print(out *report) error {
	columns := []terminal.Column{{Title: "verifying"}, {Title: "wall ms", Align: terminal.Right}, {Title: "CPU ms", Align: terminal.Right},
		{Title: "MB/s of CPU", Align: terminal.Right}}
	var rows [][]string
	row := func(what string, c cost) {
		rows = append(rows, []string{what, c.wall.short(), c.cpu.short(), fmt.Sprintf("%.0f", float64(v.clean.bytes)/1e3/c.cpu.median())})
	}
	row("SHA-256 of each message, 1 core", v.raw)
	row("hashes and links alone, 1 core", v.links)
	row("audit_verify, 1 core", v.one)
	all := "audit_verify, " + terminal.Plural(int64(cores()), "core")
	row(all, v.all)
	row(all+", archived", v.packed)
	row(all+", 1 % odd", v.anomalies)
	for _, h := range v.yardsticks {
		row(h.name, h.cost)
	}
	if v.reference != nil {
		row("another verifier, in JavaScript", v.other)
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	return out.compare(v.comparisons(), v.rounds)
}

// comparisons are those of processor time, of wall time and of memory.
func (v *verifies) comparisons() []comparison {
	cpu := func(c cost) figure { return figure{c.cpu, millisCPU} }
	wall := func(c cost) figure { return figure{c.wall, millisWall} }
	mib := func(s sample) figure { return figure{s, inMiB} }
	all := []comparison{
		{"hashes and links, of raw SHA-256", cpu(v.links), cpu(v.raw), v.raw.cpu.over(v.links.cpu), goal{0.7, true}},
		{"audit_verify, of raw SHA-256", cpu(v.one), cpu(v.raw), v.raw.cpu.over(v.one.cpu), goal{0.4, true}},
		{"cost of archived, of plain", cpu(v.packed), cpu(v.all), v.packed.cpu.over(v.all.cpu), goal{1.7, false}},
		{"cost of 1 % odd, of clean", cpu(v.anomalies), cpu(v.all), v.anomalies.cpu.over(v.all.cpu), goal{1.3, false}},
	}
	for _, h := range v.yardsticks {
		all = append(all, comparison{"speed of all cores, of " + h.name, wall(v.all), wall(h.cost), h.cost.wall.over(v.all.wall), h.goal})
	}
	most := goal{float64(heldAtMost + heldPerCore*cores()), false}
	for i, of := range []string{
		terminal.Plural(int64(v.clean.records), "record"),
		terminal.Plural(int64(v.large.records), "record"),
		terminal.Plural(int64(min(manyOdd, v.many.records/10)), "finding"),
	} {
		all = append(all, comparison{"MiB held, " + of, mib(v.held[i]), figure{}, v.held[i], most})
	}
	if v.reference == nil {
		return all
	}
	return append(all,
		comparison{"CPU time of another verifier, of ours", cpu(v.all), cpu(v.other), v.other.cpu.over(v.all.cpu), goal{12, true}},
		comparison{"wall time of another verifier, of ours", wall(v.all), wall(v.other), v.other.wall.over(v.all.wall), goal{25, true}},
		comparison{"memory of another verifier, of ours", mib(v.held[0]), mib(v.otherHeld), v.otherHeld.over(v.held[0]), goal{100, true}})
}

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/internal/terminal"
)

// report is what is written of all sizes.
type report struct {
	facts []fact
	sizes []measurements
}

// fact is something that all figures depend on.
type fact struct{ label, text string }

func facts(version string) []fact {
	return []fact{
		{"program", terminal.Escape(version)},
		{"machine", fmt.Sprintf("%s, %s", terminal.Escape(processor()), terminal.Plural(int64(runtime.NumCPU()), "core"))},
		{"settings", terminal.Escape(strings.Join(strings.Split(strings.TrimSpace(settings), "\n")[1:], ", "))},
		{"built by", fmt.Sprintf("%s, %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)},
	}
}

// processor is the name of the processor, as far as the system says it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// table is what is printed and written alike.
type table struct {
	columns []terminal.Column
	rows    [][]string
}

func text(title string) terminal.Column { return terminal.Column{Title: title} }

func figures(title string) terminal.Column {
	return terminal.Column{Title: title, Align: terminal.Right}
}

func (t *table) print(out *terminal.Stream) error {
	w := terminal.NewTable(t.columns...)
	for _, cells := range t.rows {
		w.Row(cells...)
	}
	if _, err := fmt.Fprintln(out); err != nil {
		return err
	}
	return w.Print(out)
}

// begin writes what holds for all sizes.
func (r *report) begin(out *terminal.Stream) error {
	var all error
	for _, f := range r.facts {
		all = errors.Join(all, out.Field(f.label, f.text))
	}
	return all
}

// show writes what one size cost.
func (r *report) show(out *terminal.Stream, m measurements) error {
	if _, err := fmt.Fprintln(out); err != nil {
		return err
	}
	if err := out.Field("log", m.words()); err != nil {
		return err
	}
	t := table{columns: []terminal.Column{text("operation"), figures("CPU"), figures("wall"), figures("memory")}}
	for _, op := range operations() {
		f := m.Figures[op.name]
		t.rows = append(t.rows, []string{op.name, seconds(f.CPU), seconds(f.Wall), terminal.Bytes(f.Peak)})
	}
	return t.print(out)
}

// words says what a log is.
func (m *measurements) words() string {
	return fmt.Sprintf("%s, %s, stored in %s, %s", terminal.Plural(m.Records, "record"), terminal.Bytes(m.Raw), terminal.Bytes(m.Stored), terminal.Plural(int64(m.Segments), "segment"))
}

func (r *report) showGrowth(out *terminal.Stream) error {
	if len(r.sizes) < 2 {
		return nil
	}
	t := r.growth()
	if err := t.print(out); err != nil {
		return err
	}
	return out.Field("grew", r.summary())
}

// growth is the table of what grew: a row for each operation, with a factor for each step.
func (r *report) growth() table {
	t := table{columns: []terminal.Column{text("operation"), text("goes through"), figures("CPU"), figures("memory"), text("")}}
	for steps := range slices.Chunk(growths(r.sizes), len(r.sizes)-1) {
		var cpu, peak []string
		said := steps[0].verdict()
		for _, g := range steps {
			cpu, peak = append(cpu, fmt.Sprintf("%.2f", g.cpu)), append(peak, fmt.Sprintf("%.2f", g.peak))
			if g.bad() {
				said = fmt.Sprintf("%s from %s to %s", g.verdict(), terminal.Count(g.from), terminal.Count(g.to))
			}
		}
		t.rows = append(t.rows, []string{steps[0].name, string(steps[0].reach), strings.Join(cpu, ", "), strings.Join(peak, ", "), said})
	}
	return t
}

// summary counts what grew.
func (r *report) summary() string {
	all := growths(r.sizes)
	bad := 0
	for _, g := range all {
		if g.bad() {
			bad++
		}
	}
	return fmt.Sprintf("%d of %s, in %s from one size to the next", bad, terminal.Plural(int64(len(operations())), "operation"), terminal.Plural(int64(len(all)), "step"))
}

// seconds gives a time with three digits.
func seconds(s float64) string {
	switch {
	case s < 0.9995:
		return fmt.Sprintf("%.3g ms", s*1000)
	case s < 999.5:
		return fmt.Sprintf("%.3g s", s)
	}
	return terminal.Count(int64(s+0.5)) + " s"
}

package main

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

// facts writes what is searched.
func (s *searches) facts(out *report) error {
	n := s.history.needles
	return errors.Join(
		out.field("history", fmt.Sprintf("%s, %s", terminal.Plural(int64(s.history.records), "record"), terminal.Bytes(s.history.bytes))),
		out.field("archive", fmt.Sprintf("%s, its manifests %s, its indexes %s; zstd -3 of one file %s", terminal.Bytes(s.sizes[segment.FormZstd]),
			terminal.Bytes(s.sizes[segment.FormManifest]), terminal.Bytes(s.sizes[segment.FormIndex]), terminal.Bytes(s.yard))),
		out.field("looked for", fmt.Sprintf("%s; %s; %s; the hours %s and %s", terminal.Escape(n.token), terminal.Escape(n.uuid), terminal.Escape(n.address),
			hourText(n.usual), hourText(n.busy))),
		out.field("not in it", "the highest sealed segment and the live one: a few events, searched and not archived"),
	)
}

// print writes what was measured.
func (s *searches) print(out *report) error {
	columns := []terminal.Column{{Title: "search for"}, {Title: "hits", Align: terminal.Right}, {Title: "by"},
		{Title: "wall ms", Align: terminal.Right}, {Title: "CPU ms", Align: terminal.Right}}
	var rows [][]string
	row := func(what, hits, by string, c cost) {
		rows = append(rows, []string{what, hits, by, c.wall.short(), c.cpu.short()})
	}
	row("nothing", "", "version", s.start)
	for _, q := range s.done {
		row(q.name, terminal.Count(int64(q.hits)), "audit_search", q.ours)
		row(q.skipped(), "", "rg, plain file", q.plain)
		row("", "", "zstd -dc | rg", q.packed)
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	if err := out.compare(s.comparisons(), len(s.start.wall)); err != nil {
		return err
	}
	first := s.done[0]
	return out.field("closing", terminal.Escape("of "+first.name+": "+first.said))
}

// skippedFrames finds in a closing line how much the index spared.
var skippedFrames = regexp.MustCompile(`skipped by index: ([\d,]+) of ([\d,]+)`)

// skipped is how many frames were not read, if the closing line says so.
func (q *searched) skipped() string {
	n := skippedFrames.FindStringSubmatch(q.said)
	if n == nil {
		return ""
	}
	return n[1] + "/" + n[2] + " skipped"
}

// comparisons are those of wall time, and of what the history takes.
func (s *searches) comparisons() (all []comparison) {
	wall := func(c cost) figure { return figure{c.wall, millisWall} }
	for _, q := range s.done {
		plain := comparison{q.name + ", of rg", wall(q.ours), wall(q.plain), q.plain.wall.over(q.ours.wall), goal{20, true}}
		packed := comparison{q.name + ", of zstd -dc | rg", wall(q.ours), wall(q.packed), q.packed.wall.over(q.ours.wall), goal{}}
		switch q.aim {
		case aimUnique:
			packed.goal = goal{120, true}
			all = append(all, plain, packed)
		case aimWindow:
			all = append(all, comparison{q.name + ", ms over start-up", wall(q.ours), wall(s.start), q.ours.wall.less(s.start.wall), goal{10, false}})
		case aimRare:
			packed.goal = goal{10, true}
			all = append(all, packed)
		case aimWorst:
			packed.goal = goal{1, true}
			all = append(all, packed)
		}
	}
	ours, yard := sample{float64(s.sizes[segment.FormZstd] + s.sizes[segment.FormManifest] + s.sizes[segment.FormIndex])}, sample{float64(s.yard)}
	return append(all, comparison{"all that is stored, of zstd -3", figure{ours, inBytes}, figure{yard, inBytes}, ours.over(yard), goal{1.06, false}})
}

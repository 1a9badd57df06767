package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/internal/coverage"
	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/terminal"
)

// shownGaps and shownItems are how many of each people are shown; --json has them all.
const (
	shownGaps  = 5
	shownItems = 10
)

func printStats(out *terminal.Stream, doc stats) error {
	if doc.Log.Records > 0 {
		if err := statsTable(doc).Print(out); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
	}
	p := &printer{out: out}
	p.field("range", statsRangeWords(doc))
	p.field("records", recordWords(doc))
	if doc.Log.Records > 0 {
		p.field("days", dayWords(doc))
	}
	p.silent(doc)
	p.never(doc)
	p.unknown(doc)
	p.odd(doc)
	return p.err
}

// statsTable has the rows that --by asks for.
func statsTable(doc stats) *terminal.Table {
	number := func(title string) terminal.Column { return terminal.Column{Title: title, Align: terminal.Right} }
	items, name := doc.Kinds, terminal.Column{Title: doc.By}
	switch doc.By {
	case string(search.ByActor):
		items = doc.Actors
		table := terminal.NewTable(name, number("records"), number("days"), terminal.Column{Title: "last"}, number("silent"))
		for _, i := range items {
			table.Row(i.Name, terminal.Count(i.Records), terminal.Count(int64(i.DaysWith)), i.LastDay, silentFor(i))
		}
		return table
	case string(search.ByKind):
		table := terminal.NewTable(name, terminal.Column{Title: "category"}, number("records"), number("days"), terminal.Column{Title: "last"}, number("silent"))
		for _, i := range items {
			table.Row(i.Name, string(i.Category), terminal.Count(i.Records), terminal.Count(int64(i.DaysWith)), i.LastDay, silentFor(i))
		}
		return table
	}
	columns, shown := []terminal.Column{{Title: "period"}}, []kinds.Category{}
	for _, i := range doc.Categories {
		if c := kinds.Category(i.Name); c != kinds.Unknown || i.Records > 0 {
			columns, shown = append(columns, number(i.Name)), append(shown, c)
		}
	}
	table := terminal.NewTable(append(columns, number("all"))...)
	for _, p := range doc.Periods {
		row := []string{p.Name}
		for _, c := range shown {
			row = append(row, terminal.Count(p.Categories[c]))
		}
		table.Row(append(row, terminal.Count(p.Records))...)
	}
	return table
}

func silentFor(i statsItem) string {
	if !i.Silent {
		return ""
	}
	return terminal.Plural(int64(i.Quiet), "day")
}

func statsRangeWords(doc stats) string {
	since, now := cmp.Or(doc.Range.Since, "the first record"), ""
	if doc.Range.Now {
		now = ", which is now"
	}
	return since + " to " + doc.Range.Until + now
}

func recordWords(doc stats) string {
	if doc.Log.Records == 0 {
		return "none in this range"
	}
	of := terminal.Plural(int64(len(doc.Kinds)), "kind")
	if doc.By == string(search.ByActor) {
		of = terminal.Plural(int64(len(doc.Actors)), "actor")
	}
	words := terminal.Count(doc.Log.Records) + " of " + of
	if doc.Searched.Abandoned > 0 {
		words += fmt.Sprintf(", %s of them in abandoned branches", terminal.Count(doc.Searched.Abandoned))
	}
	if doc.Log.First != "" {
		words += ", from " + terminal.Escape(doc.Log.First) + " to " + terminal.Escape(doc.Log.Last)
	}
	return words
}

func dayWords(doc stats) string {
	if doc.Days.Days == 0 {
		return "none that is whole"
	}
	without := 0
	for _, g := range doc.Days.Gaps {
		without += g.Days
	}
	if without == 0 {
		return "a record on each of " + terminal.Count(doc.Days.Days)
	}
	words := fmt.Sprintf("%s of %s without any record", terminal.Count(int64(without)), terminal.Count(doc.Days.Days))
	for i, g := range doc.Days.Gaps {
		switch {
		case i == shownGaps:
			return words + fmt.Sprintf("; %s more", terminal.Count(int64(len(doc.Days.Gaps)-i)))
		case i == 0:
			words += ": "
		default:
			words += ", "
		}
		if words += g.First; g.Days > 1 {
			words += " to " + g.Last
		}
	}
	return words
}

const silentNothing = "nothing"

// silent says what went silent, and of what that cannot be said. What fell silent with the whole log
// is not named besides it.
func (p *printer) silent(doc stats) {
	apart := func(i statsItem) bool { return i.Silent && (!doc.Log.Silent || i.Quiet > doc.Log.Quiet) }
	var lines, unjudged []string
	if doc.Log.Silent {
		lines = append(lines, silentWords("the whole log", doc.Log))
	}
	for _, i := range doc.Categories {
		switch {
		case apart(i):
			lines = append(lines, silentWords(i.Name, i))
		case i.Records > 0 && !i.Judged:
			unjudged = append(unjudged, i.Name)
		}
	}
	what, items := "kind", doc.Kinds
	if doc.By == string(search.ByActor) {
		what, items = "actor", doc.Actors
	}
	quiet := slices.DeleteFunc(slices.Clone(items), func(i statsItem) bool { return !apart(i) })
	slices.SortStableFunc(quiet, func(a, b statsItem) int { return cmp.Compare(a.Quiet, b.Quiet) })
	for n, i := range quiet {
		if n == shownItems {
			lines = append(lines, fmt.Sprintf("%s more: --%s %s", terminal.Plural(int64(len(quiet)-n), what), flagBy, what))
			break
		}
		lines = append(lines, silentWords(what+" "+terminal.Escape(i.Name), i))
	}
	if len(lines) == 0 && doc.Log.Judged {
		lines = []string{silentNothing}
	}
	label := "silent"
	for _, line := range lines {
		if line != silentNothing {
			line = p.out.Paint(terminal.Caution, line)
		}
		p.field(label, line)
		label = ""
	}
	few := 0
	for _, i := range items {
		if !i.Judged {
			few++
		}
	}
	if few > 0 {
		unjudged = append(unjudged, terminal.Plural(int64(few), what))
	}
	if len(unjudged) > 0 {
		p.field("not judged", fmt.Sprintf("%s: records on fewer than %d days of a year", strings.Join(unjudged, ", "), coverage.JudgedDays))
	}
}

func silentWords(what string, i statsItem) string {
	return fmt.Sprintf("%s: none since %s, %s; its longest pause before was of %s",
		what, i.LastDay, terminal.Plural(int64(i.Quiet), "day"), terminal.Plural(int64(i.Pause), "day"))
}

// never names the categories that have no record.
func (p *printer) never(doc stats) {
	label := "never"
	for _, i := range doc.Categories {
		if i.Records == 0 && i.Name != string(kinds.Unknown) {
			p.field(label, i.Name+": no record in this range")
			label = ""
		}
	}
}

// unknown names the kinds that have no category.
func (p *printer) unknown(doc stats) {
	var words []string
	more := 0
	for _, i := range doc.Kinds {
		switch {
		case i.Category != kinds.Unknown:
		case len(words) == shownItems:
			more++
		default:
			words = append(words, fmt.Sprintf("%s %s", terminal.Escape(i.Name), terminal.Count(i.Records)))
		}
	}
	if len(words) == 0 {
		return
	}
	text := strings.Join(words, ", ") + ": in no category"
	if more > 0 {
		text = fmt.Sprintf("%s and %s more: in no category", strings.Join(words, ", "), terminal.Count(int64(more)))
	}
	p.field("unknown", text)
}

// odd tells of records that the table does not have in their place.
func (p *printer) odd(doc stats) {
	if doc.NotApart > 0 {
		what := "kind"
		if doc.By == string(search.ByActor) {
			what = "actor"
		}
		p.field("others", fmt.Sprintf("%s without a %s of text, or of too many of them to be told apart", terminal.Plural(doc.NotApart, "record"), what))
	}
	if n := doc.Log.Undated; n > 0 {
		p.field("undated", fmt.Sprintf("%s in no period: the ts is no time, or there are too many days", terminal.Plural(n, "record")))
	}
	if doc.Ahead > 0 {
		p.field("ahead", fmt.Sprintf("%s in no period: the ts lies after today", terminal.Plural(doc.Ahead, "record")))
	}
}

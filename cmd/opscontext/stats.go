package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/coverage"
	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/timerange"
)

const statsName = "stats"

// statsBys are the values of --by, the first being what it is without.
var statsBys = []string{string(search.ByCategory), string(search.ByMonth), string(search.ByDay), string(search.ByKind), string(search.ByActor)}

func statsVerb() verb {
	return verb{
		name:  statsName,
		usage: "show what is recorded, and what went silent",
		about: fmt.Sprintf(`Shows how many records there are of each category of ISO 27001 A.12.4.1, month
by month, with earlier years each in one line; --by month and --by day show all
months or days, --by kind and --by actor what there is of each. Below, it says
on which days there is no record at all, which categories have none, which kinds
have no category, and what went silent.

Silent is what is quiet for longer than its own past explains. That is said of
the whole log and of a category, kind or actor that has records on %d days or
more of the %d up to its last one: when more than %d times as many whole days
have passed since as in its longest pause in that time, and %d at least. The end
is --until, else now. What has records on fewer days is not judged, and a past
before --since is not known.

Silence is no damage and changes no exit code: somebody has to know whether it
was meant. Times are as in audit_search; days and months are of UTC. Records in
abandoned branches are counted, too, as audit_search counts them.`,
			coverage.JudgedDays, coverage.PastDays, coverage.PauseFactor, coverage.QuietDays),
		examples: `opscontext stats
opscontext stats --since 2026-Q3 --until 2026-Q3 --by day
opscontext stats --by kind --json | jq '.kinds[] | select(.silent)'`,
		exits: []exitCode{exitInconclusive},
		flags: []cli.Flag{
			&cli.StringFlag{Name: flagSince, Usage: "records from `TIME` on, inclusive"},
			&cli.StringFlag{Name: flagUntil, Usage: "records up to `TIME`, inclusive"},
			&cli.StringFlag{Name: flagBy, Value: statsBys[0], Usage: "`WHAT`: " + strings.Join(statsBys, ", ")},
			boolFlag(flagJSON, "as one JSON object"),
		},
		run: runStats,
	}
}

func runStats(c *call) error {
	by := c.cli.String(flagBy)
	if !slices.Contains(statsBys, by) {
		return usagef("--%s wants one of %s, not %q", flagBy, strings.Join(statsBys, ", "), by)
	}
	span, err := c.timeRange()
	if err != nil {
		return err
	}
	snap, err := c.openSnapshot()
	if err != nil {
		return err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	o := search.Options{Query: search.Query{Span: span}, By: search.ByKind, Dated: true}
	if by == string(search.ByActor) {
		o.By = search.ByActor
	}
	stop := c.watch(&o)
	s, err := search.Run(c.ctx, snap, o)
	stop()
	if err != nil {
		return err
	}
	doc := newStats(s, by, newStatsRange(span, time.Now()), c.statsUnit(by))
	doc.Searched = c.searched(s)
	if c.cli.Bool(flagJSON) {
		err = json.NewEncoder(c.stdout).Encode(doc)
	} else {
		err = printStats(c.out, doc)
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(c.errs, placesWords(s))
	if s.Unreadable > 0 || s.Segments+s.Branches == 0 {
		return verdict(exitInconclusive)
	}
	return nil
}

// statsUnit is how long the periods are. For programs, months are not gathered to years.
func (c *call) statsUnit(by string) coverage.Unit {
	switch {
	case by == string(search.ByDay):
		return coverage.Days
	case by == string(search.ByMonth), c.cli.Bool(flagJSON):
		return coverage.Months
	}
	return coverage.Years
}

// statsRange is what the records are held against: with an end, as silence has one.
type statsRange struct {
	Since string `json:"since,omitempty"`
	Until string `json:"until"`
	Now   bool   `json:"now"` // whether the end is the time of the command

	since, until time.Time // since is zero where there is no bound
}

// recordTime is the form of a record's ts.
const recordTime = "2006-01-02T15:04:05.000Z"

func newStatsRange(span timerange.Range, now time.Time) statsRange {
	now = now.UTC().Truncate(time.Millisecond)
	r := statsRange{Since: span.Since, Until: now.Format(recordTime), Now: true, until: now}
	if until, err := time.Parse(recordTime, span.Until); err == nil && until.Before(now) {
		r.Until, r.Now, r.until = span.Until, false, until
	}
	if since, err := time.Parse(recordTime, span.Since); err == nil {
		r.since = since
	}
	return r
}

// stats is the document of --json; what people are shown is made from it.
type stats struct {
	By         string        `json:"by"`
	Range      statsRange    `json:"range"`
	Log        statsItem     `json:"log"`
	Ahead      int64         `json:"ahead"`      // records of days after the end
	Categories []statsItem   `json:"categories"` // all of them, in the order of the table
	Kinds      []statsItem   `json:"kinds"`
	Actors     []statsItem   `json:"actors,omitempty"` // with --by actor, instead of kinds and categories
	NotApart   int64         `json:"not_apart"`        // records without a kind or an actor, and those of too many of them
	Periods    []statsPeriod `json:"periods"`
	Days       statsDays     `json:"days"`
	Searched   searched      `json:"searched"`
}

// statsItem is what is known of a category, a kind, an actor, or of all.
type statsItem struct {
	Name     string         `json:"name,omitempty"`
	Category kinds.Category `json:"category,omitempty"` // of a kind
	Records  int64          `json:"records"`
	Undated  int64          `json:"undated"` // of the records: their ts is no time
	First    string         `json:"first,omitempty"`
	Last     string         `json:"last,omitempty"`
	LastDay  string         `json:"last_day,omitempty"` // up to the end of the range
	DaysWith int            `json:"days_with_records"`
	PastDays int            `json:"past_days"`     // of those, in the year up to the last
	Pause    int            `json:"longest_pause"` // in that year, days
	Quiet    int            `json:"quiet"`         // whole days since
	Judged   bool           `json:"judged"`
	Silent   bool           `json:"silent"`

	tally *coverage.Tally
}

func newStatsItem(name string, tally *coverage.Tally, r statsRange) statsItem {
	q := tally.SilenceAt(r.until)
	item := statsItem{
		Name: name, Records: tally.Records, Undated: tally.Undated, First: tally.First, Last: tally.Last, DaysWith: len(tally.Days()),
		PastDays: q.Days, Pause: q.Pause, Quiet: q.Quiet, Judged: q.Judged(), Silent: q.Silent(), tally: tally,
	}
	if q.Days > 0 {
		item.LastDay = q.Last.String()
	}
	return item
}

// statsPeriod counts the records of some days, by category where kinds are known.
type statsPeriod struct {
	Name       string                   `json:"name"`
	First      string                   `json:"first"`
	Last       string                   `json:"last"`
	Records    int64                    `json:"records"`
	Categories map[kinds.Category]int64 `json:"categories,omitempty"`
}

// statsDays says on which whole days there is no record.
type statsDays struct {
	Days int64      `json:"days"` // whole ones, from the first that has records or is asked for
	Gaps []statsGap `json:"gaps"` // the longest first
}

type statsGap struct {
	First string `json:"first"`
	Last  string `json:"last"`
	Days  int    `json:"days"`
}

func newStats(s search.Summary, by string, r statsRange, unit coverage.Unit) stats {
	doc := stats{By: by, Range: r, Categories: []statsItem{}, Kinds: []statsItem{}, Periods: []statsPeriod{}, Days: statsDays{Gaps: []statsGap{}}}
	all, categories := &coverage.Tally{}, map[kinds.Category]*coverage.Tally{}
	for _, c := range kinds.Categories {
		categories[c] = &coverage.Tally{}
	}
	for _, g := range s.Groups {
		all.Join(g.When, math.MaxInt)
		item := newStatsItem(g.Key, g.When, r)
		switch {
		case g.Other:
			doc.NotApart = g.Hits
		case by == string(search.ByActor):
			doc.Actors = append(doc.Actors, item)
		default:
			item.Category = kinds.CategoryOf(g.Key)
			categories[item.Category].Join(g.When, math.MaxInt)
			doc.Kinds = append(doc.Kinds, item)
		}
	}
	doc.Log = newStatsItem("", all, r)
	doc.Ahead = all.After(r.until)
	if by != string(search.ByActor) {
		for _, c := range kinds.Categories {
			doc.Categories = append(doc.Categories, newStatsItem(string(c), categories[c], r))
		}
		slices.SortStableFunc(doc.Kinds, func(a, b statsItem) int {
			return cmp.Compare(slices.Index(kinds.Categories, a.Category), slices.Index(kinds.Categories, b.Category))
		})
	}
	for _, p := range all.Periods(r.since, r.until, unit) {
		row := statsPeriod{Name: p.Name, First: p.First.String(), Last: p.Last.String(), Records: p.Records}
		for _, item := range doc.Categories {
			if row.Categories == nil {
				row.Categories = map[kinds.Category]int64{}
			}
			row.Categories[kinds.Category(item.Name)] = item.tally.Between(p.First, p.Last)
		}
		doc.Periods = append(doc.Periods, row)
	}
	gaps, days := all.Gaps(r.since, r.until)
	doc.Days.Days = int64(days)
	for _, g := range gaps {
		doc.Days.Gaps = append(doc.Days.Gaps, statsGap{g.First.String(), g.Last.String(), g.Days()})
	}
	return doc
}

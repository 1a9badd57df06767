package search

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/opscontext/opscontext/internal/coverage"
	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/recordtext"
)

// By says what hits are counted by.
type By string

// What hits are counted by.
const (
	ByKind     By = "kind"
	ByCategory By = "category" // of the kind
	ByDay      By = "day"
	ByMonth    By = "month"
	ByActor    By = "actor"
)

// Bys are all of them.
var Bys = []By{ByKind, ByCategory, ByDay, ByMonth, ByActor}

// ParseBy reads one of [Bys].
func ParseBy(s string) (By, error) {
	if by := By(s); slices.Contains(Bys, by) {
		return by, nil
	}
	return "", fmt.Errorf("%q is none of kind, category, day, month and actor", s)
}

// Group is how many hits have one value.
type Group struct {
	Key   string // "" where Other
	Other bool   // the records whose member is absent or not of its form, and those beyond maxGroups values
	Hits  int64
	When  *coverage.Tally // the same by day, with Options.Dated; else nil
}

// maxGroups bounds the values that are counted apart, and maxDays the days of all of them together:
// whoever may append can make up kinds, actors and times.
const (
	maxGroups = 10_000
	maxDays   = 500_000
)

// groups counts hits by a value.
type groups struct {
	by    By
	dated bool
	hits  map[string]*coverage.Tally
	other *coverage.Tally
	room  int // for days
}

func newGroups(o *Options) *groups {
	if o.By == "" {
		return nil
	}
	return &groups{by: o.By, dated: o.Dated, hits: map[string]*coverage.Tally{}, other: &coverage.Tally{}, room: maxDays}
}

// plainTime is the beginning of a ts as records have it.
var plainTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T`)

// periodDigits is how much of a ts names the day or the month.
var periodDigits = map[By]int{ByDay: len("2006-01-02"), ByMonth: len("2006-01")}

// memberOf is what the values are taken from.
var memberOf = map[By]string{ByKind: "event", ByCategory: "event", ByActor: "actor", ByDay: "ts", ByMonth: "ts"}

// add counts a record that is a hit.
func (g *groups) add(line []byte) {
	var key, ts string
	apart, open := false, 1
	if g.dated {
		open++
	}
	for name, value := range recordtext.Members(recordtext.Canonical(line)) {
		member := string(name)
		if member != memberOf[g.by] && (!g.dated || member != "ts") {
			continue
		}
		text, ok := recordtext.TextOf(value)
		switch {
		case member != memberOf[g.by]:
			ts = text
		case ok:
			key, apart = g.key(text)
		}
		if open--; open == 0 {
			break
		}
	}
	tally := g.other
	if apart {
		if tally = g.hits[key]; tally == nil {
			tally = &coverage.Tally{}
			g.hits[key] = tally
		}
	}
	if g.dated {
		tally.Add(ts)
	} else {
		tally.Records++
	}
}

// key gives what a record is counted by whose member is text; apart is false where it is not counted
// apart.
func (g *groups) key(text string) (key string, apart bool) {
	if digits := periodDigits[g.by]; digits > 0 {
		if !plainTime.MatchString(text) {
			return "", false
		}
		return text[:digits], true
	}
	if g.by == ByCategory {
		text = string(kinds.CategoryOf(text))
	}
	return text, true
}

// join adds what was counted in an extent.
func (g *groups) join(more *groups) {
	for key, tally := range more.hits {
		to, known := g.hits[key]
		switch {
		case known:
		case len(g.hits) >= maxGroups:
			to = g.other
		default:
			to = &coverage.Tally{}
			g.hits[key] = to
		}
		g.room = to.Join(tally, g.room)
	}
	g.room = g.other.Join(more.other, g.room)
}

// list gives the groups: times in their order, others by their number of hits, then by name. What is
// not counted apart is last.
func (g *groups) list() []Group {
	if g == nil {
		return nil
	}
	list := make([]Group, 0, len(g.hits)+1)
	for key, tally := range g.hits {
		list = append(list, g.group(Group{Key: key}, tally))
	}
	slices.SortFunc(list, func(a, b Group) int {
		if g.by == ByDay || g.by == ByMonth {
			return cmp.Compare(a.Key, b.Key)
		}
		return cmp.Or(cmp.Compare(b.Hits, a.Hits), cmp.Compare(a.Key, b.Key))
	})
	if g.other.Records > 0 {
		list = append(list, g.group(Group{Other: true}, g.other))
	}
	return list
}

func (g *groups) group(of Group, tally *coverage.Tally) Group {
	of.Hits = tally.Records
	if g.dated {
		of.When = tally
	}
	return of
}

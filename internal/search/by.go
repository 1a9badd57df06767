package search

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

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
}

// maxGroups bounds the values that are counted apart: whoever may append can make up kinds and actors.
const maxGroups = 10_000

// groups counts hits by a value.
type groups struct {
	by    By
	hits  map[string]int64
	other int64
}

func newGroups(by By) *groups {
	if by == "" {
		return nil
	}
	return &groups{by: by, hits: map[string]int64{}}
}

// plainTime is the beginning of a ts as records have it.
var plainTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T`)

// periodDigits is how much of a ts names the day or the month.
var periodDigits = map[By]int{ByDay: len("2006-01-02"), ByMonth: len("2006-01")}

// memberOf is what the values are taken from.
var memberOf = map[By]string{ByKind: "event", ByCategory: "event", ByActor: "actor", ByDay: "ts", ByMonth: "ts"}

// add counts a record that is a hit.
func (g *groups) add(line []byte) {
	for name, value := range recordtext.Members(recordtext.Canonical(line)) {
		if string(name) != memberOf[g.by] {
			continue
		}
		key, ok := recordtext.TextOf(value)
		if digits := periodDigits[g.by]; digits > 0 {
			if ok = ok && plainTime.MatchString(key); ok {
				key = key[:digits]
			}
		}
		if !ok {
			break
		}
		if g.by == ByCategory {
			key = string(kinds.CategoryOf(key))
		}
		g.hits[key]++
		return
	}
	g.other++
}

// join adds what was counted in an extent.
func (g *groups) join(more *groups) {
	for key, n := range more.hits {
		if _, known := g.hits[key]; !known && len(g.hits) >= maxGroups {
			g.other += n
			continue
		}
		g.hits[key] += n
	}
	g.other += more.other
}

// list gives the groups: times in their order, others by their number of hits, then by name. What is
// not counted apart is last.
func (g *groups) list() []Group {
	if g == nil {
		return nil
	}
	list := make([]Group, 0, len(g.hits)+1)
	for key, n := range g.hits {
		list = append(list, Group{Key: key, Hits: n})
	}
	slices.SortFunc(list, func(a, b Group) int {
		if g.by == ByDay || g.by == ByMonth {
			return cmp.Compare(a.Key, b.Key)
		}
		return cmp.Or(cmp.Compare(b.Hits, a.Hits), cmp.Compare(a.Key, b.Key))
	})
	if g.other > 0 {
		list = append(list, Group{Other: true, Hits: g.other})
	}
	return list
}

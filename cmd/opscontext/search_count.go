package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/terminal"
)

// barWidth is how many columns the longest bar has.
const barWidth = 24

// searchGroup is one value of --by; null where a record has none, or where it is not counted apart.
type searchGroup struct {
	Value *string `json:"value"`
	Hits  int64   `json:"hits"`
}

// countForm writes how many hits there are, by value or in all.
func (c *call) countForm(format string, o *search.Options) (searchForm, error) {
	if c.cli.Bool(flagCount) && o.By != "" {
		return searchForm{}, usagef("--%s counts already: leave out --%s", flagBy, flagCount)
	}
	for _, name := range []string{flagLimit, flagReverse, flagContext} {
		if c.cli.IsSet(name) {
			return searchForm{}, usagef("--%s counts all: leave out --%s", counting(o), name)
		}
	}
	form := searchForm{begin: func() error { return nil }}
	switch format {
	case formatTable:
		form.end = func(s search.Summary) error { return c.printCounts(s, o.By) }
	case formatJSON:
		form.end = func(s search.Summary) error { return c.encodeCounts(s, o.By) }
	default:
		return searchForm{}, usagef("--%s has no records to write: --%s wants %s or %s, not %q", counting(o), flagFormat, formatTable, formatJSON, format)
	}
	return form, nil
}

func counting(o *search.Options) string {
	if o.By != "" {
		return flagBy
	}
	return flagCount
}

func (c *call) encodeCounts(s search.Summary, by search.By) error {
	doc := struct {
		By       search.By     `json:"by,omitempty"`
		Groups   []searchGroup `json:"groups,omitempty"`
		Searched searched      `json:"searched"`
	}{By: by, Searched: c.searched(s)}
	for _, g := range s.Groups {
		doc.Groups = append(doc.Groups, searchGroup{Hits: g.Hits})
		if !g.Other {
			doc.Groups[len(doc.Groups)-1].Value = &g.Key
		}
	}
	return json.NewEncoder(c.stdout).Encode(doc)
}

func (c *call) printCounts(s search.Summary, by search.By) error {
	if by == "" {
		_, err := fmt.Fprintln(c.stdout, s.Hits)
		return err
	}
	if len(s.Groups) == 0 {
		return nil
	}
	columns := []terminal.Column{{Title: string(by)}, {Title: "hits", Align: terminal.Right}}
	if c.out.Terminal() {
		columns = append(columns, terminal.Column{})
	}
	most := int64(1)
	for _, g := range s.Groups {
		most = max(most, g.Hits)
	}
	table := terminal.NewTable(columns...)
	for _, g := range s.Groups {
		key := g.Key
		if g.Other {
			key = "(others)"
		}
		table.Row(key, terminal.Count(g.Hits), bar(g.Hits, most))
	}
	return table.Print(c.out)
}

// bar is as long as n is of most, and never nothing.
func bar(n, most int64) string {
	return strings.Repeat("█", max(1, int(float64(n)/float64(most)*barWidth)))
}

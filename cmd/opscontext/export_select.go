package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/timerange"
)

// selection is what --since, --until, --kind and --category mean.
func (c *call) selection() (q search.Query, err error) {
	q.Kinds = c.cli.StringSlice(flagKind)
	for _, glob := range q.Kinds {
		if err := checkGlob(flagKind, glob); err != nil {
			return q, err
		}
	}
	for _, text := range c.cli.StringSlice(flagCategory) {
		category, err := kinds.ParseCategory(text)
		if err != nil {
			return q, usagef("--%s: %v", flagCategory, err)
		}
		q.Categories = append(q.Categories, category)
	}
	q.Span, err = c.timeRange()
	return q, err
}

// categoryFlag picks records by category.
func categoryFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: flagCategory, Usage: "records whose kind is of category `NAME`"}
}

func categoryWords() (words []string) {
	for _, c := range kinds.Categories {
		words = append(words, string(c))
	}
	return words
}

// checkGlob refuses the value of a flag that is no glob.
func checkGlob(flag, glob string) error {
	if glob == "" {
		return usagef("--%s is empty", flag)
	}
	if search.CheckGlob(glob) != nil {
		return usagef("--%s %s is no pattern: a [ wants its ] and what is between them, a \\ a character behind it", flag, glob)
	}
	return nil
}

// timeRange is what --since and --until mean.
func (c *call) timeRange() (timerange.Range, error) {
	for _, name := range []string{flagSince, flagUntil} {
		if c.cli.IsSet(name) && c.cli.String(name) == "" {
			return timerange.Range{}, usagef("--%s is empty", name)
		}
	}
	return timerange.Parse(c.cli.String(flagSince), c.cli.String(flagUntil), time.Now())
}

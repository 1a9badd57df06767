package main

import (
	"time"

	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/timerange"
)

// selection is what --since, --until and --kind mean.
func (c *call) selection() (search.Query, error) {
	kinds := c.cli.StringSlice(flagKind)
	for _, glob := range kinds {
		if err := checkGlob(flagKind, glob); err != nil {
			return search.Query{}, err
		}
	}
	span, err := c.timeRange()
	return search.Query{Span: span, Kinds: kinds}, err
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

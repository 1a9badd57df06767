package main

import (
	"path"
	"time"

	"github.com/opscontext/opscontext/internal/timerange"
)

// selection says which records are wanted: those in the range whose kind matches a glob. The zero
// value wants all.
type selection struct {
	span  timerange.Range
	kinds []string // as path.Match has them; none wants every kind
}

// selection is what --since, --until and --kind mean.
func (c *call) selection() (selection, error) {
	kinds := c.cli.StringSlice(flagKind)
	for _, glob := range kinds {
		if glob == "" {
			return selection{}, usagef("--%s is empty", flagKind)
		}
		if _, err := path.Match(glob, ""); err != nil {
			return selection{}, usagef("--%s %s is no pattern: a [ wants its ] and what is between them, a \\ a character behind it", flagKind, glob)
		}
	}
	span, err := c.timeRange()
	return selection{span, kinds}, err
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

// wants reports whether a record is one of the selection. One whose ts is not text lies in every
// range, as nothing shows that it is outside; one whose event is not text is of no kind.
func (s selection) wants(line []byte) bool {
	if s.span.All() && len(s.kinds) == 0 {
		return true
	}
	timed, kind := s.span.All(), len(s.kinds) == 0
	for name, value := range members(canonical(line)) {
		switch string(name) {
		case "ts":
			if ts, ok := textOf(value); ok && !s.span.Contains(ts) {
				return false
			}
			timed = true
		case "event":
			if event, ok := textOf(value); !kind && (!ok || !s.ofKind(event)) {
				return false
			}
			kind = true
		}
		if timed && kind {
			return true // what follows, a payload say, need not be looked at
		}
	}
	return kind
}

func (s selection) ofKind(event string) bool {
	for _, glob := range s.kinds {
		if ok, err := path.Match(glob, event); ok && err == nil {
			return true
		}
	}
	return false
}

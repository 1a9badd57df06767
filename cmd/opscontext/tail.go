package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/follow"
	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/terminal"
)

const (
	tailName = "tail"

	flagLines  = "lines"
	flagFollow = "follow"
)

func tailVerb() verb {
	return verb{
		name:  tailName,
		usage: "show the last records, and those that come",
		about: `Shows the last records of the log, 10 or as many as --lines says, oldest first,
however many segments they lie in. With --kind, --category or --actor, which are
those of audit_search, these are the last ones that match. A security event has
a ! before it, an exception, such as a detection, or a fault a *.

--follow then shows records as they are appended, until it is interrupted, which
ends it with 130. Each is shown once and in order while the log is rotated and
archived, by existing writers, too. A line that is still being written is shown
once it is whole. When records that were shown are gone, standard error says so,
and it goes on from what is there. A log that is not there yet is waited for.

--format is that of audit_search: jsonl writes the exact bytes on disk, each
record at once.`,
		examples: `opscontext tail -n 20
opscontext tail -f --kind 'drift.*' --kind hook.block
opscontext tail -f --format jsonl | jq -r .event`,
		exits: []exitCode{exitInconclusive},
		flags: []cli.Flag{
			&cli.StringFlag{Name: flagLines, Aliases: []string{"n"}, Value: "10", Usage: "`N` records to begin with"},
			&cli.BoolFlag{Name: flagFollow, Aliases: []string{"f"}, Usage: "go on with those that come", DisableDefaultText: true},
			&cli.StringSliceFlag{Name: flagKind, Usage: "records whose event matches `GLOB`"},
			categoryFlag(),
			&cli.StringFlag{Name: flagActor, Usage: "records whose actor matches `GLOB`"},
			&cli.StringFlag{Name: flagFormat, Value: formatTable, Usage: "`FORM` of audit_search"},
		},
		run: runTail,
	}
}

func runTail(c *call) error {
	so, err := c.searchOptions()
	if err != nil {
		return err
	}
	form, err := c.tailForm(&so)
	if err != nil {
		return err
	}
	follows := c.cli.Bool(flagFollow)
	last, err := c.lines()
	if err != nil {
		return err
	}
	if follows && c.cli.String(flagFormat) == formatJSON {
		return usagef("--%s json is one document, and --%s has no end: use --%s jsonl", flagFormat, flagFollow, flagFormat)
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	var buf []byte
	o := follow.Options{
		Home: cfg.Home, Snapshot: snapshotOptions(), Query: so.Query, Last: last,
		Show: func(h search.Hit) error {
			buf = so.Append(buf[:0], h)
			return so.Write(buf)
		},
		Problem: c.warn,
	}
	if err := form.begin(); err != nil {
		return err
	}
	if follows {
		if err = follow.Follow(c.ctx, o); errors.Is(err, context.Canceled) {
			return verdict(exitInterrupted) // which is how it is meant to end
		}
		return err
	}
	s, err := follow.Last(c.ctx, o)
	if err != nil {
		return err
	}
	if err := form.end(s); err != nil {
		return err
	}
	switch {
	case s.Segments == 0:
		c.warn("there is no log here")
		fallthrough
	case s.Unreadable > 0:
		return verdict(exitInconclusive)
	}
	return nil
}

// lines is how many records to begin with.
func (c *call) lines() (int64, error) {
	text := c.cli.String(flagLines)
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || n < 0:
		return 0, usagef("--%s wants a number, not %q", flagLines, text)
	case n == 0 && !c.cli.Bool(flagFollow):
		return 0, usagef("--%s 0 shows nothing without --%s", flagLines, flagFollow)
	}
	return n, nil
}

// tailForm is what --format means. It sets how o writes records.
func (c *call) tailForm(o *search.Options) (searchForm, error) {
	form, err := c.searchForm(o)
	if err != nil || c.cli.String(flagFormat) != formatTable {
		return form, err
	}
	lines := c.out.NewLines(append([]int{1}, tableWidths...)...)
	o.Append = func(dst []byte, h search.Hit) []byte {
		cells := rowCells(h)
		mark, colour := standsOut(kinds.CategoryOf(cells[1]))
		row := lines.Append(nil, append([]string{mark}, cells...)...)
		dst = append(dst, c.out.Paint(colour, string(row[:len(row)-1]))...)
		return append(dst, '\n')
	}
	form.begin = func() error {
		_, err := c.stdout.Write(lines.Append(nil, "", "ts", "event", "actor", "payload"))
		return err
	}
	return form, nil
}

// standsOut says how records of a category catch the eye.
func standsOut(category kinds.Category) (mark string, colour terminal.Colour) {
	switch category {
	case kinds.Security:
		return "!", terminal.Bad
	case kinds.Exception, kinds.Fault:
		return "*", terminal.Caution
	}
	return "", terminal.Plain
}

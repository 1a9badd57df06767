package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/adopt"
	"github.com/opscontext/opscontext/internal/config"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

const (
	flagFrom  = "from"
	flagApply = "apply"
)

func adoptVerb() verb {
	return verb{
		name:  "adopt",
		usage: "bring the log of an old home into a new one",
		about: `Copies every record of the home given with --from, byte for byte, into the new
home (--home), which must be empty: cut into segments at the period and size set
there, archived, and closed by a record on the chain that names each file with
its SHA-256 and what was known to be wrong. The old home is only read.

Without --apply it says what there is, what a check of it finds, which segments
it would make and what it would leave. With --apply it may be interrupted at any
moment and run again; what was appended to the old home meanwhile is brought
over, too. Once it is closed it refuses, and names what was left behind.

An old home need not be adopted: it works in place.`,
		examples: `opscontext adopt --from ~/.contextengine --home /srv/audit
opscontext adopt --from ~/.contextengine --home /srv/audit --apply`,
		exits: []exitCode{exitFailed, exitRefused, exitBusy},
		flags: []cli.Flag{
			&cli.StringFlag{Name: flagFrom, Usage: "the old home: `DIR`"},
			boolFlag(flagApply, "do it"),
			boolFlag(flagJSON, "as one JSON object"),
		},
		run: runAdopt,
	}
}

// adopted is what adopt --json prints.
type adopted struct {
	Applied bool `json:"applied"` // the adoption is closed
	adopt.Report
	Record   string     `json:"record"` // hash of the audit.adopt
	Archived []archived `json:"archived"`
}

func runAdopt(c *call) error {
	from := c.directory(flagFrom)
	if from == nil || *from == "" {
		return usagef("adopt wants the old home: --%s DIR", flagFrom)
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	o, done, err := c.adoption(*from, cfg)
	if err != nil {
		return err
	}
	defer done()
	if !c.cli.Bool(flagApply) {
		report, err := adopt.Look(c.ctx, o)
		done()
		if err != nil {
			return err
		}
		if err := c.printAdoption(adopted{Report: report}); err != nil {
			return err
		}
		if report.Refused != "" {
			return verdict(exitRefused)
		}
		return nil
	}
	res, err := adopt.Apply(c.ctx, o)
	done()
	c.warnings.print()
	if res.Record.Event == "" {
		return err
	}
	out := adopted{Applied: true, Report: res.Report, Record: res.Record.Hash.String(), Archived: []archived{}}
	var failed []error
	for _, r := range res.Archived {
		line := archivedLine(r)
		if failed = append(failed, r.Err); r.Err != nil {
			line.Error = r.Err.Error()
		}
		out.Archived = append(out.Archived, line)
	}
	return errors.Join(append(failed, err, c.printAdoption(out))...)
}

// adoption says what to adopt. done ends the display of progress.
func (c *call) adoption(from string, cfg config.Config) (o adopt.Options, done func(), err error) {
	so, err := c.logOptions(cfg)
	if err != nil {
		return o, nil, err
	}
	var stage adopt.Stage
	var progress *terminal.Progress
	o = adopt.Options{From: from, To: cfg.Home, Log: so, By: recorder(), Progress: func(s adopt.Stage, n, total int64) {
		if s != stage {
			progress.Stop()
			stage, progress = s, c.progress(string(s), total)
		}
		progress.Set(n)
	}}
	return o, func() { progress.Stop() }, nil
}

func (c *call) printAdoption(a adopted) error {
	if c.cli.Bool(flagJSON) {
		return json.NewEncoder(c.stdout).Encode(a)
	}
	out := c.out
	if a.Applied {
		return errors.Join(
			out.Field("adopted", terminal.Plural(a.Records, "record")+", log "+logWords(a.LogID)),
			out.Field("old home", terminal.Escape(a.From)),
			out.Field("new home", terminal.Escape(a.To)),
			out.Field("segments", fmt.Sprintf("%d, %d archived", len(a.Segments), len(a.Archived))),
			printLeft(out, a.NotBrought),
			out.Field("closed", "by the record "+short(a.Record)+"; keep the old home as evidence"))
	}
	var years []string
	for _, y := range a.Years {
		name := y.Year
		if name == "" {
			name = "no time"
		}
		years = append(years, fmt.Sprintf("%s: %s", terminal.Escape(name), terminal.Count(y.Records)))
	}
	records := terminal.Plural(a.Records, "record")
	if a.Lines > 0 {
		records += ", " + terminal.Plural(a.Lines, "other line")
	}
	err := errors.Join(
		out.Field("old home", terminal.Escape(a.From)),
		out.Field("log", logWords(a.LogID)),
		out.Field("records", records+", "+terminal.Bytes(a.Bytes)),
		out.Field("years", strings.Join(years, ", ")),
		out.Field("verdict", fmt.Sprintf("%s (exit %d)", terminal.Escape(a.Verdict), a.Exit)),
		out.Field("new home", terminal.Escape(a.To)),
		printPieces(out, a.Segments),
		printLeft(out, a.NotBrought),
		out.Field("space", space(a.Needed, a.Free)))
	next := "nothing was written; --apply does it"
	if a.Refused != "" {
		next = terminal.Escape(a.Refused)
	}
	return errors.Join(err, out.Field("next", next))
}

func logWords(id string) string {
	if id == "" {
		return "unknown: its first record is not there"
	}
	return short(id)
}

func printPieces(out *terminal.Stream, segments []adopt.Segment) error {
	table := terminal.NewTable(terminal.Column{Title: "segment"}, terminal.Column{Title: "period"}, terminal.Column{Title: "records", Align: terminal.Right},
		terminal.Column{Title: "size", Align: terminal.Right}, terminal.Column{Title: "of"})
	for _, s := range segments {
		table.Row(strings.TrimSuffix(strings.TrimPrefix(s.File, segment.ArchiveDir+"/"), ".jsonl"), period(s.FirstTS, s.LastTS),
			terminal.Count(s.Records), terminal.Bytes(s.Bytes), s.Source)
	}
	return table.Print(out)
}

// printLeft names what is not brought over.
func printLeft(out *terminal.Stream, left []adopt.NotBrought) error {
	label := "left"
	for _, n := range left {
		text := n.File
		if n.Bytes > 0 {
			text += " (" + terminal.Bytes(n.Bytes) + ")"
		}
		if n.SHA256 != "" {
			text += ", SHA-256 " + n.SHA256
		}
		if err := out.Field(label, terminal.Escape(text)+": "+terminal.Escape(n.Why)); err != nil {
			return err
		}
		label = ""
	}
	return nil
}

func space(needed, free int64) string {
	if free < 0 {
		return terminal.Bytes(needed) + " needed"
	}
	return fmt.Sprintf("%s needed, %s free", terminal.Bytes(needed), terminal.Bytes(free))
}

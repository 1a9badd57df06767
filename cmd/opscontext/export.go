package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/recordtext"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

const (
	flagCanonical = "canonical"
	flagFormat    = "format"
	flagKind      = "kind"
	flagCategory  = "category"
	flagSince     = "since"
	flagUntil     = "until"
)

// The values of --format.
const (
	formatJSONL = "jsonl"
	formatCSV   = "csv"
)

func exportVerb() verb {
	return verb{
		name:  "export",
		usage: "write the records to standard output",
		about: `Writes the records of the log, oldest first, one JSON object a line: the bytes
as they are on disk, so that what is exported can be verified without this
program. With --canonical each record is spelled anew as JSON.stringify writes
it. Nothing is judged; audit_verify does that.

--kind leaves out records of other kinds, and those whose event is not text.
In a GLOB, * stands for any characters, ? for one and [a-d] for one of several,
never for a slash: drift.* takes in drift.detected, and drift.hallucination is
that kind alone. --category leaves out the kinds of other categories:
user-activity, exception, fault, security, or unknown for those that the table
of kinds in docs/FORMAT.md does not have. Each may be given several times; a
record has to meet both.

--format csv writes the columns ts, event, actor, payload, prev_hash and hash,
in UTF-8, as RFC 4180 has it. The payload is canonical JSON, with --canonical
or without. So that no spreadsheet computes what a record says, a cell that
begins with = + - @ (after white space, too), TAB, CR, LF or NUL has an
apostrophe put before it. What can be verified is the JSON lines.

Lines that cannot be read as a record are left out and named on standard error.`,
		examples: `opscontext export > audit-2026.jsonl
opscontext export --since 2026-Q3 --until 2026-Q3 | jq -r .event
opscontext export --kind 'drift.*' --kind hook.block --format csv > drift.csv`,
		exits: []exitCode{exitInconclusive},
		flags: []cli.Flag{
			boolFlag(flagCanonical, "spell each record as JSON.stringify does"),
			&cli.StringFlag{Name: flagFormat, Value: formatJSONL, Usage: "`FORM` is jsonl or csv"},
			&cli.StringSliceFlag{Name: flagKind, Usage: "records whose event matches `GLOB`"},
			categoryFlag(),
			&cli.StringFlag{Name: flagSince, Usage: "records from `TIME` on, inclusive"},
			&cli.StringFlag{Name: flagUntil, Usage: "records up to `TIME`, inclusive"},
		},
		run: runExport,
	}
}

func runExport(c *call) error {
	form, err := c.exportForm()
	if err != nil {
		return err
	}
	wanted, err := c.selection()
	if err != nil {
		return err
	}
	if !wanted.Span.All() && c.errs.Terminal() && !c.cli.Bool(flagQuiet) {
		_, _ = fmt.Fprintln(c.errs, "range:", wanted.Span)
	}
	snap, err := c.openSnapshot()
	if err != nil {
		return err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	unopened := c.unopened(snap)
	x := &exporter{out: c.stdout, form: form, wanted: wanted, problem: c.warn}
	skipped, err := x.write(c.ctx, snap)
	if err == nil && (skipped > 0 || unopened) {
		return verdict(exitInconclusive)
	}
	return err
}

// exportForm is how records are written: what stands before the first, and how one is appended with
// its line end.
type exportForm struct {
	header string
	append func(dst, line []byte) []byte
}

var (
	exactForm     = exportForm{append: func(dst, line []byte) []byte { return append(append(dst, line...), '\n') }}
	canonicalForm = exportForm{append: func(dst, line []byte) []byte { return append(append(dst, recordtext.Canonical(line)...), '\n') }}
	csvForm       = exportForm{csvHeader, appendCSV}
	shownCSVForm  = exportForm{csvHeader, appendShownCSV}
)

// exportForm is what --format and --canonical mean.
func (c *call) exportForm() (exportForm, error) {
	switch name := c.cli.String(flagFormat); {
	case name == formatCSV && c.out.Terminal():
		return shownCSVForm, nil
	case name == formatCSV:
		return csvForm, nil
	case name != formatJSONL:
		return exportForm{}, usagef("--%s wants %s or %s, not %q", flagFormat, formatJSONL, formatCSV, name)
	case c.cli.Bool(flagCanonical):
		return canonicalForm, nil
	}
	return exactForm, nil
}

// exporter writes records in reading order.
type exporter struct {
	out    io.Writer
	form   exportForm
	wanted search.Query
	seam   int64 // records of the live log that start before are copies

	ctx     context.Context
	snap    *segment.Snapshot
	sources []segment.Source
	source  int   // being joined
	line    int64 // lines of it that are joined
	skipped int64
	problem func(text string) // is told what is left out
}

// piece is what one extent gives.
type piece struct {
	records []byte
	lines   int64
	bad     []badLine
}

// badLine is a line that is no record; line counts within the piece, from 1.
type badLine struct {
	line, offset int64
	why          string
	unfinished   bool
}

// write writes the records of s and reports how many lines and pieces were left out.
func (x *exporter) write(ctx context.Context, s *segment.Snapshot) (skipped int64, err error) {
	x.ctx, x.snap, x.sources = ctx, s, s.Sources
	if x.seam, err = search.SeamEnd(ctx, s); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(x.out, x.form.header); err != nil {
		return 0, err
	}
	err = segment.Walk(ctx, s.Sources, segment.WalkOptions{}, x.work, x.join)
	return x.skipped, err
}

func (x *exporter) work(at segment.Position, c segment.Chunk) (piece, error) {
	p := piece{records: make([]byte, 0, len(c.Data)+1)}
	src := x.sources[at.Source]
	live := src.State() == segment.StateLive
	for offset, line := range c.Lines() {
		p.lines++
		if len(line) == 0 {
			continue
		}
		if why, ok := recordtext.IsRecord(line); !ok {
			p.bad = append(p.bad, badLine{p.lines, offset, why, search.Unfinished(src, c, offset, line)})
			continue
		}
		if live && offset < x.seam || !x.wanted.Wants(line) {
			continue
		}
		p.records = x.form.append(p.records, line)
	}
	return p, nil
}

func (x *exporter) join(at segment.Position, p piece, err error) error {
	if at.Source != x.source {
		x.source, x.line = at.Source, 0
	}
	name := x.sources[at.Source].Name()
	if err != nil {
		x.skipped++
		x.problem(err.Error())
		return nil
	}
	for _, b := range p.bad {
		if b.unfinished && search.InFlight(x.ctx, x.snap) {
			continue
		}
		x.skipped++
		x.problem(fmt.Sprintf("%s line %s (offset %s) is not a record and is left out: %s",
			name, terminal.Count(x.line+b.line), terminal.Count(b.offset), b.why))
	}
	x.line += p.lines
	_, err = x.out.Write(p.records)
	return err
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/internal/timerange"
	"github.com/opscontext/opscontext/segment"
)

const (
	flagCanonical = "canonical"
	flagSince     = "since"
	flagUntil     = "until"
)

func exportVerb() verb {
	return verb{
		name:  "export",
		usage: "write the records to standard output",
		about: `Writes every record of the log, oldest first, one JSON object a line: the bytes
as they are on disk, so that what is exported can be verified without this
program. With --canonical each record is spelled anew as JSON.stringify writes
it. Nothing is judged; audit_verify does that.

Lines that cannot be read as a record are left out and named on standard error.`,
		examples: `opscontext export > audit-2026.jsonl
opscontext export --since 2026-Q3 --until 2026-Q3 | jq -r .event`,
		exits: []exitCode{exitInconclusive},
		flags: []cli.Flag{
			boolFlag(flagCanonical, "spell each record as JSON.stringify does"),
			&cli.StringFlag{Name: flagSince, Usage: "records from `TIME` on, inclusive"},
			&cli.StringFlag{Name: flagUntil, Usage: "records up to `TIME`, inclusive"},
		},
		run: runExport,
	}
}

func runExport(c *call) error {
	form := exactBytes
	if c.cli.Bool(flagCanonical) {
		form = canonical
	}
	span, err := c.timeRange()
	if err != nil {
		return err
	}
	if !span.All() && c.errs.Terminal() && !c.cli.Bool(flagQuiet) {
		_, _ = fmt.Fprintln(c.errs, "range:", span)
	}
	snap, err := c.openSnapshot()
	if err != nil {
		return err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	x := &exporter{out: c.stdout, spell: form, span: span, problem: c.warn}
	skipped, err := x.write(c.ctx, snap)
	if err == nil && skipped > 0 {
		return verdict(exitInconclusive)
	}
	return err
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

// exporter writes records in reading order.
type exporter struct {
	out   io.Writer
	spell func(line []byte) []byte
	span  timerange.Range
	seam  int64 // records of the live log that start before are copies

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
}

// write writes the records of s and reports how many lines and pieces were left out.
func (x *exporter) write(ctx context.Context, s *segment.Snapshot) (skipped int64, err error) {
	x.sources = s.Sources
	if x.seam, err = seamEnd(ctx, s); err != nil {
		return 0, err
	}
	err = segment.Walk(ctx, s.Sources, segment.WalkOptions{}, x.work, x.join)
	return x.skipped, err
}

func (x *exporter) work(at segment.Position, c segment.Chunk) (piece, error) {
	p := piece{records: make([]byte, 0, len(c.Data)+1)}
	live := x.sources[at.Source].State() == segment.StateLive
	for offset, line := range c.Lines() {
		p.lines++
		if len(line) == 0 {
			continue
		}
		if why, ok := isRecord(line); !ok {
			p.bad = append(p.bad, badLine{p.lines, offset, why})
			continue
		}
		if live && offset < x.seam || !x.inRange(line) {
			continue
		}
		p.records = append(append(p.records, x.spell(line)...), '\n')
	}
	return p, nil
}

// isRecord reports whether a line can be read as a record, or why not. Most lines show it without
// being read in full.
func isRecord(line []byte) (why string, ok bool) {
	if _, err := chain.HeadOf(line); err == nil {
		return "", true
	}
	r := chain.ReadLine(line)
	return r.Why, r.Class != chain.LineUnreadable
}

// inRange reports whether a record lies in the range. One whose ts is not text does: nothing shows
// that it is outside.
func (x *exporter) inRange(line []byte) bool {
	if x.span.All() {
		return true
	}
	// A line in the common spelling has no second ts that could be meant.
	if rest, ok := bytes.CutPrefix(line, []byte(`{"ts":"`)); ok && isCanonical(line) {
		if ts, _, ok := bytes.Cut(rest, []byte(`"`)); ok && bytes.IndexByte(ts, '\\') < 0 {
			return x.span.Contains(string(ts))
		}
	}
	v, _, err := ecmajson.Parse(line, chain.MaxDepth)
	ts, ok := v.Member("ts")
	return err != nil || !ok || ts.Kind != ecmajson.String || x.span.Contains(ts.Str)
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
		x.skipped++
		x.problem(fmt.Sprintf("%s line %s (offset %s) is not a record and is left out: %s",
			name, terminal.Count(x.line+b.line), terminal.Count(b.offset), b.why))
	}
	x.line += p.lines
	_, err = x.out.Write(p.records)
	return err
}

func isCanonical(line []byte) bool { return ecmajson.ScanValue(line, 0, chain.MaxDepth) == len(line) }

// exactBytes spells a record as it is spelled.
func exactBytes(line []byte) []byte { return line }

// canonical spells a record as JSON.stringify spells what JSON.parse reads from it.
func canonical(line []byte) []byte {
	if isCanonical(line) {
		return line
	}
	v, _, err := ecmajson.Parse(line, chain.MaxDepth)
	if err != nil {
		return line // not reached: a record is JSON
	}
	return ecmajson.AppendStringify(nil, v)
}

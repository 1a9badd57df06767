package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/intake"
	"github.com/opscontext/opscontext/internal/terminal"
)

const (
	flagKeepTime  = "keep-time"
	flagBackDated = "allow-back-dated"
)

// importPiece is how much is written and synced at once, in bytes; tests make it small.
var importPiece int64 = intake.DefaultPiece

func importVerb() verb {
	return verb{
		name:  "import",
		usage: "take over events from elsewhere",
		args:  "FILE|-",
		about: `Records the events of a file, one a line, in their order:

   {"ts":"2024-03-01T10:00:00.000Z","event":"build","actor":"ci","payload":7}

Other members are left out, and counted. actor may be left out and is then
"system". Kinds of the log's own, audit.*, become imported.audit.*. The times
are those of the import, unless --keep-time keeps those of the file: then every
line has a ts in exactly that form, segments end by it, and a log that has come
to a later time than the first is refused.

A file is looked through first: a line that cannot be recorded refuses all of
it. When all is written, a record on the chain says what was imported. An
import that is interrupted goes on when the same file is given again, and
writes nothing twice. A file that was imported is refused.

With -, or a FILE that is a pipe, the events come as they can be read: a line
that is wrong ends the import there, what came before stays, and it cannot go
on where it stopped.`,
		examples: `opscontext import --keep-time history.jsonl
zstd -dc events.jsonl.zst | opscontext import -`,
		exits: []exitCode{exitRefused, exitBusy},
		flags: []cli.Flag{
			boolFlag(flagKeepTime, "keep the times of the events"),
			boolFlag(flagBackDated, "with --keep-time: also behind records of later times"),
			boolFlag(flagJSON, "what was imported, as one JSON object"),
		},
		run: runImport,
	}
}

// imported is what import --json prints.
type imported struct {
	Source    string           `json:"source"`
	SHA256    string           `json:"sha256"`
	Bytes     int64            `json:"bytes"`
	Records   int64            `json:"records"`
	Resumed   int64            `json:"resumed"` // records that an earlier run had written
	FirstHash string           `json:"first_hash"`
	LastHash  string           `json:"last_hash"`
	KeepTime  bool             `json:"keep_time"`
	BackDated bool             `json:"back_dated"`
	StepsBack int64            `json:"steps_back"`        // events with an earlier time than the one before
	Renamed   int64            `json:"renamed"`           // events of the log's own kinds
	Ignored   int64            `json:"ignored"`           // lines of which members were left out
	Members   map[string]int64 `json:"members,omitempty"` // of those the most frequent, by lines
	Left      int64            `json:"left,omitempty"`    // bytes that the file grew by since the import was begun
	Record    string           `json:"record"`            // hash of the audit.import record
	TS        string           `json:"ts"`                // of that record
}

func runImport(c *call) error {
	if c.cli.NArg() != 1 {
		return usagef("import wants one FILE, or - for standard input")
	}
	if c.cli.Bool(flagBackDated) && !c.cli.Bool(flagKeepTime) {
		return usagef("--%s wants --%s with it: without that, no record has a time of the past", flagBackDated, flagKeepTime)
	}
	r, err := c.take(c.cli.Args().First())
	c.warnings.print()
	if bad, ok := errors.AsType[*intake.BadLinesError](err); ok {
		c.printBadLines(bad)
	}
	if err != nil {
		return err
	}
	return c.printImported(r)
}

// take imports a file, or what comes through standard input or a pipe.
func (c *call) take(name string) (r intake.Result, err error) {
	cfg, err := c.config()
	if err != nil {
		return r, err
	}
	so, err := c.logOptions(cfg)
	if err != nil {
		return r, err
	}
	var progress *terminal.Progress
	defer func() { progress.Stop() }()
	o := intake.Options{By: recorder(), Piece: importPiece, Progress: func(done, total int64) {
		if progress == nil {
			progress = c.progress("import", total)
		}
		progress.Set(done)
	}}
	if c.cli.Bool(flagKeepTime) {
		o.Times = intake.TimesOfSource
	}
	if c.cli.Bool(flagBackDated) {
		o.Order = intake.BackDated
	}
	if name == "-" {
		return intake.Stream(c.ctx, cfg.Home, so, "standard input", c.stdin, o)
	}
	f, err := os.Open(name)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return r, err
	case info.IsDir():
		return r, usagef("%s is a directory: import wants a file", name)
	case !info.Mode().IsRegular():
		return intake.Stream(c.ctx, cfg.Home, so, filepath.Base(name), f, o)
	}
	return intake.File(c.ctx, cfg.Home, so, intake.Source{Name: filepath.Base(name), Data: f, Size: info.Size()}, o)
}

// printBadLines says on standard error which lines cannot be imported.
func (c *call) printBadLines(bad *intake.BadLinesError) {
	var b strings.Builder
	for _, l := range bad.Lines {
		fmt.Fprintf(&b, "line %s: %s\n", terminal.Count(l.Line), terminal.Escape(l.Err.Error()))
	}
	if more := bad.Count - int64(len(bad.Lines)); more > 0 {
		fmt.Fprintf(&b, "and %s\n", terminal.Plural(more, "more line"))
	}
	_, _ = fmt.Fprint(c.stderr, b.String()) // if it is gone, the exit code remains
}

func (c *call) printImported(r intake.Result) error {
	if c.cli.Bool(flagJSON) {
		return json.NewEncoder(c.stdout).Encode(imported{
			Source: r.Source, SHA256: r.SHA256.String(), Bytes: r.Bytes, Records: r.Records, Resumed: r.Resumed, FirstHash: r.FirstHash.String(),
			LastHash: r.LastHash.String(), KeepTime: r.KeepTime, BackDated: r.BackDated, StepsBack: r.StepsBack, Renamed: r.Renamed, Ignored: r.Ignored,
			Members: membersOf(r.Members), Left: r.Left, Record: r.Closed.Hash.String(), TS: r.Closed.TS,
		})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "imported %s: %s, %s, last hash %s, closed by audit.import %s\n", terminal.Escape(r.Source),
		terminal.Plural(r.Records, "record"), terminal.Bytes(r.Bytes), r.LastHash.Short(), r.Closed.Hash.Short())
	if r.Resumed > 0 {
		fmt.Fprintf(&b, "  %s of them by an earlier run\n", terminal.Count(r.Resumed))
	}
	if r.BackDated {
		b.WriteString("  behind records of later times\n")
	}
	if r.StepsBack > 0 {
		fmt.Fprintf(&b, "  %s with an earlier time than the one before; the order is that of the source\n", terminal.Plural(r.StepsBack, "record"))
	}
	if r.Renamed > 0 {
		fmt.Fprintf(&b, "  %s of the log's own kinds, now under imported.\n", terminal.Plural(r.Renamed, "record"))
	}
	if r.Ignored > 0 {
		fmt.Fprintf(&b, "  members left out on %s: %s\n", terminal.Plural(r.Ignored, "line"), memberWords(r.Members))
	}
	if r.Left > 0 {
		fmt.Fprintf(&b, "  the file grew since this import was begun; not imported: %s. Next: tail -c +%d FILE | opscontext import -\n",
			terminal.Bytes(r.Left), r.Bytes+1)
	}
	_, err := fmt.Fprint(c.out, b.String())
	return err
}

func membersOf(counts []chain.Count) map[string]int64 {
	m := map[string]int64{}
	for _, n := range counts {
		m[n.Name] = n.Count
	}
	return m
}

func memberWords(counts []chain.Count) string {
	words := make([]string, len(counts))
	for i, n := range counts {
		words[i] = fmt.Sprintf("%s (%s)", terminal.Escape(n.Name), terminal.Count(n.Count))
	}
	return strings.Join(words, ", ")
}

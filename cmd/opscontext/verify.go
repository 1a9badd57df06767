package main

import (
	"encoding/json"
	"errors"
	"runtime/debug"
	"strconv"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/internal/verify"
)

const (
	flagSegment = "segment"
	flagAgainst = "against"
	flagStrict  = "strict"

	flagManifestsOnly = "manifests-only"
)

// gcPercent is how much garbage is let pile up during a check, in percent of what is in use.
const gcPercent = 15

func verifyVerb() verb {
	return verb{
		name:  "audit_verify",
		alias: "verify",
		usage: "judge the whole log",
		about: `Recomputes the hash of every record, in all segments, and follows the chain
through them; compares its end with what this machine remembers of the log; and
says what it found, what it did not look at, and what nothing vouches for. It
writes nothing into the log's directory.

With --since, --until or --segment only that part is recomputed; links, system
records and the remembered head are checked in the whole log all the same.
With --against, what a kept report, a copy of the log or a directory of
archive --to holds must still be there; what of it is gone is named, and so is
the first record that differs.
With --manifests-only no record is recomputed: archived files, their manifests
and the chain are held against one another. That is never a pass (5, or 3).
Times are RFC 3339, a date, a month, a year, 2026-Q3, or an age such as 7d, in
UTC.`,
		examples: `opscontext audit_verify
opscontext audit_verify --since 2026-Q3 --until 2026-Q3 --strict
opscontext audit_verify --json > report.json
opscontext audit_verify --against /mnt/offsite/report.json
opscontext audit_verify --manifests-only`,
		exits: []exitCode{exitDamage, exitWarned, exitInconclusive},
		flags: []cli.Flag{
			&cli.StringFlag{Name: flagSince, Usage: "records from `TIME` on, inclusive"},
			&cli.StringFlag{Name: flagUntil, Usage: "records up to `TIME`, inclusive"},
			&cli.StringFlag{Name: flagSegment, Usage: "records of segment `N`"},
			&cli.StringFlag{Name: flagAgainst, Usage: "compare with a kept report or copies: `PATH`"},
			boolFlag(flagManifestsOnly, "archives, manifests and the chain; no record"),
			boolFlag(flagStrict, "warnings and documented breaks fail the check (4)"),
			boolFlag(flagJSON, "the report as one JSON object"),
		},
		run: runVerify,
	}
}

func runVerify(c *call) error {
	o, err := c.verifyOptions()
	if err != nil {
		return err
	}
	var progress *terminal.Progress
	if !c.cli.Bool(flagQuiet) {
		o.Progress = func(done, total int64) {
			if progress == nil {
				progress = c.errs.Progress("verify", total)
			}
			progress.Set(done)
		}
	}
	// What grows with the number of findings should not be there twice over. Collecting more often
	// costs nothing on a log with few of them.
	debug.SetGCPercent(gcPercent)
	r, err := verify.Run(c.ctx, o)
	progress.Stop()
	if err != nil {
		return err
	}
	if c.cli.Bool(flagJSON) {
		err = json.NewEncoder(c.stdout).Encode(r)
	} else {
		err = printReport(c.out, r)
	}
	switch {
	case r.Exit != 0:
		return verdict(r.Exit) // whether or not anybody read why
	case errors.Is(err, syscall.EPIPE):
		return nil
	}
	return err
}

func (c *call) verifyOptions() (verify.Options, error) {
	cfg, err := c.config()
	if err != nil {
		return verify.Options{}, err
	}
	span, err := c.timeRange()
	if err != nil {
		return verify.Options{}, err
	}
	o := verify.Options{Home: cfg.Home, State: cfg.State, Sharing: sharing(cfg), Since: span.Since, Until: span.Until,
		Against: c.cli.String(flagAgainst), Tool: tool(), Command: c.command, Keep: func(err error) { c.warn(err.Error()) }}
	if c.cli.Bool(flagStrict) {
		o.Strict = verify.Strict
	}
	if c.cli.Bool(flagManifestsOnly) {
		o.Depth = verify.Manifests
		for _, name := range []string{flagSince, flagUntil, flagSegment, flagAgainst} {
			if c.cli.IsSet(name) {
				return o, usagef("--%s looks at no record: leave out --%s, or check the records", flagManifestsOnly, name)
			}
		}
	}
	if text := c.cli.String(flagSegment); c.cli.IsSet(flagSegment) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return o, usagef("--%s wants a number from 1 on, not %s", flagSegment, text)
		}
		o.Segment = n
	}
	return o, nil
}

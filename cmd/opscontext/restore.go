package main

import (
	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/recovery"
)

func restoreVerb() verb {
	return verb{
		name:  "recover restore",
		usage: "put back records that are proven to be lost",
		about: `Fills proven gaps, and nothing else. To put a whole home back from a backup,
stop its writers, copy the backup over it, and run recover diagnose.

The records may come from a file (.jsonl or .jsonl.zst), a home, a backup or a
directory of archive copies. Those that close a gap between two files become a
block of their own there; those up to the head that a break calls lost are kept
beside the log, as an abandoned branch; a damaged segment is replaced by the
whole one and kept in audit-quarantine/. The chain says what was put back, from
where, by whom and why. What is altered, out of order, incomplete, in the log
already or another log's is named and refused.

Shows what it would do; with --apply it does that. It may be interrupted and run
again.`,
		examples: `opscontext recover restore --from /backup/monday \
  --reason 'segment 2 was deleted by mistake' --operator 'J. Ortega'
# the same, once it was read, with --apply`,
		exits: []exitCode{exitRefused, exitBusy},
		flags: []cli.Flag{
			&cli.StringFlag{Name: flagFrom, Usage: "where the records are: `PATH`, a file or a directory"},
			&cli.StringFlag{Name: flagReason, Usage: "what happened: `TEXT`, for the auditor"},
			&cli.StringFlag{Name: flagOperator, Usage: "who puts them back: `NAME`"},
			applyFlag(),
			boolFlag(flagJSON, "the plan, as one JSON object"),
		},
		run: runRestore,
	}
}

func runRestore(c *call) error {
	r := recovery.Restoration{Reason: c.cli.String(flagReason), Operator: c.cli.String(flagOperator)}
	if from := c.directory(flagFrom); from != nil {
		r.From = *from
	}
	o, err := c.recovery()
	if err != nil {
		return err
	}
	p, err := recovery.PlanRestore(c.ctx, o, r)
	if err != nil {
		return err
	}
	return c.plan(o, p)
}

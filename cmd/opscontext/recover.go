package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/recovery"
)

// Flags of the commands that recover.
const (
	flagReason   = "reason"
	flagOperator = "operator"
	flagTicket   = "ticket"
	flagCause    = "cause"
	flagSource   = "source"
	flagCorrects = "corrects"
)

func diagnoseVerb() verb {
	return verb{
		name:  "recover diagnose",
		usage: "say what happened to a damaged log",
		about: `Looks at the log and tells each thing that happened to it in plain words, with
the one command to run next. It writes nothing, anywhere. The exit code is that
of audit_verify.`,
		examples: "opscontext recover diagnose",
		exits:    []exitCode{exitDamage, exitInconclusive},
		flags:    []cli.Flag{boolFlag(flagJSON, "the cases and the whole report, as one JSON object")},
		run:      runDiagnose,
	}
}

func runDiagnose(c *call) error {
	o, err := c.recovery()
	if err != nil {
		return err
	}
	d, err := recovery.Diagnose(c.ctx, o)
	if err != nil {
		return err
	}
	if c.cli.Bool(flagJSON) {
		err = json.NewEncoder(c.stdout).Encode(d)
	} else {
		err = printDiagnosis(c.out, d)
	}
	if err == nil && d.Exit != 0 {
		return verdict(d.Exit)
	}
	return err
}

func printDiagnosis(out *terminal.Stream, d *recovery.Diagnosis) error {
	p := &printer{out: out}
	p.field("verdict", out.Paint(verdictColour(d.Report), terminal.Escape(d.Verdict)))
	switch {
	case len(d.Cases) > 0:
	case d.Report.Records.Total == 0:
		p.field("", "there is no log at "+terminal.Escape(d.Home)+", and this machine remembers none: is that the --home that is meant?")
	default:
		p.field("", "nothing happened to this log that needs anybody")
	}
	for _, c := range d.Cases {
		words := out.Paint(severityColours[c.Severity], string(c.Case)) + ": " + terminal.Clip(c.What, 1200)
		if c.Count > 1 {
			words += fmt.Sprintf(" (and %s more like it)", terminal.Count(c.Count-1))
		}
		p.field("happened", words)
		if c.Run != "" {
			p.field("run", terminal.Escape(c.Run))
		}
	}
	return p.err
}

func repairVerb() verb {
	return verb{
		name:  "recover repair",
		usage: "finish what was interrupted",
		about: `Does the mechanical repairs: an interrupted write, rotation or archiving is
finished, what is no record at the end of the live log is moved to
audit-quarantine/ and said on the chain, a lost manifest is made again where the
chain vouches for it. No record is changed or lost by it, and no loss explained.

Shows what it would do; with --apply it does that. It may be interrupted and run
again.`,
		examples: "opscontext recover repair\nopscontext recover repair --apply",
		exits:    []exitCode{exitRefused, exitBusy},
		flags:    []cli.Flag{applyFlag(), boolFlag(flagJSON, "the plan, as one JSON object")},
		run: func(c *call) error {
			o, err := c.recovery()
			if err != nil {
				return err
			}
			p, err := recovery.PlanRepair(c.ctx, o)
			if err != nil {
				return err
			}
			return c.plan(o, p)
		},
	}
}

func declareVerb() verb {
	causes := make([]string, len(chain.Causes))
	for i, cause := range chain.Causes {
		causes[i] = string(cause)
	}
	return verb{
		name:  "recover declare-break",
		usage: "document what is absent from the log",
		about: `Writes a break anchor for each place where records are absent: what was lost,
how that is known, who says so and why. Afterwards audit_verify passes, with the
break and its loss in the headline; 4 under --strict. Everything else is judged
as before, and an anchor that the log contradicts is damage of its own.

It documents absence, never a rewritten history, and refuses while a backup or
an archive copy holds the records: put those back first.

Causes: ` + strings.Join(causes[:4], ", ") + `,
` + strings.Join(causes[4:], ", ") + `.

Shows what it would write; with --apply it writes it.`,
		examples: `opscontext recover declare-break --cause backup-restore \
  --reason 'disk replaced, restored from Monday' --operator 'J. Ortega'
# the same, once it was read, with --apply`,
		exits: []exitCode{exitRefused, exitBusy},
		flags: []cli.Flag{
			&cli.StringFlag{Name: flagCause, Usage: "why records are absent: `CAUSE`, see above"},
			&cli.StringFlag{Name: flagReason, Usage: "what happened: `TEXT`, for the auditor"},
			&cli.StringFlag{Name: flagOperator, Usage: "who documents it: `NAME`"},
			&cli.StringFlag{Name: flagTicket, Usage: "where it is tracked: `ID`"},
			&cli.StringFlag{Name: flagSource, Usage: "what was restored: `BACKUP`, a file or a directory"},
			&cli.StringFlag{Name: flagCorrects, Usage: "the anchor this one takes the place of: `HASH`"},
			applyFlag(),
			boolFlag(flagJSON, "the plan, as one JSON object"),
		},
		run: runDeclare,
	}
}

func applyFlag() cli.Flag { return boolFlag(flagApply, "do it; without this it is only shown") }

func runDeclare(c *call) error {
	d := recovery.Declaration{Cause: chain.Cause(c.cli.String(flagCause)), Reason: c.cli.String(flagReason),
		Operator: c.cli.String(flagOperator), Ticket: c.cli.String(flagTicket)}
	if source := c.directory(flagSource); source != nil {
		d.Source = *source
	}
	if text := c.cli.String(flagCorrects); text != "" {
		h, err := chain.ParseHash(text)
		if err != nil {
			return usagef("--%s: %v", flagCorrects, err)
		}
		d.Corrects = h
	}
	o, err := c.recovery()
	if err != nil {
		return err
	}
	p, err := recovery.PlanBreak(c.ctx, o, d)
	if err != nil {
		return err
	}
	return c.plan(o, p)
}

// recovery says which log is to be recovered, and how.
func (c *call) recovery() (recovery.Options, error) {
	cfg, err := c.config()
	if err != nil {
		return recovery.Options{}, err
	}
	lo, err := c.logOptions(cfg)
	return recovery.Options{Home: cfg.Home, Log: lo, Store: cfg.Archive.To, By: recorder()}, err
}

// planned is what --json prints.
type planned struct {
	Applied bool `json:"applied"`
	*recovery.Plan
}

// plan shows a plan and, with --apply, does it.
func (c *call) plan(o recovery.Options, p *recovery.Plan) error {
	apply := c.cli.Bool(flagApply)
	if apply {
		err := p.Apply(c.ctx, o)
		c.warnings.print()
		if err != nil {
			return err
		}
	}
	w := &printer{out: c.out}
	switch {
	case c.cli.Bool(flagJSON):
		return json.NewEncoder(c.stdout).Encode(planned{apply, p})
	case len(p.Steps) == 0:
		w.field("plan", "nothing to do")
		w.field("verdict", terminal.Escape(p.Expected.Verdict))
	case apply:
		w.steps("done", p)
	default:
		w.steps("would", p)
		w.field("next", "the same command with --apply does it; nothing was written")
	}
	return w.err
}

// steps writes the steps of a plan, labelled as done or as what would be done.
func (p *printer) steps(label string, plan *recovery.Plan) {
	for i, s := range plan.Steps {
		p.field(label, fmt.Sprintf("%d. %s", i+1, terminal.Clip(s.Do, 600)))
		for _, part := range []struct {
			name  string
			files []string
		}{{"reads", s.Reads}, {"writes", s.Writes}, {"keeps", s.Keeps}} {
			if len(part.files) > 0 {
				p.field("", part.name+": "+terminal.Escape(strings.Join(part.files, ", ")))
			}
		}
	}
	p.field("expected", fmt.Sprintf("audit_verify: %s (exit %d)", terminal.Escape(plan.Expected.Verdict), plan.Expected.Exit))
}

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/backup"
	"github.com/opscontext/opscontext/internal/terminal"
)

func backupVerb() verb {
	return verb{
		name:  "backup",
		usage: "copy the whole log to a directory elsewhere",
		args:  "DIR",
		about: `Copies the log as it is at one moment, while writers go on: the live segment,
the sealed and archived ones, what was set aside, and the configuration. DIR is
made if only its last name is missing. Every file is read back, then the copy is
verified, and backup.json says what DIR holds. To put the log back, copy DIR.

Run it again with the same DIR to bring the backup up to date, or to go on where
it was interrupted. What is there and the same stays. A DIR that has records
which this log has lost, or another log, is refused, and stays as it is.

A damaged log is copied as it is, and that is not an error (0): the verdict is
printed, and audit_verify says more. What this machine remembers of the log is
not copied: it would hide what is missing when an older copy is put back.`,
		examples: `opscontext backup /mnt/offsite/audit
opscontext audit_verify --home /mnt/offsite/audit
opscontext audit_verify --against /mnt/offsite/audit`,
		exits: []exitCode{exitFailed, exitRefused, exitBusy},
		flags: []cli.Flag{boolFlag(flagJSON, "what was done, as one JSON object")},
		run:   runBackup,
	}
}

// backedUp is what backup --json prints.
type backedUp struct {
	Directory string          `json:"directory"`
	Manifest  backup.Manifest `json:"manifest"` // as in backup.json
	Copied    amount          `json:"copied"`
	Same      amount          `json:"same"`      // was there already
	Rewritten []string        `json:"rewritten"` // copies that had gone bad
	Removed   []string        `json:"removed"`   // copies that are there in another form
	Extra     []string        `json:"extra"`     // which the log no longer has
	Spoilt    []string        `json:"spoilt"`    // those of them that are not as they were copied
	LeftOut   []leftOut       `json:"left_out"`
	Unlocked  string          `json:"unlocked"` // why the locks were not taken; empty if they were
}

type amount struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

type leftOut struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

func runBackup(c *call) error {
	if c.cli.NArg() != 1 || c.cli.Args().First() == "" {
		return usagef("backup wants one directory: opscontext backup DIR")
	}
	dir, err := filepath.Abs(c.cli.Args().First())
	if err != nil {
		return err
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	so, err := c.logOptions(cfg)
	if err != nil {
		return err
	}
	var progress *terminal.Progress
	var stage backup.Stage
	res, err := backup.Run(c.ctx, cfg.Home, dir, so, backup.Options{By: recorder(), Command: c.command, Progress: func(s backup.Stage, done, total int64) {
		if s != stage {
			progress.Stop()
			progress, stage = c.progress(string(s), total), s
		}
		progress.Set(done)
	}})
	progress.Stop()
	c.warnings.print()
	if err != nil {
		return err
	}
	for _, w := range backupWarnings(res) {
		c.warn(w)
	}
	if c.cli.Bool(flagJSON) {
		return json.NewEncoder(c.stdout).Encode(newBackedUp(dir, res))
	}
	return printBackup(c.out, dir, res)
}

// backupWarnings says what an operator should know although the backup was made.
func backupWarnings(res *backup.Result) (texts []string) {
	if res.Unlocked != nil {
		texts = append(texts, "the log could not be locked, it was copied without: if a writer was at work, run it again ("+sentence(res.Unlocked)+")")
	}
	if res.Manifest.Exit != 0 {
		texts = append(texts, "the log itself is not in order, and was copied as it is: run audit_verify")
	}
	for _, l := range res.LeftOut {
		texts = append(texts, l.Name+" is not in the backup: "+l.Why)
	}
	for _, name := range res.Rewritten {
		texts = append(texts, name+" had gone bad in the backup and was copied anew: check that disk")
	}
	for _, name := range res.Spoilt {
		texts = append(texts, name+" is gone from the log, and in the backup it is not what it was: look for another backup")
	}
	return texts
}

func newBackedUp(dir string, res *backup.Result) backedUp {
	b := backedUp{Directory: dir, Manifest: *res.Manifest, Copied: amount(res.Copied), Same: amount(res.Same), LeftOut: []leftOut{},
		Rewritten: names(res.Rewritten), Removed: names(res.Removed), Extra: names(res.Extra), Spoilt: names(res.Spoilt)}
	for _, l := range res.LeftOut {
		b.LeftOut = append(b.LeftOut, leftOut(l))
	}
	if res.Unlocked != nil {
		b.Unlocked = sentence(res.Unlocked)
	}
	return b
}

// names is a list that is never null.
func names(list []string) []string { return append([]string{}, list...) }

func printBackup(out *terminal.Stream, dir string, res *backup.Result) error {
	p := &printer{out: out}
	m := res.Manifest
	p.field("backup", terminal.Escape(dir))
	words := fmt.Sprintf("%s, %s", terminal.Plural(res.Copied.Files, "file"), terminal.Bytes(res.Copied.Bytes))
	if res.Same.Files > 0 {
		words += fmt.Sprintf("; %s, %s, there already", terminal.Plural(res.Same.Files, "file"), terminal.Bytes(res.Same.Bytes))
	}
	p.field("copied", words)
	p.field("records", terminal.Count(m.Records))
	if h := m.Head; h != nil {
		p.field("head", fmt.Sprintf("#%s %s", terminal.Count(h.Record), short(h.Hash)))
		p.field("", fmt.Sprintf("%s, of %s", terminal.Escape(h.Segment), terminal.Clip(h.TS, 40)))
	}
	p.field("verdict", out.Paint(verdictColour(res.Report), terminal.Escape(m.Verdict)))
	list := func(label, why string, files []string) {
		for _, name := range files {
			p.field(label, terminal.Escape(name)+why)
			label = ""
		}
	}
	list("removed", ": the backup has it in another form, or it is over", res.Removed)
	list("only here", ": the log no longer has it", res.Extra)
	return p.err
}

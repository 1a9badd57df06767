package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

func rotateVerb() verb {
	return verb{
		name:  "rotate",
		usage: "seal the live segment and begin the next",
		about: `Renames audit.log to the next segment of audit-archive/ and begins a new one,
whose first record names the sealed segment and follows its last record. No
byte is rewritten. It happens by itself when the configured size or period is
reached; this command is for doing it now.`,
		examples: "opscontext rotate",
		exits:    []exitCode{exitRefused, exitBusy},
		flags:    []cli.Flag{boolFlag(flagJSON, "what was sealed, as one JSON object")},
		run:      runRotate,
	}
}

// sealed is what rotate --json prints.
type sealed struct {
	Segment   string `json:"segment"` // file name
	Path      string `json:"path"`
	Records   int64  `json:"records"`
	Bytes     int64  `json:"bytes"`
	Reason    string `json:"reason"`
	FirstHash string `json:"first_hash"`
	LastHash  string `json:"last_hash"`
	LogID     string `json:"log_id"`
	Record    string `json:"record"` // hash of the audit.rotate record
}

func runRotate(c *call) (err error) {
	log, err := c.openLog()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	r, err := log.Rotate(c.ctx)
	c.warnings.print()
	if err != nil {
		return err
	}
	s := sealed{
		Segment: r.Segment.File(segment.FormPlain), Path: r.Path, Records: r.Sealed.Records, Bytes: r.Bytes,
		Reason: r.Reason, FirstHash: r.Sealed.FirstHash.String(), LastHash: r.Sealed.LastHash.String(),
		LogID: r.Sealed.LogID.String(), Record: r.Record.Hash.String(),
	}
	if c.cli.Bool(flagJSON) {
		return json.NewEncoder(c.stdout).Encode(s)
	}
	_, err = fmt.Fprintf(c.out, "sealed %s: %s, %s, last hash %s\n",
		terminal.Escape(s.Path), terminal.Plural(s.Records, "record"), terminal.Bytes(s.Bytes), short(s.LastHash))
	return err
}

package main

import (
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/config"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// config finds out which log is meant and how it is kept.
func (c *call) config() (config.Config, error) {
	return config.Load(config.Sources{
		Home:   c.directory(flagHome),
		State:  c.directory(flagState),
		Lookup: c.lookup,
		StateDir: func(home string) (string, error) {
			return segment.StateDir(home, func(name string) string { v, _ := c.lookup(name); return v })
		},
	})
}

// directory gives the value of a flag, nil if it was not given. On a command line, unlike in a
// setting that outlives it, a relative directory means what it says. What is empty or starts with
// an unexpanded tilde is left as it is, to be refused.
func (c *call) directory(name string) *string {
	if !c.cli.IsSet(name) {
		return nil
	}
	dir := c.cli.String(name)
	if dir != "" && !strings.HasPrefix(dir, "~") {
		if full, err := filepath.Abs(dir); err == nil {
			dir = full
		}
	}
	return &dir
}

// openLog opens the log for writing. Its warnings go to c.warnings.
func (c *call) openLog() (*segment.Log, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	o, err := c.logOptions(cfg)
	if err != nil {
		return nil, err
	}
	return segment.Open(cfg.Home, o)
}

// logOptions says how the log is written.
func (c *call) logOptions(cfg config.Config) (segment.Options, error) {
	period, err := segment.ParsePeriod(cfg.Segment.Period)
	if err != nil {
		return segment.Options{}, err
	}
	return segment.Options{
		State:       cfg.State,
		MaxBytes:    cfg.Segment.MaxBytes,
		Period:      period,
		MaxRecord:   cfg.Segment.MaxRecord,
		LockTimeout: cfg.Lock.Timeout,
		Sharing:     sharing(cfg),
		Warn:        c.warnings.add,
		Tool:        tool(),

		OpenArchived: archive.Opener(durable.OS()),
	}, nil
}

func sharing(cfg config.Config) segment.Sharing {
	if cfg.Lock.ShareWithNode {
		return segment.ShareWithNode
	}
	return segment.Exclusive
}

// snapshotOptions reads compressed segments like plain ones.
func snapshotOptions() segment.SnapshotOptions {
	return segment.SnapshotOptions{OpenArchived: archive.Opener(durable.OS())}
}

// openSnapshot opens the log for reading.
func (c *call) openSnapshot() (*segment.Snapshot, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	return segment.OpenSnapshot(cfg.Home, snapshotOptions())
}

// unopened warns of what has the name of a file of the log and is none, and reports whether there is any.
func (c *call) unopened(s *segment.Snapshot) bool {
	any := false
	for _, f := range s.Facts {
		if f.Kind == segment.FactNotRegular {
			c.warn(f.File + " is left out: " + f.Detail)
			any = true
		}
	}
	return any
}

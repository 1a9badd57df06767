package main

import (
	"os"
	"path/filepath"

	"github.com/opscontext/opscontext/segment"
)

// place is where a log is, and how it is kept.
type place struct{ home, state string }

func (p place) settings() []setting { return []setting{} }

// place resolves flags and environment to the log they mean.
func (c *call) place() (p place, err error) {
	p.home = c.cli.String(flagHome)
	if p.home == "" {
		p.home, _ = c.lookup("CONTEXTENGINE_HOME")
	}
	if p.home == "" {
		dir, err := os.UserHomeDir()
		if err != nil {
			return p, usagef("no home directory: give --%s DIR", flagHome)
		}
		p.home = filepath.Join(dir, ".contextengine")
	}
	if p.state = c.cli.String(flagState); p.state == "" {
		p.state, err = segment.StateDir(p.home, func(name string) string { v, _ := c.lookup(name); return v })
	}
	return p, err
}

func (c *call) openLog() (*segment.Log, error) {
	p, err := c.place()
	if err != nil {
		return nil, err
	}
	return segment.Open(p.home, segment.Options{State: p.state, Warn: c.warnings.add, Tool: tool()})
}

func (c *call) openSnapshot() (*segment.Snapshot, error) {
	p, err := c.place()
	if err != nil {
		return nil, err
	}
	return segment.OpenSnapshot(p.home, segment.SnapshotOptions{})
}

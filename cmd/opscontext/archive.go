package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/config"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

const (
	flagTo      = "to"
	flagReindex = "reindex"
)

func archiveVerb() verb {
	return verb{
		name:  "archive",
		usage: "compress the sealed segments",
		about: `Compresses each sealed segment to a standard zstd file, reads that back, writes
a manifest of what it holds, records both on the chain, and only then removes
the plain file. The sealed segment with the highest number stays plain. It may
be interrupted at any moment and run again, and it rebuilds a lost manifest.

A search index is written beside each, which lets a search read only what may
hold a hit. It may be deleted at any time: --reindex makes all of them anew from
the archives, and without one every answer is the same and comes later.

With --to, or archive.to in opscontext.toml, each archived segment and its
manifest are copied to a directory elsewhere as well: a mounted WORM or network
path. What is there is never changed.`,
		examples: "opscontext archive\nopscontext archive --to /mnt/worm/audit\nopscontext archive --reindex",
		exits:    []exitCode{exitFailed, exitBusy},
		flags: []cli.Flag{
			&cli.StringFlag{Name: flagTo, Usage: "copy archived segments to `DIR`, too"},
			boolFlag(flagReindex, "only make the search indexes anew"),
			boolFlag(flagJSON, "one JSON object for each segment that something was done for"),
		},
		run: runArchive,
	}
}

// archived is a line of archive --json.
type archived struct {
	Segment string   `json:"segment"`
	Steps   []string `json:"steps,omitempty"` // of archiving
	Records int64    `json:"records,omitempty"`
	Bytes   int64    `json:"bytes,omitempty"`  // of the plain segment
	Stored  int64    `json:"stored,omitempty"` // of the compressed file
	Key     string   `json:"key,omitempty"`    // of the copy
	Copied  int64    `json:"copied,omitempty"` // bytes copied, manifest included
	Left    []string `json:"left,omitempty"`   // temporary names that the path of the copies does not let go
	Index   string   `json:"index,omitempty"`  // why there is no new search index
	Error   string   `json:"error,omitempty"`
}

func runArchive(c *call) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	so, err := c.logOptions(cfg)
	if err != nil {
		return err
	}
	run, word := archive.Run, "archive"
	if c.cli.Bool(flagReindex) {
		if c.cli.IsSet(flagTo) {
			return usagef("--%s makes indexes, which are not copied: leave out --%s", flagReindex, flagTo)
		}
		run, word = archive.Reindex, "index"
	}
	var progress *terminal.Progress
	results, err := run(c.ctx, cfg.Home, so, archive.Options{Progress: func(done, total int64) {
		if progress == nil {
			progress = c.progress(word, total)
		}
		progress.Set(done)
	}})
	progress.Stop()
	c.warnings.print()
	var failed []error
	for _, r := range results {
		failed = append(failed, r.Err)
		err = errors.Join(err, c.printArchived(archivedLine(r), r.Err, archivedWords(r)))
	}
	if err == nil && !c.cli.Bool(flagReindex) {
		var problem error
		problem, err = c.copyArchived(cfg)
		failed = append(failed, problem)
	}
	return errors.Join(append(failed, err)...)
}

// copyArchived copies what is archived to the directory that is configured or asked for. problem is
// what went wrong with single segments and is printed beside them.
func (c *call) copyArchived(cfg config.Config) (problem, err error) {
	dir := cfg.Archive.To
	if to := c.directory(flagTo); to != nil {
		dir = *to
	}
	if dir == "" {
		return nil, nil
	}
	store, err := archive.OpenDirStore(durable.OS(), dir)
	if err != nil {
		return nil, err
	}
	copies, err := archive.Copy(c.ctx, durable.OS(), cfg.Home, store)
	for _, k := range copies {
		if k.Err == nil && k.Bytes == 0 {
			continue // it was there already
		}
		problem = errors.Join(problem, k.Err)
		line := archived{Segment: k.Segment.File(segment.FormPlain), Key: k.Key, Copied: k.Bytes, Left: k.Left}
		words := "copied to " + terminal.Escape(k.Key)
		if n := int64(len(k.Left)); n > 0 {
			words += ", read back; " + terminal.Plural(n, "temporary name") + " cannot be removed there"
		}
		err = errors.Join(err, c.printArchived(line, k.Err, words))
	}
	return problem, err
}

func archivedLine(r archive.Result) archived {
	line := archived{Segment: r.Segment.File(segment.FormPlain), Records: r.Records, Bytes: r.Bytes, Stored: r.Stored}
	for _, s := range r.Steps {
		line.Steps = append(line.Steps, s.String())
	}
	if r.IndexErr != nil {
		line.Index = r.IndexErr.Error()
	}
	return line
}

// archivedWords says what was done for a segment.
func archivedWords(r archive.Result) string {
	words := fmt.Sprintf("%s, %s", terminal.Plural(r.Records, "record"), terminal.Bytes(r.Bytes))
	if r.Stored > 0 {
		words += " to " + terminal.Bytes(r.Stored)
	}
	for i, s := range r.Steps {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		words += sep + s.String()
	}
	if len(r.Steps) == 0 && r.IndexErr == nil {
		words += ": its index is right as it is"
	}
	if r.IndexErr != nil {
		words += "; no search index (" + terminal.Escape(r.IndexErr.Error()) + "): archive --reindex makes one"
	}
	return words
}

// printArchived prints what became of a segment; what went wrong is said at the end, too.
func (c *call) printArchived(line archived, problem error, words string) error {
	if problem != nil {
		line.Error = problem.Error()
		words = "not done: " + terminal.Escape(line.Error)
	}
	if c.cli.Bool(flagJSON) {
		return json.NewEncoder(c.stdout).Encode(line)
	}
	_, err := fmt.Fprintf(c.out, "%s: %s\n", line.Segment, words)
	return err
}

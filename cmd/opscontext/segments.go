package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

func segmentsVerb() verb {
	return verb{
		name:  "segments",
		usage: "list the segments of the log",
		about: `Lists the segments in reading order: the time they span, how many records they
hold, their size as JSON lines and, once archived, as stored, and the first and
last hash, which --json always has. Last it says which archived segments the
chain vouches for. Abandoned branches, which recover restore keeps beside the
log, come after them.

Of an archived segment that the chain vouches for, this is what its manifest
says: the chain names the manifest, and the archive is as long as that says. In
all others the records are counted. Nothing is judged; audit_verify does that,
and reads every archive.`,
		examples: `opscontext segments
opscontext segments --json | jq '.segments[].file'`,
		exits: []exitCode{exitInconclusive},
		flags: []cli.Flag{boolFlag(flagJSON, "as one JSON object")},
		run:   runSegments,
	}
}

// segmentRow is what is listed of one segment. What could not be read is null.
type segmentRow struct {
	File        string  `json:"file"`
	Number      int64   `json:"number"`   // that of the live segment is the one it will have
	Restored    int64   `json:"restored"` // which block put back after the segment, 0 for the segment itself
	State       string  `json:"state"`
	Records     *int64  `json:"records"`
	RawBytes    *int64  `json:"raw_bytes"`
	StoredBytes int64   `json:"stored_bytes"`
	FirstTS     string  `json:"first_ts"` // of the first and the last record
	LastTS      string  `json:"last_ts"`
	FirstHash   *string `json:"first_hash"`
	LastHash    *string `json:"last_hash"`
	Attested    *bool   `json:"attested"` // whether the chain vouches for the manifest, and the file is as long as that says; null if not archived
}

func runSegments(c *call) error {
	snap, err := c.openSnapshot()
	if err != nil {
		return err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	manifests, err := c.attested(snap)
	if err != nil {
		return err
	}
	rows, unread, err := c.listSegments(snap.Sources, manifests)
	if err != nil {
		return err
	}
	branches, unreadToo, err := c.listSegments(snap.Branches, nil)
	if err != nil {
		return err
	}
	if c.cli.Bool(flagJSON) {
		err = json.NewEncoder(c.stdout).Encode(struct {
			Home     string       `json:"home"`
			Segments []segmentRow `json:"segments"`
			Branches []segmentRow `json:"branches"`
		}{snap.Home, rows, branches})
	} else {
		err = printSegments(c.out, append(rows, branches...))
	}
	if c.unopened(snap) {
		unread = true
	}
	if err == nil && (unread || unreadToo) {
		return verdict(exitInconclusive)
	}
	return err
}

// listSegments lists segments, or branches, and says on standard error what cannot be read. What has a
// manifest, by index, is not read.
func (c *call) listSegments(sources []segment.Source, manifests map[int]*archive.Manifest) (rows []segmentRow, unread bool, err error) {
	rows = make([]segmentRow, len(sources))
	var toRead []segment.Source
	var rowOf []int // of what is to be read
	total := int64(0)
	for i, s := range sources {
		zero, size := int64(0), s.Size()
		rows[i] = segmentRow{
			File: s.Name(), Number: s.Segment().Number, Restored: s.Segment().Restored, State: s.State().String(),
			Records: &zero, RawBytes: &size, StoredBytes: s.Info().Size,
		}
		m := manifests[i]
		if s.State() == segment.StateArchived {
			vouched := m != nil
			rows[i].Attested = &vouched
		}
		if m != nil {
			rows[i].declared(m)
			continue
		}
		toRead, rowOf = append(toRead, s), append(rowOf, i)
		total += size
	}
	progress := c.progress("segments", total)
	defer progress.Stop()
	done := int64(0)
	err = segment.Walk(c.ctx, toRead, segment.WalkOptions{}, tallyChunk,
		func(at segment.Position, t tally, err error) error {
			row := &rows[rowOf[at.Source]]
			done += at.Size
			progress.Set(done)
			switch {
			case err != nil:
				unread = true
				row.Records, row.FirstHash, row.LastHash = nil, nil, nil
				if row.RawBytes != nil && *row.RawBytes == 0 {
					row.RawBytes = nil // not even that is known
				}
				c.warn(err.Error())
			case row.Records != nil && t.records > 0:
				*row.Records += t.records
				row.LastTS, row.LastHash = t.lastTS, &t.lastHash
				if row.FirstHash == nil {
					row.FirstTS, row.FirstHash = t.firstTS, &t.firstHash
				}
			}
			return nil
		})
	return rows, unread, err
}

// declared is what a manifest says.
func (r *segmentRow) declared(m *archive.Manifest) {
	*r.Records = m.Records
	if m.First != nil && m.Last != nil {
		first, last := m.First.Hash.String(), m.Last.Hash.String()
		r.FirstTS, r.FirstHash, r.LastTS, r.LastHash = m.First.TS, &first, m.Last.TS, &last
	}
}

// attested gives the manifests of the archived segments that the chain vouches for, by index.
func (c *call) attested(snap *segment.Snapshot) (map[int]*archive.Manifest, error) {
	isArchived := func(s segment.Source) bool { return s.State() == segment.StateArchived }
	if !slices.ContainsFunc(snap.Sources, isArchived) {
		return nil, nil
	}
	vouched, err := archive.ReadVouched(c.ctx, snap.Sources)
	if err != nil {
		return nil, err
	}
	manifests := map[int]*archive.Manifest{}
	for i, src := range snap.Sources {
		if !isArchived(src) {
			continue
		}
		if m := archive.Attested(src, vouched.Archives); m != nil {
			manifests[i] = m
		}
	}
	return manifests, nil
}

// tally counts the records of a chunk.
type tally struct {
	records             int64
	firstTS, lastTS     string
	firstHash, lastHash string
}

func tallyChunk(_ segment.Position, c segment.Chunk) (t tally, err error) {
	var last []byte
	for _, line := range c.Lines() {
		if _, err := chain.HeadOf(line); err != nil {
			continue
		}
		if t.records++; t.records == 1 {
			t.firstTS, t.firstHash = endOf(line)
		}
		last = line
	}
	if last != nil {
		t.lastTS, t.lastHash = endOf(last)
	}
	return t, nil
}

func endOf(line []byte) (ts, hash string) {
	r := chain.ReadLine(line).Record
	return r.TS, r.Hash.String()
}

// printSegments writes a table that fits the screen: how well archives are compressed, where there
// are any, else the hashes.
func printSegments(out *terminal.Stream, rows []segmentRow) error {
	archived := slices.ContainsFunc(rows, func(r segmentRow) bool { return r.State == segment.StateArchived.String() })
	columns := []terminal.Column{
		{Title: "segment"}, {Title: "state"}, {Title: "period"}, {Title: "records", Align: terminal.Right}, {Title: "size", Align: terminal.Right},
	}
	if archived {
		columns = append(columns, terminal.Column{Title: "stored", Align: terminal.Right}, terminal.Column{Title: "ratio", Align: terminal.Right})
	} else {
		columns = append(columns, terminal.Column{Title: "first"}, terminal.Column{Title: "last"})
	}
	table := terminal.NewTable(columns...)
	for _, r := range rows {
		cells := []string{strings.TrimSuffix(r.File, ".jsonl"), r.State, period(r.FirstTS, r.LastTS),
			known(r.Records, terminal.Count), known(r.RawBytes, terminal.Bytes)}
		if archived {
			ratio := func(raw int64) string { return fmt.Sprintf("%.1f", float64(raw)/float64(max(r.StoredBytes, 1))) }
			cells = append(cells, terminal.Bytes(r.StoredBytes), known(r.RawBytes, ratio))
		} else {
			cells = append(cells, known(r.FirstHash, shortest), known(r.LastHash, shortest))
		}
		table.Row(cells...)
	}
	if err := table.Print(out); err != nil || !archived {
		return err
	}
	return out.Field("attested", attestedWords(rows))
}

// attestedWords says which of the archived segments the chain vouches for.
func attestedWords(rows []segmentRow) string {
	total := 0
	var not []string
	for _, r := range rows {
		if r.Attested == nil {
			continue
		}
		if total++; !*r.Attested {
			not = append(not, strings.TrimSuffix(r.File, ".jsonl"))
		}
	}
	if len(not) == 0 {
		return fmt.Sprintf("all of %s", terminal.Plural(int64(total), "archived segment"))
	}
	return fmt.Sprintf("%d of %s, not %s: run audit_verify, which says why", total-len(not), terminal.Plural(int64(total), "archived segment"), listed(not))
}

// listed names a few of many.
func listed(names []string) string {
	const shown = 3
	words := strings.Join(names[:min(len(names), shown)], ", ")
	if more := len(names) - shown; more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}

// period is the days from first to last: 2024-01-01..12-31, the year once where it is one.
func period(first, last string) string {
	day := func(ts string) string { return ts[:min(len(ts), len("2006-01-02"))] }
	from, to := day(first), day(last)
	switch year := len("2006-"); {
	case from == to:
		return from
	case len(from) > year && len(to) > year && from[:year] == to[:year]:
		to = to[year:]
	}
	return from + ".." + to
}

// known gives a value in words, ? where it is not known.
func known[T any](value *T, words func(T) string) string {
	if value == nil {
		return "?"
	}
	return words(*value)
}

// shortest is the beginning of a hash in a table.
func shortest(hash string) string { return hash[:8] }

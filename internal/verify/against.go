package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// ErrAgainst says that what the log should be compared with cannot be used. The comparison is the
// point of the check, so nothing is reported without it.
var ErrAgainst = errors.New("cannot compare with it")

// maxReport bounds a kept report, in bytes.
const maxReport = 1 << 30

// maxRecords is how many records a report can be of: counts are exact in JSON up to here.
const maxRecords = 1 << 53

// other is what something kept elsewhere says of the log: runs of records in reading order.
type other struct {
	name  string
	logID chain.Hash
	runs  []kept
	store *store            // if it is a directory of archive copies
	snap  *segment.Snapshot // if it is a copy of the log: its runs are read from there
}

// kept is a run of records that was seen elsewhere: a segment.
type kept struct {
	name  string
	first chain.Hash
	// What is known of a run without reading it. Of a segment in a copy of the log, nothing is.
	last    chain.Hash
	records int64
	tsMax   string

	parent chain.Hash                     // that the first record names, where there are records to read
	open   func() (segment.Source, error) // its records; nil where the hashes are all there is
	copy   *archive.Stored                // of a copy in a store
}

// hashes are those of which compare needs to know where they are in the log.
func (o *other) hashes() (hs []chain.Hash) {
	if o == nil {
		return nil
	}
	for _, k := range o.runs {
		hs = append(hs, k.first)
		if k.records > 0 {
			hs = append(hs, k.last)
		}
		if k.open != nil || k.copy != nil {
			hs = append(hs, k.parent)
		}
	}
	return hs
}

// close lets go of a copy of the log.
func (o *other) close() error {
	if o == nil || o.snap == nil {
		return nil
	}
	return o.snap.Close()
}

// openAgainst reads what --against names: a report, or a directory with a copy of the log or with
// archive copies.
func (c *check) openAgainst(ctx context.Context) (*other, error) {
	if c.o.Against == "" {
		return nil, nil
	}
	info, err := os.Stat(c.o.Against)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAgainst, err)
	}
	o := &other{name: c.o.Against}
	switch {
	case !info.IsDir():
		err = o.readReport(info.Size())
	case isHome(o.name):
		err = o.readCopy()
	default:
		if o.store, err = c.openStore(ctx); err == nil {
			o.runs = o.store.runs(c.o.FS)
		}
	}
	if err == nil && len(o.runs) == 0 && o.store == nil {
		err = errors.New("it names no record")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrAgainst, c.o.Against, err), o.close())
	}
	return o, nil
}

// isHome reports whether a directory is a home or the directory of its segments, or a copy of one.
func isHome(dir string) bool {
	if filepath.Base(dir) == segment.ArchiveDir {
		return true
	}
	for _, name := range []string{segment.LiveName, segment.ArchiveDir} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// readReport takes the segments of a kept report.
func (o *other) readReport(size int64) error {
	if size > maxReport {
		return fmt.Errorf("%d bytes is too long for a report", size)
	}
	b, err := os.ReadFile(o.name)
	if err != nil {
		return err
	}
	o.logID, o.runs, err = parseReport(b)
	return err
}

// parseReport reads the log's id and the segments with records in a report.
func parseReport(b []byte) (logID chain.Hash, runs []kept, err error) {
	var r report.Report
	if err := json.Unmarshal(b, &r); err != nil {
		return logID, nil, fmt.Errorf("not a report of audit_verify --json: %w", err)
	}
	if r.Schema != report.Schema {
		return logID, nil, fmt.Errorf("schema %q, this version reads %q", r.Schema, report.Schema)
	}
	if r.LogID != "" {
		if logID, err = chain.ParseHash(r.LogID); err != nil {
			return logID, nil, fmt.Errorf("log_id: %w", err)
		}
	}
	var total int64
	for i, s := range r.Sources {
		if s.Records < 0 || s.Records > maxRecords-total {
			return logID, nil, fmt.Errorf("files[%d].records: %d is no number of records", i, s.Records)
		}
		total += s.Records
		if s.Records == 0 {
			continue
		}
		k := kept{name: s.Name, records: s.Records, tsMax: s.TSMax}
		if k.first, err = chain.ParseHash(s.First); err != nil {
			return logID, nil, fmt.Errorf("files[%d].first_hash: %w", i, err)
		}
		if k.last, err = chain.ParseHash(s.Last); err != nil {
			return logID, nil, fmt.Errorf("files[%d].last_hash: %w", i, err)
		}
		runs = append(runs, k)
	}
	return logID, runs, nil
}

// readCopy takes the segments in a copy of a home, or of its archive directory alone. Their records are
// read when they are compared.
func (o *other) readCopy() error {
	home := o.name
	if filepath.Base(home) == segment.ArchiveDir {
		home = filepath.Dir(home)
	}
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{OpenArchived: archive.Opener(durable.OS())})
	if err != nil {
		return err
	}
	o.snap, o.logID = snap, LogID(snap.Sources)
	for _, s := range snap.Sources {
		if r, ok := firstRecord(s); ok {
			o.runs = append(o.runs, kept{name: s.Name(), first: r.Hash, parent: r.Prev, open: func() (segment.Source, error) { return s, nil }})
		}
	}
	return nil
}

// compare holds the log against what was kept elsewhere: every record of it must still be there, in its
// place. A log that ends before what is kept does is rolled back; one that goes on with other records
// has another history.
func (c *check) compare(ctx context.Context, o *other) error {
	switch {
	case o == nil:
		return nil
	case o.store != nil:
		return c.compareStore(ctx, o.store)
	}
	return c.compareRuns(ctx, o)
}

func (c *check) compareRuns(ctx context.Context, o *other) error {
	c.against = &report.Against{Name: o.name}
	if o.logID != chain.Genesis && c.v.LogID != chain.Genesis && o.logID != c.v.LogID {
		c.against.Detail = fmt.Sprintf("it is of log %s, this is %s", o.logID.Short(), c.v.LogID.Short())
		c.add(chain.Replaced, "", o.name+": "+c.against.Detail, 1)
		return nil
	}
	p, err := c.part(ctx, o.runs)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAgainst, o.name, err)
	}
	c.compared(o, p)
	return nil
}

// compared says what a comparison came to.
func (c *check) compared(o *other, p parting) {
	switch {
	case p.unread != nil:
		c.against.Detail = "not all of the log can be read"
		c.add(chain.Unreadable, "", fmt.Sprintf("the log cannot be held against %s: %v", o.name, p.unread), 1)
		return
	case !p.parted && p.illegible > 0:
		c.against.Detail = fmt.Sprintf("%s that cannot be read in the log %s in it, from line %d of its %s on", count(p.illegible, "record", "records"), isAre(int(p.illegible)), p.legible.line, p.legible.segment)
		return
	case !p.parted:
		c.against.Agrees, c.agreesUpTo, c.agreesAt = true, p.last, p.at
		c.against.Detail = fmt.Sprintf("all %d segments it names are in the log", len(o.runs))
		if len(o.runs) == 1 {
			c.against.Detail = "the one segment it names is in the log"
		}
		if slices.ContainsFunc(c.v.Findings, func(f chain.Finding) bool { return f.Class == chain.Altered }) {
			c.against.Detail += ", by hashes: an altered record keeps the one that it had"
		}
		return
	}
	class := chain.RolledBack
	c.against.Detail = fmt.Sprintf("the log lacks %s of %s, up to %s", count(p.lost, "record", "records"), p.name, p.last.Short())
	switch {
	case p.otherHistory():
		class = chain.Diverged
		c.against.Detail = p.words()
	case p.mine != nil:
		c.against.Detail += "; it went on without them: " + p.words()
	}
	c.differs(class, p, o.name+": "+c.against.Detail, "")
}

// differs reports where the log leaves what was kept of it, at the record that it has there instead.
func (c *check) differs(class chain.Class, p parting, detail, next string) {
	if c.against.FirstDifference == nil {
		c.against.FirstDifference = p.difference()
	}
	f := report.Finding{Record: -1, Records: 1, Next: next}
	if m := p.mine; m != nil {
		f.Segment, f.Line, f.Offset, f.Record = m.segment, m.line, m.offset, m.record
		if m.hash != chain.Genesis {
			f.Hash = m.hash.String()
		}
	}
	c.put(class, f, detail)
}

// holds reports whether a run of records is in the log, as long as it was.
func (c *check) holds(k kept) bool {
	_, ok := c.endOf(k)
	return ok
}

// endOf is the place of the last record of a run that is in the log, as long as it was.
func (c *check) endOf(k kept) (p chain.Place, ok bool) {
	for _, first := range c.v.Found[k.first] {
		for _, last := range c.v.Found[k.last] {
			if last.Record-first.Record+1 == k.records {
				return last, true
			}
		}
	}
	return p, false
}

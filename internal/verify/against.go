package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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

// other is what something kept elsewhere says of the log: runs of records in reading order.
type other struct {
	name  string
	logID chain.Hash
	runs  []kept
	store *store // if it is a directory of archive copies
}

// kept is a run of records that was seen elsewhere.
type kept struct {
	name        string
	first, last chain.Hash
	records     int64
	sealed      bool // the run is a whole segment, so its length is known

	// Of a copy in a store:

	parent chain.Hash // that the first record names
	copy   *archive.Stored
}

func (o *other) hashes() (hs []chain.Hash) {
	if o == nil {
		return nil
	}
	for _, k := range o.runs {
		hs = append(hs, k.first, k.last)
		if k.copy != nil {
			hs = append(hs, k.parent)
		}
	}
	return hs
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
		err = o.readCopy(ctx)
	default:
		if o.store, err = c.openStore(ctx); err == nil {
			o.runs = o.store.runs()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrAgainst, c.o.Against, err)
	}
	if len(o.runs) == 0 && o.store == nil {
		return nil, fmt.Errorf("%w: %s names no record", ErrAgainst, c.o.Against)
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
	var r report.Report
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("not a report of audit_verify --json: %w", err)
	}
	if r.Schema != report.Schema {
		return fmt.Errorf("schema %q, this version reads %q", r.Schema, report.Schema)
	}
	if r.LogID != "" {
		if o.logID, err = chain.ParseHash(r.LogID); err != nil {
			return err
		}
	}
	for _, s := range r.Sources {
		if s.Records == 0 {
			continue
		}
		k := kept{name: s.Name, records: s.Records, sealed: s.State != segment.StateLive.String()}
		if k.first, err = chain.ParseHash(s.First); err != nil {
			return err
		}
		if k.last, err = chain.ParseHash(s.Last); err != nil {
			return err
		}
		o.runs = append(o.runs, k)
	}
	return nil
}

// readCopy takes the segments in a copy of a home, or of its archive directory alone.
func (o *other) readCopy(ctx context.Context) error {
	home := o.name
	if filepath.Base(home) == segment.ArchiveDir {
		home = filepath.Dir(home)
	}
	snap, err := segment.OpenSnapshot(home, segment.SnapshotOptions{OpenArchived: archive.Opener(durable.OS())})
	if err != nil {
		return err
	}
	defer snap.Close()
	o.logID = LogID(snap.Sources)
	for _, s := range snap.Sources {
		k, err := readRun(ctx, s)
		if err != nil {
			return err
		}
		if k.records == 0 {
			continue
		}
		o.runs = append(o.runs, k)
	}
	return nil
}

// readRun reads the first and the last hash of a copy of a segment.
func readRun(ctx context.Context, s segment.Source) (kept, error) {
	k := kept{name: s.Name(), sealed: s.State() != segment.StateLive}
	for c, err := range segment.Chunks(ctx, s) {
		if err != nil {
			return k, err
		}
		for _, line := range c.Lines() {
			h, err := chain.HeadOf(line)
			if len(bytes.TrimSpace(line)) == 0 || err != nil {
				continue
			}
			if k.records == 0 {
				k.first = h
			}
			k.last = h
			k.records++
		}
	}
	return k, nil
}

// compare holds the log against what was kept elsewhere: every run must still be there, as long as
// it was. A log that lacks the end of what is kept, and nothing before it, is rolled back; one that
// lacks something before that has another history.
func (c *check) compare(ctx context.Context, o *other) error {
	switch {
	case o == nil:
	case o.store != nil:
		return c.compareStore(ctx, o.store)
	default:
		c.compareRuns(o)
	}
	return nil
}

func (c *check) compareRuns(o *other) {
	c.against = &report.Against{Name: o.name}
	if o.logID != chain.Genesis && c.v.LogID != chain.Genesis && o.logID != c.v.LogID {
		c.against.Detail = fmt.Sprintf("it is of log %s, this is %s", o.logID.Short(), c.v.LogID.Short())
		c.add(chain.Replaced, "", o.name+": "+c.against.Detail, 1)
		return
	}
	lost := -1
	for i, k := range o.runs {
		there := c.holds(k)
		switch {
		case !there && lost < 0:
			lost = i
		case there && lost >= 0:
			c.against.Detail = fmt.Sprintf("its %s is not in the log, later ones are", o.runs[lost].name)
			c.add(chain.Diverged, "", o.name+": "+c.against.Detail, 1)
			return
		}
	}
	if lost < 0 {
		c.against.Agrees, c.agreesUpTo = true, o.runs[len(o.runs)-1].last
		c.against.Detail = fmt.Sprintf("all %d segments it names are in the log", len(o.runs))
		return
	}
	k := o.runs[lost]
	c.against.Detail = fmt.Sprintf("the log lacks %s of %s, up to %s", count(k.records, "record", "records"), k.name, k.last.Short())
	class := chain.RolledBack
	if len(c.v.Found[k.last]) > 0 {
		class = chain.Diverged // the end is there, the way to it is another
	}
	c.add(class, "", o.name+": "+c.against.Detail, 1)
}

// holds reports whether a run of records is in the log, as long as it was.
func (c *check) holds(k kept) bool {
	for _, first := range c.v.Found[k.first] {
		for _, last := range c.v.Found[k.last] {
			if n := last.Record - first.Record + 1; n == k.records {
				return true
			}
		}
	}
	return false
}

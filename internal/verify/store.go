package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// store is what a directory of archive copies has of the log. A log lacks in it what was not archived
// when it was last copied to, so it says nothing of the end.
type store struct {
	name   string
	logID  chain.Hash   // that was looked for; Genesis if nothing says which log this is
	others []chain.Hash // logs that it has copies of besides
	copies []archive.Stored
}

// openStore reads what a store has of this log, by the id that the log gives itself, or where no record
// is left, that the mark has.
func (c *check) openStore(ctx context.Context) (*store, error) {
	dir, err := filepath.EvalSymlinks(c.o.Against)
	if err != nil {
		return nil, err
	}
	logs, err := archive.StoredLogs(c.o.FS, dir)
	if err != nil {
		return nil, err
	}
	if len(logs) == 0 {
		return nil, errors.New("neither a copy of a log, with audit.log or audit-archive/, nor a directory of archive copies")
	}
	s := &store{name: c.o.Against, logID: LogID(c.snap.Sources)}
	if s.logID == chain.Genesis && c.marked {
		s.logID = c.mark.LogID
	}
	for _, log := range logs {
		if log != s.logID {
			s.others = append(s.others, log)
			continue
		}
		if s.copies, err = archive.ReadStored(ctx, c.o.FS, dir, log); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// runs are the copies with a manifest, as runs of records; a segment without one is passed over.
func (s *store) runs(fsys durable.FS) (runs []kept) {
	for i := range s.copies {
		k := &s.copies[i]
		m := k.Manifest
		if m == nil || m.Records == 0 {
			continue
		}
		run := kept{name: m.Segment.File(segment.FormPlain), first: m.First.Hash, last: m.Last.Hash, parent: m.First.Prev,
			records: m.Records, tsMax: m.TSMax, copy: k}
		if k.Err == nil {
			run.open = func() (segment.Source, error) { return archive.Opener(fsys)(k.Path, k.Segment) }
		}
		runs = append(runs, run)
	}
	return runs
}

// compareStore holds the log against the copies. Every copied segment must be in the log, with the same
// bytes; what the copies have and the log has not is named, with the way to have it back.
func (c *check) compareStore(ctx context.Context, s *store) error {
	c.against = &report.Against{Name: s.name}
	c.brokenCopies(s)
	runs := s.runs(c.o.FS)
	if len(runs) == 0 {
		c.against.Detail = s.nothing()
		c.nothingAgainst = true
		return nil
	}
	said := len(c.findings)
	var lost []kept
	for _, k := range runs {
		switch {
		case !c.holds(k):
			lost = append(lost, k)
		default:
			if err := c.sameCopy(ctx, k); err != nil {
				return err
			}
		}
	}
	unread, err := c.lacking(ctx, s, lost, runs)
	if err != nil {
		return err
	}
	c.offerCopies(runs)
	if said < len(c.findings) {
		c.against.Detail = c.findings[said].Meaning
		return nil
	}
	if len(unread) > 0 {
		c.against.Detail = "not all of " + strings.Join(unread, ", ") + " can be read in the log; it has a copy"
		return nil
	}
	last := runs[len(runs)-1]
	c.against.Agrees, c.agreesUpTo = true, last.last
	if end, ok := c.endOf(last); ok {
		c.agreesAt = end.Record
	}
	c.against.Detail = fmt.Sprintf("the %s it has of this log %s in it, up to %s of %s", count(int64(len(runs)), "segment", "segments"),
		isAre(len(runs)), last.last.Short(), last.copy.Manifest.Last.TS)
	return nil
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// nothing says why there is nothing to compare with.
func (s *store) nothing() string {
	const shown = 3
	if len(s.copies) > 0 || len(s.others) == 0 {
		return fmt.Sprintf("it has no copy of log %s that can be compared", s.logID.Short())
	}
	var ids []string
	for _, log := range s.others[:min(len(s.others), shown)] {
		ids = append(ids, log.Short())
	}
	if more := len(s.others) - shown; more > 0 {
		ids = append(ids, fmt.Sprintf("%d more", more))
	}
	words := "it has copies of other logs only: " + strings.Join(ids, ", ")
	if s.logID != chain.Genesis {
		words += "; none of " + s.logID.Short()
	}
	return words
}

// brokenCopies reports copies that are not what they should be. They say nothing against the log.
func (c *check) brokenCopies(s *store) {
	for _, k := range s.copies {
		switch {
		case k.Err == nil:
		case errors.Is(k.Err, fs.ErrNotExist):
			c.advise(chain.ManifestMissing, filepath.Base(k.Path), "this copy was not finished, or lost it: "+k.Path, "run archive --to again: it completes copies")
		default:
			c.advise(chain.Unreadable, filepath.Base(k.Path), "this copy is not what it should be: "+k.Err.Error(), "keep the copy as it is; find out who can write there")
		}
	}
}

// sealedSource is the sealed or archived segment of the log that has a name; nil if there is none.
func (c *check) sealedSource(name segment.Name) segment.Source {
	for _, src := range c.snap.Sources {
		if src.State() != segment.StateLive && src.Segment() == name {
			return src
		}
	}
	return nil
}

// sameCopy compares the bytes of a segment, whose records are those of the copy. Where writers cut
// the log into other segments there are none to compare.
func (c *check) sameCopy(ctx context.Context, k kept) error {
	src := c.sealedSource(k.copy.Segment)
	if src == nil {
		return nil
	}
	sum, known := c.sums[src.Name()]
	if !known {
		var err error
		sum, err = segment.RawSum(ctx, src)
		if err = errors.Join(err, src.Close()); err != nil {
			if ctx.Err() != nil {
				return err
			}
			return nil // whoever read the records met the same error, and said so
		}
	}
	if want := k.copy.Manifest.SHA256; sum != want {
		c.advise(chain.ManifestMismatch, src.Name(), fmt.Sprintf("the copy %s is of a segment with the SHA-256 %v, this one has %v", k.copy.Path, want, sum),
			"set the segment aside; "+c.putBack(k))
	}
	return nil
}

// lacking reports the copies whose records are not in the log: of a segment that cannot be read nothing,
// which was said; a segment with other records has diverged; one that is gone is missing where the log goes
// on behind it, and else belongs to the end that the log has lost.
func (c *check) lacking(ctx context.Context, s *store, lost, runs []kept) (unread []string, err error) {
	var end, others []kept
	for _, k := range lost {
		src := c.sealedSource(k.copy.Segment)
		switch {
		case src != nil && c.unreadIn(src.Name()):
			unread = append(unread, k.name)
		case src != nil:
			others = append(others, k)
		case c.goesOnBehind(k, lost, runs):
			c.advise(chain.Missing, k.name, fmt.Sprintf("%s holds its %s", k.copy.Path, count(k.records, "record", "records")), c.putBack(k))
		default:
			end = append(end, k)
		}
	}
	for len(others) > 0 {
		// A segment that follows one with other records has others itself.
		n := 1
		for n < len(others) && others[n].parent == others[n-1].last {
			n++
		}
		if err := c.otherRecords(ctx, others[:n]); err != nil {
			return unread, err
		}
		others = others[n:]
	}
	if len(end) == 0 {
		return unread, nil
	}
	return unread, c.lostEnd(ctx, s, end)
}

// otherRecords reports segments, one after another, that do not hold the records of their copies.
func (c *check) otherRecords(ctx context.Context, runs []kept) error {
	k := runs[0]
	detail := fmt.Sprintf("%s does not hold the %s of its copy %s", k.name, count(k.records, "record", "records"), k.copy.Path)
	if more := len(runs) - 1; more > 0 {
		detail += fmt.Sprintf(", nor %s after it those of theirs", count(int64(more), "segment", "segments"))
	}
	p, err := c.part(ctx, runs[:1])
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && p.unread == nil && p.parted:
		c.differs(chain.Diverged, p, detail+"; "+p.words(), "keep the segment; compare it with the copy")
	default:
		c.advise(chain.Diverged, k.name, detail, "keep the segment; compare it with the copy")
	}
	return nil
}

// unreadIn reports whether not all of a segment could be read.
func (c *check) unreadIn(name string) bool {
	return slices.ContainsFunc(c.findings, func(f report.Finding) bool { return f.Segment == name && f.Class == chain.Unreadable })
}

// goesOnBehind reports whether the log has records from after a copied segment: in a segment with a
// higher number, in a later copy that it holds, or first in the live log.
func (c *check) goesOnBehind(k kept, lost, runs []kept) bool {
	for _, src := range c.snap.Sources {
		if src.State() != segment.StateLive && src.Segment().Compare(k.copy.Segment) > 0 {
			return true
		}
	}
	if live := c.snap.Live; live != nil {
		r, ok := firstRecord(live)
		for _, l := range lost {
			if ok && r.Prev == l.last && l.copy.Segment.Compare(k.copy.Segment) >= 0 {
				return true
			}
		}
	}
	for _, l := range runs {
		if l.copy.Segment.Compare(k.copy.Segment) > 0 && c.holds(l) {
			return true
		}
	}
	return false
}

// lostEnd reports that the log ends before the copies do: it was rolled back, or from the place where
// it leaves them it has another history.
func (c *check) lostEnd(ctx context.Context, s *store, end []kept) error {
	p, err := c.part(ctx, end[:1])
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err = errors.Join(err, p.unread); err != nil {
		c.add(chain.Unreadable, "", fmt.Sprintf("where the log leaves the copies in %s cannot be found: %v", s.name, err), 1)
		return nil
	}
	for _, k := range end[1:] {
		p.lost += k.records
	}
	last := end[len(end)-1]
	p.tsMax = last.copy.Manifest.TSMax
	detail := fmt.Sprintf("%s has %s that this log has not, up to %s of %s", s.name, count(p.lost, "record", "records"), last.last.Short(), last.copy.Manifest.Last.TS)
	// Records that are stamped before the end of the copies were not appended since.
	if p.otherHistory() {
		c.differs(chain.Diverged, p, detail+"; it has others in their place: "+p.words(), "keep the log as it is; compare it with the copies")
		return nil
	}
	if p.mine != nil {
		detail += "; it went on without them: " + p.words()
	}
	where := filepath.Base(end[0].copy.Path)
	if len(end) > 1 {
		where += " to " + filepath.Base(last.copy.Path)
	}
	c.differs(chain.RolledBack, p, detail, fmt.Sprintf("find out which backup was restored, and when; what is lost is in %s, %s", filepath.Dir(last.copy.Path), where))
	return nil
}

// putBack says how to have a segment again from its copy.
func (c *check) putBack(k kept) string {
	if k.copy.Err != nil {
		return "look for another copy: this one is not what it should be"
	}
	to := filepath.Join(c.snap.Home, segment.ArchiveDir, k.copy.Segment.File(segment.FormZstd))
	return fmt.Sprintf("cp -p %s %s, and its manifest likewise", k.copy.Path, to)
}

// offerCopies names the copy of a segment whose compressed file is not what it should be.
func (c *check) offerCopies(runs []kept) {
	for i := range c.findings {
		f := &c.findings[i]
		wrong := f.Class == chain.Unreadable || f.Class == chain.ManifestMismatch && slices.Contains(c.wrongFiles, f.Segment)
		for _, k := range runs {
			if wrong && f.Segment == k.name && k.copy.Err == nil {
				f.Next = "set the file that is there aside; " + c.putBack(k)
			}
		}
	}
}

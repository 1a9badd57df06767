// Package verify judges a home: it joins what the records show, what the files show and what this
// machine remembers to one report. It writes nothing into the home.
//
// The way of a check: a snapshot of the home, taken without a lock; its segments read and judged in
// parallel, block by block (package chain); the mark and the points held against what was read; and
// what could not be read, or was not looked at, said beside the verdict.
package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// Options says what to check and how.
type Options struct {
	FS      durable.FS // nil: durable.OS()
	Home    string
	State   string // directory of marks; empty: none is looked at
	Since   string // inclusive bounds of ts, as toISOString writes it; empty: none
	Until   string
	Segment int64  // 0: all
	Against string // a kept report, a copy of the log or a directory of archive copies; empty: none
	Sharing segment.Sharing
	Workers int // 0: one for each processor Go may use
	Strict  Strictness
	Depth   Depth
	Now     func() time.Time // nil: time.Now
	Tool    string
	Command string
	// Keep is told what went wrong while the verdict was kept for later questions; the check itself
	// is not concerned. nil: nobody is.
	Keep func(error)
	// Progress is told how many of the bytes to read have been judged. nil: nobody is.
	Progress func(done, total int64)
}

// Strictness says whether warnings and documented breaks fail a check.
type Strictness int

// The levels of strictness.
const (
	Lenient Strictness = iota
	Strict
)

// Depth says how closely a log is looked at.
type Depth int

// The depths.
const (
	// Records: every record is recomputed, or those of the range that was asked for.
	Records Depth = iota
	// Manifests: the manifests of archived segments are held against their files, one another and
	// the chain. No record is recomputed, so that nothing is ever passed. It does not go with a range
	// or Against.
	Manifests
)

// ranged reports whether only a part of the log was asked for.
func (o *Options) ranged() bool { return o.Since != "" || o.Until != "" || o.Segment != 0 }

// retries is how often a check is made anew because the live log was written meanwhile.
const retries = 3

// Run checks a home. The report is the verdict; an error means that nothing could be looked at.
// A finding in the live log is read again before it is reported, because a writer may have been in
// the middle of it.
func Run(ctx context.Context, o Options) (*report.Report, error) {
	c, err := look(ctx, &o)
	if err != nil {
		return nil, err
	}
	r := c.report()
	if err := c.keep(r); err != nil && o.Keep != nil {
		o.Keep(fmt.Errorf("the verdict was not kept: %w", err))
	}
	return r, nil
}

// Outcome is a check with what it rests on, for those who act on it.
type Outcome struct {
	Report     *report.Report
	Verdict    *chain.Verdict
	Continuity segment.Continuity
	// Unopened are the names, relative to the home, of what has the name of a file of the log and is none.
	Unopened []string
}

// Examine is Run for those who act on the verdict. It keeps none: nothing at all is written.
func Examine(ctx context.Context, o Options) (*Outcome, error) {
	c, err := look(ctx, &o)
	if err != nil {
		return nil, err
	}
	out := &Outcome{Report: c.report(), Verdict: c.v, Continuity: c.cont}
	for _, f := range c.snap.Facts {
		if f.Kind == segment.FactNotRegular {
			out.Unopened = append(out.Unopened, f.File)
		}
	}
	return out, nil
}

// look checks a home until no writer disturbs it, or a few times at most.
func look(ctx context.Context, o *Options) (*check, error) {
	if o.FS == nil {
		o.FS = durable.OS()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for try := 1; ; try++ {
		c := &check{o: *o}
		if err := c.run(ctx); err != nil {
			return nil, err
		}
		if try >= retries || !c.doubtful() {
			return c, nil
		}
	}
}

// check is one look at a home.
type check struct {
	o          Options
	snap       *segment.Snapshot
	memory     *segment.Memory
	v          *chain.Verdict
	bytes      int64
	inRange    int64
	span       *span // the records that were recomputed, if a range was asked for
	findings   []report.Finding
	cont       segment.Continuity
	mark       segment.Mark
	marked     bool
	against    *report.Against
	moved      bool // the live log was written or replaced during the check
	held       manifestsHeld
	wrongFiles []string              // segments whose compressed file is not the one that was archived
	sums       map[string]chain.Hash // of the plain bytes of archived segments, by name, where their manifest holds

	agreesUpTo     chain.Hash // last record that Against vouches for, if it agrees
	agreesAt       int64      // its position in reading order
	nothingAgainst bool       // Against has nothing of this log
}

func (c *check) run(ctx context.Context) (err error) {
	if c.memory, err = segment.OpenMemory(c.o.FS, c.o.State, c.o.Home); err != nil {
		return err
	}
	if c.snap, err = segment.OpenSnapshot(c.o.Home, segment.SnapshotOptions{FS: c.o.FS, OpenArchived: archive.Opener(c.o.FS)}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.snap.Close()) }()
	c.mark, c.marked = c.memory.Mark()
	other, err := c.openAgainst(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.close()) }()
	find := other.hashes()
	if c.marked {
		find = append(find, c.mark.Head)
	}
	if c.o.Depth == Manifests {
		err = c.manifests(ctx)
	} else {
		err = c.judge(ctx, find)
	}
	if err != nil {
		return err
	}
	if err := c.remember(ctx); err != nil {
		return err
	}
	c.files()
	if c.o.Depth == Manifests {
		return c.sinceSnapshot()
	}
	c.records()
	if err := c.archives(ctx); err != nil {
		return err
	}
	if err := c.compare(ctx, other); err != nil {
		return err
	}
	return c.sinceSnapshot()
}

// sinceSnapshot finds out whether the live log is still the one that was judged.
func (c *check) sinceSnapshot() (err error) {
	c.moved, err = c.snap.Moved()
	return err
}

// doubtful reports whether a finding may come from a writer at work: it is in the live log, and the
// live log has changed since.
func (c *check) doubtful() bool {
	if !c.moved {
		return false
	}
	for _, f := range c.findings {
		if f.Severity >= chain.Inconclusive && (f.Segment == segment.LiveName || f.Segment == "") {
			return true
		}
	}
	return false
}

// keep remembers the verdict of a whole log in full, in the state directory.
func (c *check) keep(r *report.Report) error {
	if c.o.ranged() || c.o.Depth != Records || !c.snap.Exists || c.o.State == "" {
		return nil
	}
	b, err := r.Summary().Encode()
	if err != nil {
		return err
	}
	return c.memory.SetVerdict(b)
}

package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// Restoration says what lost records are restored from, and who does it why.
type Restoration struct {
	// From is a file of records (.jsonl, .jsonl.zst), or a directory: a home, a backup of one, or
	// archive copies.
	From     string
	Reason   string
	Operator string
}

// PlanRestore plans to put back what hashes prove to be lost, and nothing else: the records between
// those on both sides of a gap, as a block of their own; those up to the head that a break calls lost,
// as a branch beside the log; a segment whose file is damaged, in its place. It refuses what closes
// nothing: records that are altered, out of order, incomplete, in the log already, or of another log.
func PlanRestore(ctx context.Context, o Options, r Restoration) (*Plan, error) {
	o = o.withDefaults()
	if err := r.check(); err != nil {
		return nil, err
	}
	then, err := r.look(ctx, &o)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Steps: then.steps(), Expected: then.expected()}
	plan.apply = func(ctx context.Context, log *segment.Log) (err error) {
		// What any writer does first may itself chain what this is about: an audit.break.
		if err := log.Settle(ctx); err != nil {
			return err
		}
		release, err := o.claim(log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, release()) }()
		in, err := segment.StandIn(o.Log.FS, filepath.Join(o.Home, segment.ArchiveDir))
		if err != nil {
			return err
		}
		now, err := r.look(ctx, &o)
		if err != nil {
			return err
		}
		if !slices.Equal(now.pins(), then.pins()) {
			return ErrStale
		}
		now.in = in
		for _, f := range now.fills {
			if err := now.apply(ctx, log, f); err != nil {
				return err
			}
		}
		return nil
	}
	return plan, nil
}

func (r *Restoration) check() error {
	switch {
	case r.From == "":
		return fmt.Errorf("%w: records are restored from a file or a directory: say which", segment.ErrInvalid)
	case strings.TrimSpace(r.Reason) == "":
		return fmt.Errorf("%w: records are put back with a reason", segment.ErrInvalid)
	case strings.TrimSpace(r.Operator) == "":
		return fmt.Errorf("%w: records are put back by somebody: name the operator", segment.ErrInvalid)
	}
	return nil
}

// claim takes the right to arrange sealed segments, which archiving takes, too.
func (o *Options) claim(log *segment.Log) (release func() error, err error) {
	dir := filepath.Join(o.Home, segment.ArchiveDir)
	err = o.Log.FS.Mkdir(dir, 0o700)
	if err == nil {
		err = o.Log.FS.SyncDir(o.Home)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return log.ClaimArchive()
}

// restore is a restoration, with the log and the source as they were looked at.
type restore struct {
	*Restoration
	o      *Options
	out    *verify.Outcome
	home   string            // the real path
	in     segment.Directory // of its segments, while they are put back
	names  []string
	supply *supply
	fills  []*fill
	cannot []error // why places that are lost cannot be filled
}

// fill is a file that is put where records are lost.
type fill struct {
	as       chain.Disposition
	name     string // of the file, in the archive directory
	after    string // file name of what it is read after, or what it branched from
	where    string // what it fills, for people
	seek     *seeker
	exchange *exchange   // of a damaged segment
	there    bool        // the file is there already: an interruption kept the record from being written
	sum      chain.Hash  // of that file
	place    *place      // nil if there
	kept     *chain.File // moved away by an exchange that was interrupted
}

// look finds out what is lost, and what of it the source has.
func (r *Restoration) look(ctx context.Context, o *Options) (_ *restore, err error) {
	s := &restore{Restoration: r, o: o}
	if s.out, err = o.examine(ctx); err != nil {
		return nil, err
	}
	if err := refuseRewritten(o.Home, s.out, ""); err != nil {
		return nil, err
	}
	home, err := o.snapshot()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, home.Close()) }()
	if s.supply, err = o.openSupply(ctx, r.From, s.out.Verdict.LogID); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.supply.done()) }()
	s.home = home.Home
	if s.names, err = o.archiveNames(home.Home); err != nil {
		return nil, err
	}
	open, err := s.openings(ctx, home)
	if err != nil {
		return nil, err
	}
	return s, s.choose(ctx, home, open)
}

// choose keeps the fills that the source has records for.
func (s *restore) choose(ctx context.Context, home *segment.Snapshot, open []*fill) error {
	switch {
	case len(open) == 0 && len(s.cannot) > 0:
		return errors.Join(s.cannot...)
	case len(open) == 0:
		return refuse(s.o.Home, "recover diagnose says what is wrong with a log, if anything is", "nothing is missing from it that could be put back (%s)", s.out.Report.Verdict)
	}
	var seekers, lost []*seeker
	for _, f := range open {
		if f.seek == nil {
			continue
		}
		if seekers = append(seekers, f.seek); !f.there {
			lost = append(lost, f.seek)
		}
	}
	strays, err := s.supply.search(ctx, seekers)
	if err != nil {
		return err
	}
	var why []string
	for _, f := range open {
		switch {
		case f.exchange != nil:
			ok, reason, err := s.match(ctx, home, f, lost)
			if err != nil {
				return err
			}
			if !ok {
				why = append(why, f.where+": "+reason)
				continue
			}
			strays = nil // the file is the segment, hash by hash
		case !f.seek.done:
			why = append(why, f.where+": "+f.seek.why)
			continue
		}
		s.fills = append(s.fills, f)
	}
	s.fills = slices.DeleteFunc(s.fills, s.covered)
	if len(s.fills) == 0 {
		return refuse(s.From, "look for a backup that has these records", "it does not have what is lost: %s", strings.Join(why, "; "))
	}
	return s.supply.refuseMisplaced(ctx, home.Sources, lost, strays)
}

// covered reports whether some of what a fill would put back comes with a segment that is put back
// whole. The rest, if there is any, can be put back after that.
func (s *restore) covered(f *fill) bool {
	return f.exchange == nil && slices.ContainsFunc(s.fills, func(by *fill) bool {
		for h := range f.seek.hashes {
			if by.exchange != nil && by.exchange.has[h] {
				return true
			}
		}
		return false
	})
}

// pins names what a plan rests on.
func (s *restore) pins() (pins []string) {
	for _, f := range s.fills {
		pin := fmt.Sprint(f.as, " ", f.name, " ", f.there)
		if f.seek != nil {
			pin += fmt.Sprint(" ", f.seek.run)
		}
		if f.exchange != nil {
			pin += fmt.Sprint(" ", f.exchange.with, " ", f.exchange.sum)
		}
		pins = append(pins, pin)
	}
	return pins
}

func (s *restore) steps() (steps []Step) {
	archived := segment.ArchiveDir + "/"
	if slices.ContainsFunc(s.fills, func(f *fill) bool {
		return f.place != nil && f.as == chain.PutAsBranch && f.place.chained == chain.Genesis
	}) {
		steps = append(steps, settleFirst)
	}
	for _, f := range s.fills {
		from := []string{s.From}
		switch {
		case f.there:
			steps = append(steps, Step{Do: fmt.Sprintf("%s is there, and an interruption kept the record from being written that says so", f.name), Reads: append(from, archived+f.name)})
		case f.as == chain.PutForSegment:
			steps = append(steps, Step{Do: fmt.Sprintf("put the whole segment from %s in the place of %s", f.exchange.fromName, f.where),
				Reads: from, Writes: []string{archived + f.exchange.base}, Keeps: []string{f.exchange.keptName() + ": the damaged file"}})
		case f.as == chain.PutAsBranch:
			steps = append(steps, Step{Do: fmt.Sprintf("keep %d records beside the log, as an abandoned branch: %s", f.seek.run.Records, f.where),
				Reads: from, Writes: []string{archived + f.name}})
		default:
			steps = append(steps, Step{Do: fmt.Sprintf("put %d records back: %s", f.seek.run.Records, f.where), Reads: from, Writes: []string{archived + f.name}})
		}
		steps = append(steps, Step{Do: "say on the chain what was put back, from where, by whom and why", Writes: []string{chain.KindRestore + " in " + segment.LiveName}})
	}
	return steps
}

// expected is the verdict that is left once everything is filled.
func (s *restore) expected() Expected {
	left := slices.DeleteFunc(slices.Clone(s.out.Report.Findings), func(f report.Finding) bool {
		return slices.ContainsFunc(s.fills, func(by *fill) bool { return by.closes(f) })
	})
	documented := 0
	for _, a := range s.out.Verdict.Anchors {
		healed := func(f *fill) bool {
			return f.seek != nil && !f.there && a.Before.Hash == f.seek.before && a.Lost.Head == f.seek.head
		}
		if a.State == chain.AnchorInForce && !slices.ContainsFunc(s.fills, healed) {
			documented++
		}
	}
	return expectation(left, documented)
}

// closes reports whether a finding is no more once the fill is there.
func (f *fill) closes(found report.Finding) bool {
	switch {
	case f.exchange != nil:
		return found.Segment == f.exchange.label
	case f.place == nil || f.as == chain.PutAsBranch:
		return false
	}
	return found.Class == chain.Missing && found.Record == f.place.record
}

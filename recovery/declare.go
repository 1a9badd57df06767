package recovery

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// Declaration is what a person says of a break.
type Declaration struct {
	Cause    chain.Cause
	Reason   string
	Operator string
	Ticket   string
	Source   string     // the backup that was restored: a file or a directory, "" if none was
	Corrects chain.Hash // an anchor that was wrong, Genesis if none
}

// causes say which breaks a cause can be the cause of.
var causes = map[chain.Cause][]chain.Class{
	chain.CauseBackupRestore: {chain.RolledBack, chain.LiveMissing, chain.Missing},
	chain.CauseSegmentLost:   {chain.Missing},
	chain.CauseLiveLost:      {chain.RolledBack, chain.LiveMissing, chain.SecondGenesis},
	chain.CauseCorruption:    {chain.Missing, chain.Unreadable, chain.Altered},
	chain.CauseLegacy:        {chain.Missing, chain.SecondGenesis, chain.ImplausibleFork, chain.Unreadable},
	chain.CauseContinuation:  {chain.Replaced},
	chain.CauseOther:         {chain.RolledBack, chain.LiveMissing, chain.Missing, chain.SecondGenesis, chain.ImplausibleFork},
}

// PlanBreak plans the anchors that document what is absent from the log and not documented yet: one
// for each place that the cause explains. It refuses where nothing is absent, where the log is not
// the one remembered (a rewritten history cannot be declared away), and where the records that would
// be declared lost are in a backup or in an archive copy.
func PlanBreak(ctx context.Context, o Options, d Declaration) (*Plan, error) {
	o = o.withDefaults()
	if err := d.check(); err != nil {
		return nil, err
	}
	b, err := d.look(ctx, &o)
	if err != nil {
		return nil, err
	}
	if len(b.places) == 0 {
		return b.finish(o.Home, d.Cause)
	}
	for _, p := range b.places {
		if err := o.refuseHeld(ctx, b.out, p, d.Source); err != nil {
			return nil, err
		}
	}
	if b.source, err = o.source(d.Source); err != nil {
		return nil, err
	}
	plan := &Plan{Steps: b.steps(), Expected: b.expected()}
	plan.apply = func(ctx context.Context, log *segment.Log) error {
		// What any writer does first may itself chain what this is about: an audit.break.
		if err := log.Settle(ctx); err != nil {
			return err
		}
		for try := 1; ; try++ {
			now, err := d.look(ctx, &o)
			if err != nil {
				return err
			}
			if !slices.Equal(now.pins(), b.pins()) || !now.readsAsMuch(&b) {
				return ErrStale
			}
			now.source = b.source
			if err = d.write(ctx, &o, log, now); !errors.Is(err, errMoved) || try == tries {
				return err
			}
		}
	}
	return plan, nil
}

// breaks are the places that a declaration is about, in a log as it was looked at.
type breaks struct {
	out      *verify.Outcome
	places   []*place
	source   chain.Backup
	corrects chain.Hash
}

func (d *Declaration) look(ctx context.Context, o *Options) (b breaks, err error) {
	if b.out, err = o.examine(ctx); err != nil {
		return b, err
	}
	if err := refuseRewritten(o.Home, b.out, d.Cause); err != nil {
		return b, err
	}
	if name := gather(b.out).foreign(); name != "" {
		return b, refuse(filepath.Join(o.Home, segment.ArchiveDir, name), "move it elsewhere first, then look again: recover diagnose",
			"it is a segment of another log: what is there is not absent")
	}
	b.corrects = d.Corrects
	b.places, err = d.choose(ctx, o, b.out)
	return b, err
}

func (b *breaks) pins() (pins []string) {
	for _, p := range b.places {
		pins = append(pins, p.pin())
	}
	return pins
}

// readsAsMuch reports whether everything could be read that could be when the log was looked at before. An
// anchor must not say what was there of a log of which a disk just now would not give a part.
func (b *breaks) readsAsMuch(before *breaks) bool {
	return !slices.ContainsFunc(b.out.Report.Findings, func(f report.Finding) bool {
		return f.Class == chain.Unreadable && !slices.ContainsFunc(before.out.Report.Findings, func(g report.Finding) bool {
			return g.Class == f.Class && g.Segment == f.Segment && g.Line == f.Line
		})
	})
}

func (b *breaks) steps() (steps []Step) {
	if slices.ContainsFunc(b.places, func(p *place) bool { return p.where == chain.WhereTail && p.chained == chain.Genesis }) {
		steps = append(steps, settleFirst)
	}
	for _, p := range b.places {
		steps = append(steps, Step{Do: "document: " + p.words(), Reads: []string{"the verdict"}, Writes: []string{chain.KindAnchor + " in " + segment.LiveName}})
	}
	return append(steps, Step{Do: "seal the segment, so that the next one begins with the new incarnation",
		Reads: []string{segment.LiveName}, Writes: []string{chain.KindRotate + " in a new " + segment.LiveName},
		Keeps: []string{segment.ArchiveDir + "/: what was " + segment.LiveName}})
}

// finish is the plan of what an interrupted declaration left: the anchors are there, and the segment
// that holds the last of them was not sealed. Where nothing was left, nothing is there to declare.
func (b *breaks) finish(home string, cause chain.Cause) (*Plan, error) {
	n := len(b.out.Verdict.Anchors)
	if n == 0 || !b.out.Verdict.Sources[b.out.Verdict.Anchors[n-1].Place.Source].Live {
		return nil, refuse(home, "recover diagnose says what is wrong with a log, if anything is", "nothing is absent that %s would explain (%s)", cause, b.out.Report.Verdict)
	}
	return &Plan{
		Steps: []Step{{Do: "seal the segment that holds the anchor, which an interruption left undone",
			Reads: []string{segment.LiveName}, Writes: []string{chain.KindRotate + " in a new " + segment.LiveName}}},
		Expected: Expected{Exit: b.out.Report.Exit, Verdict: b.out.Report.Verdict},
		apply: func(ctx context.Context, log *segment.Log) error {
			_, err := log.Rotate(ctx)
			return err
		},
	}, nil
}

// check refuses a declaration that says too little.
func (d *Declaration) check() error {
	switch {
	case !slices.Contains(chain.Causes, d.Cause):
		return fmt.Errorf("%w: cause %q: want one of %v", segment.ErrInvalid, d.Cause, chain.Causes)
	case strings.TrimSpace(d.Reason) == "":
		return fmt.Errorf("%w: a break is documented with a reason", segment.ErrInvalid)
	case strings.TrimSpace(d.Operator) == "":
		return fmt.Errorf("%w: a break is documented by somebody: name the operator", segment.ErrInvalid)
	}
	return nil
}

// refuseRewritten refuses what no declaration can document: a history that is not the remembered one.
func refuseRewritten(home string, out *verify.Outcome, cause chain.Cause) error {
	found := map[chain.Class]bool{}
	for _, f := range out.Report.Findings {
		found[f.Class] = found[f.Class] || f.DocumentedBy == ""
	}
	switch {
	case found[chain.Diverged]:
		return refuse(home, "keep the log as it is, and compare it with a backup: recover diagnose", "its history differs from what this machine remembers of it: that is not a loss, and no declaration can document it")
	case slices.ContainsFunc(out.Verdict.Findings, func(f chain.Finding) bool { return f.OutOfOrder }):
		return refuse(home, "put the segments or lines back in order first: recover diagnose", "records are out of order: what is there is not absent")
	case slices.ContainsFunc(out.Report.Findings, func(f report.Finding) bool { return f.Segment == segment.LiveName && notOpened(out, f) }):
		return refuse(home, "move it elsewhere and put the log back", "%s is no file, so nobody can write to it", segment.LiveName)
	case found[chain.Replaced] && cause != chain.CauseContinuation:
		return refuse(home, "put the log back that was here, or, if none of its files are left, declare a continuation", "another log is in the place of the one this machine remembers")
	}
	return nil
}

// choose gives the places that the declaration is about.
func (d *Declaration) choose(ctx context.Context, o *Options, out *verify.Outcome) ([]*place, error) {
	var chosen []*place
	allowed := causes[d.Cause]
	if d.Corrects != chain.Genesis && !slices.ContainsFunc(out.Verdict.Anchors, func(a chain.AnchorFound) bool { return a.Hash == d.Corrects }) {
		return nil, refuse(o.Home, "audit_verify lists the anchors with their hashes", "no anchor %s is on the chain", d.Corrects)
	}
	open := func(p *place) bool {
		return p.documentedBy == chain.Genesis && d.Corrects == chain.Genesis || p.documentedBy == d.Corrects && d.Corrects != chain.Genesis || d.names(out, p)
	}
	for _, p := range places(out) {
		anew := d.Cause == chain.CauseContinuation && p.leavesNothing()
		if (anew || slices.Contains(allowed, p.class)) && open(p) {
			chosen = append(chosen, p)
		}
	}
	if slices.Contains(allowed, chain.Unreadable) {
		for _, p := range chosen {
			p.unread = true
		}
		more, err := o.unreadable(ctx, out, chosen)
		if err != nil {
			return nil, err
		}
		for _, p := range more {
			if open(p) {
				chosen = append(chosen, p)
			}
		}
	}
	return chosen, nil
}

// names reports whether the anchor to be corrected is about a place, although it is contradicted and
// so documents nothing.
func (d *Declaration) names(out *verify.Outcome, p *place) bool {
	for _, a := range out.Verdict.Anchors {
		if a.Hash == d.Corrects && a.Where == p.where && (a.Before.Hash == p.before.Hash || a.Lost.Head == p.lost.Head && p.lost.Head != chain.Genesis) {
			return true
		}
	}
	return false
}

// write chains the anchors and seals the segment.
func (d *Declaration) write(ctx context.Context, o *Options, log *segment.Log, b breaks) error {
	out := b.out
	head, previous := out.Verdict.Head, chain.Genesis
	if n := len(out.Verdict.Anchors); n > 0 {
		previous = out.Verdict.Anchors[n-1].Hash
	}
	next, err := o.nextSegment(out)
	if err != nil {
		return err
	}
	for i, p := range b.places {
		if p.where == chain.WhereTail && p.chained == chain.Genesis {
			return fmt.Errorf("the log was settled, and its %s is not there", chain.KindBreak)
		}
		a := d.anchor(o, out, p)
		a.Incarnation, a.Previous, a.NextSegment, a.Source = out.Verdict.Incarnation+1+i, previous, next, b.source
		r, err := log.AppendSystemAt(ctx, chain.KindAnchor, a.Payload(), func(at segment.Place) error {
			if at.Head != head {
				return errMoved
			}
			return nil
		})
		if err != nil {
			return err
		}
		head, previous = r.Hash, r.Hash
	}
	_, err = log.Rotate(ctx)
	return err
}

// anchor is the payload for a place.
func (d *Declaration) anchor(o *Options, out *verify.Outcome, p *place) chain.Anchor {
	a := chain.Anchor{LogID: out.Verdict.LogID, Where: p.where, Cause: d.Cause, Before: p.before, After: p.after, Lost: p.lost,
		Surviving: p.broken.Surviving, Evidence: p.altered, DetectedAt: stamp(o.Now()), Reason: d.Reason, Operator: d.Operator, Ticket: d.Ticket,
		RecordedBy: o.By, Corrects: d.Corrects}
	if p.where == chain.WhereTail {
		a.Agrees = chain.AgreesThrough{By: "mark"}
		for _, point := range p.broken.Remembered.Points {
			if point.Agrees == "yes" {
				a.Agrees = chain.AgreesThrough{Hash: point.Hash, By: "points"}
			}
		}
		text := p.broken.Payload()
		a.Evidence = append(a.Evidence, chain.Evidence{Kind: chain.KindBreak, SHA256: sha256.Sum256(text), Embedded: string(text)})
	}
	return a
}

// nextSegment is the number that the live segment gets when it is sealed: one that no file bears, and
// no lower than the one that this machine gave it, which counts segments that are lost as well.
func (o *Options) nextSegment(out *verify.Outcome) (int64, error) {
	s, err := o.snapshot()
	if err != nil {
		return 0, err
	}
	return max(s.Next, out.Continuity.Mark.Segment), s.Close()
}

// expected is the verdict that is left once the places are documented.
func (b *breaks) expected() Expected {
	left := slices.Clone(b.out.Report.Findings)
	for i := range left {
		corrected := left[i].Class == chain.AnchorContradicted && left[i].Hash == b.corrects.String()
		if corrected || slices.ContainsFunc(b.places, func(p *place) bool { return p.covers(b.out, left[i]) }) {
			left[i].Severity, left[i].DocumentedBy = chain.Note, chain.KindAnchor
		}
	}
	e := expectation(left, len(b.places))
	if e.Exit == 0 && b.corrects != chain.Genesis {
		e.Exit, e.Verdict = 4, e.Verdict+", corrected"
	}
	return e
}

package recovery

import (
	"context"
	"errors"
	"slices"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// settled are the cases that settling a log ends, and archived those that archiving does.
var (
	settled  = []Kind{KindTornTail, KindTornFirst, KindGhost, KindNotARecord, KindRotation, KindRefusals, KindAside}
	archived = []Kind{KindManifestGone, KindUnattested}
)

// PlanRepair plans the mechanical repairs: what a kill, a full disk or a failing medium left is
// finished or set aside, and a lost manifest is made again. None of it loses or changes a record, and
// none of it explains one that is absent. A plan without steps says that there is nothing to repair.
func PlanRepair(ctx context.Context, o Options) (*Plan, error) {
	o = o.withDefaults()
	d, err := Diagnose(ctx, o)
	if err != nil {
		return nil, err
	}
	p := &Plan{Expected: Expected{Exit: d.Exit, Verdict: d.Verdict}}
	var settle, compress bool
	for _, c := range d.Cases {
		switch {
		case slices.Contains(settled, c.Case):
			settle = true
		case slices.Contains(archived, c.Case):
			compress = true
		}
	}
	if settle {
		p.Steps = append(p.Steps, Step{Do: "settle the log as any append does, and set aside last lines that are no records",
			Reads: []string{segment.LiveName, segment.FlockName}, Writes: []string{"audit.torn_tail, audit.append_failed or audit.break in " + segment.LiveName + ", as needed"},
			Keeps: []string{"audit.torn-*.partial, " + segment.QuarantineDir + "/: what is taken out of the log"}})
	}
	if compress {
		p.Steps = append(p.Steps, Step{Do: "archive the sealed segments, which makes a lost manifest again where the chain vouches for it",
			Reads: []string{segment.ArchiveDir + "/"}, Writes: []string{segment.ArchiveDir + "/audit-NNNN.manifest.json", chain.KindArchive + " in " + segment.LiveName}})
	}
	if len(p.Steps) > 0 && d.mechanical() {
		left := slices.DeleteFunc(slices.Clone(d.Report.Findings), func(f report.Finding) bool { return f.DocumentedBy == "" })
		p.Expected = expectation(left, inForce(d.Report))
	}
	p.apply = func(ctx context.Context, log *segment.Log) error {
		if settle {
			if err := log.Repair(ctx); err != nil {
				return err
			}
		}
		if !compress {
			return nil
		}
		results, err := archive.Run(ctx, o.Home, o.Log, archive.Options{})
		for _, r := range results {
			err = errors.Join(err, r.Err)
		}
		return err
	}
	return p, nil
}

// mechanical reports whether nothing is wrong with the log but what a repair ends.
func (d *Diagnosis) mechanical() bool {
	for _, c := range d.Cases {
		if c.Severity >= chain.Inconclusive && !slices.Contains(settled, c.Case) && !slices.Contains(archived, c.Case) {
			return false
		}
	}
	return true
}

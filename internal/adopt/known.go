package adopt

import (
	"context"
	"maps"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// maxKnown bounds the findings that an audit.adopt names by hash; the counts are of all.
const maxKnown = 1000

// known is what is to be said of the old home before it is adopted.
type known struct {
	chain.Known
	exit    int
	logID   string // empty if unknown
	counts  map[string]int
	records int64 // as verified
	others  []NotBrought

	incarnation int
	continuity  segment.Continuity // with what this machine remembers of the old home
}

// judgeOld verifies the old home as audit_verify does, and keeps nothing of it.
func (a *adoption) judgeOld(ctx context.Context) (k known, err error) {
	out, err := verify.Examine(ctx, verify.Options{FS: a.o.Log.FS, Home: a.old.snap.Home, State: a.o.Log.State, Sharing: a.o.Log.Sharing,
		Now: a.o.Log.Now, Tool: a.o.Log.Tool, Command: "adopt",
		Progress: func(done, total int64) { a.o.Progress(Verifying, done, total) }})
	if err != nil {
		return k, err
	}
	r := out.Report
	k.Verdict, k.exit, k.logID, k.counts = r.Verdict, r.Exit, r.LogID, r.Counts
	k.records, k.incarnation = r.Records.Total, r.Incarnation
	for _, class := range slices.Sorted(maps.Keys(r.Counts)) {
		k.Counts = append(k.Counts, chain.Count{Name: class, Count: int64(r.Counts[class])})
	}
	for _, f := range r.Findings {
		if h, err := chain.ParseHash(f.Hash); err == nil && len(k.Findings) < maxKnown {
			k.Findings = append(k.Findings, chain.FindingByHash{Class: f.Class, Hash: h})
		}
	}
	k.continuity = out.Continuity
	k.others, err = a.old.others()
	return k, err
}

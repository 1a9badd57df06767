package adopt

import (
	"context"
	"maps"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/verify"
)

// maxKnown bounds the findings that an audit.adopt names by hash; the counts are of all.
const maxKnown = 1000

// known is what is to be said of the old home before it is adopted.
type known struct {
	chain.Known
	exit   int
	logID  string // empty if unknown
	counts map[string]int
	// forgotten is what this machine remembers of the old home and the old home does not show; "" if
	// there is no such thing.
	forgotten chain.Class
	others    []NotBrought
}

// judgeOld verifies the old home as audit_verify does.
func (a *adoption) judgeOld(ctx context.Context) (k known, err error) {
	r, err := verify.Run(ctx, verify.Options{FS: a.o.Log.FS, Home: a.old.snap.Home, State: a.o.Log.State, Sharing: a.o.Log.Sharing,
		Now: a.o.Log.Now, Tool: a.o.Log.Tool, Command: "adopt",
		Progress: func(done, total int64) { a.o.Progress(Verifying, done, total) }})
	if err != nil {
		return k, err
	}
	k.Verdict, k.exit, k.logID, k.counts = r.Verdict, r.Exit, r.LogID, r.Counts
	for _, class := range slices.Sorted(maps.Keys(r.Counts)) {
		k.Counts = append(k.Counts, chain.Count{Name: class, Count: int64(r.Counts[class])})
	}
	for _, f := range r.Findings {
		switch h, err := chain.ParseHash(f.Hash); {
		case f.Hash == "" && (f.Class == chain.RolledBack || f.Class == chain.Diverged || f.Class == chain.Replaced):
			k.forgotten = f.Class
		case err == nil && len(k.Findings) < maxKnown:
			k.Findings = append(k.Findings, chain.FindingByHash{Class: f.Class, Hash: h})
		}
	}
	k.others, err = a.old.others()
	return k, err
}

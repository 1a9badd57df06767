package verify

import (
	"fmt"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
)

// axes says in a few words what the verdict covers and what it does not.
func (c *check) axes(r *report.Report) report.Axes {
	a := report.Axes{
		Integrity:    axis(r, "every hash agrees", chain.Altered, chain.Ambiguous, chain.Redacted, chain.Unreadable, chain.TornTailFound),
		Continuity:   axis(r, "one chain", chain.Missing, chain.SecondGenesis, chain.ImplausibleFork, chain.RotateMismatch, chain.Fork, chain.Duplicate),
		Completeness: c.completeness(r),
		Protection:   c.protection(),
		Coverage:     c.coverage(r),
	}
	if c.o.Depth == Manifests {
		a.Integrity = "no record checked"
		a.Continuity = axis(r, "archived segments follow one another", chain.Missing, chain.SecondGenesis, chain.Fork)
	}
	return a
}

// axis lists what was found of some classes, or says well if there is nothing.
func axis(r *report.Report, well string, classes ...chain.Class) string {
	var parts []string
	for _, class := range classes {
		if n := r.Counts[string(class)]; n > 0 {
			info, _ := class.Info()
			parts = append(parts, info.Counted(n))
		}
	}
	if len(parts) == 0 {
		return well
	}
	return strings.Join(parts, ", ")
}

func (c *check) completeness(r *report.Report) string {
	for _, class := range []chain.Class{chain.Replaced, chain.Diverged, chain.RolledBack, chain.LiveMissing} {
		for _, f := range r.Findings {
			if f.Class == class && f.DocumentedBy == "" {
				return f.Meaning
			}
		}
	}
	switch {
	case c.against != nil && c.against.Agrees:
		return "what " + c.against.Name + " remembers is there"
	case c.marked:
		return "the head this machine remembers is there"
	}
	return "unknown: nothing outside the log remembers its length"
}

// protection says who besides this machine vouches for the records. What was compared with does, up to
// its last record; whether it is out of reach from here, nobody can tell here.
func (c *check) protection() string {
	const nothing = "nothing off this machine vouches for "
	if c.against == nil || !c.against.Agrees {
		return nothing + "these records: a full recompute would not be seen"
	}
	words := c.against.Name + " vouches for them, if nobody here can change it"
	if c.agreesUpTo == c.v.Head {
		return words
	}
	return fmt.Sprintf("%s, up to #%d %s; %slater ones", words, c.agreesAt, c.agreesUpTo.Short(), nothing)
}

func (c *check) coverage(r *report.Report) string {
	switch {
	case c.o.Depth == Manifests:
		return fmt.Sprintf("the manifests and the SHA-256 of %s, and %s; no record", count(int64(c.held.archived), "archived segment", "archived segments"), c.held.looked)
	case r.Range != nil:
		return fmt.Sprintf("range only: %d of %d records recomputed; links, times and system records of all", r.Records.Checked, r.Records.Total)
	case r.Counts[string(chain.Unreadable)] > 0:
		return "every record that can be read"
	}
	return "every record"
}

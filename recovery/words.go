package recovery

import (
	"fmt"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
)

func stamp(t time.Time) string { return t.UTC().Format(chain.TimeLayout) }

// words says what a place is, for people.
func (p *place) words() string {
	switch {
	case p.class == chain.Altered:
		return fmt.Sprintf("record #%d of %s was altered; its content is acknowledged as it is now", p.record, p.file)
	case p.class == chain.Unreadable:
		return fmt.Sprintf("%s holds what cannot be read, before record #%d", p.file, p.record)
	case p.where == chain.WhereTail:
		if p.lost.Head == chain.Genesis {
			return fmt.Sprintf("what followed %s is gone; nothing remembers how much that was", p.before.Hash.Short())
		}
		after := "after " + p.before.Hash.Short()
		if p.before.Hash == chain.Genesis {
			after = "from the first one on"
		}
		return fmt.Sprintf("%s %s, up to %s, lost", p.lostWords(), after, p.lost.Head.Short())
	case p.class == chain.Missing:
		return fmt.Sprintf("%s between %s and %s lost, the last of them %s", p.lostWords(), p.before.Hash.Short(), p.after.Hash.Short(), p.lost.Head.Short())
	}
	return fmt.Sprintf("%s at record #%d of %s, between %s and %s", p.class, p.record, p.file, p.before.Hash.Short(), p.after.Hash.Short())
}

// lostWords says how many records are absent from a place.
func (p *place) lostWords() string {
	if p.lost.Records == (chain.Bounds{Min: 1, Max: 1}) {
		return "1 record"
	}
	return p.lost.Records.String() + " records"
}

// inForce counts the documented breaks.
func inForce(r *report.Report) (n int) {
	for _, a := range r.Anchors {
		if a.State == chain.AnchorInForce {
			n++
		}
	}
	return n
}

// expectation is the verdict that findings come to, with so many breaks documented.
func expectation(left []report.Finding, documented int) Expected {
	worst, acknowledged := chain.Note, false
	for _, f := range left {
		if f.Class == chain.Altered && f.DocumentedBy != "" {
			acknowledged = true
			continue
		}
		worst = max(worst, f.Severity)
	}
	breaks, except := "", ""
	switch documented {
	case 0:
	case 1:
		breaks, except = "; 1 documented break", " except 1 documented break"
	default:
		breaks, except = fmt.Sprintf("; %d documented breaks", documented), fmt.Sprintf(" except %d documented breaks", documented)
	}
	switch {
	case worst == chain.Damage:
		return Expected{Exit: 3, Verdict: "damage that this does not concern" + breaks}
	case worst == chain.Inconclusive:
		return Expected{Exit: 5, Verdict: "inconclusive for other reasons" + breaks}
	case acknowledged:
		return Expected{Exit: 4, Verdict: "intact except what was altered and is acknowledged"}
	}
	return Expected{Exit: 0, Verdict: "intact" + except}
}

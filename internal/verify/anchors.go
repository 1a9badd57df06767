package verify

import (
	"fmt"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
)

// document notes that an anchor in force documents a finding. What is absent is then known and said
// in the headline; an altered record is only acknowledged, and stays a warning for good.
func document(f *report.Finding, anchor chain.Hash) {
	f.DocumentedBy, f.Severity = anchor.String(), chain.Note
	f.Meaning += "; documented by the anchor " + anchor.Short()
	f.Next = "no action: see the anchor"
	if f.Class == chain.Altered {
		f.Severity = chain.Warning
	}
}

// anchors reports the breaks that people documented.
func (c *check) anchors(r *report.Report) {
	for _, a := range c.v.Anchors {
		out := report.Anchor{Record: a.Record, TS: a.TS, Hash: a.Hash.String(), State: a.State, Why: a.Why,
			Place: a.Where, Cause: a.Cause, Before: a.Before.Hash.String(), BeforeIndex: a.BeforeRecord,
			LostMin: known(a.Lost.Records.Min), LostMax: known(a.Lost.Records.Max), LostHead: a.Lost.Head.String(),
			Written: a.Lost.RecordClaim.Grade, Grade: a.Grade, Operator: a.Operator, Reason: a.Reason, Ticket: a.Ticket,
			RecordedBy: fmt.Sprintf("uid %d@%s", a.RecordedBy.UID, a.RecordedBy.Host), Incarnation: a.Incarnation}
		if a.Where == chain.WhereGap {
			out.After = a.After.Hash.String()
		}
		r.Anchors = append(r.Anchors, out)
	}
}

// documentedWords says in the headline what is documented: what was lost is counted, not hidden.
func documentedWords(r *report.Report) string {
	var lost []string
	acknowledged := 0
	for _, a := range r.Anchors {
		if a.State == chain.AnchorInForce {
			lost = append(lost, fmt.Sprintf("%s (%s)", LostWords(a), a.Grade))
		}
	}
	for _, f := range r.Findings {
		if f.Class == chain.Altered && f.DocumentedBy != "" {
			acknowledged += int(f.Records)
		}
	}
	words := ""
	if len(lost) > 0 {
		words = fmt.Sprintf("%s: %s", count(int64(len(lost)), "documented break", "documented breaks"), strings.Join(lost, ", "))
	}
	if acknowledged > 0 {
		words = joined(words, count(int64(acknowledged), "altered record acknowledged", "altered records acknowledged"))
	}
	for _, a := range r.Anchors {
		if a.State == chain.AnchorCorrected {
			words = joined(words, fmt.Sprintf("the anchor %.12s was corrected", a.Hash))
		}
	}
	return words
}

// LostWords says how many records an anchor documents as lost.
func LostWords(a report.Anchor) string {
	switch {
	case a.LostMax == nil && (a.LostMin == nil || *a.LostMin == 0):
		return "an unknown number of records lost"
	case a.LostMax == nil:
		return fmt.Sprintf("at least %s lost", count(*a.LostMin, "record", "records"))
	case *a.LostMax == 0:
		return "no record lost"
	case a.LostMin != nil && *a.LostMin == *a.LostMax:
		return count(*a.LostMax, "record", "records") + " lost"
	}
	return fmt.Sprintf("at most %s lost", count(*a.LostMax, "record", "records"))
}

// alwaysWarned reports whether the log holds what never passes without a warning: an alteration that
// was acknowledged, or an anchor that had to be corrected.
func alwaysWarned(r *report.Report) bool {
	for _, a := range r.Anchors {
		if a.State == chain.AnchorCorrected {
			return true
		}
	}
	for _, f := range r.Findings {
		if f.Class == chain.Altered && f.DocumentedBy != "" {
			return true
		}
	}
	return false
}

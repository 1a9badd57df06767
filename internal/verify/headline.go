package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// Exit codes of a check; the whole table is the command's.
const (
	exitOK           = 0
	exitDamage       = 3
	exitWarnings     = 4
	exitInconclusive = 5
)

// report puts everything that was found into one document.
func (c *check) report() *report.Report {
	v := c.v
	r := &report.Report{
		Schema: report.Schema, Tool: c.o.Tool, Command: c.o.Command, Home: c.snap.Home, Incarnation: v.Incarnation,
		CheckedAt: c.o.Now().UTC().Format(chain.TimeLayout), Findings: []report.Finding{}, Breaks: []report.Break{}, Anchors: []report.Anchor{},
		Records: report.Counted{Checked: v.Hashed, Total: v.Records, Copies: v.Copies}, Against: c.against, Compat: v.Compat,
		Counts: map[string]int{},
	}
	if v.LogID != chain.Genesis {
		r.LogID = v.LogID.String()
	}
	slices.SortStableFunc(c.findings, func(a, b report.Finding) int { return int(b.Severity) - int(a.Severity) })
	if len(c.findings) > 0 {
		r.Findings = c.findings
	}
	for i, f := range r.Findings {
		if f.DocumentedBy != "" {
			continue
		}
		r.Counts[string(f.Class)] += int(f.Records)
		if f.Severity == chain.Damage && r.FirstDivergence == nil {
			r.FirstDivergence = &r.Findings[i]
		}
	}
	c.segments(r)
	c.head(r)
	c.breaks(r)
	c.anchors(r)
	c.remembered(r)
	if c.o.ranged() {
		c.ranged(r)
	}
	c.conclude(r)
	r.OK = r.Exit == exitOK
	r.Axes = c.axes(r)
	return r
}

func (c *check) segments(r *report.Report) {
	r.Segments = report.Counted{Total: int64(len(c.snap.Sources))}
	r.Sources = []report.SegmentSummary{}
	unread := map[string]bool{}
	for _, f := range c.findings {
		if f.Class == chain.Unreadable && f.Line == 0 {
			unread[f.Segment] = true
		}
	}
	for i, s := range c.v.Sources {
		if !unread[s.Name] {
			r.Segments.Checked++
		}
		r.Sources = append(r.Sources, report.SegmentSummary{Name: s.Name, State: c.snap.Sources[i].State().String(), Records: s.Records,
			Bytes: s.Bytes, First: s.First.String(), Last: s.Last.String(), TSMin: s.TSMin, TSMax: s.TSMax})
	}
	if c.o.Depth == Manifests {
		r.Segments.Checked = int64(c.held.agree)
	}
}

func (c *check) head(r *report.Report) {
	if c.v.Head == chain.Genesis {
		return
	}
	name := segment.LiveName
	for _, s := range c.v.Sources {
		if s.Records > 0 {
			name = s.Name
		}
	}
	r.Head = &report.Head{Record: c.v.Records - 1, Segment: name, TS: c.v.HeadTS, Hash: c.v.Head.String()}
}

func (c *check) breaks(r *report.Report) {
	for _, b := range c.v.Breaks {
		out := report.Break{Record: b.Record, TS: b.TS, Hash: b.Hash.String(), Found: b.Found,
			LostMin: known(b.Lost.Min), LostMax: known(b.Lost.Max), LostHead: b.Remembered.Head.String()}
		for _, f := range r.Findings {
			if f.Hash == out.Hash && f.Class == b.Found {
				out.DocumentedBy = f.DocumentedBy
			}
		}
		r.Breaks = append(r.Breaks, out)
	}
}

// known is nil for a count that nobody knows.
func known(n int64) *int64 {
	if n == chain.UnknownCount {
		return nil
	}
	return &n
}

func (c *check) remembered(r *report.Report) {
	if !c.marked {
		return
	}
	m := &report.Mark{Agrees: c.cont.Standing == segment.Agrees, Head: c.mark.Head.String(), Segment: c.mark.Segment, Offset: c.mark.Offset, LogID: c.mark.LogID.String()}
	if ps := c.v.Found[c.mark.Head]; len(ps) > 0 {
		m.Record = &ps[0].Record
	}
	r.Mark = m
}

func (c *check) ranged(r *report.Report) {
	r.Range = &report.Range{Since: c.o.Since, Until: c.o.Until, Segment: c.o.Segment, Records: c.inRange, First: -1, Last: -1}
	if c.span.to > c.span.from {
		r.Range.First, r.Range.Last = c.v.BlockRecords(c.span.from, c.span.to)
	}
}

// conclude gives the verdict its words and its exit code. A check is passed only if something was
// looked at, nothing is damaged and nothing is in doubt.
func (c *check) conclude(r *report.Report) {
	worst := chain.Note
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	if c.o.Depth == Manifests {
		c.concludeManifests(r, worst)
		return
	}
	documented := documentedWords(r)
	nothing := r.Records.Checked == 0 || (c.o.ranged() && c.inRange == 0)
	var words string
	switch {
	case worst == chain.Damage:
		r.Exit, words = exitDamage, "damage: "+classWords(r, chain.Damage)
		if more := joined(classWords(r, chain.Inconclusive, chain.Warning), documented); more != "" {
			words += "; also " + more
		}
	case worst == chain.Inconclusive:
		r.Exit, words = exitInconclusive, "inconclusive: "+joined(classWords(r, chain.Inconclusive, chain.Warning), documented)
	case nothing:
		r.Exit, words = exitInconclusive, "nothing checked: no record there"
		if c.o.ranged() {
			words = "nothing checked: no record in this range"
		}
	case c.nothingAgainst:
		r.Exit, words = exitInconclusive, "inconclusive: "+joined("nothing to compare with in "+c.against.Name, classWords(r, chain.Warning), documented)
	default:
		words = "intact"
		if documented != "" {
			words += " except " + documented
		}
		if more := classWords(r, chain.Warning); more != "" {
			words += "; " + more
		}
		if alwaysWarned(r) || c.o.Strict == Strict && (worst == chain.Warning || documented != "") {
			r.Exit = exitWarnings
		}
	}
	if r.Range != nil {
		words = fmt.Sprintf("RANGE ONLY: %d of %d records checked; %s", r.Records.Checked, r.Records.Total, words)
	}
	r.Verdict = words
}

// joined joins the parts that are not empty.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

// classWords lists how often each class of some severities was found.
func classWords(r *report.Report, severities ...chain.Severity) string {
	var parts []string
	for _, info := range chain.Classes {
		if n := r.Counts[string(info.Class)]; n > 0 && slices.Contains(severities, info.Severity) {
			parts = append(parts, info.Counted(n))
		}
	}
	return strings.Join(parts, ", ")
}

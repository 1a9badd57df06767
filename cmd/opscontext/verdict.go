package main

import (
	"fmt"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/internal/verify"
)

// shownFindings is how many findings of a class are shown; --json has them all.
const shownFindings = 5

// printer writes labelled lines until one fails.
type printer struct {
	out *terminal.Stream
	err error
}

// field writes a line; untrusted parts of safe have been through terminal.Escape.
func (p *printer) field(label, safe string) {
	if p.err == nil {
		p.err = p.out.Field(label, safe)
	}
}

// printReport writes a report for people.
func printReport(out *terminal.Stream, r *report.Report) error {
	p := &printer{out: out}
	p.field("verdict", out.Paint(verdictColour(r), terminal.Escape(r.Verdict)))
	if r.Range != nil {
		p.field("range", rangeWords(r.Range))
	}
	p.field("checked", fmt.Sprintf("%s of %s, %s of %s%s",
		terminal.Count(r.Records.Checked), terminal.Plural(r.Records.Total, "record"),
		terminal.Count(r.Segments.Checked), terminal.Plural(r.Segments.Total, "segment"), copiesWords(r.Records.Copies)))
	p.field("remembered", rememberedWords(r))
	if a := r.Against; a != nil {
		p.field("against", terminal.Escape(a.Name)+": "+terminal.Escape(a.Detail))
	}
	p.field("protected", terminal.Escape(r.Axes.Protection))
	p.breaks(r)
	p.findings(r)
	p.reproduce(r)
	return p.err
}

func verdictColour(r *report.Report) terminal.Colour {
	switch exitCode(r.Exit) {
	case exitDone:
		return terminal.Good
	case exitDamage:
		return terminal.Bad
	}
	return terminal.Caution
}

func rangeWords(r *report.Range) string {
	from, to := r.Since, r.Until
	if from == "" {
		from = "the beginning"
	}
	if to == "" {
		to = "the end"
	}
	words := fmt.Sprintf("%s to %s", terminal.Escape(from), terminal.Escape(to))
	if r.Segment != 0 {
		words = fmt.Sprintf("segment %d", r.Segment)
	}
	words += ": " + terminal.Plural(r.Records, "record")
	if r.First >= 0 {
		words += fmt.Sprintf("; #%s to #%s recomputed", terminal.Count(r.First), terminal.Count(r.Last))
	}
	return words
}

func copiesWords(n int64) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "; 1 of them is a second copy"
	}
	return fmt.Sprintf("; %s of them are second copies", terminal.Count(n))
}

// rememberedWords says what the length of the log was held against.
func rememberedWords(r *report.Report) string {
	m := r.Mark
	if m == nil {
		return "nothing: this machine has no mark of this log, so records missing at its end would not be seen"
	}
	head := "head " + terminal.Clip(short(m.Head), 20)
	if m.Record != nil {
		head = fmt.Sprintf("head #%s %s", terminal.Count(*m.Record), terminal.Clip(short(m.Head), 20))
	}
	if !m.Agrees {
		return head + " does not agree: " + terminal.Escape(r.Axes.Completeness)
	}
	return head + " agrees (mark: same disk, same owner: a restore of both is not seen)"
}

// short is the beginning of a hash, for people.
func short(hash string) string {
	const digits = 12
	if len(hash) > digits {
		return hash[:digits]
	}
	return hash
}

// breaks writes the breaks: what people documented, then what the machine found and nobody has.
func (p *printer) breaks(r *report.Report) {
	label, n := "breaks", 0
	line := func(words string) {
		p.field(label, words)
		label = ""
	}
	for _, a := range r.Anchors {
		n++
		line(fmt.Sprintf("#%d %s", n, anchorWords(a)))
	}
	for _, b := range r.Breaks {
		if b.DocumentedBy == "" {
			n++
			line(breakWords(n, b))
		}
	}
}

func anchorWords(a report.Anchor) string {
	day, _, _ := strings.Cut(a.TS, "T")
	lost := verify.LostWords(a)
	if a.Place == chain.WhereTail && a.LostMin != nil && a.LostMax != nil && *a.LostMin == *a.LostMax && *a.LostMin > 1 {
		lost = fmt.Sprintf("records %s-%s lost", terminal.Count(a.BeforeIndex+1), terminal.Count(a.BeforeIndex+*a.LostMin))
	}
	words := fmt.Sprintf("%s %s, %s", terminal.Clip(day, 12), a.Cause, lost)
	switch a.State {
	case chain.AnchorInForce:
		words += fmt.Sprintf(" (%s)", a.Grade)
	default:
		words += fmt.Sprintf(" (%s)", a.State)
	}
	words += fmt.Sprintf(", operator %s (asserted), %s", terminal.Clip(a.Operator, 40), terminal.Clip(a.RecordedBy, 60))
	if a.Why != "" {
		words += ": " + terminal.Clip(a.Why, 200)
	}
	return words
}

func breakWords(n int, b report.Break) string {
	words := fmt.Sprintf("#%d %s, record #%s of %s", n, terminal.Clip(string(b.Found), 40), terminal.Count(b.Record), terminal.Clip(b.TS, 30))
	switch {
	case b.LostMin == nil && b.LostMax == nil:
		words += ": nobody knows how many records are lost"
	case b.LostMax == nil:
		words += fmt.Sprintf(": at least %s lost", terminal.Plural(*b.LostMin, "record"))
	case b.LostMin == nil:
		words += fmt.Sprintf(": at most %s lost", terminal.Plural(*b.LostMax, "record"))
	case *b.LostMin == *b.LostMax:
		words += fmt.Sprintf(": %s lost", terminal.Plural(*b.LostMin, "record"))
	default:
		words += fmt.Sprintf(": %s to %s lost", terminal.Count(*b.LostMin), terminal.Plural(*b.LostMax, "record"))
	}
	return words + ", up to " + terminal.Clip(short(b.LostHead), 20)
}

// findings writes what was found, class by class in the report's order: what it means, the first
// places, what to do.
func (p *printer) findings(r *report.Report) {
	byClass := map[chain.Class][]report.Finding{}
	var classes []chain.Class
	for _, f := range r.Findings {
		if f.DocumentedBy != "" && f.Severity == chain.Note {
			continue // it stands among the breaks
		}
		if byClass[f.Class] == nil {
			classes = append(classes, f.Class)
		}
		byClass[f.Class] = append(byClass[f.Class], f)
	}
	for _, class := range classes {
		all := byClass[class]
		meaning := ""
		for _, f := range all[:min(len(all), shownFindings)] {
			if f.Meaning != meaning {
				meaning = f.Meaning
				p.field("found", p.out.Paint(severityColours[f.Severity], terminal.Escape(string(class)))+" ("+f.Severity.String()+"): "+terminal.Clip(meaning, 400))
			}
			if place := placeWords(f); place != "" {
				p.field("", place)
			}
		}
		if more := len(all) - shownFindings; more > 0 {
			p.field("", fmt.Sprintf("and in %s more; --json lists all", terminal.Plural(int64(more), "place")))
		}
		p.field("", "next: "+terminal.Escape(all[0].Next))
	}
}

var severityColours = map[chain.Severity]terminal.Colour{
	chain.Damage: terminal.Bad, chain.Inconclusive: terminal.Caution, chain.Warning: terminal.Caution, chain.Note: terminal.Faint,
}

func placeWords(f report.Finding) string {
	var parts []string
	if f.Segment != "" {
		parts = append(parts, terminal.Clip(f.Segment, 60))
	}
	if f.Line > 0 {
		parts = append(parts, "line "+terminal.Count(f.Line), "byte "+terminal.Count(f.Offset))
	}
	if f.Record >= 0 {
		parts = append(parts, "record #"+terminal.Count(f.Record))
	}
	if f.Records > 1 && f.Line > 0 {
		parts = append(parts, terminal.Count(f.Records)+" from there")
	}
	if f.Hash != "" {
		parts = append(parts, short(f.Hash))
	}
	return strings.Join(parts, ", ")
}

// reproduce writes what it takes to ask the same question again.
func (p *printer) reproduce(r *report.Report) {
	p.field("reproduce", terminal.Escape(r.Tool)+", "+terminal.Escape(r.CheckedAt))
	p.field("", terminal.Escape(r.Command))
	p.field("home", terminal.Escape(r.Home))
	if r.LogID != "" {
		p.field("log id", r.LogID)
		p.field("incarnation", terminal.Count(int64(r.Incarnation)))
	}
	if r.Head != nil {
		p.field("head", r.Head.Hash)
	}
}

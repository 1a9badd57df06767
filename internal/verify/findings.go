package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/intake"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// add reports a finding that is about a file, or about the log as a whole where name is empty.
func (c *check) add(class chain.Class, name, detail string, count int64) {
	c.put(class, report.Finding{Segment: name, Record: -1, Records: count}, detail)
}

// advise reports a finding like add, with a next step that fits it better than the class's own.
func (c *check) advise(class chain.Class, name, detail, next string) {
	c.put(class, report.Finding{Segment: name, Record: -1, Records: 1, Next: next}, detail)
}

// put completes a finding with what the table of classes says of it.
func (c *check) put(class chain.Class, f report.Finding, detail string) {
	info, _ := class.Info()
	f.Class, f.Severity, f.Meaning = class, info.Severity, info.Meaning
	if f.Next == "" {
		f.Next = info.Next
	}
	if detail != "" {
		f.Meaning += ": " + strings.ReplaceAll(detail, "\n", "; ") // several errors are a line each
	}
	c.findings = append(c.findings, f)
}

// records reports what the judge found in the records.
func (c *check) records() {
	c.findings = slices.Grow(c.findings, len(c.v.Findings))
	for _, f := range c.v.Findings {
		src := c.v.Sources[f.Source]
		class, detail := f.Class, f.Detail
		if class == chain.TornTailFound && c.moved {
			class, detail = chain.InFlight, ""
		}
		out := report.Finding{Segment: src.Name, Line: f.Line, Offset: f.Offset, Record: f.Record, Records: f.Records}
		if f.Unread > 0 {
			out.Line = 0
		}
		if f.Hash != chain.Genesis {
			out.Hash = f.Hash.String()
		}
		if f.Class == chain.Unreadable || f.Class == chain.TornTailFound {
			out.Record = -1
		}
		if b := c.breakAt(f); b != nil {
			detail = lostWords(b.Lost, b.Remembered.Head) + "; " + detail
		}
		if f.Gone.Min == f.Gone.Max && f.Gone.Min > 0 {
			detail += "; " + count(f.Gone.Min, "record", "records") + " in all, as the rotation after it shows"
		}
		c.put(class, out, detail)
		if f.Anchor != chain.Genesis {
			document(&c.findings[len(c.findings)-1], f.Anchor)
		}
	}
}

// breakAt gives the audit.break that a finding is about, nil for any other.
func (c *check) breakAt(f chain.Finding) *chain.BreakFound {
	for i := range c.v.Breaks {
		if b := &c.v.Breaks[i]; b.Hash == f.Hash && b.Found == f.Class && b.Place == f.Place {
			return b
		}
	}
	return nil
}

// lostWords says how many records up to a remembered head are gone.
func lostWords(lost chain.Bounds, head chain.Hash) string {
	switch {
	case head == chain.Genesis:
		return "nothing remembers how many records are lost"
	case lost.Min == chain.UnknownCount && lost.Max == chain.UnknownCount:
		return fmt.Sprintf("an unknown number of records up to %s lost", head.Short())
	case lost.Max == chain.UnknownCount:
		return fmt.Sprintf("at least %s up to %s lost", count(lost.Min, "record", "records"), head.Short())
	case lost.Min == lost.Max:
		return fmt.Sprintf("%s up to %s lost", count(lost.Min, "record", "records"), head.Short())
	}
	return fmt.Sprintf("%d to %d records up to %s lost", max(lost.Min, 0), lost.Max, head.Short())
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// files reports what the files show besides their content.
func (c *check) files() {
	if live := c.snap.Live; len(c.snap.Sources) > 0 && (live == nil || live.Size() == 0 && len(c.snap.Sources) > 1) && c.cont.Class != chain.LiveMissing {
		c.add(chain.LiveMissing, segment.LiveName, "", 1)
	}
	var wide []string
	for _, f := range c.snap.Facts {
		switch f.Kind {
		case segment.FactNotRegular:
			c.add(chain.Unreadable, f.File, f.Detail+"; it was not opened", 1)
		case segment.FactSameFile:
			c.add(chain.UndeclaredFile, f.File, f.Detail, 1)
		case segment.FactWideMode, segment.FactForeignOwner:
			wide = append(wide, f.File+" ("+f.Detail+")")
		}
	}
	if n := len(wide); n > 0 {
		const shown = 3
		detail := strings.Join(wide[:min(n, shown)], ", ")
		if n > shown {
			detail += fmt.Sprintf(" and %d more", n-shown)
		}
		c.add(chain.WidePermissions, "", detail, int64(n))
	}
	c.unfinishedImports()
	for _, name := range c.snap.Others {
		c.add(chain.UndeclaredFile, name, "", 1)
	}
}

// unfinishedImports says which imports were begun and not completed.
func (c *check) unfinishedImports() {
	marks, err := intake.ReadBookmarks(c.o.FS, c.snap.Home)
	if err != nil {
		c.add(chain.UndeclaredFile, segment.ArchiveDir, err.Error(), 1)
	}
	for _, b := range marks {
		if words := b.Unfinished(); words != "" {
			c.add(chain.Imported, segment.ArchiveDir+"/"+segment.ImportName(b.SHA256), words, 1)
		}
	}
}

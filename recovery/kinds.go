package recovery

import (
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// evidence is what tells cases apart that share a class, gathered from all findings of a check.
type evidence struct {
	out       *verify.Outcome
	altered   map[int64]bool         // records whose content is not what their hash says
	unread    map[lineOf]bool        // lines that cannot be read
	starts    map[string]chain.Class // what is wrong with the link of a file's first record
	later     map[int64]bool         // records whose parent is read only later
	disorder  bool                   // records are read in another order than they follow one another
	irregular bool                   // audit.log is no file
	shorter   bool                   // the log has not the length that is remembered
	oddEnd    int64                  // first of the lines at the end of the live log that are no records
}

// lineOf is a line of a file.
type lineOf struct {
	file string
	line int64
}

func gather(out *verify.Outcome) *evidence {
	e := &evidence{out: out, altered: map[int64]bool{}, unread: map[lineOf]bool{}, starts: map[string]chain.Class{}, later: map[int64]bool{}}
	for _, f := range out.Report.Findings {
		switch f.Class {
		case chain.Altered:
			for n := range f.Records {
				e.altered[f.Record+n] = true
			}
		case chain.Unreadable:
			for n := range f.Records {
				e.unread[lineOf{f.Segment, f.Line + n}] = f.Line > 0
			}
			e.irregular = e.irregular || f.Segment == segment.LiveName && notOpened(out, f)
		case chain.Missing, chain.SecondGenesis:
			if f.Line == 1 {
				e.starts[f.Segment] = f.Class
			}
		case chain.RolledBack, chain.LiveMissing:
			e.shorter = true
		}
	}
	for _, f := range out.Verdict.Findings {
		if f.OutOfOrder {
			e.later[f.Record], e.disorder = true, true
		}
	}
	for at := e.live().Lines; at > 0 && e.unread[lineOf{segment.LiveName, at}]; at-- {
		e.oddEnd = at
	}
	return e
}

// notOpened reports whether a finding is about something that has the name of a file and is none.
func notOpened(out *verify.Outcome, f report.Finding) bool {
	return f.Class == chain.Unreadable && f.Line == 0 && slices.Contains(out.Unopened, f.Segment)
}

// live is the summary of the live log, zero if there is none.
func (e *evidence) live() (s chain.SourceSummary) {
	if n := len(e.out.Verdict.Sources); n > 0 && e.out.Verdict.Sources[n-1].Live {
		s = e.out.Verdict.Sources[n-1]
	}
	return s
}

// sealed is how many sources are sealed segments.
func (e *evidence) sealed() int {
	n := len(e.out.Verdict.Sources)
	if n > 0 && e.out.Verdict.Sources[n-1].Live {
		n--
	}
	return n
}

// kindOf tells cases apart that share a class; ok is false for what is no case, or only a consequence
// of one.
func (e *evidence) kindOf(f report.Finding) (k Kind, ok bool) {
	k, ok = kinds[f.Class]
	live := f.Segment == segment.LiveName
	switch f.Class {
	case chain.Unreadable:
		k = e.unreadable(f)
	case chain.Missing:
		return e.missing(f)
	case chain.SecondGenesis:
		switch {
		case f.Line == 1 && e.disorder:
			k = KindSwapped
		case f.Line == 1 && live && e.sealed() > 0:
			k = KindBegunAnew
		case f.Line == 1 && !live && !e.followed(f.Segment):
			k = KindForeign
		}
	case chain.ImplausibleFork, chain.Fork:
		switch {
		case e.disorder:
			k = disordered(f)
		case e.altered[f.Record] || f.Line == 1 && e.starts[e.before(f.Segment)] != "":
			return k, false
		}
	case chain.RolledBack:
		switch {
		case e.out.Verdict.Records == 0 || e.begunOver(f):
			k = KindGone
		case e.starts[segment.LiveName] == chain.SecondGenesis && e.sealed() > 0:
			k = KindBegunAnew
		case e.liveIsCopy():
			k = KindLiveOlder
		}
	case chain.LiveMissing:
		return k, !e.irregular
	case chain.Duplicate:
		return k, !(e.shorter && live && f.Line == 1)
	}
	return k, ok
}

// begunOver reports whether a finding is that of a record with which the machine said that nothing was
// left of the log, and began another.
func (e *evidence) begunOver(f report.Finding) bool {
	return slices.ContainsFunc(e.out.Verdict.Breaks, func(b chain.BreakFound) bool {
		return b.Record == f.Record && b.Surviving.Head == chain.Genesis
	})
}

// unreadable tells lines from frames and files, and lines that end the live log from others.
func (e *evidence) unreadable(f report.Finding) Kind {
	live := f.Segment == segment.LiveName
	switch {
	case notOpened(e.out, f):
		return KindNotAFile
	case f.Line == 0:
		return KindFrame
	case live && e.live().Records == 0 && e.live().Lines == 1 && (e.sealed() > 0 || e.out.Report.Mark != nil):
		return KindTornFirst
	case live && e.oddEnd > 1 && f.Line >= e.oddEnd:
		return KindNotARecord
	case live && e.oddEnd == 0:
		return KindLiveHole
	}
	return KindUnreadable
}

// missing tells where records are absent from where they are only not in their place.
func (e *evidence) missing(f report.Finding) (Kind, bool) {
	switch {
	case e.altered[f.Record] || e.altered[f.Record-1], e.unread[lineOf{f.Segment, f.Line - 1}]:
		return KindRecordsGone, false // it was there, and is not what it was
	case e.later[f.Record]:
		return disordered(f), true
	case f.Line > 1 && f.Segment == segment.LiveName:
		return KindLiveHole, true
	case f.Line > 1:
		return KindRecordsGone, true
	case f.Segment == segment.LiveName:
		if e.sealed() > 0 || e.counted(f) {
			return KindArchiveOlder, true
		}
		return KindRecordsGone, true
	}
	name, _, _ := segment.ParseName(f.Segment)
	before, _, there := segment.ParseName(e.before(f.Segment))
	after, _, _ := segment.ParseName(e.after(f.Segment))
	switch {
	case there && before.Number == name.Number-1 && after.Number == name.Number+1 && e.starts[e.after(f.Segment)] == chain.Missing:
		return KindForeign, true // neither end of it belongs here
	case e.starts[e.before(f.Segment)] != "":
		return KindSegmentGone, true // what stands in its place is another log's
	case there && before.Number >= name.Number-1, !there && name.Number == 1:
		return KindRecordsGone, true
	}
	return KindSegmentGone, true
}

func disordered(f report.Finding) Kind {
	if f.Line == 1 {
		return KindSwapped
	}
	return KindDisorder
}

// followed reports whether the source after one begins with a record that follows it: then it is part
// of this log, however it began.
func (e *evidence) followed(name string) bool {
	after := e.after(name)
	return after != "" && !slices.ContainsFunc(e.out.Verdict.Findings, func(f chain.Finding) bool {
		switch f.Class {
		case chain.Missing, chain.SecondGenesis, chain.Fork, chain.ImplausibleFork:
			return f.Line == 1 && e.out.Verdict.Sources[f.Source].Name == after
		}
		return false
	})
}

// foreign is a source that does not belong to the log, "" if there is none.
func (e *evidence) foreign() string {
	for _, f := range e.out.Report.Findings {
		if k, ok := e.kindOf(f); ok && k == KindForeign && f.DocumentedBy == "" {
			return f.Segment
		}
	}
	return ""
}

// counted reports whether a rotation record says how many records are gone before a finding.
func (e *evidence) counted(f report.Finding) bool {
	return slices.ContainsFunc(e.out.Verdict.Findings, func(c chain.Finding) bool {
		return c.Class == f.Class && c.Record == f.Record && c.Gone != chain.Bounds{Min: 1, Max: chain.UnknownCount}
	})
}

// before and after give the names of the sources with records beside one, "" where there is none.
func (e *evidence) before(name string) string {
	return beside(slices.Backward(e.out.Verdict.Sources), name)
}
func (e *evidence) after(name string) string { return beside(slices.All(e.out.Verdict.Sources), name) }

// beside gives the first source with records that comes after the named one.
func beside(sources func(func(int, chain.SourceSummary) bool), name string) string {
	passed := false
	for _, s := range sources {
		switch {
		case s.Name == name:
			passed = true
		case passed && s.Records > 0:
			return s.Name
		}
	}
	return ""
}

// liveIsCopy reports whether the live log begins with records that a sealed segment holds as well:
// it is older than the last rotation.
func (e *evidence) liveIsCopy() bool {
	if e.out.Verdict.Seam > 0 {
		return true
	}
	for _, f := range e.out.Verdict.Findings {
		if f.Class == chain.Duplicate && e.out.Verdict.Sources[f.Source].Live && f.Line == 1 {
			return true
		}
	}
	return false
}

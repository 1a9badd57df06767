package recovery

import (
	"context"
	"fmt"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// Diagnosis is what happened to a log, in plain words.
type Diagnosis struct {
	Home    string         `json:"home"`
	Verdict string         `json:"verdict"` // of audit_verify
	Exit    int            `json:"exit"`    // likewise
	Cases   []Case         `json:"cases"`   // the worst first
	Report  *report.Report `json:"report"`
}

// Case is one thing that happened.
type Case struct {
	Case     Kind           `json:"case"`
	Severity chain.Severity `json:"severity"`
	Segment  string         `json:"segment"` // file name; empty if it is about the log as a whole
	Line     int64          `json:"line"`    // from 1; 0 if it is about no line
	Record   int64          `json:"record"`  // position in reading order, -1 if it is about none
	Count    int64          `json:"count"`   // of places like this one, which stands for all
	What     string         `json:"what"`    // one paragraph
	Run      string         `json:"run"`     // the one command to run next, empty if there is nothing to do
}

// Kind names a case.
type Kind string

// The cases.
const (
	KindTornTail      Kind = "torn-tail"
	KindTornFirst     Kind = "torn-first-record"
	KindGhost         Kind = "ghost-tail"
	KindNotARecord    Kind = "last-line-not-a-record"
	KindUnreadable    Kind = "unreadable"
	KindFrame         Kind = "unreadable-frame"
	KindAltered       Kind = "altered"
	KindAmbiguous     Kind = "ambiguous"
	KindFork          Kind = "fork"
	KindForkOdd       Kind = "implausible-fork"
	KindDuplicate     Kind = "duplicate-block"
	KindSegmentGone   Kind = "missing-segment"
	KindRecordsGone   Kind = "missing-records"
	KindLiveHole      Kind = "hole-in-live-log"
	KindSwapped       Kind = "swapped-segments"
	KindDisorder      Kind = "records-out-of-order"
	KindForeign       Kind = "foreign-segment"
	KindSecondStart   Kind = "second-start"
	KindRolledBack    Kind = "restored-older-home"
	KindLiveOlder     Kind = "only-live-log-restored"
	KindArchiveOlder  Kind = "only-archives-restored"
	KindLiveLost      Kind = "live-log-lost"
	KindBegunAnew     Kind = "live-log-begun-anew"
	KindGone          Kind = "log-gone"
	KindNotAFile      Kind = "not-a-file"
	KindNames         Kind = "live-log-has-other-names"
	KindReplaced      Kind = "replaced-log"
	KindRewritten     Kind = "rewritten-history"
	KindRotation      Kind = "interrupted-rotation"
	KindRefusals      Kind = "refused-appends"
	KindAside         Kind = "fragment-not-on-chain"
	KindManifest      Kind = "manifest-contradicted"
	KindManifestGone  Kind = "manifest-missing"
	KindUnattested    Kind = "interrupted-archive"
	KindRotationWrong Kind = "rotation-record-contradicted"
	KindAnchorWrong   Kind = "anchor-contradicted"
	KindNewer         Kind = "unknown-version"
	KindStranger      Kind = "file-that-does-not-belong"
	KindPermissions   Kind = "open-to-others"
	KindRedacted      Kind = "redacted"
)

// Diagnose looks at a log and says what happened to it. It writes nothing, anywhere.
func Diagnose(ctx context.Context, o Options) (*Diagnosis, error) {
	o = o.withDefaults()
	out, err := o.examine(ctx)
	if err != nil {
		return nil, err
	}
	pending, err := segment.Pending(o.Log.FS, o.Home)
	if err != nil {
		return nil, err
	}
	d := &Diagnosis{Home: out.Report.Home, Verdict: out.Report.Verdict, Exit: out.Report.Exit, Report: out.Report, Cases: []Case{}}
	g := grouping{evidence: gather(out), at: map[Kind]int{}}
	for _, f := range out.Report.Findings {
		if f.DocumentedBy == "" {
			g.finding(f)
		}
	}
	for _, u := range pending {
		g.pending(u)
	}
	d.Cases = append(d.Cases, g.sorted()...)
	return d, nil
}

// grouping makes cases of findings: many findings of one kind are one case.
type grouping struct {
	*evidence
	cases []Case
	at    map[Kind]int
}

func (g *grouping) add(c Case) {
	if i, ok := g.at[c.Case]; ok {
		g.cases[i].Count += c.Count
		return
	}
	g.at[c.Case] = len(g.cases)
	g.cases = append(g.cases, c)
}

// sorted gives the cases with their words, the worst first. Findings come in that order already.
func (g *grouping) sorted() []Case {
	var sorted []Case
	for severity := chain.Damage; severity >= chain.Note; severity-- {
		for _, c := range g.cases {
			if c.Severity == severity {
				sorted = append(sorted, c)
			}
		}
	}
	return sorted
}

func (g *grouping) finding(f report.Finding) {
	kind, ok := g.kindOf(f)
	if !ok {
		return
	}
	c := Case{Case: kind, Severity: f.Severity, Segment: f.Segment, Line: f.Line, Record: f.Record, Count: max(f.Records, 1)}
	if f.Line == 0 || linkCase(kind) {
		c.Count = 1
	}
	c.What, c.Run = story(kind, f)
	g.add(c)
}

// linkCase reports whether a case counts places, not records.
func linkCase(k Kind) bool {
	switch k {
	case KindSegmentGone, KindRecordsGone, KindLiveHole, KindSwapped, KindDisorder, KindForeign, KindSecondStart, KindBegunAnew, KindRolledBack, KindLiveOlder, KindArchiveOlder:
		return true
	}
	return false
}

// kinds are the cases that a class alone decides.
var kinds = map[chain.Class]Kind{
	chain.Altered: KindAltered, chain.Ambiguous: KindAmbiguous, chain.Fork: KindFork, chain.ImplausibleFork: KindForkOdd,
	chain.TornTailFound: KindTornTail, chain.Diverged: KindRewritten, chain.Replaced: KindReplaced, chain.LiveMissing: KindLiveLost,
	chain.RotateMismatch: KindRotationWrong, chain.ManifestMismatch: KindManifest, chain.ManifestMissing: KindManifestGone,
	chain.UnattestedArchive: KindUnattested, chain.AnchorContradicted: KindAnchorWrong, chain.UnknownVersion: KindNewer,
	chain.UndeclaredFile: KindStranger, chain.WidePermissions: KindPermissions, chain.Redacted: KindRedacted, chain.Duplicate: KindDuplicate,
	chain.RolledBack: KindRolledBack, chain.SecondGenesis: KindSecondStart, chain.Missing: KindRecordsGone, chain.Unreadable: KindUnreadable,
}

func (g *grouping) pending(u segment.Unfinished) {
	kind := map[segment.UnfinishedKind]Kind{segment.UnfinishedSync: KindGhost, segment.UnfinishedRotation: KindRotation,
		segment.UnfinishedRefusals: KindRefusals, segment.UnfinishedAside: KindAside, segment.UnfinishedNames: KindNames}[u.Kind]
	c := Case{Case: kind, Severity: chain.Warning, Segment: u.File, Record: -1, Count: 1}
	c.What, c.Run = story(kind, report.Finding{Segment: u.File})
	g.add(c)
}

// place names where a case is, for a sentence.
func at(f report.Finding) string {
	switch {
	case f.Segment == "":
		return "the log"
	case f.Line > 0:
		return fmt.Sprintf("%s, line %d", f.Segment, f.Line)
	}
	return f.Segment
}

package main

import (
	"fmt"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/terminal"
)

const (
	searchName = "audit_search"

	flagText    = "text"
	flagRegex   = "regex"
	flagSession = "session"
	flagLimit   = "limit"
	flagReverse = "reverse"
	flagCount   = "count"
	flagBy      = "by"
	flagVerify  = "verify"
)

func searchVerb() verb {
	return verb{
		name:  searchName,
		alias: "search",
		usage: "find records in the whole log",
		about: `Finds the records that meet all that is asked for, oldest first, in live,
sealed and archived segments alike, and in abandoned branches after them, whose
hits are marked. The last line on standard error says what was searched, and
what could not be: an empty answer means that it was looked. Bytes that were
quarantined, taken out of the log as damaged, are counted there, not searched.

--kind and --actor take globs: * stands for any characters, ? for one and [a-d]
for one of several, never for a slash. --kind may be given several times;
drift.* takes in drift.detected, the kind that logs have. --session is the
payload's session or session_id.

--category takes what ISO 27001 A.12.4.1 tells apart: user-activity, exception,
fault, security; and unknown, for kinds that the table of kinds in
docs/FORMAT.md does not have. It may be given several times, too.

--text looks for exact characters, --regex for an RE2 expression, in the record
as canonical JSON without its escapes: it does not matter how a line spells
them, and "kind":"loop" finds a member. --by counts by kind, category, day,
month or actor. Times are RFC 3339, a date, a month, a year, 2026-Q3, or an age
such as 7d, in UTC.

` + whereHelp + `

--context shows the records around each hit, which are no hits: in a table, hits
have a > before them and -- stands where records are left out; in json, the
others have "context": true. Those around a hit in an abandoned branch are of
that branch.

--format table is for people, jsonl writes the exact bytes on disk, csv what
export writes, json one document with the place of each hit. --verify
recomputes the hash of each hit: that is its own hash; its position in the
chain is not checked.`,
		examples: `opscontext audit_search --kind drift.* --since 2026-04-01
opscontext audit_search --text 10.0.0.7 --reverse --limit 20
opscontext audit_search --category security --since 2026 --by month
opscontext audit_search --where 'payload.severity == "critical"'`,
		exits: []exitCode{exitDamage, exitInconclusive},
		flags: []cli.Flag{
			&cli.StringSliceFlag{Name: flagKind, Usage: "records whose event matches `GLOB`"},
			categoryFlag(),
			&cli.StringFlag{Name: flagActor, Usage: "records whose actor matches `GLOB`"},
			&cli.StringFlag{Name: flagSince, Usage: "records from `TIME` on, inclusive"},
			&cli.StringFlag{Name: flagUntil, Usage: "records up to `TIME`, inclusive"},
			&cli.StringFlag{Name: flagText, Usage: "records that hold `STRING`"},
			&cli.StringFlag{Name: flagRegex, Usage: "records that match `RE2`"},
			&cli.StringFlag{Name: flagWhere, Usage: "records of which `EXPR` holds"},
			&cli.StringFlag{Name: flagSession, Usage: "records of session `ID`"},
			&cli.StringFlag{Name: flagLimit, Usage: "no more than `N` records"},
			&cli.StringFlag{Name: flagContext, Usage: "with `N` records before and behind each"},
			boolFlag(flagReverse, "the latest first"),
			boolFlag(flagCount, "how many there are"),
			&cli.StringFlag{Name: flagBy, Usage: "how many, by `WHAT` (see above)"},
			&cli.StringFlag{Name: flagFormat, Value: formatTable, Usage: "as `FORM` (see above)"},
			boolFlag(flagVerify, "hold each record against its own hash"),
		},
		run: runSearch,
	}
}

// searchGCPercent has a short search end before its garbage is collected: the heap is first looked at
// when it has 16 MiB. A search of all there is holds some 60 MB so, whatever its hits.
const searchGCPercent = 400

func runSearch(c *call) error {
	debug.SetGCPercent(searchGCPercent)
	o, err := c.searchOptions()
	if err != nil {
		return err
	}
	form, err := c.searchForm(&o)
	if err != nil {
		return err
	}
	if !o.Query.Span.All() {
		_, _ = fmt.Fprintln(c.errs, "range:", o.Query.Span)
	}
	snap, err := c.openSnapshot()
	if err != nil {
		return err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	stop := c.watch(&o)
	if err := form.begin(); err != nil {
		return err
	}
	s, err := search.Run(c.ctx, snap, o)
	stop()
	if err != nil {
		return err
	}
	if err := form.end(s); err != nil {
		return err
	}
	if s.Undecided > 0 {
		c.warn(undecidedWords(s))
	}
	_, _ = fmt.Fprintln(c.errs, searchedWords(s, o))
	switch {
	case s.Wrong > 0:
		return verdict(exitDamage)
	case s.Unreadable > 0 || s.Undecided > 0 || s.Segments+s.Branches == 0:
		return verdict(exitInconclusive)
	}
	return nil
}

// watch has a search tell how far it is, unless the records that come say so, and what it cannot read.
// stop ends that.
func (c *call) watch(o *search.Options) (stop func()) {
	var progress *terminal.Progress
	if o.Append == nil || !c.out.Terminal() { // records on the terminal run into a bar
		o.Progress = func(done, total int64) {
			if progress == nil {
				progress = c.progress("search", total)
			}
			progress.Set(done)
		}
	}
	// What is said on the way must not run into the bar.
	stop = func() {
		progress.Stop()
		progress = nil
	}
	o.Problem = func(text string) {
		stop()
		c.warn(text)
	}
	return stop
}

// searchOptions is what the flags say to look for.
func (c *call) searchOptions() (o search.Options, err error) {
	for _, name := range []string{flagActor, flagText, flagRegex, flagWhere, flagSession, flagLimit, flagContext, flagBy} {
		if c.cli.IsSet(name) && c.cli.String(name) == "" {
			return o, usagef("--%s is empty", name)
		}
	}
	if o.Query, err = c.selection(); err != nil {
		return o, err
	}
	if o.Query.Actor = c.cli.String(flagActor); o.Query.Actor != "" {
		if err := checkGlob(flagActor, o.Query.Actor); err != nil {
			return o, err
		}
	}
	o.Query.Text, o.Query.Session = c.cli.String(flagText), c.cli.String(flagSession)
	if text := c.cli.String(flagRegex); text != "" {
		if o.Query.Regexp, err = regexp.Compile(text); err != nil {
			return o, usagef("--%s: %v", flagRegex, err)
		}
	}
	if o.Where, err = c.whereExpr(); err != nil {
		return o, err
	}
	if text := c.cli.String(flagLimit); text != "" {
		if o.Limit, err = strconv.ParseInt(text, 10, 64); err != nil || o.Limit < 1 {
			return o, usagef("--%s wants a number from 1 on, not %s", flagLimit, text)
		}
	}
	if text := c.cli.String(flagBy); text != "" {
		if o.By, err = search.ParseBy(text); err != nil {
			return o, usagef("--%s: %v", flagBy, err)
		}
	}
	if o.Context, err = c.contextRecords(); err != nil {
		return o, err
	}
	o.Reverse, o.Verify = c.cli.Bool(flagReverse), c.cli.Bool(flagVerify)
	return o, nil
}

func byWords() (words []string) {
	for _, by := range search.Bys {
		words = append(words, string(by))
	}
	return words
}

// searchedWords is the closing line: what was searched, and what not.
func searchedWords(s search.Summary, o search.Options) string {
	var b strings.Builder
	if s.Hits == 0 {
		b.WriteString("no hit")
	} else {
		b.WriteString(terminal.Plural(s.Hits, "hit"))
	}
	if s.Segments+s.Branches == 0 {
		b.WriteString("; " + placesWords(s))
		return b.String()
	}
	if s.Limited {
		fmt.Fprintf(&b, ", as many as --%s asked for: what comes after was not looked at", flagLimit)
	} else {
		fmt.Fprintf(&b, " in %s", terminal.Plural(s.Records, "record"))
	}
	if s.Abandoned > 0 {
		fmt.Fprintf(&b, ", %s abandoned", terminal.Plural(s.Abandoned, "hit"))
	}
	b.WriteString("; " + placesWords(s))
	if o.Verify && s.Hits > 0 {
		b.WriteString("; " + ownWords(s))
	}
	return b.String()
}

// placesWords says where was searched, and where not.
func placesWords(s search.Summary) string {
	if s.Segments+s.Branches == 0 {
		return "nothing was searched: there is no log here"
	}
	unreadable := "nothing"
	if s.Unreadable > 0 {
		unreadable = terminal.Plural(s.Unreadable, "place")
	}
	return fmt.Sprintf("searched %s of %s and %s%s; unreadable: %s; quarantined: %s", terminal.Count(s.Searched),
		terminal.Plural(s.Segments, "segment"), branchWords(s.Branches), indexWords(s), unreadable, quarantineWords(s.Quarantined))
}

// indexWords says what the search indexes of archived segments spared.
func indexWords(s search.Summary) string {
	words := ""
	if s.Frames > 0 {
		words = fmt.Sprintf("; skipped by index: %s of %s", terminal.Count(s.Skipped), terminal.Plural(s.Frames, "frame"))
		if s.Common {
			words += " (by text it skips none: that is shorter than 3 bytes, or may be part of a time or a hash)"
		}
	}
	if s.Unindexed > 0 {
		words += fmt.Sprintf("; without index: %s", terminal.Plural(s.Unindexed, "archived segment"))
	}
	return words
}

func branchWords(n int64) string {
	if n == 1 {
		return "1 abandoned branch"
	}
	return terminal.Count(n) + " abandoned branches"
}

// quarantineWords says how much lies beside the log that was taken out of it.
func quarantineWords(n int64) string {
	switch n {
	case search.Unknown:
		return "unknown"
	case 0:
		return "nothing"
	}
	return terminal.Plural(n, "file") + ", not searched"
}

// ownWords says what --verify found, and what it is not.
func ownWords(s search.Summary) string {
	const not = "; position in the chain not checked"
	if s.Wrong > 0 {
		return fmt.Sprintf("own hash not right in %s of %s%s", terminal.Count(s.Wrong), terminal.Plural(s.Hits, "hit"), not)
	}
	return "own hash right" + not
}

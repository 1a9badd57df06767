package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/locate"
	"github.com/opscontext/opscontext/internal/terminal"
)

const flagRaw = "raw"

func showVerb() verb {
	return verb{
		name:  "show",
		usage: "show one record, and where it stands",
		args:  "INDEX|HASH|SEGMENT:OFFSET",
		about: `Shows a record with its payload, the file and line that hold it, what its own
hash says, and what stands around it: the records before and after it, its
parent, and those that name it or its parent as theirs, as far as they are near.
Its position in the whole chain is not checked; audit_verify does that.

INDEX is the position in reading order, from 0, as findings have it. It is
counted in the records themselves, not taken from manifests. HASH is a hash or
its first 8 digits or more; digits alone are a HASH from the 20th on. A record
in an abandoned branch is found by its hash, and marked. SEGMENT:OFFSET is the
place that audit_search --format json gives.

--raw writes the exact bytes on disk, --json all that is known as one object.`,
		examples: `opscontext show 5149
opscontext show 9e43b519daab
opscontext show audit-0002.jsonl:610 --json`,
		exits: []exitCode{exitDamage, exitInconclusive},
		flags: []cli.Flag{
			boolFlag(flagRaw, "the line as it is on disk"),
			boolFlag(flagJSON, "as one JSON object"),
		},
		run: runShow,
	}
}

func runShow(c *call) error {
	if c.cli.NArg() != 1 {
		return usagef("show wants one record: INDEX, HASH or SEGMENT:OFFSET")
	}
	if c.cli.Bool(flagRaw) && c.cli.Bool(flagJSON) {
		return usagef("--%s and --%s are two ways to show it: leave one out", flagRaw, flagJSON)
	}
	text := c.cli.Args().First()
	q, err := parseRecordQuery(text)
	if err != nil {
		return err
	}
	snap, err := c.openSnapshot()
	if err != nil {
		return err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	var progress *terminal.Progress
	r, err := locate.Find(c.ctx, snap, q, func(done, total int64) {
		if progress == nil {
			progress = c.progress("show", total)
		}
		progress.Set(done)
	})
	progress.Stop()
	if err != nil {
		return err
	}
	for _, unread := range r.Unread {
		c.warn(unread)
	}
	if len(r.Places) == 0 {
		return c.notFound(text, q, r)
	}
	if !alike(r.Places) {
		return ambiguous(text, r.Places)
	}
	found, err := r.Look(r.Places[0])
	if err != nil {
		return err
	}
	s := newShown(r, found)
	switch {
	case c.cli.Bool(flagRaw):
		_, err = c.stdout.Write(append(found.Raw, '\n'))
	case c.cli.Bool(flagJSON):
		err = s.encode(c.stdout)
	default:
		err = s.print(c.out)
	}
	if err != nil {
		return err
	}
	return s.exit()
}

// exit says how showing a record ends.
func (s *shown) exit() error {
	switch {
	case !s.found.Reading.Class.Whole():
		return verdict(exitDamage)
	case len(s.result.Unread) > 0 || s.found.Unread != nil:
		return verdict(exitInconclusive)
	}
	return nil
}

// parseRecordQuery reads INDEX, HASH or SEGMENT:OFFSET.
func parseRecordQuery(text string) (q locate.Query, err error) {
	if name, offset, ok := strings.Cut(text, ":"); ok {
		q.Source = name
		if q.Offset, err = strconv.ParseInt(offset, 10, 64); err != nil || q.Offset < 0 || name == "" {
			return q, usagef("%q is no SEGMENT:OFFSET: write one such as audit-0002.jsonl:610", text)
		}
		return q, nil
	}
	// Reports write large numbers with commas, and a # before them.
	digits := strings.ReplaceAll(strings.TrimPrefix(text, "#"), ",", "")
	if len(digits) < decimalHash && strings.Trim(digits, "0123456789") == "" {
		if q.Index, err = strconv.ParseInt(digits, 10, 64); err != nil {
			return q, usagef("%q is no INDEX: it is a number from 0 on", text)
		}
		return q, nil
	}
	q.Hash = strings.ToLower(text)
	if err := locate.ParseHash(q.Hash); err != nil {
		return q, usagef("%q is no record: not an INDEX, and not a HASH (%v)", text, err)
	}
	return q, nil
}

// decimalHash is how many decimal digits are no INDEX any more.
const decimalHash = 20

// alike reports whether all places bear one hash: copies of one record.
func alike(places []locate.Place) bool {
	for _, p := range places {
		if p.Hash != places[0].Hash {
			return false
		}
	}
	return true
}

// notFound says what was looked at in vain. Where something could not be read, the record may be there.
func (c *call) notFound(text string, q locate.Query, r *locate.Result) error {
	looked := fmt.Sprintf("%s in %s and %s", terminal.Plural(r.Records, "record"), terminal.Plural(int64(r.Segments), "segment"), branchWords(int64(r.Branches)))
	if q.Hash == "" && q.Source == "" {
		looked = fmt.Sprintf("%s in %s", terminal.Plural(r.Records, "record"), terminal.Plural(int64(r.Segments), "segment"))
		if r.Records > 0 {
			looked += fmt.Sprintf(", the last has index %s", terminal.Count(r.Records-1))
		}
	}
	switch {
	case r.Segments+r.Branches == 0:
		c.warn("there is no log here")
	case len(r.Unread) > 0:
		c.warn(fmt.Sprintf("no record %s in what could be read: %s", text, looked))
	case r.Odd > 0 && q.Hash != "":
		c.warn(fmt.Sprintf("no record %s: %s; but %s cannot be read as a record: run audit_verify, which names what is damaged", text, looked, terminal.Plural(r.Odd, "line")))
	default:
		return fmt.Errorf("there is no record %s: %s", text, looked)
	}
	return verdict(exitInconclusive)
}

// ambiguous names the records that a hash could mean.
func ambiguous(text string, places []locate.Place) error {
	var names []string
	var last chain.Hash
	for _, p := range places {
		if p.Hash != last {
			names = append(names, p.Hash.String()+" ("+standsWords(p)+")")
		}
		last = p.Hash
	}
	return usagef("%s is the beginning of more than one hash; give more digits: %s", text, strings.Join(names, ", "))
}

func standsWords(p locate.Place) string {
	where := fmt.Sprintf("%s line %s", p.Source.Name(), terminal.Count(p.Line))
	switch {
	case p.Abandoned():
		return where + ", abandoned"
	case p.Copy:
		return where + ", a copy that is not counted"
	}
	return fmt.Sprintf("#%s, %s", terminal.Count(p.Index), where)
}

package main

import (
	"fmt"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// reach is how much of a log a command goes through.
type reach string

// The reaches. What goes to a few places must not take longer the longer the log is.
const (
	reachEnds     reach = "a few places"
	reachSegments reach = "each segment" // what is said of it: its manifest or its index
	reachAll      reach = "the whole log"
)

// operation is something that is measured, in a log that all operations before it have left.
type operation struct {
	name  string
	reach reach
	runs  int // how often; the middle one counts
	// args are the command and its arguments, for a log in which this is to be found.
	args func(sought) []string
	// before is a command that makes each run possible and is not measured, if there is one.
	before []string
	lines  int // that it has to print
}

// Numbers of lines that need not be exact.
const (
	some     = -1 // one or more
	whatever = -2
)

// often is how often a command is run that takes milliseconds.
const often = 7

// The first two are special: events are fed to one, and a figure of either is worth nothing if it did
// not run from begin to end.
const (
	opImport  = "import"
	opArchive = "archive"
)

var appendOne = []string{"append", "--event", "scale.probe", "--payload", `{"of":"one record"}`}

// operations are all that is measured, in order. Half a hash is in no index, so everything is gone through
// to find it. The first rotation seals what the import left in the
// live log; two sealed segments come behind it, because the highest one is never archived.
func operations() []operation {
	fixed := func(args ...string) func(sought) []string { return func(sought) []string { return args } }
	return []operation{
		{name: opImport, reach: reachAll, runs: 1, args: fixed("import", "--keep-time", "-"), lines: whatever},
		{name: "rotate", reach: reachEnds, runs: often, args: fixed("rotate"), before: appendOne, lines: whatever},
		{name: opArchive, reach: reachAll, runs: 1, args: fixed("archive"), lines: whatever},
		{name: "start-up", reach: reachEnds, runs: often, args: fixed("version"), lines: some},
		{name: "append", reach: reachEnds, runs: often, args: fixed(appendOne...), lines: whatever},
		{name: "status", reach: reachEnds, runs: often, args: fixed("status"), lines: some},
		{name: "tail -n 10", reach: reachEnds, runs: often, args: fixed("tail", "-n", "10", "--format", "jsonl"), lines: 10},
		{name: "segments", reach: reachSegments, runs: often, args: fixed("segments"), lines: some},
		{name: "search, an id", reach: reachSegments, runs: often, args: func(s sought) []string {
			return []string{"audit_search", "--format", "jsonl", "--text", s.ID}
		}, lines: 1},
		{name: "search, an hour", reach: reachSegments, runs: often, args: func(s sought) []string {
			return []string{"audit_search", "--format", "jsonl", "--since", s.Hour.Format(chain.TimeLayout), "--until", s.Hour.Add(time.Hour - time.Millisecond).Format(chain.TimeLayout)}
		}, lines: some},
		{name: "show, by place", reach: reachAll, runs: 1, args: func(s sought) []string {
			return []string{"show", "--raw", fmt.Sprintf("%s:%d", s.File, s.Offset)}
		}, lines: 1},
		{name: "show, by index", reach: reachAll, runs: 1, args: func(s sought) []string { return []string{"show", "--raw", fmt.Sprint(s.Index)} }, lines: 1},
		{name: "show, by hash", reach: reachAll, runs: 1, args: func(s sought) []string { return []string{"show", "--raw", s.Hash} }, lines: 1},
		{name: "search, all", reach: reachAll, runs: 1, args: func(s sought) []string {
			return []string{"audit_search", "--format", "jsonl", "--text", s.Hash[:len(s.Hash)/2]}
		}, lines: some},
		{name: "stats", reach: reachAll, runs: 1, args: fixed("stats"), lines: some},
		{name: "verify", reach: reachAll, runs: 1, args: fixed("audit_verify"), lines: some},
	}
}

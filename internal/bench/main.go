// Bench measures what appending, archiving, verifying and searching cost and compares each with a yardstick: another
// program, or the same one on other data, run in turn on the same bytes of the same machine. It prints
// tables of what was measured and of the ratios, with the goal of each and whether it was met.
//
//	bench [-bin bin/opscontext] [-records N] [-search N] [-append DURATION] [-long N] [-peers MODULE]
//	      [-rounds N] [-dir DIR] [-results FILE] [-reference FILE]
//
// What archiving and verifying cost is seconds of processor time, of all threads, in user and system
// mode, of processes of their own: on a machine that others use too, the clock on the wall says little.
// What somebody waits for is what that clock says; the tables of verifying and searching have both. A
// search whose hits are not those of the yardstick ends the run. Appending is counted by that clock, in
// processes of their own that append for as long each: what it waits for is the disk, whose speed changes
// from one moment to the next, so that only ratios of neighbours mean something. Logs of others are
// appended to by a program of another module, peers. A missed goal is a line in the table and no failure; a
// yardstick that is not installed is said to be skipped. Each part has a file of its own here; what it
// finds goes to the report, which is printed as it comes and written to a file as Markdown at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/opscontext/opscontext/internal/terminal"
)

// options says what to measure.
type options struct {
	bin             string
	records, search int // of the log that is archived and verified, and of the history that is searched; 0: not measured
	rounds          int
	dir             string
	span            time.Duration // of each measurement of appending; 0: none
	long            int           // records of the large log that short processes append to; 0: there is none
	peers           string        // folder of the module of peers; "": none
	results         string        // file; "": none
	reference       string        // a program in JavaScript that verifies a log
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/opscontext", "the program")
	flag.IntVar(&o.records, "records", 400_000, "how many records are archived and verified, about 400 bytes each; 0: none")
	flag.IntVar(&o.search, "search", 5_000_000, "how many records are searched, about 400 bytes each, for minutes; 0: none")
	flag.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flag.StringVar(&o.dir, "dir", "", "where to make a folder for the logs (default: that of temporary files)")
	flag.DurationVar(&o.span, "append", 500*time.Millisecond, "for how long each way to append is measured a round; 0: appending is not measured")
	flag.IntVar(&o.long, "long", 5_300_000, "how many records the large log has that short processes append to; 0: there is none")
	flag.StringVar(&o.peers, "peers", "internal/bench/peers", "folder of the module that appends to the logs of others; empty: none")
	flag.StringVar(&o.results, "results", "", "write all of it to this `FILE` as Markdown, too, once it is done")
	flag.StringVar(&o.reference, "reference", "testdata/conformance/standin.mjs", "a program for node that verifies a log")
	only := flag.String("part", "", "do only this to the files that are named: what some of the measured processes do")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := terminal.NewStream(os.Stdout, terminal.ColourAuto, os.LookupEnv)
	var err error
	if *only != "" {
		err = part(ctx, *only, flag.Args())
	} else {
		err = measure(ctx, out, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, out *terminal.Stream, o options) (err error) {
	if o.records < 0 || o.search < 0 || o.span < 0 || o.records+o.search == 0 && o.span == 0 || o.rounds < 1 {
		return errors.New("-records, -search or -append, and -rounds, are 1 or more")
	}
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "opscontext-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	all := &report{out: out}
	if err := machine(all); err != nil {
		return err
	}
	if err := versions(ctx, all, bin); err != nil {
		return err
	}
	if o.records > 0 {
		l, err := makeLog(ctx, program(bin), filepath.Join(dir, "plain"), o.records, oddities{})
		if err != nil {
			return err
		}
		b := &bench{program: program(bin), dir: dir, log: l}
		if err := b.measure(ctx, all, o.rounds); err != nil {
			return err
		}
		if err := measureVerify(ctx, all, program(bin), dir, l, o); err != nil {
			return err
		}
	}
	if o.span > 0 {
		if err := measureAppends(ctx, all, dir, o.peers, o.span, o.rounds); err != nil {
			return err
		}
		if err := measureShorts(ctx, all, program(bin), dir, o.long, o.rounds); err != nil {
			return err
		}
		if err := measureBulk(ctx, all, program(bin), dir, max(o.records, 1), o.rounds); err != nil {
			return err
		}
	}
	if o.search > 0 {
		if err := measureSearch(ctx, all, program(bin), dir, o.search, o.rounds); err != nil {
			return err
		}
	}
	return all.end(o.results)
}

// Bench measures what archiving, verifying and searching cost and compares each with a yardstick: another
// program, or the same one on other data, run in turn on the same bytes of the same machine. It prints
// tables of what was measured and of the ratios, with the goal of each and whether it was met.
//
//	bench [-bin bin/opscontext] [-records N] [-search N] [-rounds N] [-dir DIR] [-results FILE]
//	      [-reference FILE]
//
// What archiving and verifying cost is seconds of processor time, of all threads, in user and system
// mode, of processes of their own: on a machine that others use too, the clock on the wall says little.
// What somebody waits for is what that clock says; the tables of verifying and searching have both. A
// search whose hits are not those of the yardstick ends the run. A missed goal is a line in the table and no failure; a
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

	"github.com/opscontext/opscontext/internal/terminal"
)

// options says what to measure.
type options struct {
	bin             string
	records, search int // of the log that is archived and verified, and of the history that is searched; 0: not measured
	rounds          int
	dir             string
	results         string // file; "": none
	reference       string // a program in JavaScript that verifies a log
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/opscontext", "the program")
	flag.IntVar(&o.records, "records", 400_000, "how many records are archived and verified, about 400 bytes each; 0: none")
	flag.IntVar(&o.search, "search", 5_000_000, "how many records are searched, about 400 bytes each, for minutes; 0: none")
	flag.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flag.StringVar(&o.dir, "dir", "", "where to make a folder for the logs (default: that of temporary files)")
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
	if o.records < 0 || o.search < 0 || o.records+o.search == 0 || o.rounds < 1 {
		return errors.New("-records or -search, and -rounds, are 1 or more")
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
	if o.search > 0 {
		if err := measureSearch(ctx, all, program(bin), dir, o.search, o.rounds); err != nil {
			return err
		}
	}
	return all.end(o.results)
}

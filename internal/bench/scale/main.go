// Scale measures what each command costs as a log grows: processor time, time by the clock and peak
// memory of processes of their own, on logs of several sizes that differ in nothing else. It says which
// of the costs that should stay the same did not, and draws all of them.
//
//	scale [-bin bin/opscontext] [-sizes N,N,...] [-keep DIR] [-markdown FILE] [-chart FILE]
//
// Commands that go through the whole log, or look at something of each segment, may take time with it, and
// no more memory. Nothing that any other command costs may grow. What grew is a line in a table and no
// failure.
//
// The events are made while they are imported. Each log is removed once it is measured; with -keep it
// stays, and a run that finds what an earlier one measured there measures only what is missing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/opscontext/opscontext/internal/terminal"
)

// options says what to measure and where it is written.
type options struct {
	bin             string
	sizes           []int64 // records
	keep            string  // directory; empty: a temporary one
	markdown, chart string  // files; empty: none
}

func main() {
	var o options
	var sizes string
	flag.StringVar(&o.bin, "bin", "bin/opscontext", "the program")
	flag.StringVar(&sizes, "sizes", "500000,5000000,50000000", "how many records the logs have, about 400 bytes each")
	flag.StringVar(&o.keep, "keep", "", "make the logs in this directory and leave them there, or go on with those that are there")
	flag.StringVar(&o.markdown, "markdown", "", "write the tables to this file")
	flag.StringVar(&o.chart, "chart", "", "draw them in this file (SVG)")
	usage := flag.String("usage", "", "run the command that is given and write to this file what it used: what the measuring process does")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *usage != "" {
		os.Exit(standBetween(ctx, *usage, flag.Args()))
	}
	err := o.parseSizes(sizes)
	if err == nil {
		err = run(ctx, terminal.NewStream(os.Stdout, terminal.ColourAuto, os.LookupEnv), o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// parseSizes reads numbers with commas between them.
func (o *options) parseSizes(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
		if err != nil || n < leastRecords {
			return fmt.Errorf("-sizes %s: %q is no size: numbers from %s on, with commas between them", text, word, terminal.Count(leastRecords))
		}
		o.sizes = append(o.sizes, n)
	}
	slices.Sort(o.sizes)
	o.sizes = slices.Compact(o.sizes)
	return nil
}

// run measures everything and writes what came of it.
func run(ctx context.Context, out *terminal.Stream, o options) (err error) {
	p, err := newProbe(o.bin)
	if err != nil {
		return err
	}
	dir := o.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "opscontext-scale-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	r := report{facts: facts(p.version(ctx))}
	if err := r.begin(out); err != nil {
		return err
	}
	for _, n := range o.sizes {
		at := filepath.Join(dir, strconv.FormatInt(n, 10))
		m, err := measureSize(ctx, p, at, n)
		if err != nil {
			return fmt.Errorf("%s: %w", terminal.Plural(n, "record"), err)
		}
		r.sizes = append(r.sizes, m)
		if o.keep == "" {
			if err := os.RemoveAll(at); err != nil {
				return err
			}
		}
		if err := r.show(out, m); err != nil {
			return err
		}
	}
	if err := r.showGrowth(out); err != nil {
		return err
	}
	return errors.Join(write(o.markdown, r.markdown(o)), write(o.chart, draw(r.sizes)))
}

// write writes a file anew, none if it has no name.
func write(name string, text []byte) error {
	if name == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

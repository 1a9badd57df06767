// Bench measures what archiving and verifying cost and compares each with a yardstick: another
// program, or the same one on other data, run in turn on the same bytes of the same machine. It prints
// a table of what was measured and one of the ratios, with the goal of each and whether it was met.
//
//	bench [-bin bin/opscontext] [-records N] [-rounds N] [-dir DIR]
//
// Costs are seconds of processor time, of all threads, in user and system mode, of processes of their
// own: on a machine that others use too, the clock on the wall says little. A missed goal is a line in
// the table and no failure; a yardstick that is not installed is said to be skipped.
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

func main() {
	bin := flag.String("bin", "bin/opscontext", "the program")
	records := flag.Int("records", 400_000, "how many records the log has, about 400 bytes each")
	rounds := flag.Int("rounds", 5, "how often everything is measured")
	dir := flag.String("dir", "", "where to make a folder for the logs (default: that of temporary files)")
	only := flag.String("part", "", "do only this to the files that are named: what some of the measured processes do")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := terminal.NewStream(os.Stdout, terminal.ColourAuto, os.LookupEnv)
	var err error
	if *only != "" {
		err = part(*only, flag.Args())
	} else {
		err = run(ctx, out, *bin, *dir, *records, *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out *terminal.Stream, bin, dir string, records, rounds int) (err error) {
	if records < 1 || rounds < 1 {
		return errors.New("-records and -rounds are 1 or more")
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	if dir, err = os.MkdirTemp(dir, "opscontext-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{bin: bin, dir: dir}
	if err := b.findZstd(); err != nil {
		return err
	}
	if err := b.makeLog(ctx, records); err != nil {
		return err
	}
	if err := b.facts(out); err != nil {
		return err
	}
	for range rounds {
		if err := b.round(ctx); err != nil {
			return err
		}
	}
	return b.print(out)
}

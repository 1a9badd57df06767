//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/opscontext/opscontext/internal/faults/realfs/seeded"
)

// found is what a sweep made of a seeded bug.
type found struct {
	seeded.Mistake
	seconds float64
	skipped string // why it could not be looked for
	wrong   error  // why the check is worth nothing
}

// selftest runs the sweeps on the program with mistakes in it. What they print stays here, unless a check
// is worth nothing: it is full of points that are bad, as they have to be.
func (o options) selftest(stopped context.Context, tools string, out *shared) ([]found, error) {
	bin, err := seeded.Build(o.root, tools)
	if err != nil {
		return nil, err
	}
	var all []found
	for _, bug := range seeded.Mistakes {
		f := found{Mistake: bug}
		if bug.Sweep == "kill" && runtime.GOARCH != killsOn {
			f.skipped = "traces on " + killsOn + " alone"
		} else {
			f.look(stopped, tools, bin, out)
		}
		all = append(all, f)
	}
	return all, nil
}

// look runs the check that is to find a bug.
func (f *found) look(stopped context.Context, tools, bin string, out *shared) {
	args := append([]string{"-bin", bin}, f.Args...)
	if f.Sweep == "kill" { // which keeps the files of bad points, and of these there have to be some
		args = append(args, "-work", filepath.Join(tools, "seeded"))
	}
	cmd := command(stopped, filepath.Join(tools, f.Sweep), args...)
	cmd.Env = append(os.Environ(), seeded.Variable+"="+f.Name)
	var text []byte
	var failed error
	text, f.seconds, failed = run(&shared{w: io.Discard}, cmd)
	f.judge(text, failed)
	if f.wrong != nil {
		out.print(text)
	}
}

// judge wants a check to fail of a bug, saying what it has to say, and to be content without one.
func (f *found) judge(text []byte, failed error) {
	_, skipped, _ := bytes.Cut(text, []byte("SKIPPED "))
	skipped, _, isSkipped := bytes.Cut(skipped, []byte("\n"))
	switch {
	case isSkipped:
		f.skipped = string(skipped)
	case f.Says == "":
		f.wrong = failed
	case failed == nil:
		f.wrong = errors.New("it did not turn the check red")
	case !bytes.Contains(text, []byte(f.Says)):
		f.wrong = fmt.Errorf("the check failed without saying %q: %w", f.Says, failed)
	}
}

// selftestTable prints what was found, and is an error if not all was.
func (o options) selftestTable(w io.Writer, all []found) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(t, "seeded bug\tcheck\tfound\tseconds\t")
	var bad []string
	for _, f := range all {
		verdict, remark := "yes", ""
		switch {
		case f.wrong != nil:
			verdict, remark = "NO", f.wrong.Error()
		case f.skipped != "":
			verdict, remark = "SKIPPED", f.skipped
		case f.Says == "":
			verdict = "no, rightly"
		}
		if f.wrong != nil || f.skipped != "" && o.noSkips {
			bad = append(bad, fmt.Sprintf("%s by %s", f.Name, f.Sweep))
		}
		_, lineErr := fmt.Fprintf(t, "%s\t%s %s\t%s\t%v\t%s\n", f.Name, f.Sweep, strings.Join(f.Args, " "), verdict, f.seconds, remark)
		err = errors.Join(err, lineErr)
	}
	if err := errors.Join(err, t.Flush()); err != nil {
		return err
	}
	if len(bad) > 0 {
		return fmt.Errorf("seeded bugs that were not found: %s", strings.Join(bad, ", "))
	}
	return nil
}

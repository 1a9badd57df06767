// Testrun runs go test with the arguments it is given and shows what a reader needs: a line per
// package, whatever a failed test wrote, and every skipped test with its reason. go test itself
// hides skips, and a check that silently did not run is worth nothing.
//
//	go run ./internal/testrun [-no-skips] [--] ./...
//
// It ends with "N passed, N failed, N skipped" and exits 0 only if nothing failed and, with
// -no-skips, nothing was skipped.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	noSkips := flag.Bool("no-skips", false, "a skipped test is a failure")
	flag.Parse()
	c, err := run(flag.Args())
	if err == nil && *noSkips && c.skipped > 0 {
		err = fmt.Errorf("%d tests were skipped: install what they name", c.skipped)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		os.Exit(1)
	}
}

func run(args []string) (counts, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return counts{}, err
	}
	if err := cmd.Start(); err != nil {
		return counts{}, err
	}
	c, err := report(out, os.Stdout)
	if err != nil {
		return c, err
	}
	if err := cmd.Wait(); err != nil {
		return c, fmt.Errorf("go test: %w", err)
	}
	return c, nil
}

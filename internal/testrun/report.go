package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// counts is what became of the tests, subtests included. A package that does not build is one failure.
type counts struct {
	passed, failed, skipped int
}

// event is what go test -json writes (go doc test2json), one object for each thing that happens.
type event struct {
	Action, Package, Test, Output string
}

// test names one running test.
type test struct{ pkg, name string }

// report reads the events of go test -json and writes the digest. Output of a test is held back
// until its end is known: tests run side by side and their lines come mixed.
func report(events io.Reader, w io.Writer) (counts, error) {
	var c counts
	running := map[test][]string{}
	dec := json.NewDecoder(events)
	for {
		var e event
		switch err := dec.Decode(&e); {
		case errors.Is(err, io.EOF):
			_, err := fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", c.passed, c.failed, c.skipped)
			return c, err
		case err != nil:
			return c, fmt.Errorf("reading the events of go test: %w", err)
		}
		this := test{e.Package, e.Test}
		var show []string
		switch {
		case e.Action == "build-output":
			show = []string{e.Output}
		case e.Action == "build-fail":
			c.failed++
		case e.Test == "" && e.Action == "output":
			if e.Output != "PASS\n" && !strings.HasSuffix(e.Output, "[no test files]\n") {
				show = []string{e.Output}
			}
		case e.Test == "" && e.Action == "fail": // what never ended was cut off by the failure
			for t, lines := range running {
				if t.pkg == e.Package {
					show = append(show, lines...)
					delete(running, t)
				}
			}
		case e.Action == "output":
			running[this] = append(running[this], e.Output)
		case e.Action == "pass" && e.Test != "":
			c.passed++
			delete(running, this)
		case e.Action == "fail":
			c.failed++
			show = running[this]
			delete(running, this)
		case e.Action == "skip" && e.Test != "":
			c.skipped++
			show = running[this]
			delete(running, this)
		}
		for _, line := range show {
			if strings.HasPrefix(line, "=== ") {
				continue
			}
			if _, err := io.WriteString(w, line); err != nil {
				return c, err
			}
		}
	}
}

package doctest

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// segments makes three sealed segments and a live one.
func (s *stage) segments() {
	for range 3 {
		s.append(5)
		s.rotate()
	}
}

// archive makes them, archives those that may be, and copies them to the directory copies.
func (s *stage) archive() {
	s.segments()
	s.archiveAll()
	copies := filepath.Join(s.dir, "copies")
	check(s.t, os.Mkdir(copies, 0o700))
	store, err := archive.OpenDirStore(durable.OS(), copies)
	check(s.t, err)
	copied, err := archive.Copy(s.t.Context(), durable.OS(), s.home(), store)
	check(s.t, err)
	for _, c := range copied {
		check(s.t, c.Err)
	}
}

func (s *stage) archiveAll() {
	results, err := archive.Run(s.t.Context(), s.home(), s.options(), archive.Options{})
	check(s.t, err)
	for _, r := range results {
		check(s.t, r.Err)
	}
}

// keeping makes three sealed segments, a mounted directory for copies, and the script with which an
// auditor reads them.
func (s *stage) keeping() {
	s.segments()
	check(s.t, os.MkdirAll(filepath.Join(s.dir, "worm", "audit"), 0o700))
	s.script()
}

// script puts the script beside the home with which an auditor reads a log.
func (s *stage) script() {
	text, err := os.ReadFile(filepath.Join(root, "docs", "verify-by-hand", "verify.py"))
	check(s.t, err)
	write(s.t, filepath.Join(s.dir, "verify.py"), text)
}

// carried is the new machine after a log was copied from the old one: what was carried over is in the
// directory transfer, and nothing is in its place yet.
func (s *stage) carried() {
	s.archive()
	for _, script := range []string{
		"mkdir transfer",
		`opscontext append --event log.moved --actor ada --payload '{"from":"atlas","to":"borea"}'`,
		"opscontext audit_verify --json --quiet > transfer/report.json",
		"mv .contextengine transfer/log",
		"mv state/opscontext transfer/state",
	} {
		if output, exit := s.run(s.t, script); exit != 0 {
			s.t.Fatalf("%s: %s", script, output)
		}
	}
}

// years makes a home as existing writers leave it: the records of five years in one file.
func (s *stage) years() {
	o := s.options()
	o.Period, o.State = segment.PeriodNone, ""
	log, err := segment.Open(s.home(), o)
	check(s.t, err)
	var events []segment.Event
	for n := range 25 {
		events = append(events, segment.Event{Kind: kind, Actor: "ci", Payload: fmt.Appendf(nil, `{"build":%d}`, n+1),
			TS: fmt.Sprintf("%d-0%d-03T04:05:06.000Z", 2021+n/5, 1+n%5)})
	}
	_, err = log.AppendBatch(s.t.Context(), events)
	check(s.t, err)
	check(s.t, log.Close())
	check(s.t, os.Remove(s.path(segment.FlockName)))
}

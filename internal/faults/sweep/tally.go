//go:build linux && amd64

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// tally is what the points of one scenario came to.
type tally struct {
	kills  int
	errors int
	pairs  int            // kills of the command that follows a kill
	failed int            // runs that did not exit 0, as a killed one does not
	calls  map[string]int // points by system call
	modes  map[string]int // points by fault
	missed int            // points that no run came to, in the few that were given to each
	bad    []string       // what was wrong, for each bad point
	took   time.Duration  // of all workers together
}

func (s tally) String() string {
	return fmt.Sprintf("kills %4d  errors %4d  pairs %4d  missed %d  bad %d  runs failed %4d  %6s ", s.kills, s.errors, s.pairs, s.missed, len(s.bad), s.failed, s.took.Round(100*time.Millisecond)) +
		counts(s.calls)
}

func counts(of map[string]int) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(of)) {
		fmt.Fprintf(&b, " %s=%d", name, of[name])
	}
	return b.String()
}

// add counts a point that was tried.
func (s *tally) add(x task, out outcome, took time.Duration) {
	s.took += took
	name := x.mode.name
	if x.first != nil {
		name = "pair"
	}
	if !out.hit {
		s.missed++
		return
	}
	switch {
	case x.first != nil:
		s.pairs++
	case x.mode.fault.kills():
		s.kills++
	default:
		s.errors++
	}
	if s.calls == nil {
		s.calls, s.modes = map[string]int{}, map[string]int{}
	}
	s.calls[x.at.call]++
	s.modes[name]++
	if out.exit != 0 {
		s.failed++
	}
}

// sum adds up what several scenarios came to.
func sum(of []tally) tally {
	all := tally{calls: map[string]int{}, modes: map[string]int{}}
	for _, s := range of {
		all.kills += s.kills
		all.errors += s.errors
		all.pairs += s.pairs
		all.failed += s.failed
		all.took += s.took
		all.missed += s.missed
		all.bad = append(all.bad, s.bad...)
		for name, n := range s.calls {
			all.calls[name] += n
		}
		for name, n := range s.modes {
			all.modes[name] += n
		}
	}
	return all
}

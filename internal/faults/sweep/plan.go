//go:build linux && amd64

package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// task is one point to try.
type task struct {
	of    int // scenario
	mode  mode
	at    point
	first *task // of a pair: the kill after which the next command meets its own
}

func (x task) String() string {
	if x.first != nil {
		return fmt.Sprintf("%v, and then %s at %v", *x.first, x.mode.name, x.at)
	}
	return fmt.Sprintf("%s at %v", x.mode.name, x.at)
}

// plan is which points are tried of all there are. Kills all are; of the others a number, 0 for all.
type plan struct {
	errors, pairs int
	storm         time.Duration // how long writers are killed at random
	seed          uint64
}

// points lists the tasks of the rehearsed scenarios but for the pairs.
func (p plan) points(of []*rehearsed, modes []mode) []task {
	var kills, errors []task
	for i, r := range of {
		for _, m := range modes {
			for _, at := range r.points {
				switch {
				case !m.fault.applies(at):
				case m.fault.kills():
					kills = append(kills, task{of: i, mode: m, at: at})
				default:
					errors = append(errors, task{of: i, mode: m, at: at})
				}
			}
		}
	}
	return append(kills, sample(errors, p.errors, p.seed)...)
}

// secondsPerFirst is how many points of the next command are tried after one kill: to find them, that
// command has to be run once without a fault.
const secondsPerFirst = 4

// firsts lists the kills after which the next command is swept: before each call, and within each write.
func (p plan) firsts(of []*rehearsed) []task {
	var all []task
	for i, r := range of {
		for _, m := range []mode{theMode("kill-before"), theMode("torn-50")} {
			for _, at := range r.points {
				if m.fault.applies(at) {
					all = append(all, task{of: i, mode: m, at: at})
				}
			}
		}
	}
	return sample(all, (p.pairs+secondsPerFirst-1)/secondsPerFirst, p.seed)
}

// seconds lists the pairs that begin with a kill and end with one at the points of the next command, before
// and after the call by turns.
func (p plan) seconds(first task, points []point) []task {
	var all []task
	before := map[bool]mode{true: theMode("kill-before"), false: theMode("kill-after")}
	for _, at := range points {
		if m := before[len(all)%2 == 0]; m.fault.applies(at) {
			all = append(all, task{of: first.of, mode: m, at: at, first: &first})
		}
	}
	if p.pairs == 0 {
		return all
	}
	return sample(all, secondsPerFirst, p.seed+uint64(len(points)))
}

// sample takes n of all, evenly, beginning where the seed says; all of them for 0.
func sample[T any](all []T, n int, seed uint64) []T {
	if n == 0 || n >= len(all) {
		return all
	}
	some := make([]T, n)
	from := rand.New(rand.NewPCG(seed, 0)).Float64()
	for i := range some {
		some[i] = all[int((float64(i)+from)*float64(len(all))/float64(n))]
	}
	return some
}

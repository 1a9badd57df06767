// Package crash helps tests to see what a power cut leaves: it stops something everywhere, draws disks
// from each stop, counts them, and lets the same ones be drawn again.
//
// A test binary that uses it has two flags: -crash.seed says which disks are drawn, and a failure seen
// with one is seen with it again; -crash.times N draws N times as many.
package crash

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/opscontext/opscontext/internal/durable"
)

var (
	seed  = flag.Uint64("crash.seed", 1, "draw the disks that a crash leaves with this seed")
	times = flag.Int("crash.times", 1, "draw so many times as many of them")
)

// Counter counts the states in which an operation was found after a crash. The zero value is ready for
// use, by several goroutines at once.
type Counter struct {
	sample                  int // of so many points one is looked at; 0: all are
	points, drawn, distinct atomic.Int64
}

// racePoints is of how many points one is looked at under the race detector, where each costs ten times
// as much and has no more goroutines than the others. What a cut leaves is for runs without it.
const racePoints = 4

// Count gives a counter, of which the test says at its end what it came to.
func Count(t testing.TB, operation string) *Counter {
	c := &Counter{}
	if raced {
		c.sample = racePoints
	}
	t.Cleanup(func() {
		t.Logf("crash states: %s: %d, of %d drawn from %d points, seed %d", operation, c.States(), c.drawn.Load(), c.points.Load(), *seed)
	})
	return c
}

// States is how many different states there were so far.
func (c *Counter) States() int64 { return c.distinct.Load() }

// AtLeast fails a test that came to fewer states, or to fewer of the sample.
func (c *Counter) AtLeast(t testing.TB, least int64) {
	t.Helper()
	if least /= int64(max(c.sample, 1)); c.States() < least {
		t.Errorf("only %d crash states, of %d: the sweep is broken", c.States(), least)
	}
}

// State is where a run was stopped, and what was lost then. String is for failure messages.
type State struct {
	Point durable.Point
	Loss  durable.Loss
}

func (s State) String() string { return fmt.Sprintf("%v, %v", s.Point, s.Loss) }

// Each stops run before each operation that changes the disk and within each write, and yields the disks
// that may be found then: what is synced alone, what a kill leaves, and so many more of each kind of
// power cut (0: with -crash.times alone). Of disks that are the same, those of one point are yielded
// once. run gets a copy of base and must do the same operations each time.
func (c *Counter) Each(base *durable.Mem, cuts int, run func(*durable.Mem)) iter.Seq2[State, *durable.Mem] {
	return func(yield func(State, *durable.Mem) bool) {
		draws := max(cuts**times, *times-1)
		for p, stopped := range base.CrashPoints(run) {
			if c.sample > 0 && p.After%c.sample != 0 {
				continue
			}
			c.points.Add(1)
			seen := map[[sha256.Size]byte]bool{}
			for _, loss := range durable.Losses(*seed*1e9+uint64(p.After)*1e3, draws) {
				c.drawn.Add(1)
				disk := stopped.Crash(loss)
				print := disk.Fingerprint()
				if seen[print] {
					continue
				}
				seen[print] = true
				c.distinct.Add(1)
				if !yield(State{p, loss}, disk) {
					return
				}
			}
		}
	}
}

package main

import (
	"math"
	"testing"
)

func TestGrown(t *testing.T) {
	const mib = 1 << 20
	ends, all := operation{name: "ends", reach: reachEnds}, operation{name: "all", reach: reachAll}
	each := operation{name: "each", reach: reachSegments}
	for name, c := range map[string]struct {
		op       operation
		from, to int64
		a, b     figure
		verdict  string
	}{
		"level":                        {ends, 1000, 10_000, figure{0.1, 0, 50 * mib}, figure{0.1, 0, 50 * mib}, "as it should"},
		"time at the bound":            {ends, 1000, 10_000, figure{0.1, 0, mib}, figure{0.1499, 0, mib}, "as it should"},
		"time over it":                 {ends, 1000, 10_000, figure{0.1, 0, mib}, figure{0.1501, 0, mib}, "time grew"},
		"time over it by noise":        {ends, 1000, 10_000, figure{0.004, 0, mib}, figure{0.0085, 0, mib}, "as it should"},
		"memory over it":               {ends, 1000, 10_000, figure{1, 0, 20 * mib}, figure{1, 0, 31 * mib}, "memory grew"},
		"memory over it by noise":      {ends, 1000, 10_000, figure{1, 0, 6 * mib}, figure{1, 0, 10 * mib}, "as it should"},
		"both":                         {ends, 1000, 10_000, figure{1, 0, 20 * mib}, figure{2, 0, 40 * mib}, "time and memory grew"},
		"linear":                       {all, 1000, 10_000, figure{1, 0, 20 * mib}, figure{10, 0, 20 * mib}, "as it should"},
		"less than linear":             {all, 1000, 10_000, figure{1, 0, 20 * mib}, figure{5, 0, 20 * mib}, "as it should"},
		"each, linear":                 {each, 1000, 10_000, figure{1, 0, 20 * mib}, figure{10, 0, 20 * mib}, "as it should"},
		"each, more than linear":       {each, 1000, 10_000, figure{1, 0, 20 * mib}, figure{16, 0, 20 * mib}, "time grew faster than the log"},
		"more than linear":             {all, 1000, 10_000, figure{1, 0, 20 * mib}, figure{16, 0, 20 * mib}, "time grew faster than the log"},
		"linear with memory":           {all, 1000, 10_000, figure{1, 0, 20 * mib}, figure{10, 0, 200 * mib}, "memory grew"},
		"twofold: no more than a part": {ends, 1000, 2000, figure{1, 0, mib}, figure{1.12, 0, mib}, "as it should"},
		"twofold: more than a part":    {ends, 1000, 2000, figure{1, 0, mib}, figure{1.14, 0, mib}, "time grew"},
		"hundredfold":                  {ends, 1000, 100_000, figure{1, 0, mib}, figure{2.2, 0, mib}, "as it should"},
		"twice as long, all of it":     {all, 1000, 2000, figure{1, 0, mib}, figure{2, 0, mib}, "as it should"},
	} {
		g := grown(c.op, c.from, c.to, c.a, c.b)
		if got := g.verdict(); got != c.verdict || g.bad() != (c.verdict != "as it should") {
			t.Errorf("%s: %s (bad: %v), want %s", name, got, g.bad(), c.verdict)
		}
	}
}

func TestGrowthIsOfATenfold(t *testing.T) {
	g := grown(operation{reach: reachEnds}, 100, 10_000, figure{1, 0, 100}, figure{4, 0, 900})
	if math.Abs(g.cpu-2) > 1e-9 || math.Abs(g.peak-3) > 1e-9 {
		t.Errorf("factors %v and %v for each of two tenfolds, want 2 and 3", g.cpu, g.peak)
	}
}

// Every operation is compared at every step.
func TestGrowths(t *testing.T) {
	sizes := invented(1000, 10_000, 100_000)
	sizes[2].Figures["status"] = figure{CPU: 9, Peak: 10 << 20}
	all := growths(sizes)
	if want := 2 * len(operations()); len(all) != want {
		t.Fatalf("%d comparisons, want %d", len(all), want)
	}
	for _, g := range all {
		if want := g.name == "status" && g.from == 10_000; g.cpuGrew != want || g.peakGrew {
			t.Errorf("%s from %d to %d: %s", g.name, g.from, g.to, g.verdict())
		}
	}
}

// invented are figures of which none grows that should not.
func invented(sizes ...int64) (all []measurements) {
	for _, n := range sizes {
		m := measurements{Records: n, Raw: n * 400, Stored: n * 80, Segments: 3, Figures: map[string]figure{}}
		for i, op := range operations() {
			f := figure{CPU: 0.01 * float64(i+1), Wall: 0.02, Peak: int64(10+i) << 20}
			if op.reach != reachEnds {
				f.CPU *= float64(n) / float64(sizes[0])
			}
			m.Figures[op.name] = f
		}
		all = append(all, m)
	}
	return all
}

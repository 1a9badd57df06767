package main

import "math"

// What a cost may grow by while the log grows tenfold, and how much of a difference is noise.
const (
	mayGrow   = 1.5
	cpuNoise  = 0.005   // seconds
	peakNoise = 4 << 20 // bytes
)

// growth is how the costs of an operation compare on two logs. Factors are for a tenfold of records,
// whatever the logs are.
type growth struct {
	operation
	from, to  int64   // records
	cpu, peak float64 // factors
	cpuGrew   bool
	peakGrew  bool
}

// growths compares each log with the next larger one, operation by operation.
func growths(sizes []measurements) (all []growth) {
	for _, op := range operations() {
		for i := 1; i < len(sizes); i++ {
			a, b := sizes[i-1], sizes[i]
			all = append(all, grown(op, a.Records, b.Records, a.Figures[op.name], b.Figures[op.name]))
		}
	}
	return all
}

// grown judges one step. Processor time of what goes through the whole log, or all its segments, is that of
// each record: it may not grow either.
func grown(op operation, from, to int64, a, b figure) growth {
	g := growth{operation: op, from: from, to: to}
	more := float64(to) / float64(from)
	tenfold := func(factor float64) float64 { return math.Pow(factor, 1/math.Log10(more)) }
	cpu := a.CPU
	if op.reach != reachEnds {
		cpu *= more
	}
	g.cpu, g.peak = tenfold(b.CPU/a.CPU), tenfold(float64(b.Peak)/float64(a.Peak))
	g.cpuGrew = tenfold(b.CPU/cpu) > mayGrow && b.CPU-cpu > cpuNoise
	g.peakGrew = g.peak > mayGrow && b.Peak-a.Peak > peakNoise
	return g
}

// verdict says what grew that should not.
func (g growth) verdict() string {
	switch {
	case g.cpuGrew && g.peakGrew:
		return "time and memory grew"
	case g.peakGrew:
		return "memory grew"
	case g.cpuGrew && g.reach != reachEnds:
		return "time grew faster than the log"
	case g.cpuGrew:
		return "time grew"
	}
	return "as it should"
}

func (g growth) bad() bool { return g.cpuGrew || g.peakGrew }

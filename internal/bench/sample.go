package main

import (
	"fmt"
	"os/exec"
	"slices"

	"github.com/opscontext/opscontext/internal/terminal"
)

// sample is one figure of each round.
type sample []float64

// run adds the seconds of processor time that a command takes.
func (s *sample) run(cmd *exec.Cmd) error {
	if err := run(cmd); err != nil {
		return err
	}
	*s = append(*s, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	return nil
}

// over is s divided by t, round by round: what slows a round slows both.
func (s sample) over(t sample) sample {
	q := make(sample, 0, len(s))
	for i := range min(len(s), len(t)) {
		q = append(q, s[i]/t[i])
	}
	return q
}

// less is s less t, round by round.
func (s sample) less(t sample) sample {
	d := make(sample, 0, len(s))
	for i := range min(len(s), len(t)) {
		d = append(d, s[i]-t[i])
	}
	return d
}

// median is the figure in the middle, the mean of the two there if they are even in number. There must
// be one.
func (s sample) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// String is the median and, in brackets, the least and the greatest figure.
func (s sample) String() string {
	return fmt.Sprintf("%.2f [%.2f-%.2f]", s.median(), slices.Min(s), slices.Max(s))
}

// short is String with a decimal where there is room for one.
func (s sample) short() string {
	decimals := 1
	if slices.Max(s) >= 100 {
		decimals = 0
	}
	return fmt.Sprintf("%.*f [%.*f-%.*f]", decimals, s.median(), decimals, slices.Min(s), decimals, slices.Max(s))
}

// whole is String of large numbers.
func (s sample) whole() string {
	count := func(x float64) string { return terminal.Count(int64(x + 0.5)) }
	return fmt.Sprintf("%s [%s-%s]", count(s.median()), count(slices.Min(s)), count(slices.Max(s)))
}

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opscontext/opscontext/internal/terminal"
)

// machine writes what all figures depend on.
func machine(out *report) error {
	cpu := processor(os.ReadFile("/proc/cpuinfo"))
	return errors.Join(
		out.field("machine", fmt.Sprintf("%s, %s", terminal.Escape(cpu.model), terminal.Plural(int64(runtime.NumCPU()), "core"))),
		out.field("SHA-256", cpu.sha),
		out.field("built by", fmt.Sprintf("%s, %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)),
	)
}

// idleFor is how long cores are watched.
const idleFor = time.Second

// busy writes how busy the machine is with other work, where it says so: the load, and how many cores are
// idle while nothing is measured.
func busy(out *report, when string) error {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return out.field("load "+when, "unknown here")
	}
	words := strings.Fields(string(text))
	before, err := os.ReadFile("/proc/stat")
	if err != nil {
		return err
	}
	time.Sleep(idleFor)
	after, err := os.ReadFile("/proc/stat")
	if err != nil {
		return err
	}
	return out.field("load "+when, fmt.Sprintf("%s; %.1f cores idle", strings.Join(words[:min(3, len(words))], " "), idleCores(string(before), string(after))))
}

// idleCores is how many cores had nothing to do between two readings of /proc/stat.
func idleCores(before, after string) float64 {
	idle, all := 0.0, 0.0
	for i, text := range []string{before, after} {
		line, _, _ := strings.Cut(text, "\n")
		for j, ticks := range strings.Fields(strings.TrimPrefix(line, "cpu")) {
			n, err := strconv.ParseFloat(ticks, 64)
			if err != nil || j >= ticksStated {
				break
			}
			if i == 0 {
				n = -n
			}
			all += n
			if j == ticksIdle {
				idle += n
			}
		}
	}
	if all <= 0 {
		return 0
	}
	return idle / all * float64(runtime.NumCPU())
}

// Fields of the first line of /proc/stat. Those behind the stated ones are counted in others, too.
const (
	ticksIdle   = 3
	ticksStated = 8
)

// cpu is what is known of the processor.
type cpu struct{ model, sha string }

// processor reads /proc/cpuinfo, as far as there is one.
func processor(text []byte, err error) cpu {
	c := cpu{runtime.GOARCH, "unknown here whether the processor has instructions for it"}
	if err != nil {
		return c
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			c.model = strings.TrimSpace(value)
		case "flags", "Features":
			flags := strings.Fields(value)
			if slices.Contains(flags, "sha_ni") || slices.Contains(flags, "sha2") {
				c.sha = "by instructions of the processor"
			} else {
				c.sha = "without instructions for it: several times slower than with them"
			}
		}
	}
	return c
}

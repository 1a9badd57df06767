package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/internal/terminal"
)

// facts writes what the figures depend on.
func (b *bench) facts(out *terminal.Stream) error {
	cpu := processor(os.ReadFile("/proc/cpuinfo"))
	return errors.Join(
		out.Field("machine", fmt.Sprintf("%s, %s", terminal.Escape(cpu.model), terminal.Plural(int64(runtime.NumCPU()), "core"))),
		out.Field("SHA-256", cpu.sha),
		out.Field("built by", fmt.Sprintf("%s, %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)),
		out.Field("log", fmt.Sprintf("%s, %s", terminal.Plural(int64(b.records), "record"), terminal.Bytes(b.bytes))),
		b.load(out, "load"),
	)
}

// load writes how busy the machine is, where it says so.
func (b *bench) load(out *terminal.Stream, label string) error {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return out.Field(label, "unknown here")
	}
	words := strings.Fields(string(text))
	return out.Field(label, strings.Join(words[:min(3, len(words))], " "))
}

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

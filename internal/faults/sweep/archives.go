//go:build linux && amd64

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/segment"
)

// archiving are the situations of archive. The sealed segment with the highest number always stays plain.
func archiving(app program) []scenario {
	archive := func(name string, setup ...step) scenario {
		return scenario{name, setup, []string{"archive"}, events(0), place.output, app.judgeArchived}
	}
	one, three := app.segments(2), app.segments(4)
	killed := func(call, target string) step {
		return app.killed(point{call: call, target: "/home/" + target, nth: 1}, "archive")
	}
	return []scenario{
		archive("archive", one),
		archive("archive-three", three),
		archive("archive-frames", app.wide, app.rotation, app.segments(1)),
		archive("lost-manifest", three, app.archived, loseManifest),
		archive("half-archived", one, halfArchived),
		archive("killed-linked", one, killed("linkat", "audit-archive/audit-0001.jsonl.zst")),
		archive("killed-described", one, killed("renameat", "audit-archive/audit-0001.manifest.json")),
		archive("killed-attested", one, killed("fdatasync", "audit.log")),
		{"archive-copy", []step{app.segments(3), app.archived, makeStore}, []string{"archive", "--to", "store"}, events(0), place.output, app.judgeArchived},
	}
}

// segments seals n segments of a few records, and begins another.
func (a program) segments(n int) step {
	return func(p place) error {
		for range n {
			if err := a.append(p, events(3)()); err != nil {
				return err
			}
			if err := a.rotation(p); err != nil {
				return err
			}
		}
		return a.append(p, events(2)())
	}
}

// wide appends records enough for several frames of an archive, which all processors then compress.
func (a program) wide(p place) error {
	var b strings.Builder
	for line := range strings.Lines(events(5)()) {
		b.WriteString(strings.Replace(line, `"text":"`, `"text":"`+strings.Repeat("wide ", 60<<10), 1))
	}
	return a.append(p, b.String())
}

// archived archives what can be.
func (a program) archived(p place) error {
	_, err := a.must(p, "", "archive")
	return err
}

func first(p place, form segment.Form) string {
	return sealedFile(p, segment.Name{Number: 1}, form)
}

func loseManifest(p place) error { return os.Remove(first(p, segment.FormManifest)) }

// halfArchived leaves what archiving writes to before anything has its name.
func halfArchived(p place) error {
	for _, name := range []string{".audit-0001.zst.tmp", ".audit-0001.manifest.json123456789"} {
		if err := os.WriteFile(filepath.Join(p.archive(), name), []byte("(\xb5/\xfdd"), 0o400); err != nil {
			return err
		}
	}
	return nil
}

// killed runs a command that is killed right after one of its system calls, so that what is swept is the
// recovery from that.
func (a program) killed(at point, args ...string) step {
	return func(p place) error {
		out, err := traceAt(scenario{args: args, input: events(0), output: place.output}, fault{kind: killAfter}, a, p, at)
		if err == nil && !out.hit {
			err = fmt.Errorf("%v: did not come to %v", args, at)
		}
		return err
	}
}

func makeStore(p place) error { return os.Mkdir(p.store(), 0o700) }

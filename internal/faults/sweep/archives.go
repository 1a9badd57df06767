//go:build linux && amd64

package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/segment"
)

// archiving are the situations of archive. The sealed segment with the highest number always stays plain.
func archiving(app program) []scenario {
	plain, store := []string{"archive"}, []string{"archive", "--to", "store"}
	one, three := app.segments(2), app.segments(4)
	return []scenario{
		{"archive", []step{one}, plain, events(0), place.output, app.judgeArchived},
		{"archive-three", []step{three}, plain, events(0), place.output, app.judgeArchived},
		{"archive-frames", []step{app.wide, app.rotation, app.segments(1)}, plain, events(0), place.output, app.judgeArchived},
		{"lost-manifest", []step{three, app.archived, loseManifest}, plain, events(0), place.output, app.judgeArchived},
		{"half-archived", []step{one, halfArchived}, plain, events(0), place.output, app.judgeArchived},
		{"plain-left", []step{one, keepPlain, app.archived, putPlainBack}, plain, events(0), place.output, app.judgeArchived},
		{"archive-copy", []step{app.segments(3), app.archived, makeStore}, store, events(0), place.output, app.judgeArchived},
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

func keptPlain(p place) string { return filepath.Join(p.dir, "kept") }

// keepPlain and putPlainBack have between them an archiving that stopped before its last step.
func keepPlain(p place) error { return os.Link(first(p, segment.FormPlain), keptPlain(p)) }

func putPlainBack(p place) error { return os.Rename(keptPlain(p), first(p, segment.FormPlain)) }

func makeStore(p place) error { return os.Mkdir(p.store(), 0o700) }

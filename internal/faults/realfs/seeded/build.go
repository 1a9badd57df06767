//go:build linux

// Package seeded builds the real program with mistakes in it, each of which a sweep has to find: a sweep
// that does not is worth nothing. All of them are in one build, and asleep until the name of one is in the
// variable that the program is run with.
package seeded

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Variable is the variable of the environment that has the name of the mistake.
const Variable = "OPSCONTEXT_SEEDED_BUG"

// flaws are the files that are added to the packages: what the calls that are put in lead to.
//
//go:embed testdata
var flaws embed.FS

// graft is where a package is led to its mistakes: text of the source that must be there exactly once, and what
// takes its place.
type graft struct{ file, was, is string }

var grafts = []graft{
	{"internal/durable/os_linux.go", `f.withFD("sync", unix.Fdatasync)`, `f.withFD("sync", flawedDatasync)`},
	{"internal/durable/os.go", "return errors.Join(d.Sync(), d.Close())", "return flawedSyncDir(d)"},
	{"segment/append.go", "w.syncLive(b.from)", "w.flawedSync(b.from)"},
	{"segment/append.go", "w.live.f.Write(lines)", "flawedWrite(w.live.f, lines)"},
	{"segment/lock.go", "k.tryFlock(h, path)", "k.flawedFlock(h, path, w)"},
	{"segment/rotate.go", "Name{Number: who.number}", "Name{Number: flawedNumber(who.number)}"},
	{"segment/rotate.go", "w.fs.Link(w.path(LiveName), path)", "flawedLink(w.fs, w.path(LiveName), path)"},
	{"segment/scan.go", "s.Read(j.pos.Extent, buf)", "flawedRead(s, j.pos.Extent, buf)"},
}

// added are the files of flaws and what they are called in the repository.
var added = map[string]string{
	"testdata/durable.go": "internal/durable/flawed.go",
	"testdata/segment.go": "segment/flawed.go",
}

// Build builds the program of the repository at root with the mistakes, into a directory, and gives its
// path. It fails where the source is no longer what the mistakes were made for: they have to be moved along.
func Build(root, dir string) (bin string, err error) {
	overlay, err := sources(root, dir)
	if err != nil {
		return "", err
	}
	bin = filepath.Join(dir, "opscontext-seeded")
	cmd := exec.Command("go", "build", "-overlay", overlay, "-trimpath", "-tags", "urfave_cli_no_docs", "-o", bin, "./cmd/opscontext")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the program with mistakes: %w: %s", err, text)
	}
	return bin, nil
}

// sources writes the changed sources into a directory, and the file that tells the compiler of them.
func sources(root, dir string) (overlay string, err error) {
	texts := map[string]string{}
	for _, g := range grafts {
		if texts[g.file] == "" {
			text, err := os.ReadFile(filepath.Join(root, g.file))
			if err != nil {
				return "", err
			}
			texts[g.file] = string(text)
		}
		if n := strings.Count(texts[g.file], g.was); n != 1 {
			return "", fmt.Errorf("%s has %q %d times, not once: the mistake that is put there has to be moved", g.file, g.was, n)
		}
		texts[g.file] = strings.Replace(texts[g.file], g.was, g.is, 1)
	}
	for file, name := range added {
		text, err := flaws.ReadFile(file)
		if err != nil {
			return "", err
		}
		texts[name] = string(text)
	}
	replace := map[string]string{}
	for name, text := range texts {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, name)] = file
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

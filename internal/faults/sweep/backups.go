//go:build linux && amd64

package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/segment"
)

// backing are the situations of backup: the first one, and one that meets an older copy of a log that was
// rotated and archived since.
func backing(app program) []scenario {
	backup := func(name string, setup ...step) scenario {
		return scenario{name, setup, []string{"backup", "store"}, events(0), place.output, app.judgeBackedUp}
	}
	return []scenario{
		backup("backup", app.segments(2), app.archived),
		backup("backup-again", app.segments(2), app.backedUp, app.segments(1), app.archived),
		backup("backup-killed", app.segments(2), app.backedUp, app.segments(1),
			app.killed(point{call: "renameat", target: "/store/audit.log", nth: 1}, "backup", "store")),
	}
}

// backedUp takes a backup.
func (a program) backedUp(p place) error {
	_, err := a.must(p, "", "backup", "store")
	return err
}

// judgeBackedUp judges backup. At the moment of the fault the copy has all that it had before; after the
// same command again it has the files of the home.
func (a program) judgeBackedUp(x played) error {
	now, err := viewOf(x.place)
	if err != nil {
		return err
	}
	if err := judgeCopy(x.was.files, now.files); err != nil {
		return fmt.Errorf("right after the fault: %w", err)
	}
	if err := judgeAgain(x, a.again, sameBackup); err != nil {
		return err
	}
	return a.judgeNext(x)
}

// judgeCopy wants everything that a backup had to be in it still: a live log as it was, longer, or
// sealed; a plain segment as it was, or in the compressed form that the home has of it.
func judgeCopy(was, now map[string][]byte) error {
	for name, text := range was {
		rel, ok := strings.CutPrefix(name, "store/")
		if !ok || rel == "backup.json" || text == nil || bytes.Equal(now[name], text) {
			continue
		}
		packed := now[name+".zst"]
		switch {
		case rel == segment.LiveName && begins(now, text):
		case strings.HasSuffix(rel, ".jsonl") && packed != nil && bytes.Equal(packed, now["home/"+rel+".zst"]):
		default:
			return fmt.Errorf("the backup no longer has %s", rel)
		}
	}
	return nil
}

// begins reports whether a plain file of the backup begins with text.
func begins(files map[string][]byte, text []byte) bool {
	for name, has := range files {
		if strings.HasPrefix(name, "store/") && bytes.HasPrefix(has, text) {
			return true
		}
	}
	return false
}

// sameBackup wants the files of the home in the backup, byte for byte, and no others but the list of them.
func sameBackup(x played) error {
	now, err := viewOf(x.place)
	if err != nil {
		return err
	}
	if now.files["store/backup.json"] == nil {
		return errors.New("the backup has no backup.json")
	}
	for _, name := range slices.Sorted(maps.Keys(now.files)) {
		rel, copied := strings.CutPrefix(name, "store/")
		if !copied {
			rel, _ = strings.CutPrefix(name, "home/")
		}
		if rel == name || unlike.MatchString(rel) {
			continue
		}
		if !bytes.Equal(now.files["home/"+rel], now.files["store/"+rel]) || (now.files["home/"+rel] == nil) != (now.files["store/"+rel] == nil) {
			return fmt.Errorf("%s is not the same in the home and in the backup", rel)
		}
	}
	return nil
}

// unlike are the files that a home or a backup has alone: search indexes are in no backup.
var unlike = regexp.MustCompile(`^(backup\.json|audit\.flock|audit-archive/audit-\d+\.idx)$`)

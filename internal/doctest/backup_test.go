package doctest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/backup"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// backupHistory takes a backup of the history's home after its first segment was archived, and gives
// its manifest as a machine with the usual places would have it.
func backupHistory(t *testing.T) (dir string, m *backup.Manifest) {
	t.Helper()
	a := archiveHistory(t, makeHistory(t))
	for _, name := range []string{"audit-0001.jsonl.zst", "audit-0002.jsonl"} { // made by hand here
		check(t, os.Chmod(a.path(name), 0o400))
	}
	dir = filepath.Join(t.TempDir(), "backup")
	at := time.Date(2027, 1, 6, 3, 0, 0, 0, time.UTC)
	res, err := backup.Run(t.Context(), a.home, dir, segment.Options{Now: func() time.Time { return at }, Tool: "opscontext 0.1.0"},
		backup.Options{By: chain.Recorder{UID: 1000, User: "ada", Host: "atlas", Tool: "opscontext 0.1.0"}})
	check(t, err)
	m = res.Manifest
	m.Home = "/home/ada/.contextengine"
	return dir, m
}

// The manifest that the example shows is that of a backup of the history.
func TestExampleBackup(t *testing.T) {
	d := readDocument(t, format)
	_, m := backupHistory(t)
	want, err := m.Encode()
	check(t, err)
	b := d.example(t, "backup")
	if b.text != string(want) {
		t.Errorf("%s: the example is\n%swant\n%s", d.at(b), b.text, want)
	}
	read, err := backup.ParseManifest([]byte(b.text))
	check(t, err)
	again, err := read.Encode()
	check(t, err)
	if string(again) != b.text {
		t.Errorf("%s: read and written again it is\n%s", d.at(b), again)
	}
}

// The table of members names every member of backup.json, in order, and no other.
func TestFormatNamesEveryMemberOfTheBackup(t *testing.T) {
	d := readDocument(t, format)
	_, m := backupHistory(t)
	text, err := json.Marshal(m)
	check(t, err)
	v, _, err := ecmajson.Parse(text, chain.MaxDepth)
	check(t, err)
	var want, named []string
	paths("", v, &want)
	for _, r := range d.rows(t, "The members of a backup's manifest (tested):\n") {
		named = append(named, strings.Trim(r[0], "`"))
	}
	if strings.Join(named, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s names the members\n%s\nbackup.json has\n%s", format, strings.Join(named, "\n"), strings.Join(want, "\n"))
	}
}

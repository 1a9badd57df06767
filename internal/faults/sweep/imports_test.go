//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a fault could do to an import, done by hand.
func TestJudgeImported(t *testing.T) {
	const (
		closing  = `{"event":"audit.import","payload":{},"hash":"c1"}` + "\n"
		bookmark = `audit-archive/import-0000000000000000000000000000000000000000000000000000000000000000.json`
		sealed   = "audit-archive/audit-0001.jsonl"
	)
	events := func(nonces ...string) string {
		var b strings.Builder
		for _, n := range nonces {
			fmt.Fprintf(&b, `{"event":"a.b","payload":{"nonce":%q},"hash":"h%s"}`+"\n", n, n)
		}
		return b.String()
	}
	lay := func(t *testing.T, p place, homeFiles map[string]string) {
		t.Helper()
		err := errors.Join(os.MkdirAll(p.archive(), 0o700), os.WriteFile(filepath.Join(p.stage(), sourceFile), []byte(events("1", "2", "3")), 0o600))
		for name, text := range homeFiles {
			err = errors.Join(err, os.WriteFile(filepath.Join(p.home(), name), []byte(text), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	done := map[string]string{sealed: events("1"), "audit.log": events("2", "3") + closing, bookmark: `{"closed":{"hash":"c1"}}`}
	for _, c := range []struct {
		name  string
		exit  int
		files map[string]string // others than when done; empty: there is none
		want  string
	}{
		{"done", killed, nil, ""},
		{"an event is missing", killed, map[string]string{"audit.log": events("3") + closing}, "2 events are records now"},
		{"an event is there twice", killed, map[string]string{"audit.log": events("2", "2", "3") + closing}, "4 events are records now"},
		{"another order", killed, map[string]string{"audit.log": events("3", "2") + closing}, "in their order"},
		{"not closed", killed, map[string]string{"audit.log": events("2", "3")}, "0 records close the import"},
		{"closed twice", killed, map[string]string{"audit.log": events("2", "3") + closing + closing}, "2 records close the import"},
		{"the bookmark is open", killed, map[string]string{bookmark: `{"steps":[]}`}, "does not name the record"},
		{"the bookmark names another record", killed, map[string]string{bookmark: `{"closed":{"hash":"c2"}}`}, "does not name the record"},
		{"the bookmark is gone", killed, map[string]string{bookmark: ""}, "without a fault"},
		{"no rotation", killed, map[string]string{sealed: "", "audit.log": events("1", "2", "3") + closing}, "without a fault"},
		{"a rotation failed", 1, map[string]string{sealed: "", "audit.log": events("1", "2", "3") + closing}, ""},
		{"a file too many", 1, map[string]string{"audit.tmp": "x"}, "without a fault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			x := played{place: place{filepath.Join(dir, "point")}, outcome: outcome{exit: c.exit}}
			x.before, x.done = place{filepath.Join(dir, "before")}, place{filepath.Join(dir, "done")}
			lay(t, x.before, nil)
			lay(t, x.done, done)
			now := map[string]string{}
			for _, from := range []map[string]string{done, c.files} {
				for name, text := range from {
					if now[name] = text; text == "" {
						delete(now, name)
					}
				}
			}
			lay(t, x.place, now)
			if err := x.look(); err != nil {
				t.Fatal(err)
			}
			if err := sameImport(x); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

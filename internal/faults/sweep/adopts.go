//go:build linux && amd64

package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/opscontext/opscontext/chain"
)

// adopting are the situations of adopt: an old home with live, sealed and archived segments, and none yet
// to bring it into.
func adopting(app program) []scenario {
	return []scenario{{
		"adopt", []step{app.segments(2), app.archived, moveAway}, []string{"adopt", "--from", "old", "--apply"},
		events(0), place.output, app.judgeAdopted,
	}}
}

// moveAway makes the home an old one, of which this machine remembers nothing, and notes what it holds.
func moveAway(p place) error {
	log, err := history(p)
	return errors.Join(err, os.WriteFile(oldLog(p), log, 0o600), os.Rename(p.home(), p.old()), os.RemoveAll(p.state()))
}

func oldLog(p place) string { return filepath.Join(p.dir, "old-log") }

// judgeAdopted judges adopt, and then whatever a write to the log shows.
func (a program) judgeAdopted(x played) error {
	if err := judgeAgain(x, a.adoptAgain, sameAdoption); err != nil {
		return err
	}
	return a.judgeNext(x)
}

// adoptAgain adopts once more. That is refused if the adoption was closed before the fault; what is left
// is then to archive.
func (a program) adoptAgain(x played) error {
	log, err := history(x.place)
	if err != nil {
		return err
	}
	_, stderr, exit, err := a.run(x.place, "", x.args...)
	switch {
	case err != nil:
		return err
	case exit == refused && adoptions(log) == 1:
		return a.archived(x.place)
	case exit != 0:
		return fmt.Errorf("adopt: exit %d: %s", exit, stderr)
	}
	return nil
}

// adoptions counts the records that close an adoption.
func adoptions(log []byte) int {
	return bytes.Count(wholeLines(log), []byte(`"event":"`+chain.KindAdopt+`"`))
}

// sameAdoption wants the log to begin with all that the old home held, byte for byte, the adoption closed,
// and the files that there are without a fault, those of the old home as they were.
func sameAdoption(x played) error {
	now, err := viewOf(x.place)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(oldLog(x.place))
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(now.log, old) {
		return errors.New("the log does not begin with that of the old home")
	}
	if n := adoptions(now.log); n != 1 {
		return fmt.Errorf("%d records close the adoption", n)
	}
	if !maps.Equal(now.attested, x.is.attested) {
		return fmt.Errorf("the chain attests %v, without a fault %v", now.attested, x.is.attested)
	}
	return sameFiles(now.files, x.is.files)
}

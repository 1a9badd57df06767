//go:build linux && amd64

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// recovering are the situations of repair, declare-break and restore: what is no record at the end of
// the log, a lost manifest, the three ways to lose records for good, and records that come back: a
// segment, one that is damaged, and the tail that a break documents as lost.
func recovering(app program) []scenario {
	repair := []string{"recover", "repair", "--apply"}
	declareArgs := func(cause string) []string {
		return []string{"recover", "declare-break", "--cause", cause, "--reason", "sweep", "--operator", "sweep", "--apply"}
	}
	declare := func(name, cause string, setup ...step) scenario {
		return scenario{name, setup, declareArgs(cause), events(0), place.output, app.judgeDeclared}
	}
	restoreArgs := []string{"recover", "restore", "--from", "store", "--reason", "sweep", "--operator", "sweep", "--apply"}
	restore := func(name string, setup ...step) scenario {
		return scenario{name, setup, restoreArgs, events(0), place.output, app.judgeRestored}
	}
	return []scenario{
		{"repair-tail", []step{app.records(3), garble, tear}, repair, events(0), place.output, app.judgeRepaired},
		{"repair-killed", []step{app.records(3), garble, tear, app.killed(point{call: "ftruncate", target: "/home/audit.log", nth: 1}, repair...)},
			repair, events(0), place.output, app.judgeRepaired},
		{"repair-manifest", []step{app.segments(2), app.archived, loseManifest}, repair, events(0), place.output, app.judgeMended},
		declare("declare-restored", "backup-restore", app.records(3), app.backedUp, app.records(3), restored),
		declare("declare-live-lost", "live-lost", app.segments(1), lose(place.live)),
		declare("declare-gap", "segment-lost", app.segments(3), lose(second)),
		declare("declare-killed", "segment-lost", app.segments(3), lose(second),
			app.killed(point{call: "fdatasync", target: "/home/audit.log", nth: 1}, declareArgs("segment-lost")...)),
		restore("restore-gap", app.segments(3), app.backedUp, lose(second)),
		restore("restore-killed", app.segments(3), app.backedUp, lose(second),
			app.killed(point{call: "linkat", target: "/home/audit-archive/audit-0001-r1.jsonl", nth: 1}, restoreArgs...)),
		restore("restore-damaged", app.segments(3), app.backedUp, damageSecond),
		restore("restore-branch", app.records(3), keepCopy, app.records(3), exchangeCopy, app.declared),
	}
}

// second is a file in the midst of the log.
func second(p place) string { return filepath.Join(p.archive(), "audit-0002.jsonl") }

// damageSecond changes a byte of a record in it.
func damageSecond(p place) error {
	text, err := os.ReadFile(second(p))
	if err != nil {
		return err
	}
	if err := os.Chmod(second(p), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(second(p), bytes.Replace(text, []byte("sweep.event"), []byte("sweep.Event"), 1), 0o600); err != nil {
		return err
	}
	if err := os.Chmod(second(p), 0o400); err != nil {
		return err
	}
	return forget(p)
}

// keepCopy copies the live log, and exchangeCopy puts it back and keeps the newer one instead.
func keepCopy(p place) error { return os.CopyFS(p.store(), os.DirFS(p.home())) }

func exchangeCopy(p place) error {
	aside := filepath.Join(p.stage(), "newer")
	if err := os.Rename(p.live(), aside); err != nil {
		return err
	}
	older := filepath.Join(p.store(), segment.LiveName)
	if err := os.Rename(older, p.live()); err != nil {
		return err
	}
	if err := os.Chmod(p.live(), 0o600); err != nil {
		return err
	}
	if err := os.Rename(aside, older); err != nil {
		return err
	}
	return forget(p)
}

// declared documents that the newer records are lost.
func (a program) declared(p place) error {
	_, err := a.must(p, "", "recover", "declare-break", "--cause", "backup-restore", "--reason", "sweep", "--operator", "sweep", "--apply")
	return err
}

// garbled is a complete line that is no record.
const garbled = "this is no record\n"

// garble leaves one at the end of the live log.
func garble(p place) error {
	log, err := os.ReadFile(p.live())
	if err != nil {
		return err
	}
	return os.WriteFile(p.live(), append(log, garbled...), 0o600)
}

// restored puts the backup in the place of the home. What was acknowledged since is lost, and whoever
// was told of it is not asked about it any more.
func restored(p place) error {
	if err := os.RemoveAll(p.home()); err != nil {
		return err
	}
	if err := os.CopyFS(p.home(), os.DirFS(p.store())); err != nil {
		return err
	}
	if err := os.Chmod(p.home(), 0o700); err != nil {
		return err
	}
	if err := os.RemoveAll(p.store()); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(p.home(), "backup.json")); err != nil {
		return err
	}
	return forget(p)
}

// lose removes a file of the log for good.
func lose(file func(place) string) step {
	return func(p place) error {
		if err := os.Remove(file(p)); err != nil {
			return err
		}
		return forget(p)
	}
}

// forget takes acknowledgements away of which the log no longer has the record.
func forget(p place) error {
	log, err := history(p)
	if err != nil {
		return err
	}
	acks, err := os.ReadFile(p.acks())
	if err != nil {
		return err
	}
	var left []byte
	for ack := range bytes.Lines(acks) {
		if bytes.Contains(log, ack) {
			left = append(left, ack...)
		}
	}
	return os.WriteFile(p.acks(), left, 0o600)
}

// judgeRepaired judges repair of a log's end: after the same command again nothing is lost, and what was
// no record is where it was moved to.
func (a program) judgeRepaired(x played) error {
	if err := a.again(x); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	kept, err := filepath.Glob(filepath.Join(x.home(), segment.QuarantineDir, "audit.odd-*.partial"))
	if err != nil {
		return err
	}
	found := 0
	for _, name := range kept {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(text, []byte(garbled)) { // and what was torn behind it
			found++
		}
	}
	if found != 1 {
		return fmt.Errorf("what was no record was kept %d times, want once", found)
	}
	return a.judgeNext(x)
}

// judgeMended judges repair of an archive as archive is judged. Of what it cannot read it does not know
// that something is to be mended: it then says that it did nothing.
func (a program) judgeMended(x played) error {
	said, err := os.ReadFile(x.output())
	if err != nil {
		return err
	}
	if bytes.Contains(said, []byte("nothing to do")) {
		x.exit = refused
	}
	return a.judgeArchived(x)
}

// judgeDeclared judges declare-break: nothing of the log is lost, and after the same command again there
// is one anchor, in force, with the segment behind it sealed.
func (a program) judgeDeclared(x played) error {
	if err := judgeAgain(x, a.declareAgain, sameDeclared); err != nil {
		return err
	}
	return a.next(x, append([]string{string(chain.RolledBack), string(chain.LiveMissing), string(chain.Missing)}, innocent...))
}

// declareAgain is refused once everything is documented.
func (a program) declareAgain(x played) error {
	_, stderr, exit, err := a.run(x.place, "", x.args...)
	if err == nil && exit != 0 && !(exit == refused && strings.Contains(stderr, "nothing is absent")) {
		err = fmt.Errorf("declare-break: exit %d: %s", exit, stderr)
	}
	return err
}

func sameDeclared(x played) error {
	log, err := history(x.place)
	if err != nil {
		return err
	}
	if n := bytes.Count(log, []byte(`"event":"`+chain.KindAnchor+`"`)); n != 1 {
		return fmt.Errorf("%d anchors on the chain, want 1", n)
	}
	if n := bytes.Count(log, []byte(`"event":"`+chain.KindBreak+`"`)); n > 1 {
		return fmt.Errorf("%d audit.break on the chain, want one at most", n)
	}
	live, err := os.ReadFile(x.live())
	if err != nil {
		return err
	}
	if !bytes.Contains(live, []byte(`"event":"`+chain.KindRotate+`"`)) || bytes.Contains(live, []byte(`"event":"`+chain.KindAnchor+`"`)) {
		return errors.New("the segment of the anchor was not sealed")
	}
	return nil
}

// judgeRestored judges restore: after the same command again the records are there once, one record
// says so, and the log verifies.
func (a program) judgeRestored(x played) error {
	if err := a.restoreAgain(x); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	log, err := os.ReadFile(x.live())
	if err != nil {
		return err
	}
	if n := bytes.Count(log, []byte(`"event":"`+chain.KindRestore+`"`)); n != 1 {
		return fmt.Errorf("%d audit.restore on the chain, want 1", n)
	}
	return a.next(x, append([]string{string(chain.RolledBack)}, innocent...))
}

// restoreAgain is refused once everything is there.
func (a program) restoreAgain(x played) error {
	_, stderr, exit, err := a.run(x.place, "", x.args...)
	if err == nil && exit != 0 && !(exit == refused && strings.Contains(stderr, "nothing is missing")) {
		err = fmt.Errorf("restore: exit %d: %s", exit, stderr)
	}
	return err
}

//go:build linux && amd64

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// importing are the situations of import. The source spans years, so that segments are sealed on the way.
func importing(app program) []scenario {
	imports := func(name string, setup ...step) scenario {
		return scenario{name, setup, []string{"import", "--keep-time", sourceFile}, events(0), place.output, app.judgeImported}
	}
	return []scenario{
		imports("import", source),
		imports("import-behind", lastCentury, source),
	}
}

// source writes a file of events of three years.
func source(p place) error {
	var b strings.Builder
	ts := time.Date(2019, 11, 1, 0, 0, 0, 0, time.UTC)
	for line := range strings.Lines(events(9)()) {
		fmt.Fprintf(&b, `{"ts":%q,%s`, ts.Format(chain.TimeLayout), line[1:])
		ts = ts.AddDate(0, 3, 1)
	}
	return os.WriteFile(filepath.Join(p.stage(), sourceFile), []byte(b.String()), 0o600)
}

const sourceFile = "events.jsonl"

// judgeImported judges import, and then whatever a write to the log shows. Verify always says what was
// imported; and the record of a torn tail is of today, what is imported after it is not.
func (a program) judgeImported(x played) error {
	if err := judgeAgain(x, a.importAgain, sameImport); err != nil {
		return err
	}
	return a.next(x, append(slices.Clip(innocent), "imported", "time-regression"))
}

// importAgain gives the same file again. That is refused if the import was closed before the fault.
func (a program) importAgain(x played) error {
	log, err := history(x.place)
	if err != nil {
		return err
	}
	_, stderr, exit, err := a.run(x.place, "", x.args...)
	if err == nil && exit != 0 && !(exit == refused && closings(log) == 1) {
		err = fmt.Errorf("import: exit %d: %s", exit, stderr)
	}
	return err
}

// refused is the exit code of a command that wrote nothing.
const refused = 6

// closings counts the records that close an import.
func closings(log []byte) int {
	return bytes.Count(wholeLines(log), []byte(`"event":"`+chain.KindImport+`"`))
}

// sameImport wants every event of the source as a record, once and in order, the import closed, and the
// files that there are without a fault.
func sameImport(x played) error {
	now, err := viewOf(x.place)
	if err != nil {
		return err
	}
	have, err := nonces(bytes.TrimPrefix(now.log, x.was.log))
	if err != nil {
		return err
	}
	want, err := nonces(now.files[sourceFile])
	if err != nil {
		return err
	}
	if !slices.Equal(have, want) {
		return fmt.Errorf("%d events are records now, not the %d of the source in their order", len(have), len(want))
	}
	if n := closings(now.log); n != 1 {
		return fmt.Errorf("%d records close the import", n)
	}
	have, want = x.names(now), x.names(x.is)
	if !slices.Equal(have, want) {
		return fmt.Errorf("the files are %v, without a fault %v", have, want)
	}
	return judgeBookmark(now)
}

// names lists the files of a view, but for the mark and its like, which a later writer makes. A rotation
// that cannot be done keeps no record from being written, so that of a run that met an error and went on,
// segments are left out.
func (x played) names(v view) []string {
	var all []string
	for name := range v.files {
		_, _, sealed := segment.ParseName(filepath.Base(name))
		if !strings.HasPrefix(name, "state") && (x.exit == killed || !sealed) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// killed is the exit of a run that SIGKILL ended.
const killed = 128 + int(syscall.SIGKILL)

// judgeBookmark wants the note of how far the import came to say that it is closed.
func judgeBookmark(v view) error {
	for name, text := range v.files {
		if _, ok := segment.ParseImportName(filepath.Base(name)); !ok {
			continue
		}
		var b struct {
			Closed *record `json:"closed"`
		}
		if err := json.Unmarshal(text, &b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if b.Closed == nil || !bytes.Contains(v.log, []byte(`"hash":"`+b.Closed.Hash+`"`)) {
			return fmt.Errorf("%s does not name the record that closed the import", name)
		}
		return nil
	}
	return errors.New("nothing says that the file was imported")
}

// nonces gives those of the lines that carry one, in order.
func nonces(lines []byte) ([]string, error) {
	var all []string
	for line := range bytes.Lines(lines) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", clip(string(line)), err)
		}
		if n := r.Payload.Nonce; n != "" {
			all = append(all, n)
		}
	}
	return all, nil
}

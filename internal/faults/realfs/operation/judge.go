//go:build linux

package operation

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

// judgeArchive wants no record gone at the moment of the cut, and the same command to finish.
func judgeArchive(a trial.Program, p trial.Place, acks string) trial.Judgement {
	j := trial.Look(p, acks)
	_, err := a.Must(p, "", "archive")
	j.Add(err)
	return j.And(a.Judge(p, acks))
}

// refused is the exit code of a command that wrote nothing.
const refused = 6

// judgeRestore gives the same command again, which is refused if nothing is missing any more. Then the
// log has what it had lost, too.
func judgeRestore(a trial.Program, p trial.Place, acks string) trial.Judgement {
	var j trial.Judgement
	done, err := a.Run(p, "", restoring(p)...)
	j.Add(errors.Join(err, done.Err(0, refused)))
	return j.And(a.Judge(p, acks))
}

// judgeImport gives the same file again, which is refused if the import had been closed. Then every event
// of the file is a record, once and in order.
func judgeImport(a trial.Program, p trial.Place, acks string) trial.Judgement {
	var j trial.Judgement
	done, err := a.Run(p, "", importing(p)...)
	j.Add(errors.Join(err, done.Err(0, refused)))
	j.Add(sameEvents(p))
	return j.And(a.Judge(p, acks))
}

func sameEvents(p trial.Place) error {
	text, err := os.ReadFile(filepath.Join(string(p), sourceFile))
	if err != nil {
		return err
	}
	want, err := trial.Records(string(text))
	if err != nil {
		return err
	}
	have, err := p.Records()
	if err != nil {
		return err
	}
	if w, h := nonces(want), nonces(have); !slices.Equal(w, h) {
		return fmt.Errorf("%d events are records, not the %d of the file in their order", len(h), len(w))
	}
	return nil
}

func nonces(records []trial.Record) (all []string) {
	for _, r := range records {
		if r.Payload.Nonce != "" {
			all = append(all, r.Payload.Nonce)
		}
	}
	return all
}

// firstBackup is how many records the backup had before the command was run that is cut.
const firstBackup = 8

// judgeBackup wants the backup to have what it had at the moment of the cut, and everything that the home
// has once the command has been run again.
func judgeBackup(a trial.Program, p trial.Place, acks string) trial.Judgement {
	all, err := trial.Records(acks)
	if err != nil {
		return trial.Judgement{Wrong: []string{err.Error()}}
	}
	copied, err := p.Copy().Records()
	var j trial.Judgement
	j.Add(err)
	for _, r := range all[:firstBackup] {
		if !slices.Contains(copied, r) {
			j.Lost = append(j.Lost, r.Hash+" of the backup")
		}
	}
	j = j.And(a.Judge(p, acks))
	_, err = a.Must(p, "", backingUp(p)...)
	j.Add(err)
	j.Add(a.Verify(p.Copy()))
	home, err := p.Records()
	j.Add(err)
	copied, err = p.Copy().Records()
	j.Add(err)
	if !slices.Equal(home, copied) {
		j.Add(errors.New("home and backup do not have the same records"))
	}
	return j
}

//go:build linux

package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Judgement is what a fault did: the acknowledged records that are lost, and what else is wrong.
type Judgement struct {
	Lost  []string
	Wrong []string
}

// Good reports whether nothing is wrong.
func (j Judgement) Good() bool { return len(j.Lost)+len(j.Wrong) == 0 }

// Add adds something that is wrong, if err is not nil.
func (j *Judgement) Add(err error) {
	if err != nil {
		j.Wrong = append(j.Wrong, err.Error())
	}
}

// And is both judgements.
func (j Judgement) And(other Judgement) Judgement {
	return Judgement{slices.Concat(j.Lost, other.Lost), slices.Concat(j.Wrong, other.Wrong)}
}

func (j Judgement) String() string {
	var parts []string
	if n := len(j.Lost); n > 0 {
		parts = append(parts, fmt.Sprintf("%d acknowledged records lost, the first %s", n, j.Lost[0]))
	}
	return strings.Join(append(parts, j.Wrong...), "; ")
}

// harmless are findings that a fault may leave in a log that verifies. Any other, a fork or a duplicate
// for one, means that the program broke its own log.
var harmless = []string{"mark-missing", "imported", "time-regression", "undeclared-file"}

// Judge appends one record more, which has to work at once, verifies the log, and looks for everything
// that was acknowledged.
func (a Program) Judge(p Place, acks string) Judgement {
	var j Judgement
	next, err := a.Append(p, 1)
	if err != nil {
		j.Add(fmt.Errorf("the next %w", err))
	}
	j.Add(a.Verify(p))
	return j.And(Look(p, acks+next))
}

// Verify wants a verdict without any but harmless findings.
func (a Program) Verify(p Place) error {
	done, err := a.Run(p, "", "audit_verify", "--json")
	if err := errors.Join(err, done.Err(0)); err != nil {
		return err
	}
	var r struct {
		OK       bool `json:"ok"`
		Findings []struct {
			Class   string `json:"class"`
			Meaning string `json:"meaning"`
		} `json:"findings"`
	}
	if err := json.Unmarshal([]byte(done.Stdout), &r); err != nil {
		return fmt.Errorf("audit_verify: %w in %s", err, clip(done.Stdout))
	}
	if !r.OK {
		return errors.New("audit_verify: exit 0 and ok false")
	}
	for _, f := range r.Findings {
		if !slices.Contains(harmless, f.Class) {
			return fmt.Errorf("audit_verify: %s: %s", f.Class, f.Meaning)
		}
	}
	return nil
}

// Record is what is looked at of a line.
type Record struct {
	Event   string `json:"event"`
	Hash    string `json:"hash"`
	Payload struct {
		Nonce string `json:"nonce"`
		Count int    `json:"count"`
	} `json:"payload"`
}

// Records reads lines. What follows the last LF is no line: an acknowledgement that a fault cut short
// told nobody of anything.
func Records(lines string) ([]Record, error) {
	var all []Record
	for line := range strings.Lines(lines[:strings.LastIndexByte(lines, '\n')+1]) {
		var r Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("%w in %s", err, clip(line))
		}
		all = append(all, r)
	}
	return all, nil
}

// Look looks in the log for all that was acknowledged, and for events that are stored twice.
func Look(p Place, acks string) (j Judgement) {
	stored, err := p.Records()
	if err != nil {
		j.Add(err)
		return j
	}
	told, err := Records(acks)
	if err != nil {
		j.Add(fmt.Errorf("the acknowledgements: %w", err))
		return j
	}
	have, nonces := map[string]bool{}, map[string]bool{}
	for _, r := range stored {
		have[r.Hash] = true
		if n := r.Payload.Nonce; n != "" && nonces[n] {
			j.Add(fmt.Errorf("the event with nonce %s is stored twice", n))
		}
		nonces[r.Payload.Nonce] = true
	}
	for _, r := range told {
		if !have[r.Hash] {
			j.Lost = append(j.Lost, r.Hash)
		}
	}
	return j
}

// Records gives the records of the log in reading order.
func (p Place) Records() ([]Record, error) {
	entries, err := os.ReadDir(p.Archive())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	files := map[string]string{}
	for _, e := range entries {
		stem, kind, _ := strings.Cut(e.Name(), ".")
		if !strings.HasPrefix(stem, "audit-") || strings.Contains(stem, "-b") {
			continue
		}
		if name := filepath.Join(p.Archive(), e.Name()); kind == "jsonl" || kind == "jsonl.zst" && files[stem] == "" {
			files[stem] = name
		}
	}
	var log bytes.Buffer
	for _, stem := range sorted(files) {
		if err := read(&log, files[stem]); err != nil {
			return nil, err
		}
	}
	if err := read(&log, p.Live()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return Records(log.String())
}

// sorted gives the segments in reading order: a restored block follows the segment it is numbered for.
func sorted(files map[string]string) []string {
	var all []string
	for stem := range files {
		all = append(all, stem)
	}
	slices.Sort(all)
	return all
}

// read adds the text of a segment. What is compressed is read without the program.
func read(log *bytes.Buffer, name string) error {
	if !strings.HasSuffix(name, ".zst") {
		text, err := os.ReadFile(name)
		log.Write(text)
		return err
	}
	cmd := exec.Command("zstd", "-dcq", name)
	cmd.Stdout, cmd.SysProcAttr = log, apart()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("zstd -d %s: %w", name, err)
	}
	return nil
}

// Refused is how many appends the log says were refused.
func (p Place) Refused() (count int, err error) {
	all, err := p.Records()
	for _, r := range all {
		if r.Event == "audit.append_failed" {
			count += r.Payload.Count
		}
	}
	return count, err
}

//go:build linux && amd64

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// judgeNext makes the very next append, which must succeed without help, and looks at what is left.
func (a program) judgeNext(x played) error { return a.next(x, innocent) }

func (a program) next(x played, innocent []string) error {
	if err := a.append(x.place, events(1)()); err != nil {
		return fmt.Errorf("the next %w", err)
	}
	if err := a.verify(x.place, innocent); err != nil {
		return err
	}
	return errors.Join(judgeAcks(x.place), judgeLeftovers(x.place))
}

// verify wants a verdict without any but innocent findings.
func (a program) verify(p place, innocent []string) error {
	report, err := a.must(p, "", "audit_verify", "--json")
	if err != nil {
		return err
	}
	return judgeFindings([]byte(report), innocent)
}

// innocent are the findings that a kill may leave in a log that verifies. Anything else, a fork or a
// duplicate for one, means that the program broke its own log.
var innocent = []string{"mark-missing"}

func judgeFindings(report []byte, innocent []string) error {
	var r struct {
		OK       bool `json:"ok"`
		Findings []struct {
			Class   string `json:"class"`
			Meaning string `json:"meaning"`
		} `json:"findings"`
	}
	if err := json.Unmarshal(report, &r); err != nil {
		return fmt.Errorf("audit_verify: %w in %s", err, clip(string(report)))
	}
	if !r.OK {
		return errors.New("audit_verify: exit 0 and ok false")
	}
	for _, f := range r.Findings {
		if !slices.Contains(innocent, f.Class) {
			return fmt.Errorf("audit_verify: %s: %s", f.Class, f.Meaning)
		}
	}
	return nil
}

// record is what the checks need of a stored line.
type record struct {
	Hash    string `json:"hash"`
	Payload struct {
		Nonce string `json:"nonce"`
	} `json:"payload"`
}

// judgeAcks looks for every acknowledged record in the log, and for events that are stored twice. An
// acknowledgement that was itself cut short is none.
func judgeAcks(p place) error {
	log, err := history(p)
	if err != nil {
		return err
	}
	acks, err := os.ReadFile(p.acks())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	stored := map[string]bool{}
	nonces := map[string]bool{}
	for line := range bytes.Lines(log) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("the log holds %s: %w", clip(string(line)), err)
		}
		stored[r.Hash] = true
		if n := r.Payload.Nonce; n != "" {
			if nonces[n] {
				return fmt.Errorf("the event with nonce %s is stored twice", n)
			}
			nonces[n] = true
		}
	}
	for line := range bytes.Lines(wholeLines(acks)) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("the acknowledgement %s: %w", clip(string(line)), err)
		}
		if !stored[r.Hash] {
			return fmt.Errorf("the acknowledged record %s is lost", r.Hash)
		}
	}
	return nil
}

// belongs are the names that may be in a home after the program has settled.
var belongs = regexp.MustCompile(`^(audit\.log|audit\.flock|opscontext\.toml|audit\.torn-[^/]+\.partial|audit-quarantine(/.+)?|audit-archive(/(audit-\d{4,}(-[rb]\d+)?\.(jsonl|jsonl\.zst|manifest\.json|idx)|import-[0-9a-f]{64}\.json))?)$`)

func judgeLeftovers(p place) error {
	return filepath.WalkDir(p.home(), func(name string, _ fs.DirEntry, err error) error {
		if err != nil || name == p.home() {
			return err
		}
		if rel := strings.TrimPrefix(name, p.home()+"/"); !belongs.MatchString(rel) {
			return fmt.Errorf("%s is left over", rel)
		}
		return nil
	})
}

func clip(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

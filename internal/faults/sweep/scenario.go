//go:build linux && amd64

package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// scenario is a command to sweep and the home that it meets.
type scenario struct {
	name   string
	setup  []step
	args   []string
	input  func() string      // its standard input
	output func(place) string // the file that its standard output is added to
	judge  func(played) error // restarts the program untraced and says what is wrong with what is left
}

// next is what comes after the command was killed, and then is killed itself: the same command once more,
// but after an append or a rotation anybody's next append.
func (s scenario) next() scenario {
	if slices.Contains([]string{"append", "rotate"}, s.args[0]) {
		s.args, s.input, s.output = []string{"append", "--json"}, events(1), place.acks
	}
	return s
}

// step makes one change to a place that is being set up.
type step func(place) error

// scenarios are the situations in which each command can be killed.
func scenarios(app program) []scenario {
	return slices.Concat(writing(app), archiving(app), importing(app), adopting(app), backing(app), recovering(app))
}

// writing are the situations of append and rotate.
func writing(app program) []scenario {
	appending, rotating := []string{"append", "--json"}, []string{"rotate"}
	return []scenario{
		{"first-append", nil, appending, events(6), place.acks, app.judgeNext},
		{"append", []step{app.records(3)}, appending, events(12), place.acks, app.judgeNext},
		{"size-rotation", []step{smallSegments, app.records(4)}, appending, events(10), place.acks, app.judgeNext},
		{"period-rotation", []step{lastYear}, appending, events(4), place.acks, app.judgeNext},
		{"manual-rotation", []step{app.records(5)}, rotating, events(0), place.output, app.judgeNext},
		{"second-rotation", []step{app.records(5), app.rotation, app.records(5)}, rotating, events(0), place.output, app.judgeNext},
		{"torn-tail", []step{app.records(3), tear}, appending, events(4), place.acks, app.judgeNext},
		{"unfinished-rotation", []step{app.records(4), linkSegment}, appending, events(4), place.acks, app.judgeNext},
		{"unproven-rotation", []step{app.records(4), app.rotation, unseal}, appending, events(4), place.acks, app.judgeNext},
		{"refusals", []step{app.records(3), refuse}, appending, events(4), place.acks, app.judgeNext},
		{"bare-record", []step{app.records(3), cutNewline}, appending, events(4), place.acks, app.judgeNext},
		{"all-at-once", []step{app.records(3), app.rotation, unseal, app.records(3), refuse, tear}, appending, events(4), place.acks, app.judgeNext},
	}
}

// events makes n new events as append reads them. Each carries a nonce: without it a restarted program
// could make a lost record again under the same hash and so hide the loss.
func events(n int) func() string {
	return func() string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, `{"event":"sweep.event","actor":"sweep","payload":{"nonce":%q,"text":%q}}`+"\n", rand.Text(), strings.Repeat("é🚀 ", 12))
		}
		return b.String()
	}
}

// records appends n acknowledged records.
func (a program) records(n int) step {
	return func(p place) error { return a.append(p, events(n)()) }
}

// rotation seals the live segment.
func (a program) rotation(p place) error {
	_, err := a.must(p, "", "rotate")
	return err
}

// smallSegments makes every few records a segment.
func smallSegments(p place) error {
	if err := os.MkdirAll(p.home(), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.home(), "opscontext.toml"), []byte("[segment]\nmax_bytes = \"1KiB\"\n"), 0o600)
}

// lastCentury lays down a live log that ends before anything that is imported begins.
func lastCentury(p place) error {
	return layDown(p, time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC))
}

// lastYear lays down a live log of a year that is over.
func lastYear(p place) error { return layDown(p, time.Now().AddDate(-1, 0, 0)) }

// layDown lays down a live log whose records are of one moment, as acknowledged.
func layDown(p place, at time.Time) error {
	if err := os.MkdirAll(p.home(), 0o700); err != nil {
		return err
	}
	ts := at.UTC().Format(chain.TimeLayout)
	var log []byte
	prev := chain.Genesis
	for range 5 {
		r, err := chain.Seal(prev, ts, "sweep.event", "sweep", fmt.Appendf(nil, `{"nonce":%q}`, rand.Text()))
		if err != nil {
			return err
		}
		log, prev = chain.AppendLine(log, &r), r.Hash
	}
	if err := os.WriteFile(p.acks(), log, 0o600); err != nil {
		return err
	}
	return os.WriteFile(p.live(), log, 0o600)
}

// tear leaves the first half of a record at the end of the live log, as a full disk does.
func tear(p place) error {
	log, err := os.ReadFile(p.live())
	if err != nil {
		return err
	}
	last := bytes.LastIndexByte(log[:len(log)-1], '\n') + 1
	half := log[last : last+(len(log)-last)/2]
	return os.WriteFile(p.live(), append(log, half...), 0o600)
}

// cutNewline leaves a last record that is whole but for the end of its line.
func cutNewline(p place) error {
	info, err := os.Stat(p.live())
	if err != nil {
		return err
	}
	return os.Truncate(p.live(), info.Size()-1)
}

// linkSegment leaves a rotation that stopped once the segment had its name.
func linkSegment(p place) error {
	if err := os.MkdirAll(p.archive(), 0o700); err != nil {
		return err
	}
	return os.Link(p.live(), filepath.Join(p.archive(), "audit-0001.jsonl"))
}

// unseal leaves a rotation that stopped before its last step.
func unseal(p place) error {
	return os.Chmod(filepath.Join(p.archive(), "audit-0001.jsonl"), 0o600)
}

// refuse leaves appends that failed and are to be put on the chain.
func refuse(p place) error {
	const lines = `{"ts":"2026-03-01T09:00:00.000Z","pid":4711,"event":"vscode.tool_call","error":"ENOSPC: no space left on device, write"}
{"ts":"2026-03-01T09:00:01.000Z","pid":4711,"event":"vscode.prompt_submit","error":"ENOSPC: no space left on device, write"}
`
	return os.WriteFile(filepath.Join(p.home(), "audit-refused.jsonl"), []byte(lines), 0o600)
}

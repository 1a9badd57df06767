package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/opscontext/opscontext/internal/terminal"
)

// appends is what is measured of appending, one durable record at a time, and what came of it so far.
type appends struct {
	dir  string
	span time.Duration // of one measurement
	done int           // rounds

	bare, one         *way // one goroutine
	grouped, many     *way // 64
	groupedMost, most *way // 512
	locked, processes *way // 4 processes of one goroutine each
	peers             []*way
}

// way is one way to append.
type way struct {
	name      string
	producers int
	processes int
	command   []string // of a process, up to the folder

	rate sample // records a second, all processes together
	cost sample // microseconds of processor time a record
}

// How many append at a time.
const (
	manyProducers = 64
	mostProducers = 512
	someProcesses = 4
)

const perSecond = "/s"

// measureAppends does all of it and writes what came of it.
func measureAppends(ctx context.Context, out *report, dir, peersModule string, span time.Duration, rounds int) error {
	if err := out.part("Append"); err != nil {
		return err
	}
	a, err := newAppends(dir, span)
	if err != nil {
		return err
	}
	if err := a.addPeers(ctx, out, peersModule); err != nil {
		return err
	}
	err = errors.Join(
		out.field("record", fmt.Sprintf("%s; durable before the next one, for %v a round", terminal.Bytes(int64(len(appendedLine()))), span)),
		out.field("ours", "package segment: hashed, chained, under flock and audit.lock, the mark written behind"),
		busy(out, "before"),
	)
	if err != nil {
		return err
	}
	for range rounds {
		if err := a.round(ctx, out); err != nil {
			return err
		}
	}
	return errors.Join(a.print(out), busy(out, "after"))
}

func newAppends(dir string, span time.Duration) (*appends, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	way := func(name, store string, producers, processes int) *way {
		return &way{name: name, producers: producers, processes: processes, command: []string{self, "-part", "load", store}}
	}
	return &appends{dir: dir, span: span,
		bare:        way("write and sync", storeBare, 1, 1),
		one:         way("ours", storeOurs, 1, 1),
		grouped:     way("the same, queued", storeGrouped, manyProducers, 1),
		many:        way("ours", storeOurs, manyProducers, 1),
		groupedMost: way("the same, queued", storeGrouped, mostProducers, 1),
		most:        way("ours", storeOurs, mostProducers, 1),
		locked:      way("sync inside the lock", storeLocked, 1, someProcesses),
		processes:   way("ours", storeOurs, 1, someProcesses),
	}, nil
}

// addPeers builds the program that appends to the logs of others. Where that fails, they are skipped.
func (a *appends) addPeers(ctx context.Context, out *report, module string) error {
	if module == "" {
		return out.skip("no module of peers was named: appending was held against none")
	}
	bin := filepath.Join(a.dir, "peers")
	if text, err := exec.CommandContext(ctx, "go", "build", "-C", module, "-o", bin, ".").CombinedOutput(); err != nil {
		return out.skip(terminal.Escape(fmt.Sprintf("the peers in %s could not be built, appending was held against none: %v: %s", module, err, text)))
	}
	text, err := exec.CommandContext(ctx, bin, "list").Output()
	if err != nil {
		return fmt.Errorf("%s list: %w", bin, err)
	}
	var peers []struct{ Name, Module, Version string }
	if err := json.Unmarshal(text, &peers); err != nil {
		return fmt.Errorf("%s list: %w", bin, err)
	}
	for _, p := range peers {
		if err := out.field("peer", fmt.Sprintf("%s: %s %s", p.Name, p.Module, p.Version)); err != nil {
			return err
		}
		a.peers = append(a.peers, &way{name: p.Name, producers: manyProducers, processes: 1, command: []string{bin, "load", p.Name}})
	}
	return nil
}

// all are the ways in the order in which they take turns, each beside what it is compared with.
func (a *appends) all() []*way {
	return append([]*way{a.bare, a.one, a.grouped, a.many, a.groupedMost, a.most, a.locked, a.processes}, a.peers...)
}

// round measures everything once. A peer that fails is left out from then on.
func (a *appends) round(ctx context.Context, out *report) error {
	a.done++
	for _, w := range a.all() {
		err := a.run(ctx, w)
		if err == nil || ctx.Err() != nil || !a.dropPeer(w) {
			if err != nil {
				return fmt.Errorf("%s, %d at a time: %w", w.name, w.producers, err)
			}
			continue
		}
		if err := out.skip(terminal.Escape(fmt.Sprintf("%s failed: %v", w.name, err))); err != nil {
			return err
		}
	}
	return nil
}

func (a *appends) dropPeer(failed *way) bool {
	for i, p := range a.peers {
		if p == failed {
			a.peers = append(a.peers[:i:i], a.peers[i+1:]...)
			return true
		}
	}
	return false
}

// run measures one way once, in a folder of its own.
func (a *appends) run(ctx context.Context, w *way) (err error) {
	dir, err := os.MkdirTemp(a.dir, "append-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	command := append(w.command[:len(w.command):len(w.command)], dir, fmt.Sprint(w.producers), a.span.String())
	if w.command[1] == "load" { // peers do not know our record
		command = append(command, fmt.Sprint(len(appendedLine())))
	}
	var commands [][]string
	for range w.processes {
		commands = append(commands, command)
	}
	l, err := runTogether(ctx, commands)
	if err != nil {
		return err
	}
	if l.Records == 0 {
		return errors.New("nothing was appended")
	}
	w.rate = append(w.rate, float64(l.Records)/l.Seconds)
	w.cost = append(w.cost, l.CPU*1e6/float64(l.Records))
	return nil
}

func (a *appends) comparisons() []comparison {
	speed := func(what string, ours, yard *way, bound float64) comparison {
		return comparison{what, figure{ours.rate, perSecond}, figure{yard.rate, perSecond}, ours.rate.over(yard.rate), goal{bound, true}}
	}
	all := []comparison{
		speed("1 goroutine, of write and sync", a.one, a.bare, 0.95),
		speed("64 goroutines, of 1", a.many, a.one, 15),
		speed("64 goroutines, of a bare queue", a.many, a.grouped, 0.9),
		speed("512 goroutines, of 1", a.most, a.one, 50),
		speed("4 processes, of sync in the lock", a.processes, a.locked, 1.3),
	}
	for _, p := range a.peers {
		all = append(all, speed("64 goroutines, of "+p.name, a.many, p, 15))
	}
	return all
}

// print writes what was measured.
func (a *appends) print(out *report) error {
	columns := []terminal.Column{{Title: "append"}, {Title: "at a time", Align: terminal.Right}, {Title: "records/s", Align: terminal.Right}, {Title: "CPU µs each", Align: terminal.Right}}
	var rows [][]string
	for _, w := range a.all() {
		at := fmt.Sprint(w.producers)
		if w.processes > 1 {
			at = fmt.Sprintf("%d processes", w.processes)
		}
		rows = append(rows, []string{w.name, at, w.rate.whole(), w.cost.short()})
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	return out.compare(a.comparisons(), a.done)
}

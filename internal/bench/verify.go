package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// How the logs beside the clean one differ from it.
const (
	larger   = 10     // how many times as many records the large one has
	oddEvery = 100    // which of the records of the odd one are odd
	manyOdd  = 10_000 // records of the one with many, or a tenth of all where that is less
)

// verifies is what is measured of audit_verify, and what came of it so far.
type verifies struct {
	program
	dir, self         string
	clean, large      log
	odd, many         log
	archived, lengths string // a home like the clean one; lengths of what is hashed in that
	yardsticks        []*hasher
	reference         []string // command that verifies with another program; nil if there is none
	rounds            int

	raw, links                  cost // one core
	one, all, packed, anomalies cost // audit_verify: with one core of the clean log, with all of each
	other                       cost // the reference
	held                        [3]sample
	otherHeld                   sample // MiB
}

// hasher is another program that hashes a file.
type hasher struct {
	name    string
	command []string
	goal    goal // of its time, of ours
	cost    cost
}

// measureVerify does all of it and writes what came of it.
func measureVerify(ctx context.Context, out *report, p program, dir string, clean log, o options) error {
	if err := out.part("Verify"); err != nil {
		return err
	}
	v := &verifies{program: p, dir: dir, clean: clean, rounds: o.rounds}
	if err := v.prepare(ctx); err != nil {
		return err
	}
	if err := errors.Join(v.find(out, o.reference), busy(out, "before")); err != nil {
		return err
	}
	for range o.rounds {
		if err := v.round(ctx); err != nil {
			return err
		}
	}
	return errors.Join(v.print(out), busy(out, "after"))
}

// prepare makes the logs.
func (v *verifies) prepare(ctx context.Context) (err error) {
	if v.self, err = os.Executable(); err != nil {
		return err
	}
	n := v.clean.records
	for _, l := range []struct {
		log     *log
		name    string
		records int
		odd     oddities
	}{
		{&v.large, "large", n * larger, oddities{}},
		{&v.odd, "odd", n, oddities{oddEvery, []oddity{forked, doubled, respelled}}},
		{&v.many, "many", n, oddities{max(10, n/manyOdd), []oddity{forked, doubled}}},
	} {
		if *l.log, err = makeLog(ctx, v.program, filepath.Join(v.dir, l.name), l.records, l.odd); err != nil {
			return err
		}
	}
	v.archived = filepath.Join(v.dir, "packed")
	if err := v.clean.another(v.archived); err != nil {
		return err
	}
	if err := run(v.at(ctx, v.archived, "archive")); err != nil {
		return err
	}
	v.lengths = filepath.Join(v.dir, "lengths")
	return writeLengths(v.clean.segment, v.lengths)
}

// find looks for the yardsticks and says which are not there.
func (v *verifies) find(out *report, reference string) error {
	for _, h := range []*hasher{
		{name: "openssl", command: []string{"dgst", "-sha256"}, goal: goal{0.75, true}},
		{name: "sha256sum", goal: goal{3, true}},
	} {
		path, err := yardstick(h.name)
		if err != nil {
			return err
		}
		if path == "" {
			if err := out.skip(h.name + " is not installed: audit_verify was not held against it"); err != nil {
				return err
			}
			continue
		}
		h.command = append([]string{path}, h.command...)
		v.yardsticks = append(v.yardsticks, h)
	}
	node, err := yardstick("node")
	if err != nil {
		return err
	}
	_, absent := os.Stat(reference)
	switch {
	case node == "":
		return out.skip("node is not installed: audit_verify was not held against another verifier")
	case absent != nil:
		return out.skip("audit_verify was not held against another verifier: " + absent.Error())
	}
	v.reference = []string{node, reference}
	return nil
}

// round measures everything once, in turn.
func (v *verifies) round(ctx context.Context) error {
	for _, m := range []struct {
		cost *cost
		cmd  *exec.Cmd
	}{
		{&v.raw, onOneCore(exec.CommandContext(ctx, v.self, "-part", "sums", v.lengths))},
		{&v.links, onOneCore(exec.CommandContext(ctx, v.self, "-part", "links", v.clean.segment))},
		{&v.one, onOneCore(v.verify(ctx, v.clean.dir))},
		{&v.all, v.verify(ctx, v.clean.dir)},
		{&v.packed, v.verify(ctx, v.archived)},
		{&v.anomalies, v.verify(ctx, v.odd.dir)},
	} {
		if err := m.cost.run(m.cmd); err != nil {
			return err
		}
	}
	for _, h := range v.yardsticks {
		if err := h.cost.run(exec.CommandContext(ctx, h.command[0], append(h.command[1:], v.clean.segment)...)); err != nil {
			return err
		}
	}
	for i, l := range []log{v.clean, v.large, v.many} {
		mib, err := peakOf(ctx, v.verify(ctx, l.dir))
		if err != nil {
			return err
		}
		v.held[i] = append(v.held[i], mib)
	}
	return v.roundReference(ctx)
}

func (v *verifies) roundReference(ctx context.Context) error {
	if v.reference == nil {
		return nil
	}
	cmd := func() *exec.Cmd {
		return exec.CommandContext(ctx, v.reference[0], append(v.reference[1:], "--home", filepath.Join(v.clean.dir, homeDir), "audit_verify")...)
	}
	if err := v.other.run(cmd()); err != nil {
		return err
	}
	mib, err := peakOf(ctx, cmd())
	v.otherHeld = append(v.otherHeld, mib)
	return err
}

// verify is the program that judges the log in dir, without remembering that it did.
func (v *verifies) verify(ctx context.Context, dir string) *exec.Cmd {
	return v.at(ctx, dir, "audit_verify")
}

// onOneCore has a program in Go use one core at a time.
func onOneCore(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	return cmd
}

// cores is how many the program uses if nobody says otherwise.
func cores() int { return runtime.GOMAXPROCS(0) }

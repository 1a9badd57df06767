//go:build linux

// Limits runs opscontext where the machine gives it less than it is used to: a million records to verify in
// 96 MiB of memory; a file system that is mounted read-only, or becomes it because of an error; files that
// may not be changed, or only be added to; and a bit that has changed on the disk below the file system.
// Reading has to go on; what cannot be written is refused with a message that names the path; and
// when the limit is gone, nothing is lost and the next command works.
//
//	limits -bin bin/opscontext [-point NAME] [-least N]
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/opscontext/opscontext/internal/faults/realfs/mounts"
	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

func main() {
	os.Exit(trial.Main("limits", []string{"/dev/loop-control", "mkfs.ext4", "chattr", "debugfs", "zstd"}, func(s *trial.Sweep) error {
		return trial.Each(s, limits, func(l limit) error { return play(s, l) })
	}))
}

// limit is something that the machine does not give. What it is put to the test by finds what is wrong, and
// leaves the place as if there had been no limit.
type limit struct {
	name  string
	on    mounts.Format
	test  func(*subject) error
	judge func(*subject) trial.Judgement
}

var limits = []limit{
	{"F23-memory", mounts.Ext4, million, nothing},
	{"F30-read-only-mount", mounts.Ext4, readOnlyMount, afterwards},
	{"F30-append-only-live", mounts.Ext4, appendOnlyLive, afterwards},
	{"F30-append-only-torn", mounts.Ext4, appendOnlyTorn, afterwards},
	{"F30-immutable-segments", mounts.Ext4, immutableSegments, afterwards},
	{"F10-remounted-read-only", mounts.Ext4, remounted, afterwards},
	{"F10-file-system-error", mounts.Ext4, fileSystemError, afterwards},
	{"F24-live", mounts.Ext4, rotIn("audit.log"), afterwards},
	{"F24-sealed", mounts.Ext4, rotIn("audit-archive/audit-0003.jsonl"), afterwards},
	{"F24-archived", mounts.Ext4, rotIn("audit-archive/audit-0002.jsonl.zst"), afterwards},
	{"F24-manifest", mounts.Ext4, rotIn("audit-archive/audit-0001.manifest.json"), afterwards},
}

// subject is a log on a file system of its own: two archived segments, a sealed and the live one.
type subject struct {
	*trial.Sweep
	stage trial.Place
	on    mounts.Format
	image string
	acks  string
	wrong trial.Judgement
}

func play(s *trial.Sweep, l limit) error {
	if s.Only() != "" && s.Only() != l.name {
		return nil
	}
	stage, err := s.Stage()
	if err != nil {
		return err
	}
	x := subject{Sweep: s, stage: stage, on: l.on}
	if x.image, err = l.on.File(s.Dir, l.name); err != nil {
		return err
	}
	if err := x.mount(); err != nil {
		return err
	}
	if err := x.setUp(); err != nil {
		return err
	}
	if err := l.test(&x); err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	s.Judged(l.name, x.wrong.And(l.judge(&x)))
	if err := x.unmount(); err != nil {
		return err
	}
	return os.Remove(x.image)
}

func (x *subject) mount() error   { return x.on.Mount(x.image, string(x.stage)) }
func (x *subject) unmount() error { return mounts.Unmount(string(x.stage)) }

func (x *subject) setUp() error {
	for range 3 {
		if err := x.append(); err != nil {
			return err
		}
		if _, err := x.Program.Must(x.stage, "", "rotate"); err != nil {
			return err
		}
	}
	if err := x.append(); err != nil {
		return err
	}
	_, err := x.Program.Must(x.stage, "", "archive")
	return err
}

func (x *subject) append() error {
	more, err := x.Program.Append(x.stage, 5)
	x.acks += more
	return err
}

// afterwards judges the log when the limit is gone.
func afterwards(x *subject) trial.Judgement { return x.Program.Judge(x.stage, x.acks) }

func nothing(*subject) trial.Judgement { return trial.Judgement{} }

// Exit codes.
const (
	done         = 0
	failed       = 1
	damage       = 3
	inconclusive = 5
	refused      = 6
)

// works wants a command to succeed.
func (x *subject) works(args ...string) {
	_, err := x.Program.Must(x.stage, "", args...)
	x.wrong.Add(err)
}

// goesOn wants an append to be acknowledged.
func (x *subject) goesOn() { x.wrong.Add(x.append()) }

// cannot wants a command to end without having done it, with a message that names what it could not change, and
// other words.
func (x *subject) cannot(input string, words []string, args ...string) {
	out, err := x.Program.Run(x.stage, input, args...)
	x.wrong.Add(err)
	x.wrong.Add(out.Err(failed, refused))
	if args[0] == "append" {
		x.acks += out.Stdout
	}
	for _, word := range append(words, x.stage.Home()) {
		if !strings.Contains(out.Stderr, word) {
			x.wrong.Add(fmt.Errorf("%v: the message does not say %q: %s", args, word, out.Stderr))
		}
	}
}

// cannotAppend wants an append to be refused.
func (x *subject) cannotAppend(words ...string) {
	x.cannot(trial.Events(1, 0), words, "append", "--json")
}

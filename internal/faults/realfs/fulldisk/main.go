//go:build linux

// Fulldisk lets opscontext run out of room: on a small tmpfs, which tears a record at the end of a page; on
// ext4 without free blocks, and without free inodes; within a quota of btrfs; against a limit on the size
// of a file; and at every byte of records of three sizes. Appends go on until one is refused; rotation and
// archiving are tried then, too, and verification has to work. When there is room again, the next command
// must work at once, without any other step, the log must verify and hold everything that was
// acknowledged, and it says how many appends were refused.
//
//	fulldisk -bin bin/opscontext [-long] [-seed N] [-point NAME] [-least N]
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

func main() {
	os.Exit(trial.Main("fulldisk", []string{"/dev/fuse", "/dev/loop-control", "mkfs.ext4", "prlimit"}, func(s *trial.Sweep) error {
		if err := trial.Each(s, kinds, func(k kind) error { return fill(s, k) }); err != nil {
			return err
		}
		return everyByte(s)
	}))
}

// fill appends until there is no room, and judges what is there when there is room again.
func fill(s *trial.Sweep, k kind) error {
	if s.Only() != "" && s.Only() != k.name {
		return nil
	}
	if missing := k.missing(); missing != "" {
		s.Skip(k.name + ": " + missing)
		return nil
	}
	stage, err := s.Stage()
	if err != nil {
		return err
	}
	room, err := k.prepare(s, stage)
	if err != nil {
		return err
	}
	f := filling{program: k.program(s.Program), place: stage}
	j := f.run()
	if err := room.free(); err != nil {
		return err
	}
	j = j.And(s.Program.Judge(stage, f.acks))
	counted, err := stage.Refused()
	j.Add(err)
	if counted > f.refused || counted < k.counted {
		j.Add(fmt.Errorf("the log says that %d appends were refused, and %d were", counted, f.refused))
	}
	s.Say("%-12s %3d appends, then %d refused, %d of them counted", k.name, f.stored, f.refused, counted)
	s.Judged(k.name, j)
	return room.end()
}

// filling is what is done until there is no room, and while there is none.
type filling struct {
	program trial.Program
	place   trial.Place
	acks    string
	stored  int
	refused int
}

// Exit codes that say that nothing more was written than was said.
const (
	done    = 0
	failed  = 1
	refused = 6
)

func (f *filling) run() (j trial.Judgement) {
	const enough = 2000 // appends that fill anything that is filled here
	for f.refused < 3 && f.stored < enough {
		out, err := f.program.Run(f.place, trial.Events(1, 200), "append", "--json")
		j.Add(err)
		j.Add(out.Err(done, failed, refused))
		f.acks += out.Stdout
		if out.Exit == done {
			f.stored++
			continue
		}
		f.refused++
		if !strings.Contains(out.Stderr, f.place.Home()) {
			j.Add(fmt.Errorf("the message names no path: %s", out.Stderr))
		}
	}
	if f.refused == 0 {
		j.Add(fmt.Errorf("%d appends, and there is still room", f.stored))
	}
	for _, command := range []string{"rotate", "archive"} {
		out, err := f.program.Run(f.place, "", command)
		j.Add(err)
		j.Add(out.Err(done, failed, refused))
	}
	return j.And(trial.Judgement{Wrong: f.reading()})
}

// reading wants to know what is there although there is no room. The end of the log may be torn, which is
// for the next append to settle.
func (f *filling) reading() (wrong []string) {
	const inconclusive = 5
	out, err := f.program.Run(f.place, "", "audit_verify")
	if err == nil {
		err = out.Err(done, inconclusive)
	}
	if err != nil {
		wrong = append(wrong, "while there is no room: "+err.Error())
	}
	return wrong
}

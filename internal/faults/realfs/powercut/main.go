//go:build linux

// Powercut takes the power away from opscontext. It runs commands on a file system that knows what was
// synced, names as well as bytes, and keeps the state of the medium ahead of every change and every
// sync, together with what had been acknowledged by then. Each of these moments is a point: what a power
// cut then leaves is put back, the next command must work at once, and the log must verify and hold
// everything that was acknowledged.
//
// What was not synced is lost altogether, or from some moment on with the write of that moment torn, or
// in part at random; and a sync of a file either says nothing of names, or puts all of them on the
// medium, as ext4 has it.
//
//	powercut -bin bin/opscontext [-long] [-seed N] [-point OPERATION/MODEL/LOSS/N] [-least N]
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/internal/faults/realfs/medium"
	"github.com/opscontext/opscontext/internal/faults/realfs/mounts"
	"github.com/opscontext/opscontext/internal/faults/realfs/operation"
	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

func main() {
	os.Exit(trial.Main("powercut", []string{"/dev/fuse", "zstd"}, func(s *trial.Sweep) error {
		return sweep(s, operation.All)
	}))
}

// shortPoints is about how many points a short sweep tries of an operation and a model.
const shortPoints = 50

// point is a moment and what becomes then of what was not synced.
type point struct {
	name   string
	moment moment
	loss   medium.Loss
	played recording
}

func sweep(s *trial.Sweep, operations []operation.Operation) error {
	var points []point
	for _, o := range operations {
		for _, model := range medium.Models {
			if !s.Wants(o.Name) {
				continue
			}
			if err := s.Stopped(); err != nil {
				return err
			}
			r, err := record(s, o, model)
			if err != nil {
				return err
			}
			s.Say("%-16s %-6s %4d moments, %d acknowledged", o.Name, model, len(r.moments), strings.Count(r.before+r.acks, "\n"))
			points = append(points, r.points(s)...)
		}
	}
	return trial.Each(s, points, func(p point) error { return try(s, p) })
}

// points gives the points of a recording that are wanted.
func (r recording) points(s *trial.Sweep) []point {
	var all []point
	for _, loss := range medium.Losses {
		for i, m := range r.moments {
			p := point{fmt.Sprintf("%s/%s/%s/%d", r.Name, r.model, loss, i), m, loss, r}
			switch s.Only() {
			case p.name:
				return []point{p}
			case "":
				all = append(all, p)
			}
		}
	}
	return trial.Spread(s, all, shortPoints)
}

// try puts back what the cut leaves, and judges it.
func try(s *trial.Sweep, p point) error {
	stage, err := s.Stage()
	if err != nil {
		return err
	}
	if err := mounts.Mount("tmpfs", string(stage), "tmpfs", 0, "mode=0700"); err != nil {
		return err
	}
	left := p.moment.cut.After(p.loss, p.played.model, s.Chance(p.name))
	if err := left.Write(string(stage)); err != nil {
		return err
	}
	if err := stage.Age(); err != nil {
		return err
	}
	acks, err := os.ReadFile(p.played.acksFile)
	if err != nil {
		return err
	}
	j := p.played.Judge(s.Program, stage, p.played.before+string(acks[:p.moment.acked]))
	if !j.Good() {
		j.Add(fmt.Errorf("the cut left %v", left))
	}
	s.Judged(p.name, j)
	return mounts.Unmount(string(stage))
}

// moment is what a power cut finds.
type moment struct {
	cut   medium.Cut
	acked int64 // bytes of acknowledgements
}

// recording is an operation that was played, with its moments.
type recording struct {
	operation.Operation
	model    medium.Model
	before   string // acknowledged when it began
	acksFile string
	acks     string
	moments  []moment
}

// record plays an operation on a tree and keeps every moment of it. A moment's acknowledgements are those
// that were written before the change or the sync at it began: the program made them before, so that no
// cut from here on may take them back.
func record(s *trial.Sweep, o operation.Operation, model medium.Model) (recording, error) {
	r := recording{Operation: o, model: model, acksFile: filepath.Join(s.Dir, o.Name+"."+string(model)+".acks")}
	stage, err := s.Stage()
	if err != nil {
		return r, err
	}
	acks, err := os.Create(r.acksFile)
	if err != nil {
		return r, err
	}
	defer acks.Close()
	tree := medium.NewTree(model)
	served, err := tree.Mount(string(stage))
	if err != nil {
		return r, err
	}
	if r.before, err = o.SetUp(s.Program, stage); err != nil {
		return r, err
	}
	tree.Settle()
	tree.Watch(func(cut medium.Cut) {
		info, err := acks.Stat()
		if err != nil {
			panic(err) // of an open file
		}
		r.moments = append(r.moments, moment{cut, info.Size()})
	})
	if err := o.Rehearse(s.Program, stage, acks); err != nil {
		return r, err
	}
	tree.Watch(nil)
	text, err := os.ReadFile(r.acksFile)
	if err != nil {
		return r, err
	}
	r.acks = string(text)
	r.moments = append(r.moments, moment{tree.Cut(), int64(len(text))})
	return r, served.Unmount()
}

//go:build linux

package main

import (
	"fmt"
	"strings"

	"github.com/opscontext/opscontext/internal/faults/realfs/medium"
	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

// sizes are those of the text in a record. In a short sweep the longer ones are tried at some bytes alone.
var sizes = []struct{ text, step int }{{40, 1}, {600, 3}, {4200, 16}}

const (
	around = 350 // bytes of a record beside its text, and of the lock files before it
	series = 25  // points that are played one after another on one log
)

// serial is a series of points: room for so many bytes.
type serial struct {
	text  int
	rooms []int64
}

// everyByte takes the room away at every byte of a record.
func everyByte(s *trial.Sweep) error {
	var all []serial
	for _, size := range sizes {
		step := size.step * s.Share
		if s.Long {
			step = 1
		}
		var rooms []int64
		for b := 0; b < size.text+around; b += step {
			if s.Only() == "" || s.Only() == name(size.text, int64(b)) {
				rooms = append(rooms, int64(b))
			}
		}
		for len(rooms) > 0 {
			n := min(series, len(rooms))
			all = append(all, serial{size.text, rooms[:n]})
			rooms = rooms[n:]
		}
	}
	return trial.Each(s, all, func(x serial) error { return x.play(s) })
}

func name(text int, room int64) string { return fmt.Sprintf("bytes/%d/%d", text, room) }

// play plays a series. The log is looked through at its end.
func (x serial) play(s *trial.Sweep) error {
	stage, err := s.Stage()
	if err != nil {
		return err
	}
	tree := medium.NewTree(medium.Strict)
	served, err := tree.Mount(string(stage))
	if err != nil {
		return err
	}
	acks, err := s.Program.Append(stage, 2)
	if err != nil {
		return err
	}
	failures := 0
	for i, room := range x.rooms {
		var j trial.Judgement
		tree.Limit(room)
		out, err := s.Program.Run(stage, trial.Events(1, x.text), "append", "--json")
		if err != nil {
			return err
		}
		tree.Unlimit()
		j.Add(out.Err(done, failed, refused))
		acks += out.Stdout
		if out.Exit != done {
			failures++
		}
		more, err := s.Program.Append(stage, 1)
		if err != nil {
			j.Add(fmt.Errorf("with room again, the next %w", err))
		}
		acks += more
		if i == len(x.rooms)-1 {
			j = j.And(s.Program.Judge(stage, acks))
			counted, err := stage.Refused()
			j.Add(err)
			if counted > failures {
				j.Add(fmt.Errorf("the log says that %d appends were refused, and %d were", counted, failures))
			}
		}
		if !j.Good() {
			j.Add(fmt.Errorf("the append ended with %d: %s", out.Exit, strings.TrimSpace(out.Stderr)))
		}
		s.Judged(name(x.text, room), j)
	}
	return served.Unmount()
}

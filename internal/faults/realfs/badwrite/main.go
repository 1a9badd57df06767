//go:build linux

// Badwrite lets a disk refuse writes below opscontext. It runs appends and rotations on a file system of the
// kernel, and has the Nth write to the block device fail with EIO: that one, three, or all from there on.
// The kernel tells whoever syncs next, once, and from then on takes what was never written for clean: it
// can be read, from the page cache, until the machine is started again. A program that chains on such a
// record, or syncs again and believes the answer, acknowledges what is not there.
//
// After the commands another one follows on the same mount, which may fail. Then the disk is well again and
// the file system is mounted anew: the next command must work at once, the log must verify, and everything
// that was acknowledged, before the fault and after, must be there.
//
//	badwrite -bin bin/opscontext [-long] [-point FORMAT/OPERATION/WRITE/COUNT] [-least N]
package main

import (
	"errors"
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
	os.Exit(trial.Main("badwrite", []string{"/dev/fuse", "/dev/loop-control", "zstd", "mkfs.ext4"}, func(s *trial.Sweep) error {
		formats := []mounts.Format{mounts.Ext4}
		if s.Long {
			formats = append(formats, mounts.XFS)
		}
		return sweep(s, formats, operation.Writing)
	}))
}

// shortPoints is about how many writes of an operation fail in a short sweep.
const shortPoints = 60

// counts are how many writes fail.
var counts = map[string]int{"one": 1, "three": 3, "all": medium.Forever}

type point struct {
	name  string
	write int
	count int
	on    operation.Operation
	with  mounts.Format
	image []byte
}

func sweep(s *trial.Sweep, formats []mounts.Format, operations []operation.Operation) error {
	var points []point
	for _, f := range formats {
		if missing := f.Missing(); missing != "" {
			s.Skip(f.Name + ": " + missing)
			continue
		}
		image, err := f.Image(s.Dir)
		if err != nil {
			return err
		}
		for _, o := range operations {
			if !s.Wants(o.Name) {
				continue
			}
			if err := s.Stopped(); err != nil {
				return err
			}
			writes, err := rehearse(s, f, image, o)
			if err != nil {
				return err
			}
			var all []point
			for n := range writes {
				for _, count := range []string{"one", "three", "all"} {
					p := point{fmt.Sprintf("%s/%s/%d/%s", f.Name, o.Name, n+1, count), n + 1, counts[count], o, f, image}
					if s.Only() == "" || s.Only() == p.name {
						all = append(all, p)
					}
				}
			}
			if s.Only() == "" {
				all = trial.Spread(s, all, shortPoints)
			}
			s.Say("%-6s %-16s %4d writes, %4d points", f.Name, o.Name, writes, len(all))
			points = append(points, all...)
		}
	}
	return trial.Each(s, points, func(p point) error {
		b, err := begin(s, p.with, p.image)
		if err != nil {
			return err
		}
		return errors.Join(p.try(s, b), b.end())
	})
}

// bench is a file system on a disk that can fail.
type bench struct {
	stage  trial.Place
	disk   *medium.Disk
	served medium.Mounted
	file   string
	acks   *os.File
}

func begin(s *trial.Sweep, f mounts.Format, image []byte) (*bench, error) {
	stage, err := s.Stage()
	if err != nil {
		return nil, err
	}
	shelf := filepath.Join(s.Dir, "shelf")
	if err := os.MkdirAll(shelf, 0o700); err != nil {
		return nil, err
	}
	acks, err := os.CreateTemp(s.Dir, "acks-")
	if err != nil {
		return nil, err
	}
	b := bench{stage: stage, disk: medium.NewDisk(image), acks: acks}
	if b.served, b.file, err = b.disk.Mount(shelf); err != nil {
		return nil, err
	}
	return &b, f.Mount(b.file, string(stage))
}

func (b *bench) end() error {
	return errors.Join(mounts.Unmount(string(b.stage)), b.served.Unmount(), b.acks.Close(), os.Remove(b.acks.Name()))
}

// rehearse counts the writes to the disk that an operation takes.
func rehearse(s *trial.Sweep, f mounts.Format, image []byte, o operation.Operation) (writes int, err error) {
	b, err := begin(s, f, image)
	if err != nil {
		return 0, err
	}
	if _, err := o.SetUp(s.Program, b.stage); err != nil {
		return 0, err
	}
	if err := mounts.Sync(string(b.stage)); err != nil {
		return 0, err
	}
	b.disk.Record(func() int64 { return 0 })
	if err := o.Rehearse(s.Program, b.stage, b.acks); err != nil {
		return 0, err
	}
	for _, r := range b.disk.Requests() {
		if !r.Flush {
			writes++
		}
	}
	return writes, b.end()
}

// try plays an operation on a disk that fails, and judges what is there when the machine is started again.
func (p point) try(s *trial.Sweep, b *bench) error {
	acks, err := p.on.SetUp(s.Program, b.stage)
	if err != nil {
		return err
	}
	if err := mounts.Sync(string(b.stage)); err != nil {
		return err
	}
	b.disk.Fail(p.write, p.count)
	exits, err := p.on.Run(s.Program, b.stage, b.acks)
	if err != nil {
		return err
	}
	failed := b.disk.Heal()
	next, err := s.Program.Run(b.stage, trial.Events(1, 0), "append", "--json")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(b.acks.Name())
	if err != nil {
		return err
	}
	if err := mounts.Unmount(string(b.stage)); err != nil {
		return err
	}
	if err := p.with.Mount(b.file, string(b.stage)); err != nil {
		return err
	}
	if failed == 0 {
		return nil // this run came without so many writes
	}
	if err := b.stage.Age(); err != nil {
		return err
	}
	j := p.on.Judge(s.Program, b.stage, acks+string(text)+next.Stdout)
	if !j.Good() {
		j.Add(fmt.Errorf("%d writes failed, the commands ended with %v and %d; there is %s", failed, codes(exits), next.Exit, strings.Join(b.stage.List(), ", ")))
	}
	s.Judged(p.name, j)
	return nil
}

func codes(exits []trial.Done) (all []int) {
	for _, done := range exits {
		all = append(all, done.Exit)
	}
	return all
}

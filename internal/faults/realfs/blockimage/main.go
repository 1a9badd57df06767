//go:build linux

// Blockimage takes the power away from opscontext on a real file system. It runs commands on a file system of
// the kernel, whose block device keeps each write and each flush. Of these it makes the images that a
// power cut can leave: all writes up to some request; those up to the last flush alone; or these and any
// of the blocks written since, for a disk may keep them in any order. The kernel mounts each image, which
// replays its journal; then the next command must work at once, and the log must verify and hold
// everything that was acknowledged before the request that came next.
//
//	blockimage -bin bin/opscontext [-long] [-seed N] [-point FORMAT/OPERATION/REQUESTS/CHOICE] [-least N]
package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/opscontext/opscontext/internal/faults/realfs/medium"
	"github.com/opscontext/opscontext/internal/faults/realfs/mounts"
	"github.com/opscontext/opscontext/internal/faults/realfs/operation"
	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

func main() {
	os.Exit(trial.Main("blockimage", []string{"/dev/fuse", "/dev/loop-control", "zstd", "mkfs.ext4"}, func(s *trial.Sweep) error {
		formats := []mounts.Format{mounts.Ext4}
		if s.Long {
			formats = append(formats, mounts.Ext4Journal, mounts.XFS)
		}
		return sweep(s, formats, operation.All)
	}))
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
			r, err := record(s, f, image, o)
			if err != nil {
				return err
			}
			more := r.points(s)
			s.Say("%-6s %-16s %4d requests, %4d images", f.Name, o.Name, len(r.requests), len(more))
			points = append(points, more...)
		}
	}
	return trial.Each(s, points, func(p point) error { return try(s, p) })
}

// recording is an operation that was played on a disk.
type recording struct {
	operation.Operation
	format   mounts.Format
	image    []byte // when it began
	before   string // acknowledged by then
	acks     string // and afterwards
	requests []medium.Request
}

func record(s *trial.Sweep, f mounts.Format, image []byte, o operation.Operation) (r recording, err error) {
	r = recording{Operation: o, format: f}
	stage, err := s.Stage()
	if err != nil {
		return r, err
	}
	shelf := filepath.Join(s.Dir, "shelf")
	if err := os.MkdirAll(shelf, 0o700); err != nil {
		return r, err
	}
	acks, err := os.Create(filepath.Join(s.Dir, "acks"))
	if err != nil {
		return r, err
	}
	defer acks.Close()
	disk := medium.NewDisk(image)
	served, file, err := disk.Mount(shelf)
	if err != nil {
		return r, err
	}
	if err := f.Mount(file, string(stage)); err != nil {
		return r, err
	}
	if r.before, err = o.SetUp(s.Program, stage); err != nil {
		return r, err
	}
	if err := mounts.Unmount(string(stage)); err != nil {
		return r, err
	}
	if err := f.Mount(file, string(stage)); err != nil {
		return r, err
	}
	r.image = disk.Record(func() int64 {
		info, err := acks.Stat()
		if err != nil {
			panic(err) // of an open file
		}
		return info.Size()
	})
	if err := o.Rehearse(s.Program, stage, acks); err != nil {
		return r, err
	}
	r.requests = disk.Requests()
	if err := mounts.Unmount(string(stage)); err != nil {
		return r, err
	}
	text, err := os.ReadFile(acks.Name())
	if err != nil {
		return r, err
	}
	r.acks = string(text)
	return r, served.Unmount()
}

// shortImages is about how many images a short sweep makes of an operation.
const shortImages = 250

// point is an image.
type point struct {
	name     string
	requests int    // how many came before the cut
	choice   string // which of the blocks that were written since the last flush are there
	from     *recording
}

// points gives the images that are wanted.
func (r *recording) points(s *trial.Sweep) []point {
	lots := 3
	if s.Long {
		lots = 8
	}
	choices := []string{"all", "none"}
	for i := range lots {
		choices = append(choices, fmt.Sprintf("some%d", i+1))
	}
	var all []point
	for n := range len(r.requests) + 1 {
		for _, choice := range choices {
			p := point{fmt.Sprintf("%s/%s/%d/%s", r.format.Name, r.Name, n, choice), n, choice, r}
			switch {
			case s.Only() == p.name:
				return []point{p}
			case s.Only() != "", choice != "all" && (n == 0 || r.requests[n-1].Flush): // nothing was written since
			default:
				all = append(all, p)
			}
		}
	}
	return trial.Spread(s, all, shortImages)
}

// acked is what was acknowledged before the cut: up to the moment of the next request.
func (p point) acked() string {
	if p.requests < len(p.from.requests) {
		return p.from.acks[:p.from.requests[p.requests].Noted]
	}
	return p.from.acks
}

// block is what a disk writes whole.
const block = 4096

// left makes image the one that the cut leaves.
func (p point) left(r *rand.Rand, image []byte) {
	copy(image, p.from.image)
	flushed := 0
	for i, q := range p.from.requests[:p.requests] {
		if q.Flush {
			flushed = i
		}
	}
	for i, q := range p.from.requests[:p.requests] {
		switch {
		case i < flushed || p.choice == "all":
			copy(image[q.Off:], q.Data)
		case p.choice == "none":
		default:
			for at := 0; at < len(q.Data); at += block {
				if r.IntN(2) == 0 {
					copy(image[q.Off+int64(at):], q.Data[at:min(at+block, len(q.Data))])
				}
			}
		}
	}
}

// images are buffers to make images in.
var images sync.Pool

// write writes the image that the cut leaves to a new file.
func (p point) write(r *rand.Rand, name string) error {
	image, ok := images.Get().([]byte)
	if !ok || len(image) != len(p.from.image) {
		image = make([]byte, len(p.from.image))
	}
	p.left(r, image)
	defer images.Put(image) //nolint:staticcheck // the slice header that is allocated is small beside it
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(int64(len(image))); err != nil {
		return err
	}
	var zeros [block]byte
	for at := 0; at < len(image); at += block {
		if b := image[at:min(at+block, len(image))]; !bytes.Equal(b, zeros[:len(b)]) {
			if _, err := f.WriteAt(b, int64(at)); err != nil {
				return err
			}
		}
	}
	return nil
}

// try mounts what the cut leaves, and judges it.
func try(s *trial.Sweep, p point) error {
	stage, err := s.Stage()
	if err != nil {
		return err
	}
	ram := filepath.Join(s.Dir, "ram")
	if err := os.MkdirAll(ram, 0o700); err != nil {
		return err
	}
	if err := mounts.Mount("tmpfs", ram, "tmpfs", 0, "mode=0700"); err != nil {
		return err
	}
	image := filepath.Join(ram, "image")
	if err := p.write(s.Chance(p.name), image); err != nil {
		return err
	}
	if err := p.from.format.Mount(image, string(stage)); err != nil {
		s.Judged(p.name, trial.Judgement{Wrong: []string{err.Error()}})
		return mounts.Unmount(ram)
	}
	if err := stage.Age(); err != nil {
		return err
	}
	j := p.from.Judge(s.Program, stage, p.from.before+p.acked())
	if !j.Good() {
		j.Add(fmt.Errorf("the cut left %s", strings.Join(stage.List(), ", ")))
	}
	s.Judged(p.name, j)
	if err := mounts.Unmount(string(stage)); err != nil {
		return err
	}
	return mounts.Unmount(ram)
}

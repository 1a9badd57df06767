//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/opscontext/opscontext/internal/faults/realfs/mounts"
)

// reads are the commands that change nothing.
func (x *subject) reads() {
	x.works("audit_verify")
	x.works("audit_search", "--kind", "fault.event")
	x.works("export")
	x.works("status")
}

// remount mounts the file system anew with other flags; what was there stays.
func (x *subject) remount(flags uintptr) error {
	return mounts.Mount("", string(x.stage), "", syscall.MS_REMOUNT|flags, "")
}

// readOnlyMount shows the log to the program through a second mount that is read-only.
func readOnlyMount(x *subject) error {
	if err := mounts.Mount(string(x.stage), string(x.stage), "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	if err := x.remount(syscall.MS_BIND | syscall.MS_RDONLY); err != nil {
		return err
	}
	x.reads()
	x.cannotAppend()
	return x.unmount()
}

func remounted(x *subject) error {
	if err := x.remount(syscall.MS_RDONLY); err != nil {
		return err
	}
	x.reads()
	x.cannotAppend()
	return x.remount(0)
}

// fileSystemError has ext4 find an error in itself, which it answers by writing nothing more.
func fileSystemError(x *subject) error {
	if err := x.unmount(); err != nil {
		return err
	}
	device, err := mounts.Loop(x.image)
	if err != nil {
		return err
	}
	if err := mounts.Mount(device.Name(), string(x.stage), "ext4", 0, "errors=remount-ro"); err != nil {
		return err
	}
	if err := device.Close(); err != nil {
		return err
	}
	x.goesOn()
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(device.Name()), "trigger_fs_error")
	if err := os.WriteFile(trigger, []byte("1"), 0); err != nil {
		return err
	}
	x.reads()
	x.cannotAppend()
	if err := x.unmount(); err != nil {
		return err
	}
	return x.mount()
}

func chattr(flag string, files ...string) error {
	_, err := mounts.Tool("chattr", append([]string{flag}, files...)...)
	return err
}

// appendOnlyLive may be added to, not renamed.
func appendOnlyLive(x *subject) error {
	if err := chattr("+a", x.stage.Live()); err != nil {
		return err
	}
	x.goesOn()
	x.reads()
	x.cannot("", []string{"chattr"}, "rotate")
	x.goesOn()
	return chattr("-a", x.stage.Live())
}

// appendOnlyTorn has a fragment at its end that cannot be cut off.
func appendOnlyTorn(x *subject) error {
	log, err := os.ReadFile(x.stage.Live())
	if err != nil {
		return err
	}
	if err := os.WriteFile(x.stage.Live(), append(log, `{"ts":"20`...), 0o600); err != nil {
		return err
	}
	if err := chattr("+a", x.stage.Live()); err != nil {
		return err
	}
	x.cannotAppend("chattr")
	return chattr("-a", x.stage.Live())
}

// immutableSegments are not in the way of anything but archiving them.
func immutableSegments(x *subject) error {
	sealed, err := filepath.Glob(filepath.Join(x.stage.Archive(), "audit-*.json*"))
	if err != nil {
		return err
	}
	if err := chattr("+i", sealed...); err != nil {
		return err
	}
	x.goesOn()
	x.reads()
	x.works("rotate")
	x.goesOn()
	x.cannot("", nil, "archive")
	x.goesOn()
	if err := chattr("-i", sealed...); err != nil {
		return err
	}
	x.works("archive")
	return nil
}

// rotIn changes a bit of a file of the home, on the disk below the file system. It has to be found and named;
// appending goes on, unless it is in the line that the next record follows, and every other file is read.
func rotIn(file string) func(*subject) error {
	return func(x *subject) error {
		text, err := os.ReadFile(filepath.Join(x.stage.Home(), file))
		if err != nil {
			return err
		}
		at, err := x.flip(file, len(text)/3)
		if err != nil {
			return err
		}
		out, err := x.Program.Run(x.stage, "", "audit_verify", "--json")
		if err != nil {
			return err
		}
		x.wrong.Add(out.Err(damage, inconclusive))
		name, _, _ := strings.Cut(filepath.Base(file), ".") // a finding names the segment, whatever its form
		if !strings.Contains(out.Stdout, `"segment":"`+name+".") {
			x.wrong.Add(fmt.Errorf("verify does not name %s: %s", file, out.Stdout))
		}
		x.goesOn()
		return x.flipBack(at)
	}
}

// flip changes the lowest bit of a byte of a file in its image. It gives the place of the byte there.
func (x *subject) flip(file string, offset int) (at int64, err error) {
	if err := x.unmount(); err != nil {
		return 0, err
	}
	const blockSize = 4096
	text, err := mounts.Tool("debugfs", "-R", "blocks /home/"+file, x.image)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if first, err := strconv.ParseInt(words[0], 10, 64); err == nil {
			at = first*blockSize + int64(offset)
		}
	}
	if at == 0 {
		return 0, fmt.Errorf("debugfs does not say where %s is: %s", file, text)
	}
	return at, x.toggle(at)
}

func (x *subject) flipBack(at int64) error {
	if err := x.unmount(); err != nil {
		return err
	}
	return x.toggle(at)
}

func (x *subject) toggle(at int64) error {
	image, err := os.ReadFile(x.image)
	if err != nil {
		return err
	}
	changed := bytes.Clone(image)
	changed[at] ^= 1
	if err := os.WriteFile(x.image, changed, 0o600); err != nil {
		return err
	}
	return x.mount()
}

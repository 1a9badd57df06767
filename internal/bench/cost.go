package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// cost is how long processes took: by the clock on the wall, and of processor time with their children,
// in milliseconds.
type cost struct{ wall, cpu sample }

// run adds a process that ends with exit code 0.
func (c *cost) run(cmd *exec.Cmd) error {
	begun := time.Now()
	if err := run(cmd); err != nil {
		return err
	}
	c.add(time.Since(begun), cmd.ProcessState)
	return nil
}

// write adds a process that writes to a file, made anew before. It ends with exit code 0, or with the
// other one, which says that there was nothing to be written.
func (c *cost) write(cmd *exec.Cmd, name string, silent int) error {
	return into(cmd, name, func() error {
		begun := time.Now()
		err := run(cmd)
		c.add(time.Since(begun), cmd.ProcessState)
		if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.ExitCode() == silent {
			return nil
		}
		return err
	})
}

func (c *cost) add(wall time.Duration, ended *os.ProcessState) {
	c.wall = append(c.wall, float64(wall.Microseconds())/1000)
	c.cpu = append(c.cpu, float64((ended.UserTime()+ended.SystemTime()).Microseconds())/1000)
}

// into has do run a process, which writes to a file.
func into(cmd *exec.Cmd, name string, do func() error) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	cmd.Stdout = f
	return do()
}

func run(cmd *exec.Cmd) error {
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%v: %w", cmd, err)
	}
	return nil
}

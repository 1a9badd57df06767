package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// runLoad is what a process does that appends, as peers do it: open the store, say so, wait for the end
// of the input, append, and print what came of it. The arguments are STORE DIR PRODUCERS DURATION.
func runLoad(args []string) error {
	open := stores[args[0]]
	producers, err := strconv.Atoi(args[2])
	d, badTime := time.ParseDuration(args[3])
	if err = errors.Join(err, badTime); err != nil || open == nil {
		return errors.Join(fmt.Errorf("-part load %q is nothing that can be done", args), err)
	}
	s, err := open(args[1])
	if err != nil {
		return err
	}
	if _, err := fmt.Println(ready); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	l, err := produce(producers, d, s.append)
	return printLoad(l, errors.Join(err, s.Close()))
}

// ready is the line by which such a process says that it can begin.
const ready = "ready"

// loader is a process that appends.
type loader struct {
	cmd    *exec.Cmd
	begin  io.Closer
	output *bufio.Reader
	said   bytes.Buffer // on standard error; to be read once it has ended
	err    error        // why what it printed is of no use
}

// runTogether has processes append at the same time, and adds up what they did.
func runTogether(ctx context.Context, commands [][]string) (sum load, err error) {
	var all []*loader
	defer func() {
		for _, l := range all {
			err = errors.Join(err, l.end())
		}
	}()
	for _, c := range commands {
		l := &loader{cmd: exec.CommandContext(ctx, c[0], c[1:]...)}
		if err := l.start(); err != nil {
			return sum, err
		}
		all = append(all, l)
	}
	for _, l := range all {
		if err := l.begin.Close(); err != nil {
			return sum, err
		}
	}
	for _, l := range all {
		var one load
		if l.err = json.NewDecoder(l.output).Decode(&one); l.err != nil {
			return sum, nil // end says why
		}
		sum.Records += one.Records
		sum.CPU += one.CPU
		sum.Seconds = max(sum.Seconds, one.Seconds)
	}
	return sum, nil
}

// start runs the process until it is ready.
func (l *loader) start() error {
	in, err := l.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	l.cmd.Stderr = &l.said
	if err := l.cmd.Start(); err != nil {
		return err
	}
	l.begin, l.output = in, bufio.NewReader(out)
	line, err := l.output.ReadString('\n')
	if l.err = err; err == nil && line != ready+"\n" {
		l.err = fmt.Errorf("it says %q", line)
	}
	if l.err != nil {
		return l.end()
	}
	return nil
}

// end waits for the process, of which everything has been read that is wanted, and says what failed.
func (l *loader) end() error {
	begun := l.begin.Close() // or it would wait for ever
	if errors.Is(begun, os.ErrClosed) {
		begun = nil
	}
	if err := errors.Join(l.err, begun, l.cmd.Wait()); err != nil {
		return fmt.Errorf("%v: %w: %s", l.cmd, err, bytes.TrimSpace(l.said.Bytes()))
	}
	return nil
}

//go:build linux

// Package toy is a program that keeps a log of lines by the same commands as the real one, soundly or
// with one mistake in it. A sweep that does not find the mistake is worth nothing: the test of each
// sweep runs it on this program.
package toy

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/internal/faults/realfs/trial"
)

// Mistake is what is wrong with a program.
type Mistake string

// These there are. [Sound] is none.
const (
	Sound       Mistake = "none"
	NoSync      Mistake = "acknowledges without a sync of the file"
	NoDirSync   Mistake = "does not sync directories"
	AckFirst    Mistake = "acknowledges before it writes"
	RenamesOver Mistake = "renames each segment over the one before"
	BlindSync   Mistake = "takes a failed sync for a good one"
	SyncsAgain  Mistake = "syncs again after a failed sync"
	KeepsTorn   Mistake = "writes on behind a torn tail"
)

const variable = "REALFS_TOY"

// Program is the toy, to be run as the test program itself: TestMain has to call [RunIfAsked].
func Program(bug Mistake) trial.Program {
	// A program under the race detector lingers for a second unless told not to.
	return trial.Program{Bin: "/proc/self/exe", Env: []string{variable + "=" + string(bug), "GORACE=atexit_sleep_ms=0"}}
}

// RunIfAsked runs the toy and ends the process, if that is what the process was started for.
func RunIfAsked() {
	bug, ok := os.LookupEnv(variable)
	if !ok {
		return
	}
	if err := run(Mistake(bug), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "toy:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// log is the log of a home.
type log struct {
	home, live, archive string
	bug                 Mistake
}

// run takes --home DIR --state DIR COMMAND.
func run(bug Mistake, args []string) error {
	l := log{home: args[1], live: filepath.Join(args[1], "audit.log"), archive: filepath.Join(args[1], "audit-archive"), bug: bug}
	for _, dir := range []string{l.home, l.archive} {
		if err := l.makeDir(dir); err != nil {
			return err
		}
	}
	switch command := args[4]; command {
	case "append":
		return l.append()
	case "rotate":
		return l.rotate()
	case "audit_verify":
		return l.verify()
	default:
		return fmt.Errorf("no command %s", command)
	}
}

func (l log) makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return errors.Join(err, l.syncDir(filepath.Dir(dir)))
}

func (l log) syncDir(dir string) error {
	if l.bug == NoDirSync {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// append stores each line of standard input with a hash, and acknowledges it.
func (l log) append() error {
	text, err := os.ReadFile(l.live)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if whole := bytes.LastIndexByte(text, '\n') + 1; whole < len(text) && l.bug != KeepsTorn {
		if err := os.Truncate(l.live, int64(whole)); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(l.live, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := l.syncDir(l.home); err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		line := fmt.Sprintf(`{"hash":"%x",%s`+"\n", sha256.Sum256(in.Bytes()), strings.TrimPrefix(in.Text(), "{"))
		if err := l.store(f, line); err != nil {
			return err
		}
	}
	return errors.Join(in.Err(), f.Close())
}

func (l log) store(f *os.File, line string) error {
	if l.bug == AckFirst {
		if _, err := os.Stdout.WriteString(line); err != nil {
			return err
		}
	}
	if _, err := f.WriteString(line); err != nil {
		return err
	}
	if err := l.sync(f, int64(len(line))); err != nil {
		return err
	}
	if l.bug == AckFirst {
		return nil
	}
	_, err := os.Stdout.WriteString(line)
	return err
}

// sync syncs a line that was added. After a failure the line is taken out of the page cache, too.
func (l log) sync(f *os.File, length int64) error {
	if l.bug == NoSync {
		return nil
	}
	err := f.Sync()
	switch {
	case err == nil || l.bug == BlindSync:
		return nil
	case l.bug == SyncsAgain:
		return f.Sync()
	}
	size, seekErr := f.Seek(0, io.SeekEnd)
	return errors.Join(err, seekErr, f.Truncate(size-length), f.Sync())
}

// rotate seals the live log.
func (l log) rotate() error {
	sealed, err := filepath.Glob(filepath.Join(l.archive, "audit-*.jsonl"))
	if err != nil {
		return err
	}
	number := len(sealed) + 1
	if l.bug == RenamesOver {
		number = 1
	}
	if err := os.Rename(l.live, filepath.Join(l.archive, fmt.Sprintf("audit-%04d.jsonl", number))); err != nil {
		return err
	}
	return errors.Join(l.syncDir(l.archive), l.syncDir(l.home))
}

// verify wants nothing but JSON lines.
func (l log) verify() error {
	files, err := filepath.Glob(filepath.Join(l.archive, "audit-*.jsonl"))
	if err != nil {
		return err
	}
	for _, name := range append(files, l.live) {
		text, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for line := range bytes.Lines(text) {
			if !json.Valid(line) {
				return fmt.Errorf("%s holds what is no record", name)
			}
		}
	}
	_, err = os.Stdout.WriteString(`{"ok":true,"findings":[]}` + "\n")
	return err
}

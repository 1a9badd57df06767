//go:build linux && amd64

package main

import (
	"bytes"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// A storm is many writers of one home at once, as many processes, of which most are killed or stopped at
// moments that nobody chose, beside a writer that takes the lock file as existing Node writers do.

// crowd is how many processes append at once, each so many events.
const (
	crowd     = 64
	crowdEach = 500
)

// stormed is what a storm came to.
type stormed struct {
	acked, kills, stops, foreign atomic.Int64
}

// storm lets a crowd append without a fault, and then kills writers for a while. Nothing that was
// acknowledged may be lost or be there twice, and no record may follow another than the one before it.
func storm(app program, dir string, lasts time.Duration, seed uint64) (string, error) {
	began := time.Now()
	n, err := app.crowd(place{filepath.Join(dir, "crowd")})
	if err != nil {
		return "", fmt.Errorf("%d writers at once: %w", crowd, err)
	}
	var s stormed
	if err := app.killWriters(place{filepath.Join(dir, "storm")}, lasts, seed, &s); err != nil {
		return "", fmt.Errorf("a storm of kills, seed %d, in %s: %w", seed, dir, err)
	}
	return fmt.Sprintf("concurrent appends %d by %d processes; storm: kills %d, stops %d, acknowledged %d, by other writers %d; lost 0, forks 0, seed %d, in %s",
		n, crowd, s.kills.Load(), s.stops.Load(), s.acked.Load(), s.foreign.Load(), seed, time.Since(began).Round(time.Second)), nil
}

// crowd lets many processes append at once, each of which must succeed.
func (a program) crowd(p place) (acked int, err error) {
	if err := os.MkdirAll(p.stage(), 0o700); err != nil {
		return 0, err
	}
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		all []byte
	)
	for range crowd {
		wg.Go(func() {
			acks, runErr := a.must(p, events(crowdEach)(), "append", "--json")
			mu.Lock()
			defer mu.Unlock()
			all, err = append(all, acks...), errors.Join(err, runErr)
		})
	}
	wg.Wait()
	if err != nil {
		return 0, err
	}
	if n := bytes.Count(all, []byte{'\n'}); n != crowd*crowdEach {
		return 0, fmt.Errorf("%d acknowledgements of %d records", n, crowd*crowdEach)
	}
	return crowd * crowdEach, errors.Join(os.WriteFile(p.acks(), all, 0o600), a.calm(p))
}

// calm judges what is left once no writer runs.
func (a program) calm(p place) error {
	return a.judgeNext(played{place: p})
}

// stormWriters is how many processes are there at a time, most of them soon killed.
const stormWriters = 8

// killWriters starts writers anew as they are killed, each after 20 to 200 ms; every fifth is stopped for
// a while before.
func (a program) killWriters(p place, lasts time.Duration, seed uint64, s *stormed) error {
	config := []byte("[segment]\nmax_bytes = \"16KiB\"\n")
	err := errors.Join(os.MkdirAll(p.home(), 0o700), os.WriteFile(filepath.Join(p.home(), "opscontext.toml"), config, 0o600))
	if err != nil {
		return err
	}
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed error
		acks   []byte
		end    = time.Now().Add(lasts)
	)
	note := func(out []byte, err error) {
		mu.Lock()
		defer mu.Unlock()
		acks, failed = append(acks, wholeLines(out)...), errors.Join(failed, err)
	}
	for w := range stormWriters {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			for time.Now().Before(end) {
				note(s.one(a, p, rng))
			}
		})
	}
	wg.Go(func() {
		for time.Now().Before(end) {
			note(s.nodeAppend(p))
			time.Sleep(30 * time.Millisecond)
		}
	})
	wg.Wait()
	s.acked.Store(int64(bytes.Count(acks, []byte{'\n'})))
	switch {
	case failed != nil:
		return failed
	case s.kills.Load() == 0 || s.acked.Load() == 0 || s.foreign.Load() == 0:
		return fmt.Errorf("%d kills, %d acknowledged, %d by other writers: this shows nothing", s.kills.Load(), s.acked.Load(), s.foreign.Load())
	}
	return errors.Join(os.WriteFile(p.acks(), acks, 0o600), a.calm(p))
}

// trickle gives one event at a time for as long as somebody reads, so that writers write and do not gather.
type trickle struct{ end time.Time }

func (t trickle) Read(p []byte) (int, error) {
	if time.Now().After(t.end) {
		return 0, io.EOF
	}
	time.Sleep(200 * time.Microsecond)
	return copy(p, events(1)()), nil
}

// lifetime is the longest that a writer lives, if it is not killed before.
const lifetime = time.Second

// one runs a writer and kills it, and gives what it acknowledged.
func (s *stormed) one(a program, p place, rng *rand.Rand) ([]byte, error) {
	argv, env := a.command(p, "append", "--json")
	cmd := exec.Command(argv[0], argv[1:]...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stage(), env, trickle{time.Now().Add(lifetime)}, &out, &errs
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	pause := func(least, most int) { time.Sleep(time.Duration(least+rng.IntN(most-least)) * time.Millisecond) }
	pause(20, 200)
	if rng.IntN(5) == 0 {
		s.stops.Add(1)
		// It may have ended: that is seen below.
		_ = cmd.Process.Signal(syscall.SIGSTOP)
		pause(50, 300)
		_ = cmd.Process.Signal(syscall.SIGCONT)
	}
	_ = cmd.Process.Kill()
	err := cmd.Wait()
	failed, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return out.Bytes(), nil
	case ended && failed.ExitCode() == -1:
		s.kills.Add(1)
		return out.Bytes(), nil
	}
	return out.Bytes(), fmt.Errorf("append: %w: %s", err, errs.String())
}

// nodeAppend appends a record as existing Node writers do, and gives it as its acknowledgement: under
// audit.lock alone, created by O_EXCL, behind the last line of the live log, without a sync. Where they
// would wait or repair, nothing is appended.
func (s *stormed) nodeAppend(p place) (ack []byte, err error) {
	lock := filepath.Join(p.home(), segment.LockName)
	f, err := os.OpenFile(lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(lock)) }()
	now := time.Now().UTC().Format(chain.TimeLayout)
	_, err = fmt.Fprintf(f, "%d\n%s\n", os.Getpid(), now)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	log, err := os.ReadFile(p.live())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || len(log) == 0 || log[len(log)-1] != '\n' {
		return nil, err
	}
	last := log[bytes.LastIndexByte(log[:len(log)-1], '\n')+1 : len(log)-1]
	head, err := chain.HeadOf(last)
	if err != nil {
		return nil, err
	}
	r, err := chain.Seal(head, now, "vscode.tool_call", "claude-code", fmt.Appendf(nil, `{"nonce":%q}`, cryptorand.Text()))
	if err != nil {
		return nil, err
	}
	live, err := os.OpenFile(p.live(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	ack = chain.AppendLine(nil, &r)
	_, err = live.Write(ack)
	s.foreign.Add(1)
	return ack, errors.Join(err, live.Close())
}

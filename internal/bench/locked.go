package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// locked is what many processes can do that do not let go of the lock before they sync: lock, read the
// last record, hash and write the next one, sync, unlock. It takes the one lock, remembers nothing and
// looks for nothing that a crash may have left.
type locked struct {
	mu   sync.Mutex
	gate *os.File
	f    durable.File
	tail [4096]byte
}

func openLocked(dir string) (store, error) {
	gate, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	f, err := durable.OS().OpenFile(filepath.Join(dir, "locked"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, errors.Join(err, gate.Close())
	}
	return &locked{gate: gate, f: f}, nil
}

func (l *locked) append() (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.flock(syscall.LOCK_EX); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.flock(syscall.LOCK_UN)) }()
	head, err := l.head()
	if err != nil {
		return err
	}
	line, _ := chain.AppendRecord(nil, head, time.Now().UTC().Format(chain.TimeLayout), appended.Kind, appended.Actor, appended.Payload)
	if _, err := l.f.Write(line); err != nil {
		return err
	}
	return l.f.Sync()
}

func (l *locked) flock(how int) error {
	for {
		if err := syscall.Flock(int(l.gate.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// head is the hash of the last record.
func (l *locked) head() (chain.Hash, error) {
	info, err := l.f.Stat()
	if err != nil || info.Size == 0 {
		return chain.Genesis, err
	}
	tail := l.tail[:min(int64(len(l.tail)), info.Size)]
	if _, err := l.f.ReadAt(tail, info.Size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return chain.Genesis, err
	}
	tail = bytes.TrimSuffix(tail, []byte{'\n'})
	return chain.ReadLine(tail[bytes.LastIndexByte(tail, '\n')+1:]).Record.Hash, nil
}

func (l *locked) Close() error { return errors.Join(l.f.Close(), l.gate.Close()) }

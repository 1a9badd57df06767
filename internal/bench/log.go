package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/loggen"
	"github.com/opscontext/opscontext/segment"
)

// perDay is how many events the imaginary team has in a day.
const perDay = 80_000

// Every home is one log, under this name, beside what the machine remembers of it.
const (
	homeDir  = "home"
	stateDir = "state"
)

// makeLog makes the log that everything is measured on: all its records in one sealed segment, another
// segment behind it, because the highest one is never archived, and a live log.
func (b *bench) makeLog(ctx context.Context, records int) error {
	b.plain = filepath.Join(b.dir, "plain")
	home := filepath.Join(b.plain, homeDir)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	if err := writeRecords(filepath.Join(home, segment.LiveName), records); err != nil {
		return err
	}
	event := []string{"append", "--event", "bench.between", "--payload", "{}"}
	for _, args := range [][]string{{"rotate"}, event, {"rotate"}, event} {
		if err := b.at(ctx, b.plain, args...).Run(); err != nil {
			return fmt.Errorf("opscontext %v: %w", args, err)
		}
	}
	b.segment = filepath.Join(home, segment.ArchiveDir, segment.Name{Number: 1}.File(segment.FormPlain))
	info, err := os.Stat(b.segment)
	if err != nil {
		return err
	}
	b.records, b.bytes = records, info.Size()
	return nil
}

func writeRecords(name string, n int) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	events := loggen.New(1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), perDay)
	prev := chain.Genesis
	var line []byte
	for range n {
		at, kind, actor, payload := events.Next()
		r, err := chain.Seal(prev, at.Format(chain.TimeLayout), kind, actor, payload)
		if err != nil {
			return err
		}
		line = chain.AppendLine(line[:0], &r)
		if _, err := w.Write(line); err != nil {
			return err
		}
		prev = r.Hash
	}
	return w.Flush()
}

// another makes a home that can be archived, without a second copy of the sealed segments.
func (b *bench) another(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	from, to := filepath.Join(b.plain, homeDir), filepath.Join(dir, homeDir)
	if err := os.MkdirAll(filepath.Join(to, segment.ArchiveDir), 0o700); err != nil {
		return "", err
	}
	sealed, err := filepath.Glob(filepath.Join(from, segment.ArchiveDir, "*.jsonl"))
	if err != nil {
		return "", err
	}
	for _, s := range sealed {
		if err := os.Link(s, filepath.Join(to, segment.ArchiveDir, filepath.Base(s))); err != nil {
			return "", err
		}
	}
	live, err := os.ReadFile(filepath.Join(from, segment.LiveName))
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(to, segment.LiveName), live, 0o600)
}

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

// logBegins is the time of the first event.
var logBegins = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Every home is one log, under this name, beside what the machine remembers of it.
const (
	homeDir  = "home"
	stateDir = "state"
)

// log is a home that things are measured on: all its records in one sealed segment, another segment
// behind it, because the highest one is never archived, and a live log.
type log struct {
	dir     string // of the home
	segment string // the large one
	records int
	bytes   int64 // of the large segment
}

func makeLog(ctx context.Context, p program, dir string, records int, odd oddities) (log, error) {
	home := filepath.Join(dir, homeDir)
	l := log{dir: dir, records: records, segment: filepath.Join(home, segment.ArchiveDir, segment.Name{Number: 1}.File(segment.FormPlain))}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return l, err
	}
	if err := writeRecords(filepath.Join(home, segment.LiveName), records, odd); err != nil {
		return l, err
	}
	event := []string{"append", "--event", "bench.between", "--payload", "{}"}
	for _, args := range [][]string{{"rotate"}, event, {"rotate"}, event} {
		if err := p.at(ctx, dir, args...).Run(); err != nil {
			return l, fmt.Errorf("opscontext %v: %w", args, err)
		}
	}
	info, err := os.Stat(l.segment)
	if err != nil {
		return l, err
	}
	l.bytes = info.Size()
	return l, nil
}

func writeRecords(name string, n int, odd oddities) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	events := loggen.New(1, logBegins, perDay)
	var last [2]chain.Hash // of the last record but one, and of the last
	var line []byte
	var ts string
	for i := range n {
		at, kind, actor, payload := events.Next()
		is := odd.at(i)
		if is != forked { // who races with another writer writes at the same time
			ts = at.Format(chain.TimeLayout)
		}
		r, err := chain.Seal(is.parent(last), ts, kind, actor, payload)
		if err != nil {
			return err
		}
		line = chain.AppendLine(line[:0], &r)
		if _, err := w.Write(is.written(line)); err != nil {
			return err
		}
		last = [2]chain.Hash{last[1], r.Hash}
	}
	return errors.Join(w.Flush(), f.Sync())
}

// another makes a home in dir that can be archived, without a second copy of the sealed segments.
func (l log) another(dir string) error {
	from, to := filepath.Join(l.dir, homeDir), filepath.Join(dir, homeDir)
	if err := os.MkdirAll(filepath.Join(to, segment.ArchiveDir), 0o700); err != nil {
		return err
	}
	sealed, err := filepath.Glob(filepath.Join(from, segment.ArchiveDir, "*.jsonl"))
	if err != nil {
		return err
	}
	for _, s := range sealed {
		if err := os.Link(s, filepath.Join(to, segment.ArchiveDir, filepath.Base(s))); err != nil {
			return err
		}
	}
	live, err := os.ReadFile(filepath.Join(from, segment.LiveName))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, segment.LiveName), live, 0o600)
}

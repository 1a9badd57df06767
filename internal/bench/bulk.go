package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/loggen"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

// bulk is what is measured of taking over many events at once, and what came of it so far: microseconds
// of processor time a record.
type bulk struct {
	program
	self, dir string
	events    string // file: a line each
	lengths   string // file: of what is hashed for each
	count     int
	bytes     int64 // of events
	done      int   // rounds

	hash              sample // SHA-256 of messages of these lengths, one by one
	batches           sample // package segment, batchSize at a time
	imports, streamed sample // the command, on a file and on a stream
}

// batchSize is how many events are appended with one call.
const batchSize = 1024

const microsCPU = "µs of CPU"

// measureBulk does all of it and writes what came of it.
func measureBulk(ctx context.Context, out *report, p program, dir string, records, rounds int) error {
	if err := out.part("Append, in bulk"); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b := &bulk{program: p, self: self, dir: filepath.Join(dir, "bulk"), count: records}
	if err := b.makeEvents(); err != nil {
		return err
	}
	events := fmt.Sprintf("%s, %s of JSON lines", terminal.Plural(int64(records), "event"), terminal.Bytes(b.bytes))
	if err := errors.Join(out.field("events", events), busy(out, "before")); err != nil {
		return err
	}
	for range rounds {
		if err := b.round(ctx); err != nil {
			return err
		}
	}
	return b.print(out)
}

// makeEvents writes the events, and how long the message is that is hashed for each.
func (b *bulk) makeEvents() (err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	b.events, b.lengths = filepath.Join(b.dir, "events"), filepath.Join(b.dir, "lengths")
	log := filepath.Join(b.dir, "log")
	if err := errors.Join(writeRecords(log, b.count, oddities{}), writeLengths(log, b.lengths), os.Remove(log)); err != nil {
		return err
	}
	f, err := os.Create(b.events)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	events := loggen.New(1, logBegins, perDay)
	for range b.count {
		at, kind, actor, payload := events.Next()
		n, err := fmt.Fprintf(w, `{"ts":%q,"event":%q,"actor":%q,"payload":%s}`+"\n", at.Format(chain.TimeLayout), kind, actor, payload)
		if err != nil {
			return err
		}
		b.bytes += int64(n)
	}
	return w.Flush()
}

// round measures everything once.
func (b *bulk) round(ctx context.Context) (err error) {
	b.done++
	dir, err := os.MkdirTemp(b.dir, "round-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := b.command(&b.hash, exec.CommandContext(ctx, b.self, "-part", "sums", b.lengths)); err != nil {
		return err
	}
	if err := b.inBatches(ctx, dir); err != nil {
		return err
	}
	if err := b.command(&b.imports, b.at(ctx, filepath.Join(dir, "file"), "import", "--keep-time", b.events)); err != nil {
		return err
	}
	f, err := os.Open(b.events)
	if err != nil {
		return err
	}
	defer f.Close()
	stream := b.at(ctx, filepath.Join(dir, "stream"), "import", "--keep-time", "-")
	stream.Stdin = f
	return b.command(&b.streamed, stream)
}

// inBatches has a process of our own append all events to a log.
func (b *bulk) inBatches(ctx context.Context, dir string) error {
	text, err := exec.CommandContext(ctx, b.self, "-part", "batches", b.events, dir).Output()
	if err != nil {
		return fmt.Errorf("append in batches: %w", err)
	}
	var l load
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	if l.Records != int64(b.count) {
		return fmt.Errorf("%d of %d events were appended in batches", l.Records, b.count)
	}
	b.batches = append(b.batches, l.CPU*1e6/float64(l.Records))
	return nil
}

func (b *bulk) command(s *sample, cmd *exec.Cmd) error {
	var c cost
	if err := c.run(cmd); err != nil {
		return err
	}
	*s = append(*s, c.cpu[0]*1000/float64(b.count))
	return nil
}

// print writes what was measured.
func (b *bulk) print(out *report) error {
	columns := []terminal.Column{{Title: "processor time of"}, {Title: "µs a record", Align: terminal.Right}, {Title: "records/s of a core", Align: terminal.Right}}
	var rows [][]string
	ways := []struct {
		what, short string
		cost        sample
	}{
		{"SHA-256 of each message", "", b.hash},
		{fmt.Sprintf("AppendBatch, %s at a time", terminal.Count(batchSize)), "AppendBatch", b.batches},
		{"opscontext import -", "import -", b.streamed},
		{"opscontext import FILE", "import FILE", b.imports},
	}
	var compared []comparison
	for _, w := range ways {
		rows = append(rows, []string{w.what, w.cost.String(), terminal.Count(int64(1e6 / w.cost.median()))})
		if w.short != "" {
			compared = append(compared, comparison{"speed of " + w.short + ", of hashing", figure{w.cost, microsCPU}, figure{b.hash, microsCPU}, b.hash.over(w.cost), goal{0.6, true}})
		}
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	return out.compare(compared, b.done)
}

// appendBatches appends the events of a file, which are in memory before the clock runs, in batches of
// which each is durable before the next.
func appendBatches(name, dir string) (l load, err error) {
	events, err := readEvents(name)
	if err != nil {
		return l, err
	}
	log, err := segment.Open(filepath.Join(dir, homeDir), segment.Options{State: filepath.Join(dir, stateDir)})
	if err != nil {
		return l, err
	}
	return timed(func() (n int64, err error) {
		defer func() { err = errors.Join(err, log.Close()) }()
		for len(events) > 0 {
			batch := events[:min(batchSize, len(events))]
			events = events[len(batch):]
			if _, err := log.AppendBatch(context.Background(), batch); err != nil {
				return n, err
			}
			n += int64(len(batch))
		}
		return n, nil
	})
}

func readEvents(name string) (events []segment.Event, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var e struct {
			TS, Event, Actor string
			Payload          json.RawMessage
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, err
		}
		events = append(events, segment.Event{Kind: e.Event, Actor: e.Actor, Payload: e.Payload, TS: e.TS})
	}
	return events, nil
}

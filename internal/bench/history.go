package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/loggen"
	"github.com/opscontext/opscontext/segment"
)

// history is an archived log, and the same records in the forms that other programs search.
type history struct {
	dir           string // of its home
	plain, packed string // all its records in one file, and that file as zstd -3 makes it
	records       int
	bytes         int64 // of plain
	needles       needles
}

// makeHistory has the program take over and archive the events. The highest sealed segment, which
// archive leaves alone, and the live one hold an event each.
func makeHistory(ctx context.Context, p program, zstd, dir string, records int) (*history, error) {
	h := &history{dir: filepath.Join(dir, "history"), records: records}
	h.plain, h.packed = filepath.Join(h.dir, "plain.jsonl"), filepath.Join(h.dir, "plain.jsonl.zst")
	if err := os.MkdirAll(filepath.Join(h.dir, homeDir), 0o700); err != nil {
		return nil, err
	}
	if err := h.take(p.at(ctx, h.dir, "import", "--keep-time", "-")); err != nil {
		return nil, err
	}
	event := []string{"append", "--event", "bench.between", "--payload", "{}"}
	for _, args := range [][]string{{"rotate"}, event, {"rotate"}, event, {"archive"}} {
		if err := p.at(ctx, h.dir, args...).Run(); err != nil {
			return nil, fmt.Errorf("opscontext %v: %w", args, err)
		}
	}
	export := p.at(ctx, h.dir, "export")
	if err := into(export, h.plain, func() error { return run(export) }); err != nil {
		return nil, err
	}
	info, err := os.Stat(h.plain)
	if err != nil {
		return nil, err
	}
	h.bytes = info.Size()
	if err := h.needles.findHash(h.plain, h.bytes); err != nil {
		return nil, err
	}
	return h, run(exec.CommandContext(ctx, zstd, "-3", "-T1", "-q", "-f", h.plain, "-o", h.packed))
}

// take gives the events to a program that imports them, and picks the needles among them.
func (h *history) take(imports *exec.Cmd) (err error) {
	to, err := imports.StdinPipe()
	if err != nil {
		return err
	}
	if err := imports.Start(); err != nil {
		return err
	}
	err = h.events(to)
	return errors.Join(err, to.Close(), imports.Wait())
}

func (h *history) events(to io.Writer) error {
	w := bufio.NewWriterSize(to, 1<<20)
	events := loggen.NewWithAccess(1, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), perDay)
	var line []byte
	for i := range h.records {
		at, kind, actor, payload := events.Next()
		if i < h.records/100*61 {
			h.needles.offer(at, kind, payload)
		}
		line = fmt.Appendf(line[:0], `{"ts":%q,"event":%q,"actor":%q,"payload":%s}`+"\n", at.Format(chain.TimeLayout), kind, actor, payload)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return errors.Join(w.Flush(), h.needles.settle())
}

// sizes is what the archived segments take, by form, in bytes.
func (h *history) sizes() (map[segment.Form]int64, error) {
	dir := filepath.Join(h.dir, homeDir, segment.ArchiveDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	sizes := map[segment.Form]int64{}
	for _, e := range entries {
		_, form, ok := segment.ParseName(e.Name())
		if !ok {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		sizes[form] += info.Size()
	}
	return sizes, nil
}

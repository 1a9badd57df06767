package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

// bench is what is measured of archiving, and what came of it so far.
type bench struct {
	program
	log      log // that nobody archives
	dir      string
	zstdTool string // empty if there is none

	done int // rounds

	zstd, codec, hash, archive sample // seconds, one a round
	zstdSize, archiveSize      sample // bytes
}

// measure does all of it and writes what came of it.
func (b *bench) measure(ctx context.Context, out *report, rounds int) (err error) {
	if err := out.part("Archive"); err != nil {
		return err
	}
	if b.zstdTool, err = yardstick("zstd"); err != nil {
		return err
	}
	if b.zstdTool == "" {
		if err := out.skip("zstd is not installed: archive was held against nothing"); err != nil {
			return err
		}
	}
	if err := out.field("log", fmt.Sprintf("%s, %s", terminal.Plural(int64(b.log.records), "record"), terminal.Bytes(b.log.bytes))); err != nil {
		return err
	}
	if err := busy(out, "before"); err != nil {
		return err
	}
	for range rounds {
		if err := b.round(ctx); err != nil {
			return err
		}
	}
	return b.print(out)
}

// round measures everything once, yardsticks and what they are held against in turn.
func (b *bench) round(ctx context.Context) error {
	b.done++
	dir := filepath.Join(b.dir, fmt.Sprintf("archived-%d", b.done))
	if err := b.log.another(dir); err != nil {
		return err
	}
	if err := b.roundZstd(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := b.codec.run(exec.CommandContext(ctx, self, "-part", "codec", b.log.segment, filepath.Join(b.dir, "codec.zst"))); err != nil {
		return err
	}
	if err := b.hash.run(exec.CommandContext(ctx, self, "-part", "hash", b.log.segment)); err != nil {
		return err
	}
	if err := b.archive.run(b.at(ctx, dir, "archive")); err != nil {
		return err
	}
	size, err := archivedSize(filepath.Join(dir, homeDir))
	if err != nil {
		return err
	}
	b.archiveSize = append(b.archiveSize, float64(size))
	return os.RemoveAll(dir)
}

func (b *bench) roundZstd(ctx context.Context) error {
	if b.zstdTool == "" {
		return nil
	}
	file := filepath.Join(b.dir, "yardstick.zst")
	if err := b.zstd.run(exec.CommandContext(ctx, b.zstdTool, "-3", "-T1", "-q", "-f", b.log.segment, "-o", file)); err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	b.zstdSize = append(b.zstdSize, float64(info.Size()))
	return nil
}

// archivedSize is what an archived segment takes, its manifest included. It is an error if the large
// segment was not archived.
func archivedSize(home string) (int64, error) {
	dir, name := filepath.Join(home, segment.ArchiveDir), segment.Name{Number: 1}
	if _, err := os.Stat(filepath.Join(dir, name.File(segment.FormPlain))); !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%s was not archived: %w", name, err)
	}
	manifest, err := os.Stat(filepath.Join(dir, name.File(segment.FormManifest)))
	if err != nil {
		return 0, err
	}
	file, err := os.Stat(filepath.Join(dir, name.File(segment.FormZstd)))
	if err != nil {
		return 0, err
	}
	return file.Size() + manifest.Size(), nil
}

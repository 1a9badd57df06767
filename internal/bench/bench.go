package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/opscontext/opscontext/segment"
)

// bench is what is measured and what came of it so far.
type bench struct {
	bin, dir string
	zstdTool string // empty if there is none

	plain   string // the home nobody archives
	segment string // its large sealed segment
	records int
	bytes   int64

	done    int // rounds
	skipped []string

	zstd, codec, hash, archive sample // seconds, one a round
	verifyPlain, verifyArchive sample
	zstdSize, archiveSize      sample // bytes
}

// round measures everything once, yardsticks and what they are held against in turn.
func (b *bench) round(ctx context.Context) error {
	b.done++
	dir, err := b.another(fmt.Sprintf("archived-%d", b.done))
	if err != nil {
		return err
	}
	if err := b.roundZstd(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := b.codec.run(exec.CommandContext(ctx, self, "-part", "codec", b.segment, filepath.Join(b.dir, "codec.zst"))); err != nil {
		return err
	}
	if err := b.hash.run(exec.CommandContext(ctx, self, "-part", "hash", b.segment)); err != nil {
		return err
	}
	if err := b.archive.run(b.opscontext(ctx, dir, "archive")); err != nil {
		return err
	}
	size, err := archivedSize(filepath.Join(dir, homeDir))
	if err != nil {
		return err
	}
	b.archiveSize = append(b.archiveSize, float64(size))
	if err := b.verifyPlain.run(b.opscontext(ctx, b.plain, "audit_verify")); err != nil {
		return err
	}
	if err := b.verifyArchive.run(b.opscontext(ctx, dir, "audit_verify")); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// findZstd looks for the yardstick of archive.
func (b *bench) findZstd() (err error) {
	b.zstdTool, err = exec.LookPath("zstd")
	if errors.Is(err, exec.ErrNotFound) {
		b.skipped = append(b.skipped, "zstd is not installed: archive was held against nothing")
		return nil
	}
	return err
}

func (b *bench) roundZstd(ctx context.Context) error {
	if b.zstdTool == "" {
		return nil
	}
	file := filepath.Join(b.dir, "yardstick.zst")
	if err := b.zstd.run(exec.CommandContext(ctx, b.zstdTool, "-3", "-T1", "-q", "-f", b.segment, "-o", file)); err != nil {
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

package recovery

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// source describes the backup that was restored: a file, or a directory by its live log.
func (o *Options) source(path string) (b chain.Backup, err error) {
	if path == "" {
		return b, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return b, fmt.Errorf("the source: %w", err)
	}
	file := path
	if info.IsDir() {
		file = filepath.Join(path, segment.LiveName)
	}
	b = chain.Backup{Name: filepath.Base(path), Time: stamp(info.ModTime())}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) && info.IsDir() {
		return b, nil
	}
	if err != nil {
		return b, fmt.Errorf("the source: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return b, fmt.Errorf("the source: %w", err)
	}
	copy(b.SHA256[:], sum.Sum(nil))
	return b, nil
}

// refuseHeld refuses to call records lost that a backup or an archive copy has, unless the home keeps
// them as a branch already: then what is left is to say why they are no part of the log.
func (o *Options) refuseHeld(ctx context.Context, out *verify.Outcome, p *place, source string) error {
	if p.lost.Head == chain.Genesis {
		return nil
	}
	if kept, err := o.keepsBranch(ctx, p); err != nil || kept {
		return err
	}
	id := out.Verdict.LogID
	if p.where == chain.WhereTail && p.broken.Remembered.LogID != chain.Genesis {
		id = p.broken.Remembered.LogID // another log may be in the place of the one that was lost
	}
	if o.Store != "" && id != chain.Genesis {
		copies, err := archive.ReadStored(ctx, o.Log.FS, o.Store, id)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look for the records in the archive copies: %w", err)
		}
		for _, c := range copies {
			if m := c.Manifest; m != nil && m.First != nil && (m.First.Prev == p.before.Hash && p.class != chain.ImplausibleFork || m.Last.Hash == p.lost.Head) {
				return refuse(c.Path, "opscontext recover restore --from "+c.Path, "this copy holds records that would be declared lost (%s)", p.words())
			}
		}
	}
	if source == "" {
		return nil
	}
	has, err := o.holds(ctx, source, id, p.lost.Head)
	if err != nil {
		return fmt.Errorf("look for the records in the source: %w", err)
	}
	if has {
		return refuse(source, "opscontext recover restore --from "+source, "it holds the record %s that would be declared lost", p.lost.Head.Short())
	}
	return nil
}

// keepsBranch reports whether what a place has lost is kept beside the log, whole.
func (o *Options) keepsBranch(ctx context.Context, p *place) (kept bool, err error) {
	home, err := o.snapshot()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, home.Close()) }()
	for _, src := range home.Branches {
		run, whole, err := stretchOf(ctx, src)
		if err != nil || whole && run.Parent == p.before.Hash && run.Head == p.lost.Head {
			return err == nil, err
		}
	}
	return false, nil
}

// holds reports whether a backup of a log has a record with a hash. What cannot be read has none.
func (o *Options) holds(ctx context.Context, path string, log, want chain.Hash) (has bool, err error) {
	s, err := o.openSupply(ctx, path, log)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.done()) }()
	err = eachLine(ctx, s.files, func(int, error) {}, func(l lineAt) error {
		if h, err := chain.HeadOf(l.text); err == nil && h == want {
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}

// errFound ends a search.
var errFound = errors.New("found")

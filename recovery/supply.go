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
	"strings"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// supply is what records are restored from: one file, or the files of a home, a backup, or a directory
// of archive copies, in reading order.
type supply struct {
	fs    durable.FS
	path  string
	files []supplied
	file  bool // path is one file: everything in it must have a place
	done  func() error
}

// supplied is one file of a supply.
type supplied struct {
	segment.Source
	path string // of the file itself
}

// openSupply opens what is at path, for a log with this id.
func (o *Options) openSupply(ctx context.Context, path string, log chain.Hash) (*supply, error) {
	if o.Log.FS == durable.OS() { // the latest backup often has a link to it; what lies in it is not followed
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, fmt.Errorf("the source: %w", err)
		}
		path = real
	}
	info, err := o.Log.FS.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the source: %w", err)
	}
	s := &supply{fs: o.Log.FS, path: path, done: func() error { return nil }}
	if !info.Mode.IsDir() {
		s.file = true
		return s, s.openFile()
	}
	for _, root := range []string{path, filepath.Dir(path)} { // the store, or what it has of this log
		copies, err := archive.ReadStored(ctx, o.Log.FS, root, log)
		if errors.Is(err, fs.ErrNotExist) || root != path && filepath.Base(path) != log.String() {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the source: %w", err)
		}
		return s, s.openCopies(copies)
	}
	snap, err := segment.OpenSnapshot(path, segment.SnapshotOptions{FS: o.Log.FS, OpenArchived: archive.Opener(o.Log.FS)})
	if err != nil {
		return nil, fmt.Errorf("the source: %w", err)
	}
	s.done = snap.Close
	for _, src := range append(snap.Sources, snap.Branches...) {
		s.files = append(s.files, supplied{src, fileIn(path, src)})
	}
	if len(s.files) == 0 {
		return nil, errors.Join(refuse(path, "name a backup of this log, a directory of its archive copies, or a file of records",
			"the directory holds no records of this log"), s.done())
	}
	return s, nil
}

// fileIn is the path of the file that holds a segment of a home.
func fileIn(home string, src segment.Source) string {
	return filepath.Join(home, filepath.FromSlash(segment.FileOf(src)))
}

func (s *supply) openFile() (err error) {
	var src segment.Source
	if strings.HasSuffix(s.path, ".zst") {
		src, err = archive.Opener(s.fs)(s.path, segment.Name{})
	} else {
		src, err = segment.OpenFile(s.fs, s.path)
	}
	if err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	s.files, s.done = []supplied{{src, s.path}}, src.Close
	return nil
}

func (s *supply) openCopies(copies []archive.Stored) error {
	for _, c := range copies {
		if c.Err != nil {
			continue // what is wrong with a copy is for audit_verify --against to say; it fills nothing
		}
		src, err := archive.Opener(s.fs)(c.Path, c.Segment)
		if err != nil {
			return fmt.Errorf("the source: %w", err)
		}
		s.files = append(s.files, supplied{src, c.Path})
	}
	s.done = func() (err error) {
		for _, f := range s.files {
			err = errors.Join(err, f.Close())
		}
		return err
	}
	return nil
}

// name is how a file of the supply is called on the chain: from the last element of the path that was
// given on.
func (s *supply) name(f supplied) string {
	rest, err := filepath.Rel(filepath.Dir(s.path), f.path)
	if err != nil {
		return filepath.Base(f.path)
	}
	return filepath.ToSlash(rest)
}

// digest describes a file of the supply as it is on the disk.
func (s *supply) digest(f supplied) (chain.File, error) {
	sum, size, err := digest(s.fs, f.path)
	return chain.File{Name: s.name(f), Bytes: size, SHA256: sum}, err
}

// digest is the SHA-256 and the length of a file.
func digest(fsys durable.FS, path string) (sum chain.Hash, size int64, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return sum, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return chain.Hash(h.Sum(nil)), size, err
}

// lineAt is a line of a file of records.
type lineAt struct {
	file   int
	number int64 // from 1
	offset int64
	text   []byte
}

// eachLine gives the lines of files that are not blank, in order. A file, or a part of one, that cannot
// be read gives none; unread is told why. An error of each ends the reading.
func eachLine[S segment.Source](ctx context.Context, files []S, unread func(file int, err error), each func(lineAt) error) (err error) {
	for i, src := range files {
		number := int64(0)
		for k, err := range segment.Chunks(ctx, src) {
			if ctx.Err() != nil {
				return errors.Join(err, src.Close())
			}
			if err != nil {
				unread(i, err)
				continue
			}
			for at, text := range k.Lines() {
				number++
				if len(text) == 0 {
					continue
				}
				if err := each(lineAt{i, number, at, text}); err != nil {
					return errors.Join(err, src.Close())
				}
			}
		}
		if err := src.Close(); err != nil {
			return err
		}
	}
	return nil
}

package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// Stored is a segment of a log as the directory of a [DirStore] has it.
type Stored struct {
	Segment segment.Name
	Path    string // of the compressed file
	// Manifest is the one beside it; nil if Err says why there is none that is this segment's. It is
	// fs.ErrNotExist where a copy was never finished.
	Manifest *Manifest
	// Err is why the copy is not what it should be; with a manifest, why the file is not what that says.
	Err error
}

// StoredLogs lists the logs that a store has copies of, by their ids. Whatever else is in the directory
// is passed over; links are not followed.
func StoredLogs(fsys durable.FS, root string) (logs []chain.Hash, err error) {
	entries, err := fsys.ReadDir(root)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		log, err := chain.ParseHash(e.Name())
		if err != nil || log.String() != e.Name() {
			continue
		}
		info, err := fsys.Stat(filepath.Join(root, e.Name()))
		if err != nil {
			return nil, err
		}
		if info.Mode.IsDir() {
			logs = append(logs, log)
		}
	}
	return logs, nil
}

// ReadStored reads what a store has of a log, in the order of the segments: every manifest, and the
// SHA-256 of every compressed file; nothing is decoded. Files that have no name of a copy are passed
// over. Where something other than a file has one, that is the copy's Err; it is not opened. There is an
// error if the store or ctx ends the reading.
func ReadStored(ctx context.Context, fsys durable.FS, root string, log chain.Hash) ([]Stored, error) {
	dir := filepath.Join(root, log.String())
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	type copied struct {
		name segment.Name
		raw  string
	}
	var all []copied
	seen := map[copied]bool{}
	for _, e := range entries {
		name, raw, ok := parseCopy(e.Name())
		if k := (copied{name, raw}); ok && !seen[k] {
			seen[k] = true
			all = append(all, k)
		}
	}
	stored := make([]Stored, 0, len(all))
	for _, k := range all {
		base := filepath.Join(dir, k.name.String()+"."+k.raw)
		s := Stored{Segment: k.name, Path: base + suffix(segment.FormZstd)}
		s.Manifest, s.Err = ReadManifest(fsys, base+suffix(segment.FormManifest))
		if m := s.Manifest; m != nil {
			if filepath.Join(root, filepath.FromSlash(Key(log, k.name, m.SHA256, segment.FormZstd))) == s.Path && m.LogID == log && m.Segment == k.name {
				s.Err = sameFile(ctx, fsys, s.Path, m)
			} else {
				s.Manifest, s.Err = nil, fmt.Errorf("the manifest is of %v of log %s, with the SHA-256 %s", m.Segment, m.LogID.Short(), m.SHA256.Short())
			}
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		stored = append(stored, s)
	}
	slices.SortStableFunc(stored, func(a, b Stored) int { return a.Segment.Compare(b.Segment) })
	return stored, nil
}

// parseCopy reads the name that a file of a segment has in a store: audit-0007.1f2e3d4c5b6a7988.jsonl.zst.
func parseCopy(base string) (name segment.Name, raw string, ok bool) {
	stem, rest, _ := strings.Cut(base, ".")
	if len(rest) <= keyDigits || rest[keyDigits] != '.' || strings.Trim(rest[:keyDigits], "0123456789abcdef") != "" {
		return name, "", false
	}
	name, form, ok := segment.ParseName(stem + rest[keyDigits:])
	return name, rest[:keyDigits], ok && (form == segment.FormZstd || form == segment.FormManifest)
}

// suffix is the ending of a segment's files in the given form.
func suffix(f segment.Form) string {
	n := segment.Name{Number: 1}
	return strings.TrimPrefix(n.File(f), n.String())
}

// sameFile is an error if a file is not the compressed one that m is of.
func sameFile(ctx context.Context, fsys durable.FS, path string, m *Manifest) (err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the compressed file is gone: %s", path) // not fs.ErrNotExist: its manifest is there
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size != m.Archived.Bytes {
		return fmt.Errorf("%s has %d bytes, its manifest says %d", path, info.Size, m.Archived.Bytes)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, contextReader{ctx, f}); err != nil {
		return err
	}
	if got := chain.Hash(sum.Sum(nil)); got != m.Archived.SHA256 {
		return fmt.Errorf("%s has the SHA-256 %v, its manifest says %v", path, got, m.Archived.SHA256)
	}
	return nil
}

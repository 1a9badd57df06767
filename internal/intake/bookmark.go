package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// bookmarkFormat is the version of a bookmark.
const bookmarkFormat = 1

// Bookmark says how far the import of a file came, for the next process that is given the same file.
// It is a file of its own beside the archives, named by the SHA-256 of the imported file, and written
// durably before the records that it tells where to look for.
type Bookmark struct {
	Format    int        `json:"format"`
	Source    string     `json:"source"`
	SHA256    chain.Hash `json:"sha256"`
	Bytes     int64      `json:"bytes"`
	KeepTime  bool       `json:"keep_time"`
	BackDated bool       `json:"back_dated"`
	Events    int64      `json:"events"`     // in the source
	FirstHash chain.Hash `json:"first_hash"` // the first record of the import; Genesis if there is none yet
	Steps     []Step     `json:"steps"`      // in order; what is before the first is on the medium
	Closed    *Closed    `json:"closed,omitempty"`
}

// Step is one attempt to write records.
type Step struct {
	Records int64      `json:"records"` // events of the source before it, which are in the log
	Last    chain.Hash `json:"last"`    // the record of the last of those; Genesis if there is none
	Head    chain.Hash `json:"head"`    // the record that it was to follow
	Stamp   string     `json:"stamp"`   // on its records, unless they keep their times
}

// Closed says that an import is complete.
type Closed struct {
	Hash chain.Hash `json:"hash"` // of the audit.import
	TS   string     `json:"ts"`
}

// Unfinished says what is to be done about an import that is not complete, "" of one that is.
func (b *Bookmark) Unfinished() string {
	if b.Closed != nil {
		return ""
	}
	return fmt.Sprintf("the import of %q is not complete, %d of its %d events or more are there: import the same file again, which goes on where it stopped",
		b.Source, b.Steps[0].Records, b.Events)
}

// ReadBookmarks gives the bookmarks in a home, whose path is the real one, in the order of their
// names, up to the first that cannot be read, which is an error.
func ReadBookmarks(fsys durable.FS, home string) ([]Bookmark, error) {
	dir := filepath.Join(home, segment.ArchiveDir)
	entries, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Bookmark
	for _, e := range entries {
		source, ok := segment.ParseImportName(e.Name())
		if !ok {
			continue
		}
		b, _, err := readBookmark(fsys, filepath.Join(dir, e.Name()), source)
		if err != nil {
			return all, err
		}
		if b != nil {
			all = append(all, *b)
		}
	}
	return all, nil
}

// maxBookmark bounds what is read as a bookmark, in bytes.
const maxBookmark = 1 << 20

// readBookmark reads a bookmark and gives its text, too; nil if there is none.
func readBookmark(fsys durable.FS, path string, source chain.Hash) (_ *Bookmark, text []byte, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if text, err = io.ReadAll(io.LimitReader(f, maxBookmark)); err != nil {
		return nil, nil, err
	}
	b := &Bookmark{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, nil, unusable(path, err.Error())
	}
	switch {
	case b.Format != bookmarkFormat:
		return nil, nil, unusable(path, fmt.Sprintf("it has format %d, this version reads %d", b.Format, bookmarkFormat))
	case b.SHA256 != source:
		return nil, nil, unusable(path, "it is not about the source that its name says")
	case b.Closed == nil && len(b.Steps) == 0 || b.Events < 1 || b.Bytes < 1 || !ascending(b.Steps, b.Events):
		return nil, nil, unusable(path, "it contradicts itself")
	}
	return b, text, nil
}

func ascending(steps []Step, events int64) bool {
	return slices.IsSortedFunc(steps, func(a, b Step) int { return int(min(max(a.Records-b.Records, -1), 1)) }) &&
		(len(steps) == 0 || steps[0].Records >= 0 && steps[len(steps)-1].Records < events)
}

func unusable(path, why string) error {
	return &segment.Refusal{Path: path, Offset: -1, Why: "it should say how far an import came, and cannot be used: " + why,
		Next: "use the version that wrote it, or put it back from a backup; without it nothing says which records are there already"}
}

// encode gives the text of a bookmark.
func (b *Bookmark) encode() ([]byte, error) {
	text, err := json.MarshalIndent(b, "", "  ")
	return append(text, '\n'), err
}

// keeper keeps the bookmark of one import.
type keeper struct {
	fs   durable.FS
	home string
	path string
	text []byte // as it was last read or written here; nil: there was none
}

func newKeeper(fsys durable.FS, home string, source chain.Hash) *keeper {
	return &keeper{fs: fsys, home: home, path: filepath.Join(home, segment.ArchiveDir, segment.ImportName(source))}
}

// read reads the bookmark as it is.
func (k *keeper) read(source chain.Hash) (b *Bookmark, err error) {
	b, k.text, err = readBookmark(k.fs, k.path, source)
	return b, err
}

// unchanged makes sure that nobody else is at this import: the bookmark is as this process left it.
func (k *keeper) unchanged(source chain.Hash) error {
	_, text, err := readBookmark(k.fs, k.path, source)
	if err == nil && !bytes.Equal(text, k.text) {
		err = &segment.BusyError{Path: k.path, Holder: "another import of the same file"}
	}
	return err
}

// write puts the bookmark on the medium.
func (k *keeper) write(b *Bookmark) error {
	text, err := b.encode()
	if err != nil {
		return err
	}
	dir := filepath.Dir(k.path)
	err = k.fs.Mkdir(dir, 0o700)
	if err == nil {
		err = k.fs.SyncDir(k.home)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := k.clear(dir); err != nil {
		return err
	}
	if err := k.fs.Replace(k.path, text, 0o600); err != nil {
		return err
	}
	k.text = text
	return nil
}

// clear removes what killed processes left of a bookmark that they were writing.
func (k *keeper) clear(dir string) error {
	entries, err := k.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if durable.Leftover(e.Name(), filepath.Base(k.path)) {
			if err := k.fs.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

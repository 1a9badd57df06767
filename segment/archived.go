package segment

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/opscontext/opscontext/chain"
)

// archived is a file of a sealed segment, as the writer lists them.
type archived struct {
	base string
	name Name
	form Form
}

// listArchived lists the files of sealed segments in reading order, whatever their form.
func (w *writer) listArchived() ([]archived, error) {
	entries, err := w.fs.ReadDir(w.path(ArchiveDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, syscall.ENOTDIR) { // without what it holds nobody can tell which log this is
		return nil, &Refusal{Path: w.path(ArchiveDir), Offset: -1, Why: "not a directory",
			Next: "put the directory with the sealed segments there itself: a link to one elsewhere is not followed"}
	}
	if err != nil {
		return nil, err
	}
	var list []archived
	for _, e := range entries {
		if name, form, ok := ParseName(e.Name()); ok {
			list = append(list, archived{e.Name(), name, form})
		}
	}
	slices.SortStableFunc(list, func(a, b archived) int {
		return cmp.Or(a.name.Compare(b.name), cmp.Compare(a.form, b.form))
	})
	return list, nil
}

// hasRecords reports whether the file holds the segment itself.
func (a archived) hasRecords() bool { return a.form == FormPlain || a.form == FormZstd }

// sealedTail is the end of the last sealed segment that holds a record; a zero tail if there is none.
func (w *writer) sealedTail() (tail, error) {
	list, err := w.listArchived()
	if err != nil {
		return tail{}, err
	}
	for i, a := range slices.Backward(list) {
		if !a.hasRecords() || a.form == FormZstd && i > 0 && list[i-1].name == a.name {
			continue // no records, or the plain file comes next
		}
		path := w.archivePath(a.base)
		if a.form == FormZstd {
			return tail{}, &Refusal{Path: path, Offset: -1, Why: "the head of the log is in a compressed segment", Next: "decompress it with zstd -d beside the .zst file"}
		}
		t, err := w.tailOf(path)
		if err != nil || t.line != nil {
			return t, err
		}
	}
	return tail{}, nil
}

// tailOf is the end of a sealed segment.
func (w *writer) tailOf(path string) (t tail, err error) {
	f, err := w.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return tail{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return tail{}, err
	}
	t, err = readTail(f, info.Size)
	if noHead, ok := errors.AsType[*errNoHead](err); ok {
		return tail{}, &Refusal{Path: path, Offset: noHead.offset,
			Why:  fmt.Sprintf("there is no live log, and the last line of the last segment is no record to chain upon (%v)", noHead.err),
			Next: "put the segment back from a backup"}
	}
	if err == nil && t.after == wholeRecord {
		t.line, t.start, t.end, t.after = t.bare, t.end, info.Size, nothing
		t.head, err = chain.HeadOf(t.line)
	}
	return t, err
}

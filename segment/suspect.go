package segment

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opscontext/opscontext/internal/durable"
)

// suspectSize is the length of the suspect word, which is all that the lock file holds.
const suspectSize = 64

// suspicion is what the suspect word says: a sync of this file failed, so its bytes from offset on
// may be readable and yet not be on the medium. As long as it stands nobody acknowledges anything;
// whoever holds the lock next finds out and clears it.
//
// On disk it is one line of 64 bytes: "suspect", the inode number, the offset, the CRC-32C of what
// stands before it, spaces, LF. Blank means clear. The word is overwritten in place in a block the
// file has had from the start, so that a full disk cannot refuse it, and it is never synced: it is
// for processes that share this page cache with the ghost bytes. After a power cut there are none.
type suspicion struct {
	set    bool
	inode  uint64
	offset int64
	// broken: the word cannot be read. It counts as set for the live file from its start on: that
	// costs one comparison with the medium, and the other guess could cost a record.
	broken bool
}

// word is the 64 bytes of s, which must not be broken.
func (s suspicion) word() []byte {
	text := ""
	if s.set {
		text = fmt.Sprintf("suspect %d %d", s.inode, s.offset)
		// The table is made here: a process that never meets a suspicion need not pay for it.
		text = fmt.Sprintf("%s %08x", text, crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)))
	}
	return fmt.Appendf(nil, "%-*s\n", suspectSize-1, text)
}

// parseSuspicion reads what word wrote. An empty file is clear, too.
func parseSuspicion(word []byte) suspicion {
	text := string(bytes.TrimRight(word, " \n"))
	if text == "" {
		return suspicion{}
	}
	s := suspicion{set: true}
	var sum string
	if _, err := fmt.Sscanf(text, "suspect %d %d %s", &s.inode, &s.offset, &sum); err == nil && string(s.word()) == string(word) {
		return s
	}
	return suspicion{set: true, broken: true}
}

// flockFile is the lock file as a file: the home of the suspect word.
type flockFile struct {
	f  durable.File
	id durable.FileID
}

func openFlockFile(fsys durable.FS, path string) (*flockFile, error) {
	f, err := fsys.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	w := &flockFile{f: f, id: info.ID}
	if err := w.ours(fsys, path, info); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

// ours refuses a file of something else that got the name by a hard link: the word would be written
// into it. A lock file that is just being made may have two names, and is complete. One that was being
// made when the power went may have both still, and nothing of its content: then the other name is that
// of the temporary file.
func (w *flockFile) ours(fsys durable.FS, path string, info durable.Info) error {
	if info.Links < 2 {
		return nil
	}
	s, err := w.suspicion()
	if err != nil || !s.broken && info.Size == suspectSize {
		return err
	}
	names := uint64(1)
	dir := filepath.Dir(path)
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !durable.Leftover(e.Name(), FlockName) {
			continue
		}
		if other, err := fsys.Stat(filepath.Join(dir, e.Name())); err == nil && other.ID == info.ID {
			names++
		}
	}
	if info.Size > suspectSize || info.Links != names {
		return secondName(path, info.Links)
	}
	return nil
}

// createFlockFile makes it complete, or leaves alone what is there. Where Place goes by way of a
// temporary file, another process that was faster may have locked the file and taken ours for a
// leftover: then it is there, too.
func createFlockFile(fsys durable.FS, path string) error {
	err := fsys.Place(path, suspicion{}.word(), 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := fsys.Stat(path); statErr == nil {
			return nil
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (w *flockFile) suspicion() (suspicion, error) {
	var word [suspectSize]byte
	n, err := w.f.ReadAt(word[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return suspicion{}, err
	}
	return parseSuspicion(word[:n]), nil
}

// suspect sets the word. It takes no lock: it has to stand before any other process asks. Of two
// failing syncs of one file the lower offset should stay; where they race the higher may, which is
// why the comparison starts suspectMargin before it.
func (w *flockFile) suspect(inode uint64, offset int64) error {
	old, err := w.suspicion()
	if err != nil {
		return err
	}
	if old.broken || old.set && old.inode == inode && old.offset <= offset {
		return nil
	}
	_, err = w.f.WriteAt(suspicion{set: true, inode: inode, offset: offset}.word(), 0)
	return err
}

func (w *flockFile) clear() error {
	_, err := w.f.WriteAt(suspicion{}.word(), 0)
	return err
}

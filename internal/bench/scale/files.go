package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// treeSize is how many bytes the files below a directory have.
func treeSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

// segmentsIn counts the segments of a home, the live one among them.
func segmentsIn(home string) (n int, err error) {
	entries, err := os.ReadDir(filepath.Join(home, segment.ArchiveDir))
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if _, form, ok := segment.ParseName(e.Name()); ok && (form == segment.FormPlain || form == segment.FormZstd) {
			n++
		}
	}
	return n + 1, nil
}

// seek finds the record that is as far into the sealed segments as what else is looked for. No segment may
// be archived yet.
func (s *sized) seek(home string) error {
	at := s.Raw / 100 * 61
	for n := int64(1); ; n++ {
		s.File = segment.Name{Number: n}.File(segment.FormPlain)
		name := filepath.Join(home, segment.ArchiveDir, s.File)
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if at >= info.Size() {
			at -= info.Size()
			continue
		}
		line, offset, err := lineFrom(name, at)
		if err != nil {
			return err
		}
		s.Offset, s.Hash = offset, chain.ReadLine(line).Record.Hash.String()
		return nil
	}
}

// lineFrom gives the first line that begins behind offset at, and where that is.
func lineFrom(name string, at int64) (line []byte, offset int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	part := make([]byte, 1<<20)
	n, err := f.ReadAt(part, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	before, rest, begins := bytes.Cut(part[:n], []byte{'\n'})
	line, _, whole := bytes.Cut(rest, []byte{'\n'})
	if !begins || !whole {
		return nil, 0, fmt.Errorf("%s: no line begins and ends in the %d bytes from %d on", name, n, at)
	}
	return line, at + int64(len(before)) + 1, nil
}

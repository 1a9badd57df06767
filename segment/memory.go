package segment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// Memory is what this machine remembers of one home, kept outside it: the mark, the points and the
// last verdict. It is on the same disk and belongs to the same owner, so it tells of accidents and
// restored backups, not of somebody who changes both.
//
// It holds nothing open and is safe for concurrent use. A memory without a state directory
// remembers nothing.
type Memory struct {
	fs   durable.FS
	home string // real path
	dir  string // of the state; empty: nothing is remembered
	base string // name of the files without suffix

	openArchived func(path string, name Name) (Source, error) // as in SnapshotOptions
}

// The files of a memory: the SHA-256 of the home's real path, and a suffix.
const (
	markSuffix    = ".mark"
	pointsSuffix  = ".points"
	verdictSuffix = ".verdict"
)

// StateDir is the directory of memories unless another is chosen: opscontext in XDG_STATE_HOME or,
// where that is not an absolute path, in ~/.local/state. Root acting on somebody else's home uses
// the directory of the home's owner, so that both remember the same. env gives the environment.
func StateDir(home string, env func(string) string) (string, error) {
	home, err := realPath(home)
	if err != nil {
		return "", err
	}
	info, err := durable.OS().Stat(home)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if me := os.Geteuid(); err == nil && me == 0 && int(info.UID) != me {
		owner, err := user.LookupId(strconv.Itoa(int(info.UID)))
		if err != nil {
			return "", fmt.Errorf("%s belongs to somebody whose home directory is unknown (%w): give --state DIR", home, err)
		}
		if !filepath.IsAbs(owner.HomeDir) {
			return "", fmt.Errorf("%s belongs to %s, who has no home directory: give --state DIR", home, owner.Username)
		}
		return filepath.Join(owner.HomeDir, ".local", "state", "opscontext"), nil
	}
	if dir := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "opscontext"), nil
	}
	dir := env("HOME")
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("HOME is %q, want an absolute path: set it, or give --state DIR", dir)
	}
	return filepath.Join(dir, ".local", "state", "opscontext"), nil
}

// OpenMemory finds the memory of home in the directory dir; dir "" gives one that remembers
// nothing. Nothing is made before something is to be remembered.
func OpenMemory(fsys durable.FS, dir, home string) (*Memory, error) {
	home, err := realPath(home)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(home))
	return &Memory{fs: fsys, home: home, dir: dir, base: hex.EncodeToString(sum[:])}, nil
}

// Mark gives the mark. ok is false if there is none: it was never written, cannot be read (Check
// says why), or is broken, which a power cut may leave.
func (m *Memory) Mark() (mark Mark, ok bool) {
	mark, ok, err := m.readMark(m.path(markSuffix))
	return mark, ok && err == nil
}

func (m *Memory) readMark(path string) (mark Mark, ok bool, err error) {
	if m.dir == "" {
		return Mark{}, false, nil
	}
	// A mark that is just being written may be read as a mixture of two: that one is whole a
	// moment later, a broken one is not.
	for range 3 {
		file, err := m.read(path, markSize)
		if err != nil {
			return Mark{}, false, err
		}
		if mark, err = parseMark(file); err == nil {
			return mark, true, nil
		}
	}
	return Mark{}, false, nil
}

// SetMark remembers where the log ends. It is for the caller to see to it that the mark never
// leads: a sync that covers the head must have returned nil before. The mark itself is not synced:
// after a power cut it may lag, which costs nothing. It may also lag after two writers race here.
func (m *Memory) SetMark(mark Mark) error {
	if m.dir == "" {
		return nil
	}
	return m.write(markSuffix, os.O_RDWR|os.O_CREATE, func(f durable.File) error {
		_, err := f.WriteAt(mark.encode(), 0)
		return err
	})
}

// Points gives the points in force, in the order they were added.
func (m *Memory) Points() ([]Point, error) {
	if m.dir == "" {
		return nil, nil
	}
	const plenty = 64 << 20 // ten years are one MiB
	file, err := m.read(m.path(pointsSuffix), plenty)
	return parsePoints(file), err
}

// AddPoint remembers one more record. Like a mark it must not lead, and is not synced.
func (m *Memory) AddPoint(p Point) error { return m.addLine(p.encode()) }

// Supersede puts the points out of force that c found not to hold any more. A writer calls it once
// it has chained the audit.break that says so, and before it moves the mark.
func (m *Memory) Supersede(c Continuity) error { return m.addLine(encodeCut(c.agreeing)) }

func (m *Memory) addLine(line []byte) error {
	if m.dir == "" {
		return nil
	}
	return m.write(pointsSuffix, openPoints, func(f durable.File) error { return appendLine(f, line) })
}

// Verdict gives the last verdict as SetVerdict got it, nil if there is none.
func (m *Memory) Verdict() ([]byte, error) {
	if m.dir == "" {
		return nil, nil
	}
	const plenty = 64 << 20
	return m.read(m.path(verdictSuffix), plenty)
}

// SetVerdict keeps a verdict in the place of the last one.
func (m *Memory) SetVerdict(verdict []byte) error {
	if m.dir == "" {
		return nil
	}
	if err := makeHome(m.fs, m.dir); err != nil {
		return err
	}
	return m.fs.Replace(m.path(verdictSuffix), verdict, 0o600)
}

// OtherMarks gives the marks that this state directory holds of the same log at other paths. If
// one remembers a head that this home has not got, this home is the older copy.
func (m *Memory) OtherMarks(logID chain.Hash) ([]Mark, error) {
	if m.dir == "" {
		return nil, nil
	}
	entries, err := m.fs.ReadDir(m.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var marks []Mark
	for _, e := range entries {
		base, ok := strings.CutSuffix(e.Name(), markSuffix)
		if !ok || base == m.base || !e.Type().IsRegular() {
			continue
		}
		mark, ok, err := m.readMark(filepath.Join(m.dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if ok && mark.LogID == logID && !slices.Contains(marks, mark) {
			marks = append(marks, mark)
		}
	}
	return marks, nil
}

func (m *Memory) path(suffix string) string { return filepath.Join(m.dir, m.base+suffix) }

// read gives up to limit bytes of a file, none if it is not there.
func (m *Memory) read(path string, limit int64) (_ []byte, err error) {
	f, err := m.fs.OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b bytes.Buffer
	_, err = b.ReadFrom(io.LimitReader(f, limit))
	return b.Bytes(), err
}

// write opens a file, and makes it and the directory if need be.
func (m *Memory) write(suffix string, flag int, do func(durable.File) error) (err error) {
	f, err := m.fs.OpenFile(m.path(suffix), flag, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeHome(m.fs, m.dir); err == nil {
			f, err = m.fs.OpenFile(m.path(suffix), flag, 0o600)
		}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := unshared(f); err != nil {
		return err
	}
	return do(f)
}

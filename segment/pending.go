package segment

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/internal/durable"
)

// Unfinished is something that the next append settles: what a kill, a full disk or a failing medium
// left.
type Unfinished struct {
	Kind UnfinishedKind
	File string // relative to the home, with slashes
}

// UnfinishedKind says what an [Unfinished] is about.
type UnfinishedKind uint8

// The kinds of what is left to settle.
const (
	// UnfinishedSync: a sync failed, so what is readable may not be on the medium.
	UnfinishedSync UnfinishedKind = iota + 1
	// UnfinishedRotation: a segment was given its name in the archive, and not what comes after.
	UnfinishedRotation
	// UnfinishedRefusals: refused appends that are not on the chain yet.
	UnfinishedRefusals
	// UnfinishedAside: bytes were set aside, and no record says so yet.
	UnfinishedAside
	// UnfinishedNames: the live log has another name than a rotation gave it, so appends are refused.
	UnfinishedNames
)

// Pending lists what an append would settle before it writes, apart from the log's last line. It takes
// no lock and writes nothing: what a writer at work is just doing may be in the list.
func Pending(fsys durable.FS, home string) ([]Unfinished, error) {
	home, err := realPath(home)
	if err != nil {
		return nil, err
	}
	entries, err := fsys.ReadDir(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Unfinished
	for _, e := range entries {
		name := e.Name()
		_, taken := takenBy(name)
		switch {
		case name == FlockName:
			set, err := suspected(fsys, filepath.Join(home, name))
			if err != nil {
				return nil, err
			}
			if set {
				list = append(list, Unfinished{UnfinishedSync, name})
			}
		case name == RefusedName || taken:
			list = append(list, Unfinished{UnfinishedRefusals, name})
		case name == nextName:
			list = append(list, Unfinished{UnfinishedRotation, name})
		case notOnChain(name):
			list = append(list, Unfinished{UnfinishedAside, name})
		}
	}
	entries, err = fsys.ReadDir(filepath.Join(home, QuarantineDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if notOnChain(e.Name()) {
			list = append(list, Unfinished{UnfinishedAside, QuarantineDir + "/" + e.Name()})
		}
	}
	return pendingRotation(fsys, home, list)
}

// notOnChain reports whether a name is that of bytes set aside which no record names yet.
func notOnChain(name string) bool {
	return strings.HasSuffix(name, openSuffix) || strings.HasSuffix(name, copySuffix)
}

// suspected reports whether the suspect word is set.
func suspected(fsys durable.FS, path string) (set bool, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var word [suspectSize]byte
	n, err := f.ReadAt(word[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return parseSuspicion(word[:n]).set, nil
}

// pendingRotation adds a sealed segment that is still writable, or still the live log.
func pendingRotation(fsys durable.FS, home string, list []Unfinished) ([]Unfinished, error) {
	w := writer{fs: fsys, home: home}
	sealed, err := w.listArchived()
	if err != nil {
		return nil, err
	}
	live, err := fsys.Stat(filepath.Join(home, LiveName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	there := err == nil
	names := live.Links
	for _, a := range sealed {
		if a.form != FormPlain {
			continue
		}
		info, err := fsys.Stat(w.archivePath(a.base))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil && there && info.ID == live.ID {
			list = append(list, Unfinished{UnfinishedRotation, ArchiveDir + "/" + a.base})
			names--
		}
	}
	if there && live.Mode.IsRegular() && names > 1 {
		list = append(list, Unfinished{UnfinishedNames, LiveName})
	}
	return list, nil
}

package backup

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/opscontext/opscontext/internal/config"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// entry is a file of a home by its name relative to it, with slashes.
type entry struct {
	name string
	info durable.Info
}

// dirs are the directories of a home that have files of the log; none has further ones.
var dirs = []string{"", segment.ArchiveDir, segment.QuarantineDir}

// temporary begins the names of files in a backup that are being written.
const temporary = ".backup-"

// unfinished ends the names of bytes that are being set aside: until it is gone the log has them.
const unfinished = ".copying"

// unrecorded ends the name of kept bytes until a record on the chain names them.
const unrecorded = ".unrecorded"

// listing is what lies in a home or a backup.
type listing struct {
	entries   []entry   // what a backup holds, by name
	leftOut   []LeftOut // what has such a name and cannot be in a backup
	leavings, // temporary files of a backup that was cut short, by name
	locks, strange []string // names of locks; names that no home and no backup has, of the top directory
}

// list looks at what belongs to the log in the directory root, by names and sizes.
func list(fsys durable.FS, root string) (*listing, error) {
	l := &listing{}
	for _, dir := range dirs {
		if err := l.add(fsys, root, dir); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(l.entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return l, nil
}

func (l *listing) add(fsys durable.FS, root, dir string) error {
	full := filepath.Join(root, dir)
	switch info, err := fsys.Stat(full); {
	case dir != "" && errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case dir != "" && !info.Mode.IsDir():
		l.leftOut = append(l.leftOut, LeftOut{dir, "not a directory"})
		return nil
	}
	names, err := fsys.ReadDir(full)
	if err != nil {
		return err
	}
	for _, e := range names {
		base := e.Name()
		name := path.Join(dir, base)
		switch kind := kindOf(dir, base); {
		case strings.HasPrefix(base, temporary), durable.Leftover(base, ManifestName):
			l.leavings = append(l.leavings, name)
			continue
		case kind == lock:
			l.locks = append(l.locks, name)
			continue
		case kind == strange:
			l.strange = append(l.strange, name)
			continue
		case kind == derived:
			continue
		}
		info, err := fsys.Stat(filepath.Join(full, base))
		switch {
		case errors.Is(err, fs.ErrNotExist): // without the locks: it was just taken up by somebody
		case err != nil:
			return err
		case !info.Mode.IsRegular():
			l.leftOut = append(l.leftOut, LeftOut{name, "not a regular file"})
		case !utf8.ValidString(name):
			l.leftOut = append(l.leftOut, LeftOut{name, "its name is not UTF-8"})
		default:
			l.entries = append(l.entries, entry{name, info})
		}
	}
	return nil
}

// kind is what a file's name says about how it changes.
type kind int

const (
	strange kind = iota // no name of the log
	lock                // belongs to running processes
	derived             // made again when it is needed, or nobody's
	live                // grows; a rotation begins it anew
	lasting             // never changes: a sealed segment, a manifest, bytes set aside
	passing             // tells of something under way, and goes with it
	loose               // may be anything: settings, files that do not belong to the log
)

// kindOf sorts a name in one of dirs.
func kindOf(dir, base string) kind {
	lower := strings.ToLower(base)
	switch dir {
	case segment.ArchiveDir:
		_, form, ok := segment.ParseName(base)
		_, imported := segment.ParseImportName(base)
		_, branch := segment.ParseBranchName(base)
		switch {
		case ok && form == segment.FormIndex:
			return derived
		case ok, branch:
			return lasting
		case imported, base == ".rotate-intent.json", base == ".restore-intent.json":
			return passing
		case strings.HasPrefix(base, "."):
			return derived
		}
		return loose
	case segment.QuarantineDir:
		if strings.HasPrefix(base, ".") || strings.HasSuffix(base, unfinished) {
			return derived
		}
		return lasting
	}
	switch base {
	case segment.LiveName:
		return live
	case config.FileName:
		return loose
	case segment.ArchiveDir, segment.QuarantineDir, ManifestName:
		return derived
	case segment.FlockName, segment.LockName, segment.RotateLockName, "audit-verify.lock":
		return lock
	}
	switch {
	case strings.HasSuffix(base, unfinished), strings.HasPrefix(base, "."):
		return derived
	case isKept(base):
		return lasting
	case strings.HasPrefix(base, segment.RefusedName):
		return passing
	case strings.HasPrefix(lower, "audit"):
		return loose
	}
	return strange
}

// isKept reports whether a name in a home is one of bytes set aside.
func isKept(base string) bool {
	return strings.HasSuffix(strings.TrimSuffix(base, unrecorded), ".partial")
}

// isAside reports whether a name relative to the home is that of bytes set aside.
func isAside(name string) bool {
	return strings.HasPrefix(name, segment.QuarantineDir+"/") || !strings.Contains(name, "/") && isKept(name)
}

// kindOfName is kindOf for a name relative to the home.
func kindOfName(name string) kind {
	dir, base := path.Split(name)
	return kindOf(strings.TrimSuffix(dir, "/"), base)
}

// segmentOf reads the name of a segment's file.
func segmentOf(name string) (segment.Name, segment.Form, bool) {
	base, ok := strings.CutPrefix(name, segment.ArchiveDir+"/")
	if !ok {
		return segment.Name{}, 0, false
	}
	return segment.ParseName(base)
}

// inForm is the name of a segment's file in a form.
func inForm(n segment.Name, f segment.Form) string { return segment.ArchiveDir + "/" + n.File(f) }

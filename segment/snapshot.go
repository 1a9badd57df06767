package segment

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/internal/durable"
)

// SnapshotOptions says how to look at a home. The zero value is ready to use.
type SnapshotOptions struct {
	FS durable.FS // nil: durable.OS()
	// OpenArchived gives the source of a compressed segment, by the path of the file and the
	// segment's name. nil: such a segment is in the snapshot, and reading it fails with
	// ErrNoArchiveReader.
	OpenArchived func(path string, name Name) (Source, error)
}

// ErrNoArchiveReader says that a segment is there in compressed form alone.
var ErrNoArchiveReader = errors.New("the segment is compressed and nothing here reads compressed segments: decompress it with zstd -d beside the .zst file")

// listings is how often OpenSnapshot looks again when the log is rotated under it.
const listings = 16

// Snapshot is what a home holds at one moment, without a lock: each segment once, in reading
// order, whatever a writer does meanwhile. It writes nothing.
type Snapshot struct {
	Home    string   // the real path
	Exists  bool     // whether the home is there at all
	Sources []Source // reading order: by number, then restore index; the live segment last
	Live    Source   // audit.log, the last of Sources; nil if there is none
	// Branches are records that were found after their loss had been documented. They are kept
	// beside the log and are no part of the reading order. By number, then index.
	Branches []Source
	// Next is the number of the segment that is live, whether or not there is a live log: one more
	// than the highest that any file of a sealed segment carries.
	Next int64
	// Others are files that do not belong to a log, as paths relative to the home, sorted: all
	// of those in audit-archive/, and in the home, which holds other things too, those whose
	// name starts like one of ours.
	Others []string
	Facts  []Fact // what is odd about the files, in the order of their names

	fs   durable.FS
	live durable.File
}

// Fact is something odd about a file of the log that its content does not show.
type Fact struct {
	Kind   FactKind
	File   string // relative to the home, with slashes; "." is the home
	Detail string
}

// FactKind says what a [Fact] is about.
type FactKind uint8

// The kinds of facts.
const (
	// FactNotRegular: something else than a regular file, or than a directory, has the name of
	// one of ours. It was not opened.
	FactNotRegular FactKind = iota + 1
	// FactWideMode: others than the owner may read or write it.
	FactWideMode
	// FactForeignOwner: it belongs to another user than the home.
	FactForeignOwner
	// FactSameFile: two segment names are one file; it is read once, under the name not in File.
	FactSameFile
	// FactBothForms: a segment is there both plain and compressed; the plain file is read.
	FactBothForms
)

// OpenSnapshot lists the log in home and opens its live segment. A home that is not there gives a
// snapshot without sources. Whoever gets a snapshot closes it.
func OpenSnapshot(home string, o SnapshotOptions) (*Snapshot, error) {
	if o.FS == nil {
		o.FS = durable.OS()
	}
	home, err := realPath(home)
	if err != nil {
		return nil, err
	}
	for range listings {
		l := listing{o: o, home: home}
		settled, err := l.look()
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		if settled {
			return l.snapshot(), nil
		}
		if err := l.close(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: the log was rotated each of the %d times it was listed: try again", home, listings)
}

// Close closes the live log and every source.
func (s *Snapshot) Close() error {
	err := errors.Join(closeAll(s.Sources, nil), closeAll(s.Branches, nil))
	if s.live != nil {
		err = errors.Join(err, s.live.Close())
		s.live = nil
	}
	return err
}

// listing is one look at a home.
type listing struct {
	o     SnapshotOptions
	home  string
	root  durable.Info
	there bool

	live     durable.File
	liveInfo durable.Info
	files    []file
	branches []file
	highest  int64
	others   []string
	facts    []Fact
}

// file is a segment's file in the archive directory.
type file struct {
	base string
	name Name
	form Form
	info durable.Info
}

// look opens the live log, lists, and looks whether the live log is still the one it opened. If
// not, a rotation may have moved records between the two: settled is false. While the open file
// is held its inode cannot be given to another.
func (l *listing) look() (settled bool, err error) {
	l.root, err = l.o.FS.Stat(l.home)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if !l.root.Mode.IsDir() {
		return false, &fs.PathError{Op: "open", Path: l.home, Err: errors.New("not a directory")}
	}
	l.there = true
	l.judge(".", l.root)
	if err := l.openLive(); err != nil {
		return false, err
	}
	if err := l.listHome(); err != nil {
		return false, err
	}
	if settled, err = l.listArchive(); err != nil || !settled {
		return false, err
	}
	now, err := l.o.FS.Stat(filepath.Join(l.home, LiveName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.live == nil, nil
	case err != nil:
		return false, err
	case l.live == nil:
		return !now.Mode.IsRegular(), nil
	case now.ID != l.liveInfo.ID:
		return false, nil
	}
	// The length last: what the segments of this list leave out is in the live log by now.
	l.liveInfo, err = l.live.Stat()
	return true, err
}

func (l *listing) openLive() error {
	f, err := l.o.FS.OpenFile(filepath.Join(l.home, LiveName), os.O_RDONLY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, durable.ErrNotRegular):
		l.fact(FactNotRegular, LiveName, "not a regular file")
		return nil
	case err != nil:
		return err
	}
	l.live = f
	if l.liveInfo, err = f.Stat(); err == nil {
		l.judge(LiveName, l.liveInfo)
	}
	return err
}

func (l *listing) listHome() error {
	entries, err := l.o.FS.ReadDir(l.home)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(strings.ToLower(name), "audit") && !ownHomeName(name) {
			l.others = append(l.others, name)
		}
	}
	return nil
}

// listArchive lists the sealed segments. One that is gone between the listing and the look at it
// has just been archived: settled is false. So it is if the directory changed while it was listed: a
// long listing may miss both forms of a segment, the compressed one because it came after its place
// in the list had been read, the plain one because it went before.
func (l *listing) listArchive() (settled bool, err error) {
	dir := filepath.Join(l.home, ArchiveDir)
	info, err := l.o.FS.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode.IsDir() {
		l.fact(FactNotRegular, ArchiveDir, "not a directory")
		return true, nil
	}
	l.judge(ArchiveDir, info)
	entries, err := l.o.FS.ReadDir(dir)
	if err != nil {
		return false, err
	}
	if after, err := l.o.FS.Stat(dir); err != nil || after.MTime != info.MTime {
		return false, err
	}
	for _, e := range entries {
		base := e.Name()
		name, form, ok := ParseName(base)
		branch, abandoned := ParseBranchName(base)
		if !ok && !abandoned {
			if !ownArchiveName(base) {
				l.others = append(l.others, ArchiveDir+"/"+base)
			}
			continue
		}
		l.highest = max(l.highest, name.Number)
		if !abandoned && form != FormPlain && form != FormZstd {
			continue
		}
		info, err := l.o.FS.Stat(filepath.Join(dir, base))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if !info.Mode.IsRegular() {
			l.fact(FactNotRegular, ArchiveDir+"/"+base, "not a regular file")
			continue
		}
		l.judge(ArchiveDir+"/"+base, info)
		if abandoned {
			l.branches = append(l.branches, file{base: base, name: Name{Number: branch.Number}, info: info})
			continue
		}
		l.files = append(l.files, file{base, name, form, info})
	}
	return true, nil
}

// judge notes permissions that let others in.
func (l *listing) judge(name string, info durable.Info) {
	if p := info.Mode.Perm(); p&0o077 != 0 {
		l.fact(FactWideMode, name, fmt.Sprintf("mode %04o", p))
	}
	if info.UID != l.root.UID {
		l.fact(FactForeignOwner, name, fmt.Sprintf("uid %d, the home is of uid %d", info.UID, l.root.UID))
	}
}

func (l *listing) fact(k FactKind, name, detail string) {
	l.facts = append(l.facts, Fact{Kind: k, File: name, Detail: detail})
}

func (l *listing) close() error {
	if l.live == nil {
		return nil
	}
	return l.live.Close()
}

// snapshot orders what was found. A file that has two names is read once: while a rotation is
// under way the live log is the highest segment, too.
func (l *listing) snapshot() *Snapshot {
	slices.SortStableFunc(l.files, func(a, b file) int {
		return cmp.Or(a.name.Compare(b.name), cmp.Compare(a.form, b.form))
	})
	seen := map[durable.FileID]string{}
	if l.live != nil {
		seen[l.liveInfo.ID] = LiveName
	}
	s := &Snapshot{Home: l.home, Exists: l.there, fs: l.o.FS, live: l.live}
	for i, f := range l.files {
		path := ArchiveDir + "/" + f.base
		if first, twice := seen[f.info.ID]; twice {
			if first == LiveName && f.name.Number == l.highest {
				l.highest--
			} else {
				l.fact(FactSameFile, path, "the same file as "+first)
			}
			continue
		}
		seen[f.info.ID] = path
		if f.form == FormZstd && i > 0 && l.files[i-1].name == f.name {
			l.fact(FactBothForms, path, "the plain file is there, too")
			continue
		}
		s.Sources = append(s.Sources, l.source(f))
	}
	slices.SortFunc(l.branches, func(a, b file) int { return compareBranches(a.base, b.base) })
	for _, f := range l.branches {
		s.Branches = append(s.Branches, &plain{fs: l.o.FS, path: filepath.Join(l.home, ArchiveDir, f.base), label: f.base, name: f.name,
			state: StateAbandoned, info: f.info, reach: fullReach, archived: func() (Source, error) { return nil, gone(f.base) }})
	}
	s.Next = l.highest + 1
	if l.live != nil {
		s.Live = liveSource(l.live, l.liveInfo, s.Next)
		s.Sources = append(s.Sources, s.Live)
	}
	slices.Sort(l.others)
	slices.SortStableFunc(l.facts, func(a, b Fact) int { return strings.Compare(a.File, b.File) })
	s.Others, s.Facts = l.others, l.facts
	return s
}

// liveSource is the source of an open live log, as long as info says, whose number will be number.
// Closing it leaves f open.
func liveSource(f durable.File, info durable.Info, number int64) Source {
	return &plain{path: f.Name(), label: LiveName, name: Name{Number: number}, state: StateLive, info: info, held: f, reach: fullReach}
}

// source is the source of a sealed or archived segment.
func (l *listing) source(f file) Source {
	dir := filepath.Join(l.home, ArchiveDir)
	label := f.name.File(FormPlain)
	archived := func() (Source, error) {
		path := filepath.Join(dir, f.name.File(FormZstd))
		if l.o.OpenArchived == nil {
			if _, err := l.o.FS.Stat(path); err != nil {
				return nil, err
			}
			return nil, &fs.PathError{Op: "read", Path: path, Err: ErrNoArchiveReader}
		}
		return l.o.OpenArchived(path, f.name)
	}
	if f.form == FormPlain {
		return &plain{fs: l.o.FS, path: filepath.Join(dir, f.base), label: label, name: f.name, state: StateSealed,
			info: f.info, reach: fullReach, archived: archived}
	}
	s, err := archived()
	if err != nil {
		return &unreadable{label: label, name: f.name, info: f.info, err: err}
	}
	return s
}

// unreadable stands for an archived segment that nothing here can read: one extent, whose reading
// says why.
type unreadable struct {
	label string
	name  Name
	info  durable.Info
	err   error
}

func (u *unreadable) Name() string                       { return u.label }
func (u *unreadable) Segment() Name                      { return u.name }
func (u *unreadable) State() State                       { return StateArchived }
func (u *unreadable) Size() int64                        { return 0 }
func (u *unreadable) Info() durable.Info                 { return u.info }
func (u *unreadable) Extents(int) []Extent               { return []Extent{{0, 1}} }
func (u *unreadable) Read(Extent, []byte) (Chunk, error) { return Chunk{}, u.err }
func (u *unreadable) Close() error                       { return nil }

var _ Source = (*unreadable)(nil)

package adopt

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// oldHome is the home that is adopted, at one moment. Nothing is ever written there, and no lock
// taken: its writers may go on.
type oldHome struct {
	fs   durable.FS
	snap *segment.Snapshot
}

func openOld(o Options) (*oldHome, error) {
	snap, err := segment.OpenSnapshot(o.From, segment.SnapshotOptions{FS: o.Log.FS, OpenArchived: archive.Opener(o.Log.FS)})
	if err != nil {
		return nil, err
	}
	return &oldHome{fs: o.Log.FS, snap: snap}, nil
}

func (o *oldHome) path(file string) string {
	return filepath.Join(o.snap.Home, filepath.FromSlash(file))
}

func (o *oldHome) empty() bool {
	for _, s := range o.snap.Sources {
		if s.Size() > 0 || s.State() == segment.StateArchived {
			return false
		}
	}
	return true
}

// refused says why this home cannot be adopted: what would be left behind without anybody noticing.
func (o *oldHome) refused() error {
	for _, f := range o.snap.Facts {
		if f.Kind == segment.FactNotRegular {
			return refusalf(o.path(f.File), "put the file itself in its place", "there is something else in the place of a file of the log (%s), and records may be behind it", f.Detail)
		}
	}
	for _, b := range o.snap.Branches {
		// Only this program keeps branches, so the home needs no adoption; and what its records say of a
		// branch is no longer true of a log that left it behind.
		return refusal(o.path(filepath.Join(segment.ArchiveDir, b.Name())), "records that came back are kept there beside the log, and an adoption leaves them behind",
			"use the home as it is, or copy the whole of it")
	}
	if o.empty() {
		return refusal(o.snap.Home, "there is no log to adopt", "name the directory that holds audit.log with --from")
	}
	return nil
}

// others lists the files of the home that are not brought over.
func (o *oldHome) others() ([]NotBrought, error) {
	read := map[string]bool{segment.ArchiveDir: true}
	for _, s := range o.snap.Sources {
		read[segment.FileOf(s)] = true
	}
	var all []NotBrought
	for _, dir := range []string{"", segment.ArchiveDir} {
		entries, err := o.fs.ReadDir(o.path(dir))
		if dir != "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			name := e.Name()
			if dir != "" {
				name = dir + "/" + name
			}
			if read[name] {
				continue
			}
			info, err := o.fs.Stat(o.path(name))
			if errors.Is(err, fs.ErrNotExist) {
				continue // a lock that was given back meanwhile
			}
			if err != nil {
				return nil, err
			}
			n := NotBrought{File: name, Why: whyNot(name)}
			if info.Mode.IsRegular() {
				n.Bytes = info.Size
			}
			if info.Mode.IsDir() {
				n.File += "/"
			}
			all = append(all, n)
		}
	}
	return all, nil
}

// whyNot says what a file is that is not brought over.
func whyNot(file string) string {
	base := strings.TrimPrefix(file, segment.ArchiveDir+"/")
	_, form, ofSegment := segment.ParseName(base)
	switch {
	case file == segment.FlockName, file == segment.LockName, file == segment.RotateLockName, file == "audit-verify.lock":
		return "a lock"
	case file == segment.QuarantineDir, strings.HasSuffix(file, ".partial"):
		return "bytes that were set aside: keep them"
	case strings.HasPrefix(file, segment.RefusedName):
		return "appends that failed and are not on the chain: an append in the old home chains them"
	case file == "opscontext.toml":
		return "settings: the new home has its own"
	case file == "audit-verify.json":
		return "the outcome of an earlier check"
	case ofSegment && form == segment.FormManifest, ofSegment && form == segment.FormIndex:
		return "made anew for the segments of the new home"
	case ofSegment:
		return "another copy of a segment that is brought over"
	case base != file && strings.HasPrefix(base, "import-"):
		return "how far an import came: one that is not complete is to be completed in the old home"
	case base != file && strings.HasPrefix(base, "."):
		return "left by something unfinished"
	}
	return "not part of the log"
}

package segment

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// setAside is bytes that are to be kept apart: those of a file between two offsets, in a kept file in
// dir (relative to the home, "" for itself) whose name starts with prefix.
type setAside struct {
	dir, prefix string
	of          durable.File
	from, to    int64
}

// cutOff moves the live log's bytes from the offset on out and chains an audit.torn_tail that names,
// counts and hashes them. No byte is ever without a place: the kept file is durable, name and all, before the log is
// cut, and until the record is on the chain its name ends in openSuffix, so that whoever comes after
// a kill knows that there is still a record to write.
func (w *writer) cutOff(from int64, dir, prefix string) error {
	k, err := w.keep(setAside{dir: dir, prefix: prefix, of: w.live.f, from: from, to: w.live.info.Size})
	if err != nil {
		return fmt.Errorf("set aside the end of %s: %w", w.path(LiveName), err)
	}
	if err := w.cut(from); err != nil {
		return err
	}
	w.live.settled = false // what was counted may be gone
	if err := w.readHead(); err != nil {
		return err
	}
	return w.record(k)
}

// kept is a file of bytes set aside that no record names yet.
type kept struct {
	name   string // relative to the home, without openSuffix
	bytes  int64
	sha256 chain.Hash
}

// cut ends the live log at size, durably. The cut is synced before anything is written after it:
// were both under way when the power goes, the new record could land on top of the old bytes.
func (w *writer) cut(size int64) error {
	// Bytes are cut that were read before a sync: whoever took the lock over meanwhile may have put
	// records there.
	if err := w.held.sure(); err != nil {
		return err
	}
	if err := w.live.f.Truncate(size); err != nil {
		if errors.Is(err, syscall.EPERM) {
			return &Refusal{Path: w.path(LiveName), Offset: size, Why: "a torn tail cannot be cut off: the file may only be appended to",
				Next: "chattr -a the file, append once, and set it again"}
		}
		return err
	}
	w.live.info.Size = size
	return w.syncLive(size)
}

// record chains the audit.torn_tail of a kept file and gives the file its final name.
func (w *writer) record(k kept) error {
	p := chain.TornTail{Kept: k.name, Bytes: k.bytes, SHA256: k.sha256, Note: chain.NoteTorn}
	switch {
	case strings.HasPrefix(k.name, QuarantineDir+"/"+oddPrefix):
		p.Note = chain.NoteOdd
	case k.dir() == QuarantineDir:
		p.Note = chain.NoteGhost
	}
	if err := w.chain(chain.KindTornTail, p.Payload()); err != nil {
		return err
	}
	w.warn(WarnSetAside, w.path(k.name), "%d bytes at the end of the log were no record and were moved to %s", k.bytes, k.name)
	return w.finishKept(k)
}

func (w *writer) finishKept(k kept) error {
	path := w.path(k.name)
	if err := w.fs.Rename(path+openSuffix, path); err != nil {
		return err
	}
	return w.fs.SyncDir(w.path(k.dir()))
}

func (k kept) dir() string {
	dir, _, found := strings.Cut(k.name, "/")
	if !found {
		return ""
	}
	return dir
}

// keep copies the bytes to a new file and makes it durable. While it is being copied its name ends in
// copySuffix: such a leftover is incomplete, and the log has not been cut. Of a leftover that is
// complete and holds just these bytes no second copy is made.
func (w *writer) keep(s setAside) (kept, error) {
	if s.dir != "" {
		err := w.fs.Mkdir(w.path(s.dir), 0o700)
		if err == nil {
			err = w.fs.SyncDir(w.home)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return kept{}, err
		}
	}
	data := func() io.Reader { return io.NewSectionReader(s.of, s.from, s.to-s.from) }
	left, err := w.unrecorded(s.dir)
	if err != nil {
		return kept{}, err
	}
	if len(left) > 0 {
		var now kept
		if err := now.measure(io.Discard, data()); err != nil {
			return kept{}, err
		}
		for _, k := range left {
			if k.bytes == now.bytes && k.sha256 == now.sha256 {
				return k, nil
			}
		}
	}
	k, f, err := w.newKept(s)
	if err != nil {
		return kept{}, err
	}
	copying, path := w.path(k.name)+copySuffix, w.path(k.name)+openSuffix
	if err = k.measure(f, data()); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = w.fs.Rename(copying, path)
	}
	if err == nil {
		err = w.fs.SyncDir(w.path(s.dir))
	}
	if err != nil { // the log is untouched: it still has the bytes
		return kept{}, errors.Join(err, removeIfThere(w.fs, copying), removeIfThere(w.fs, path))
	}
	return k, nil
}

// measure counts and hashes what it copies.
func (k *kept) measure(to io.Writer, from io.Reader) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), from)
	k.bytes = n
	sum.Sum(k.sha256[:0])
	return err
}

// newKept makes the file, under a name that nothing has: audit.torn-<time>.partial, and where two
// tears share a millisecond or the clock went back, audit.torn-<time>-2.partial and so on.
func (w *writer) newKept(s setAside) (kept, durable.File, error) {
	ts, err := w.stamp()
	if err != nil {
		return kept{}, nil, err
	}
	stem := s.prefix + strings.NewReplacer(":", "-", ".", "-").Replace(ts)
	if s.dir != "" {
		stem = s.dir + "/" + stem
	}
	for n := 1; ; n++ {
		k := kept{name: stem + keptSuffix}
		if n > 1 {
			k.name = stem + "-" + strconv.Itoa(n) + keptSuffix
		}
		free, err := w.free(w.path(k.name), w.path(k.name)+openSuffix)
		if err != nil {
			return kept{}, nil, err
		}
		if !free {
			continue
		}
		f, err := w.fs.OpenFile(w.path(k.name)+copySuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		return k, f, err
	}
}

// free reports whether nothing has any of the names.
func (w *writer) free(paths ...string) (bool, error) {
	for _, path := range paths {
		if _, err := w.fs.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return true, nil
}

// unrecorded lists the complete kept files in dir that a kill left without their final name, and
// removes incomplete ones, whose bytes are all still in the log.
func (w *writer) unrecorded(dir string) ([]kept, error) {
	entries, err := w.fs.ReadDir(w.path(dir))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // something else has its name: keep finds out
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []kept
	for _, e := range entries {
		if !e.Type().IsRegular() { // not ours, whatever its name
			continue
		}
		if strings.HasSuffix(e.Name(), keptSuffix+copySuffix) {
			if err := removeIfThere(w.fs, filepath.Join(w.path(dir), e.Name())); err != nil {
				return nil, err
			}
			continue
		}
		name, found := strings.CutSuffix(e.Name(), openSuffix)
		if !found || !strings.HasSuffix(name, keptSuffix) {
			continue
		}
		k := kept{name: name}
		if dir != "" {
			k.name = dir + "/" + name
		}
		if err := w.measureFile(&k); err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

func (w *writer) measureFile(k *kept) (err error) {
	f, err := w.fs.OpenFile(w.path(k.name)+openSuffix, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return k.measure(io.Discard, f)
}

// settleKept writes the record of bytes that were set aside and cut off before a kill. It runs when
// the live log ends well: what still had the bytes at its end has been cut by then.
func (w *writer) settleKept() error {
	for _, dir := range []string{"", QuarantineDir} {
		left, err := w.unrecorded(dir)
		if err != nil {
			return err
		}
		for _, k := range left {
			done, err := w.onChain(chain.KindTornTail, fmt.Appendf(nil, `"kept":"%s"`, k.name))
			if err != nil {
				return err
			}
			if done {
				err = w.finishKept(k)
			} else {
				err = w.record(k)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// onChain reports whether a record of the kind that holds the text is near the end of the live log:
// what a killed process wrote last.
func (w *writer) onChain(kind string, text []byte) (bool, error) {
	if w.live.empty() {
		return false, nil
	}
	from := max(0, w.live.info.Size-holeWindow)
	end := make([]byte, w.live.info.Size-from)
	if _, err := w.live.f.ReadAt(end, from); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	for line := range bytes.Lines(end) {
		if bytes.Contains(line, text) && chain.ReadLine(bytes.TrimSuffix(line, []byte{'\n'})).Record.Event == kind {
			return true, nil
		}
	}
	return false, nil
}

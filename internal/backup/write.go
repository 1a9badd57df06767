package backup

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// write brings the backup to the state of the moment:
//
//  1. everything but the live log. *Cut here:* the backup is as it was before, and more is in it
//  2. the live log, over the one that was there. *Cut here:* all of the log is there, backup.json is
//     that of before, or none
//  3. what the backup has in another form now is removed
//
// Every file is written under a temporary name, synced, read back and compared before it gets its
// name. In step 2 everything that the old live log held is there already, sealed, under durable names.
func (r *run) write() error {
	if err := r.directories(); err != nil {
		return err
	}
	for _, name := range r.leavings { // nobody's: no other backup of this home runs
		if err := r.remove(name); err != nil {
			return err
		}
	}
	isLive := func(e entry) bool { return e.name == segment.LiveName }
	first, last := r.copies, []entry{}
	if i := slices.IndexFunc(r.copies, isLive); i >= 0 {
		first, last = slices.Delete(slices.Clone(r.copies), i, i+1), r.copies[i:i+1]
	}
	var total int64
	for _, e := range r.copies {
		total += 2 * e.info.Size
	}
	r.done = 0
	if err := r.putAll(first, total); err != nil {
		return err
	}
	if err := r.putAll(last, total); err != nil {
		return err
	}
	touched := map[string]bool{}
	for _, name := range r.superseded {
		if err := r.remove(name); err != nil {
			return err
		}
		r.res.Removed = append(r.res.Removed, name)
		touched[filepath.Dir(r.path(name))] = true
	}
	return r.sync(touched)
}

// putAll copies files, each durable under its name when it returns.
func (r *run) putAll(entries []entry, total int64) error {
	touched := map[string]bool{}
	for _, e := range entries {
		if err := r.put(e, total); err != nil {
			return err
		}
		touched[filepath.Dir(r.path(e.name))] = true
	}
	return r.sync(touched)
}

// directories makes those that are not there, each durable under its name. A backup has the name of one
// that an earlier run made before it could sync it.
func (r *run) directories() error {
	want := []string{r.dir}
	for _, dir := range dirs[1:] {
		if slices.ContainsFunc(r.now.entries, func(e entry) bool { return strings.HasPrefix(e.name, dir+"/") }) {
			want = append(want, r.path(dir))
		}
	}
	for _, dir := range want {
		if err := r.fs.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := r.fs.SyncDir(filepath.Dir(dir)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err // whose mount point it is may be another's
		}
	}
	return nil
}

// sync makes the names in those directories durable that were touched.
func (r *run) sync(touched map[string]bool) error {
	for _, dir := range []string{segment.ArchiveDir, segment.QuarantineDir, ""} {
		if path := filepath.Join(r.dir, dir); touched[path] {
			if err := r.fs.SyncDir(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) remove(name string) error {
	err := r.fs.Remove(r.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// put copies one file. It has its name once its bytes were read back as they were read from the home.
func (r *run) put(e entry, total int64) (err error) {
	count := func(n int64) { r.through(Copying, n, total) }
	path := r.path(e.name)
	tmp := filepath.Join(filepath.Dir(path), temporary+rand.Text())
	want, err := r.copyTo(tmp, e, count)
	if err == nil {
		var got chain.Hash
		if got, err = sumOnMedium(r, tmp, e.info.Size, count); err == nil && got != want {
			err = fmt.Errorf("%s does not read back as it was written", path)
		}
	}
	if err == nil {
		err = r.fs.Rename(tmp, path)
	}
	if err != nil {
		if gone := r.fs.Remove(tmp); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return err
	}
	r.sums[e.name] = want
	r.res.Copied.add(e.info.Size)
	return nil
}

// copyTo writes a file of the home to tmp, durably, and gives the digest of what was read. Whatever the
// mode is in the home, others than the owner get no access; what is sealed there is sealed here.
func (r *run) copyTo(tmp string, e entry, count func(int64)) (sum chain.Hash, err error) {
	from, done, err := r.read(e)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, done()) }()
	f, err := r.fs.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, e.info.Mode.Perm()&0o200|0o400)
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), r.counted(from, e.info.Size, count))
	if err == nil && n != e.info.Size {
		err = &fs.PathError{Op: "read", Path: r.homePath(e.name), Err: errChanged}
	}
	if err == nil {
		err = f.Sync()
	}
	return chain.Hash(h.Sum(nil)), errors.Join(err, f.Close())
}

// homeSum is the digest of a file of the home.
func (r *run) homeSum(e entry, count func(int64)) (sum chain.Hash, err error) {
	from, done, err := r.read(e)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, done()) }()
	return sumOf(r.counted(from, e.info.Size, count), e.info.Size, r.homePath(e.name))
}

// copySum is the digest of a file of the backup.
func (r *run) copySum(name string, count func(int64)) (sum chain.Hash, err error) {
	f, err := r.fs.OpenFile(r.path(name), os.O_RDONLY, 0)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return sum, err
	}
	return sumOf(r.counted(io.NewSectionReader(f, 0, info.Size), info.Size, count), info.Size, r.path(name))
}

func sumOf(from io.Reader, size int64, path string) (sum chain.Hash, err error) {
	h := sha256.New()
	n, err := io.Copy(h, from)
	if err == nil && n != size {
		err = &fs.PathError{Op: "read", Path: path, Err: errChanged}
	}
	return chain.Hash(h.Sum(nil)), err
}

// sumOnMedium is the digest of a file as it is on the medium, or where that cannot be asked, as it is
// read.
func sumOnMedium(r *run, path string, size int64, count func(int64)) (chain.Hash, error) {
	m := &mediumReader{fs: r.fs, path: path, left: size}
	sum, err := sumOf(r.counted(m, size, count), size, path)
	if !errors.Is(err, durable.ErrNoMedium) {
		return sum, err
	}
	f, err := r.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return sum, err
	}
	sum, err = sumOf(r.counted(f, size, count), size, path)
	return sum, errors.Join(err, f.Close())
}

// mediumReader reads a file past the cache.
type mediumReader struct {
	fs       durable.FS
	path     string
	at, left int64
}

func (m *mediumReader) Read(p []byte) (int, error) {
	if m.left == 0 {
		return 0, io.EOF
	}
	n, err := m.fs.ReadMedium(m.path, p[:min(int64(len(p)), m.left)], m.at)
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	m.at += int64(n)
	m.left -= int64(n)
	return n, err
}

// counted gives the size bytes of from, a large piece at a time, until the run is to end.
func (r *run) counted(from io.Reader, size int64, count func(int64)) io.Reader {
	return &counted{r: r, from: from, size: size, count: count}
}

type counted struct {
	r     *run
	from  io.Reader
	size  int64
	count func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.from.Read(p)
	c.count(int64(n))
	return n, err
}

// WriteTo is for [io.Copy], which would read in small pieces.
func (c *counted) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(w, struct{ io.Reader }{c}, make([]byte, min(chunk, c.size+1)))
}

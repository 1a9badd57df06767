package archive

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/internal/durable"
)

// DirStore is a [Store] in a directory: a mounted WORM or network path, or a second disk. Each object
// is a file of mode 0400 under its key. The file system must have hard links.
//
// An object is written under a name of its own that starts with a dot, synced, and then linked to its
// key, which fails where the key is taken; then the directories are synced. A process killed on the way
// leaves the file with the dot, which is no object; whoever may remove files there can remove it. On a
// path that lets nobody remove files it always stays, as a second name of the object that takes no
// room: Put is then a [*LeftoverError].
type DirStore struct {
	fs   durable.FS
	root string
}

// OpenDirStore opens the store in the directory root, which must be there.
func OpenDirStore(fsys durable.FS, root string) (*DirStore, error) {
	info, err := fsys.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("the store: %w: make the directory or mount what belongs there", err)
	}
	if !info.Mode.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: root, Err: errors.New("the store is not a directory")}
	}
	return &DirStore{fs: fsys, root: root}, nil
}

func (d *DirStore) path(key string) string { return filepath.Join(d.root, filepath.FromSlash(key)) }

// Put is [Store.Put].
func (d *DirStore) Put(ctx context.Context, key string, r io.Reader) (err error) {
	if err := checkKey(key); err != nil {
		return err
	}
	path := d.path(key)
	dir := filepath.Dir(path)
	if err := d.mkdir(dir); err != nil {
		return err
	}
	tmp := filepath.Join(dir, ".put-"+rand.Text())
	f, err := d.fs.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	defer func() {
		switch left := d.fs.Remove(tmp); {
		case left == nil:
		case err == nil:
			err = &LeftoverError{Name: tmp, Err: left}
		default:
			err = errors.Join(err, left)
		}
	}()
	if _, err = io.Copy(f, contextReader{ctx, r}); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	err = d.fs.Link(tmp, path)
	if errors.Is(err, fs.ErrExist) {
		err = d.same(tmp, path, key)
	}
	if err != nil {
		return err
	}
	// Of an object that was there before, too: whoever put it may have died before this.
	return d.fs.SyncDir(dir)
}

// mkdir makes the directories down to dir, each durable under its name.
func (d *DirStore) mkdir(dir string) error {
	if dir == d.root || dir == filepath.Dir(dir) {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := d.mkdir(parent); err != nil {
		return err
	}
	if err := d.fs.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.fs.SyncDir(parent)
}

// same is ErrConflict if two files hold different bytes. What is at path is made durable, should
// nobody have done so.
func (d *DirStore) same(tmp, path, key string) (err error) {
	var files [2]durable.File
	for i, name := range []string{tmp, path} {
		if files[i], err = d.fs.OpenFile(name, os.O_RDONLY, 0); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, files[i].Close()) }()
	}
	var parts [2][]byte
	for i := range parts {
		parts[i] = make([]byte, FrameSize)
	}
	for at := int64(0); ; at += FrameSize {
		var n [2]int
		for i, f := range files {
			if n[i], err = f.ReadAt(parts[i], at); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
		if !bytes.Equal(parts[0][:n[0]], parts[1][:n[1]]) {
			return &fs.PathError{Op: "put", Path: key, Err: ErrConflict}
		}
		if n[0] < FrameSize {
			return files[1].Sync()
		}
	}
}

// Get is [Store.Get].
func (d *DirStore) Get(_ context.Context, key string) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return d.fs.OpenFile(d.path(key), os.O_RDONLY, 0)
}

// Stat is [Store.Stat].
func (d *DirStore) Stat(_ context.Context, key string) (Object, error) {
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	info, err := d.fs.Stat(d.path(key))
	if err == nil && !info.Mode.IsRegular() {
		err = &fs.PathError{Op: "stat", Path: d.path(key), Err: durable.ErrNotRegular}
	}
	return Object{Key: key, Size: info.Size}, err
}

// List is [Store.List]. Files that could not be objects are left out.
func (d *DirStore) List(ctx context.Context, prefix string) ([]Object, error) {
	all, err := d.list(ctx, "", prefix)
	slices.SortFunc(all, byKey)
	return all, err
}

func (d *DirStore) list(ctx context.Context, under, prefix string) (all []Object, err error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	entries, err := d.fs.ReadDir(d.path(under))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		key := e.Name()
		if under != "" {
			key = under + "/" + key
		}
		if checkKey(key) != nil || !strings.HasPrefix(key, prefix) && !strings.HasPrefix(prefix, key+"/") {
			continue
		}
		switch info, err := d.fs.Stat(d.path(key)); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case info.Mode.IsDir():
			below, err := d.list(ctx, key, prefix)
			if err != nil {
				return nil, err
			}
			all = append(all, below...)
		case info.Mode.IsRegular():
			all = append(all, Object{Key: key, Size: info.Size})
		}
	}
	return all, nil
}

var _ Store = (*DirStore)(nil)

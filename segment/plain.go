package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// readAhead is read beyond an extent, in bytes, so that its last line is mostly there in one read.
const readAhead = 64 << 10

// maxExtents bounds the table of a source's extents: a huge sparse file gets larger extents rather
// than a table that outgrows memory.
const maxExtents = 1 << 16

// reach says how far a reader goes for a line. Tests make it short.
type reach struct {
	longest int // line that is read whole, in bytes without LF
	ahead   int // bytes read beyond an extent at first
}

var fullReach = reach{longest: chain.MaxLine, ahead: readAhead}

// ErrReplaced says that a sealed segment is no longer the file it was when the snapshot was taken.
var ErrReplaced = errors.New("was replaced while it was being read: look again")

// plain is a segment as a file of JSON lines.
type plain struct {
	fs    durable.FS
	path  string
	label string
	name  Name
	state State
	info  durable.Info
	held  durable.File // the live log as the snapshot opened it; nil for others
	reach reach
	// archived gives the compressed form of the segment once the plain file is gone.
	archived func() (Source, error)

	mu    sync.Mutex
	open  durable.File
	moved Source // the compressed form that took this file's place
	err   error  // why there is neither
}

// OpenFile gives a file of JSON lines that lies outside of any home as a source, labelled by its base
// name: a segment in a backup. It is read like a sealed segment. It must be a regular file.
func OpenFile(fsys durable.FS, path string) (Source, error) {
	info, err := fsys.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: durable.ErrNotRegular}
	}
	base := filepath.Base(path)
	name, _, _ := ParseName(base)
	return &plain{fs: fsys, path: path, label: base, name: name, state: StateSealed, info: info, reach: fullReach,
		archived: func() (Source, error) {
			return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist} // nothing takes its place
		}}, nil
}

func (p *plain) Name() string       { return p.label }
func (p *plain) Segment() Name      { return p.name }
func (p *plain) State() State       { return p.state }
func (p *plain) Size() int64        { return p.info.Size }
func (p *plain) Info() durable.Info { return p.info }

// Extents opens the file: from here to Close its bytes stay readable even when archiving takes the
// name away. An error is left for Read to report, of the one extent that then stands for all.
func (p *plain) Extents(size int) []Extent {
	if p.info.Size == 0 {
		return nil
	}
	_, moved, err := p.resolve()
	switch {
	case err != nil:
		return cut(p.info.Size, p.info.Size)
	case moved != nil:
		return moved.Extents(size)
	}
	return cut(p.info.Size, min(max(int64(size), 1, p.info.Size/maxExtents), int64(p.reach.longest)))
}

// cut divides total bytes into extents of size bytes, the last one shorter.
func cut(total, size int64) []Extent {
	es := make([]Extent, 0, (total+size-1)/size)
	for at := int64(0); at < total; at += size {
		es = append(es, Extent{at, min(size, total-at)})
	}
	return es
}

// Read is one pread of the extent and a little more. Only while the last line is unfinished are
// there further ones, each twice as long.
func (p *plain) Read(e Extent, buf []byte) (Chunk, error) {
	f, moved, err := p.resolve()
	if err != nil {
		return Chunk{}, err
	}
	if moved != nil {
		return moved.Read(e, buf)
	}
	if e.Offset < 0 || e.Size < 1 || e.Size > int64(p.reach.longest) {
		return Chunk{}, fmt.Errorf("%s: no extent of %d bytes at %d can be read", p.path, e.Size, e.Offset)
	}
	end := p.info.Size
	none := Chunk{Offset: e.Offset}
	if e.Offset >= end {
		return none, nil
	}
	// The byte before the extent tells whether a line starts right at it.
	from, lead := e.Offset, 0
	if from > 0 {
		from, lead = from-1, 1
	}
	own := lead + int(e.Size) // bytes of buf up to the end of the extent
	if lead == 1 && f.NextData(from) >= from+int64(own)-1 {
		return none, nil // a hole, in which no line begins
	}
	data, whole, err := fill(f, buf[:0], own+p.reach.ahead, from, end)
	if err != nil {
		return Chunk{}, err
	}
	start := 0
	if lead == 1 {
		// A line of this extent follows an LF that lies before the extent's last byte.
		n := bytes.IndexByte(data[:min(own-1, len(data))], '\n')
		if n < 0 {
			return none, nil
		}
		start = n + 1
	}
	if start >= len(data) {
		return none, nil
	}
	// The last line of this extent starts before own: where, and where does it end?
	last := start
	if own-1 > start {
		last += bytes.LastIndexByte(data[start:min(own-1, len(data))], '\n') + 1
	}
	longest := last + p.reach.longest
	for seen := last; ; {
		if n := bytes.IndexByte(data[seen:], '\n'); n >= 0 {
			seen += n + 1
			if seen-1 > longest {
				seen = longest + 1
			}
			return Chunk{from + int64(start), data[start:seen]}, nil
		}
		if len(data) > longest {
			return Chunk{from + int64(start), data[start : longest+1]}, nil
		}
		if whole {
			return Chunk{from + int64(start), data[start:]}, nil
		}
		seen = len(data)
		data, whole, err = fill(f, data, min(2*len(data), longest+1), from, end)
		if err != nil {
			return Chunk{}, err
		}
	}
}

// fill reads on until data, which starts at from in the file, is want bytes long. whole is true if
// it then reaches end, or the end of a file that has become shorter.
func fill(f io.ReaderAt, data []byte, want int, from, end int64) (_ []byte, whole bool, err error) {
	have := len(data)
	want = int(min(int64(want), end-from))
	if cap(data) < want {
		data = append(make([]byte, 0, want+readAhead), data...)
	}
	n, err := f.ReadAt(data[have:want], from+int64(have))
	data = data[:have+n]
	whole = errors.Is(err, io.EOF)
	if err != nil && !whole {
		return data, false, err
	}
	return data, whole || from+int64(len(data)) == end, nil
}

// resolve gives the file to read, or the source that stands for it now. It opens the segment by
// its name once; if the plain file is gone, it has been archived since the snapshot was taken.
func (p *plain) resolve() (durable.File, Source, error) {
	if p.held != nil {
		return p.held, nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil && p.moved == nil && p.err == nil {
		p.open, p.err = p.openSame()
		if errors.Is(p.err, fs.ErrNotExist) {
			p.moved, p.err = p.archived()
		}
	}
	return p.open, p.moved, p.err
}

// openSame opens the file that the snapshot saw, and no other.
func (p *plain) openSame() (durable.File, error) {
	f, err := p.fs.OpenFile(p.path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.ID != p.info.ID {
		err = &fs.PathError{Op: "read", Path: p.path, Err: ErrReplaced}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close leaves the live log open, for its name may be another file's by now: that one belongs to
// the snapshot.
func (p *plain) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	switch {
	case p.open != nil:
		err = p.open.Close()
	case p.moved != nil:
		err = p.moved.Close()
	}
	p.open, p.moved, p.err = nil, nil, nil
	return err
}

var _ Source = (*plain)(nil)

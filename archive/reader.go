package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"sync"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// ErrIncomplete says that a compressed file has no seek table that fits it: it may have been cut
// short, or something else than this program compressed it. What it holds is read all the same.
var ErrIncomplete = errors.New("the file may be cut short: it has no seek table that fits it")

// FrameError says that a frame of an archived segment cannot be read. The frames around it can.
type FrameError struct {
	Path   string
	Frame  int   // from 0
	Offset int64 // of the frame in the file, in bytes, and its size there
	Size   int64
	Raw    segment.Extent // what it holds of the segment
	// Records are the positions in the segment, from 0, of the first record in the frame and of
	// the first behind it, as the manifest beside the file has them; both -1 without one.
	Records [2]int64
	Err     error
}

func (e *FrameError) Error() string {
	records := ""
	if e.Records[0] >= 0 {
		records = fmt.Sprintf(", records %d to %d of the segment", e.Records[0], e.Records[1]-1)
	}
	return fmt.Sprintf("%s: frame %d, %d bytes at %d, which hold bytes %d to %d%s: %v", e.Path, e.Frame, e.Size, e.Offset,
		e.Raw.Offset, e.Raw.Offset+e.Raw.Size, records, e.Err)
}

func (e *FrameError) Unwrap() error { return e.Err }

// source reads an archived segment. Its extents are the frames.
type source struct {
	fs     durable.FS
	path   string
	name   segment.Name
	info   durable.Info
	frames []place
	raw    int64
	// short says why there may be more than the frames hold; nil if there is not.
	short error

	mu   sync.Mutex
	file durable.File
	err  error // why the file cannot be opened

	hint     sync.Once
	manifest *Manifest  // beside the file; nil if there is none that can be read
	digest   chain.Hash // of its file
}

// Opener gives the function that [segment.SnapshotOptions] wants: it opens the source of a compressed
// segment. The function reads the file's table of frames, and where that does not fit the file, the
// one in the manifest beside it or the frames themselves one after the other; a descriptor is held
// only from the first read to Close. A file that is no archive at all is an error.
func Opener(fsys durable.FS) func(path string, name segment.Name) (segment.Source, error) {
	return func(path string, name segment.Name) (segment.Source, error) {
		s, err := open(fsys, path, name)
		if err != nil {
			return nil, err // a nil *source in an interface is a source
		}
		return s, nil
	}
}

func open(fsys durable.FS, path string, name segment.Name) (_ *source, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	s := &source{fs: fsys, path: path, name: name}
	if s.info, err = f.Stat(); err != nil {
		return nil, err
	}
	frames, tableErr := readSeekTable(f, s.info.Size)
	if tableErr != nil {
		s.short = fmt.Errorf("%s: %w: %w", path, ErrIncomplete, tableErr)
		if frames = s.declared(); frames == nil {
			frames, err = walkFrames(f, s.info.Size)
			if len(frames) == 0 {
				return nil, fmt.Errorf("%s is no archived segment: %w", path, errors.Join(tableErr, err))
			}
			if err != nil {
				s.short = fmt.Errorf("%w: %w", s.short, err)
			}
		}
	}
	s.frames = frames
	if n := len(frames); n > 0 {
		s.raw = frames[n-1].rawEnd()
	}
	return s, nil
}

// declared is the table of frames of the manifest beside the file, nil if that is not about a file of
// this size.
func (s *source) declared() []place {
	m := s.beside()
	if m == nil || m.Archived.Bytes != s.info.Size {
		return nil
	}
	frames := make([]place, len(m.Archived.Frames))
	for i, f := range m.Archived.Frames {
		frames[i] = f.place()
	}
	return frames
}

// beside is the manifest next to the file. It is a hint: only places are taken from it, and what is
// found there must be what it says.
func (s *source) beside() *Manifest {
	s.hint.Do(func() {
		text, err := readManifestFile(s.fs, s.manifestPath())
		if err != nil {
			return
		}
		if m, err := ParseManifest(text); err == nil && m.Segment == s.name {
			s.manifest, s.digest = m, Digest(text)
		}
	})
	return s.manifest
}

func (s *source) manifestPath() string {
	return filepath.Join(filepath.Dir(s.path), s.name.File(segment.FormManifest))
}

// walkFrames finds the frames of a file without a table, in order, up to its end or to where it
// cannot go on.
func walkFrames(f durable.File, size int64) ([]place, error) {
	var frames []place
	var raw int64
	for at := int64(0); at < size; {
		h, err := measureFrame(f, at, size)
		if err != nil {
			return frames, fmt.Errorf("byte %d: %w", at, err)
		}
		if p := (place{at, h.size, raw, h.raw}); !h.skippable && h.raw != 0 {
			err := p.plausible()
			switch {
			case h.raw == unsaid:
				err = errNoSize
			case len(frames) == maxFrames:
				err = fmt.Errorf("more than %d frames", maxFrames)
			}
			if err != nil {
				return frames, fmt.Errorf("byte %d: %w", at, err)
			}
			frames = append(frames, p)
			raw += h.raw
		}
		at += h.size
	}
	return frames, nil
}

func (s *source) Name() string          { return s.name.File(segment.FormPlain) }
func (s *source) Segment() segment.Name { return s.name }
func (s *source) State() segment.State  { return segment.StateArchived }
func (s *source) Size() int64           { return s.raw }
func (s *source) Info() durable.Info    { return s.info }

// Extents are the frames, whatever size is wished for. A file that may be cut short has one more,
// behind its last byte, whose reading says so.
func (s *source) Extents(int) []segment.Extent {
	es := make([]segment.Extent, 0, len(s.frames)+1)
	for _, f := range s.frames {
		es = append(es, segment.Extent{Offset: f.rawOffset, Size: f.rawSize})
	}
	if s.short != nil {
		es = append(es, segment.Extent{Offset: s.raw, Size: 1})
	}
	return es
}

// Read decodes the frames that e touches: one, if e is one of Extents.
func (s *source) Read(e segment.Extent, buf []byte) (segment.Chunk, error) {
	if e.Offset < 0 || e.Size < 1 || e.Size > MaxFrame {
		return segment.Chunk{}, fmt.Errorf("%s: no extent of %d bytes at %d can be read", s.path, e.Size, e.Offset)
	}
	if e.Offset >= s.raw {
		if s.short != nil {
			return segment.Chunk{}, s.short
		}
		return segment.Chunk{Offset: e.Offset}, nil
	}
	i := s.frameAt(e.Offset)
	if f := s.frames[i]; f.rawOffset == e.Offset && f.rawSize == e.Size {
		data, err := s.decode(i, buf)
		return segment.Chunk{Offset: e.Offset, Data: data}, err
	}
	out := segment.Chunk{Offset: e.Offset}
	end := e.Offset + e.Size
	for ; i < len(s.frames) && s.frames[i].rawOffset < end; i++ {
		data, err := s.decode(i, buf)
		if err != nil {
			return segment.Chunk{}, err
		}
		from, to := linesWithin(data, e.Offset-s.frames[i].rawOffset, end-s.frames[i].rawOffset)
		if from == to {
			continue
		}
		if out.Data == nil {
			out.Offset = s.frames[i].rawOffset + int64(from)
		}
		out.Data = append(out.Data, data[from:to]...)
	}
	return out, nil
}

// frameAt is the frame that holds the raw byte at off, which lies before the end.
func (s *source) frameAt(off int64) int {
	return sort.Search(len(s.frames), func(i int) bool { return s.frames[i].rawEnd() > off })
}

// linesWithin gives the run of data's lines whose first byte lies in [from, to). data begins with a
// line.
func linesWithin(data []byte, from, to int64) (int, int) {
	start, end := 0, len(data)
	if from > 0 {
		n := bytes.IndexByte(data[from-1:], '\n')
		if n < 0 {
			return 0, 0
		}
		start = int(from) + n
	}
	if to < int64(len(data)) {
		if n := bytes.IndexByte(data[to-1:], '\n'); n >= 0 {
			end = int(to) + n
		}
	}
	return start, max(start, end)
}

// codedBuffers are for the compressed bytes of a frame.
var codedBuffers = sync.Pool{New: func() any { return new([]byte) }}

// decode gives the bytes of frame i, which may lie in buf.
func (s *source) decode(i int, buf []byte) ([]byte, error) {
	pooled := codedBuffers.Get().(*[]byte)
	defer codedBuffers.Put(pooled)
	coded, err := s.coded(i, *pooled)
	if err != nil {
		return nil, err
	}
	*pooled = coded
	return s.decoded(i, coded, buf)
}

// coded gives frame i as it is stored. It may lie in buf.
func (s *source) coded(i int, buf []byte) ([]byte, error) {
	f, err := s.opened()
	if err != nil {
		return nil, s.frameError(i, err)
	}
	p := s.frames[i]
	if int64(cap(buf)) < p.size {
		buf = make([]byte, p.size)
	}
	buf = buf[:p.size]
	if n, err := f.ReadAt(buf, p.offset); int64(n) < p.size {
		return nil, s.frameError(i, fmt.Errorf("%d of %d bytes can be read: %w", n, p.size, err))
	}
	return buf, nil
}

// decoded gives the bytes of frame i, of which coded is the stored form. They may lie in buf.
func (s *source) decoded(i int, coded, buf []byte) ([]byte, error) {
	data, err := decodeFrame(coded, s.frames[i].rawSize, buf)
	if err == nil {
		err = s.cutAtLines(i, data)
	}
	if err != nil {
		return nil, s.frameError(i, err)
	}
	return data, nil
}

// cutAtLines refuses what this package never writes: a frame that ends within a line and is not the
// last, and a line too long to be a record. Whoever reads lines from frames relies on it.
func (s *source) cutAtLines(i int, data []byte) error {
	if i < len(s.frames)-1 && data[len(data)-1] != '\n' {
		return errors.New("it ends within a line, so another program compressed the file: decompress it with zstd -d")
	}
	if len(data) <= chain.MaxLine {
		return nil
	}
	for line := range bytes.Lines(data) {
		if len(line) > chain.MaxLine+1 {
			return fmt.Errorf("a line is longer than %d bytes: decompress the file with zstd -d", chain.MaxLine)
		}
	}
	return nil
}

func (s *source) frameError(i int, err error) error {
	p := s.frames[i]
	e := &FrameError{Path: s.path, Frame: i, Offset: p.offset, Size: p.size,
		Raw: segment.Extent{Offset: p.rawOffset, Size: p.rawSize}, Records: [2]int64{-1, -1}, Err: err}
	if m := s.beside(); m != nil && i < len(m.Archived.Frames) && m.Archived.Frames[i].place() == p {
		var before int64
		for _, f := range m.Archived.Frames[:i] {
			before += f.Records
		}
		e.Records = [2]int64{before, before + m.Archived.Frames[i].Records}
	}
	return e
}

// opened is the file, opened once.
func (s *source) opened() (durable.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil && s.err == nil {
		s.file, s.err = s.openSame()
	}
	return s.file, s.err
}

// openSame opens the file that the table of frames was read from, and no other.
func (s *source) openSame() (durable.File, error) {
	f, err := s.fs.OpenFile(s.path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (info.ID != s.info.ID || info.Size != s.info.Size) {
		err = &fs.PathError{Op: "read", Path: s.path, Err: segment.ErrReplaced}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close lets go of the file; reading again opens it anew.
func (s *source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.file != nil {
		err = s.file.Close()
	}
	s.file, s.err = nil, nil
	return err
}

var _ segment.Source = (*source)(nil)

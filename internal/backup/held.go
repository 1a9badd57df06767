package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// holdsLive refuses to replace the backup's live log by that of the home unless the home still has
// all of its bytes: at the beginning of the live log, or from some place in a sealed segment on, where
// a rotation took them. The end may have been cut off and set aside, too. What is refused is a home
// that was rolled back, or has another history: its backup is the better copy.
func (r *run) holdsLive(name string) error {
	size := r.have[name].Size
	if size == 0 {
		return nil
	}
	sources, most := r.now.log.Sources, int64(0)
	for i := len(sources) - 1; i >= 0; i-- {
		same, first, err := r.agree(name, size, sources[i:])
		if err != nil {
			return err
		}
		if same == size {
			return nil
		}
		if !first {
			continue // it begins elsewhere
		}
		aside, err := r.setAside(name, same, size)
		if err != nil || aside {
			return err
		}
		most = max(most, same)
	}
	return &segment.Refusal{Path: r.path(name), Offset: most,
		Why: fmt.Sprintf("the backup has %d bytes from here on that the log no longer has: the log was rolled back, cut or rewritten", size-most), Next: elsewhere}
}

// agree says for how many bytes a file of the backup agrees with the raw bytes of sources one after
// another, and whether that is so for its first line at least. What cannot be read agrees with nothing.
func (r *run) agree(name string, size int64, sources []segment.Source) (same int64, first bool, err error) {
	f, err := r.fs.OpenFile(r.path(name), os.O_RDONLY, 0)
	if err != nil {
		return 0, false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var mine []byte
	for _, src := range sources {
		for c, err := range segment.Chunks(r.ctx, src) {
			if r.ctx.Err() != nil {
				return same, first, errors.Join(err, src.Close())
			}
			if err != nil {
				return same, first, src.Close() // verifying says so
			}
			theirs := c.Data[:min(int64(len(c.Data)), size-same)]
			if mine, err = readAt(f, mine, same, len(theirs)); err != nil {
				return same, first, err
			}
			n := commonPrefix(mine, theirs)
			first = first || bytes.IndexByte(theirs[:n], '\n') >= 0
			if same += int64(n); n < len(theirs) || same == size {
				return same, first || same == size, src.Close()
			}
		}
		if err := src.Close(); err != nil {
			return same, first, err
		}
	}
	return same, first, nil
}

// setAside reports whether the home has among the bytes that were set aside those of a file of the
// backup from the line on in which it stops to agree.
func (r *run) setAside(name string, same, size int64) (ok bool, err error) {
	f, err := r.fs.OpenFile(r.path(name), os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	from, err := lineStart(f, same)
	if err != nil {
		return false, err
	}
	for _, e := range r.now.entries {
		if !isAside(e.name) || e.info.Size < size-from {
			continue
		}
		kept, done, err := r.read(e)
		if err != nil {
			return false, err
		}
		equal, err := sameBytes(io.NewSectionReader(f, from, size-from), io.LimitReader(kept, size-from))
		if err = errors.Join(err, done()); equal || err != nil {
			return equal, err
		}
	}
	return false, nil
}

// chunk is how much is read at a time, in bytes.
const chunk = 1 << 20

// lineStart is the offset of the first byte of the line that the byte at offset is of.
func lineStart(f durable.File, offset int64) (int64, error) {
	var buf []byte
	for end := offset; end > 0; {
		from := max(0, end-chunk)
		var err error
		if buf, err = readAt(f, buf, from, int(end-from)); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

// readAt reads up to n bytes, fewer at the end of the file. It may use buf.
func readAt(f durable.File, buf []byte, at int64, n int) ([]byte, error) {
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	got, err := f.ReadAt(buf[:n], at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return buf[:got], err
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	if bytes.Equal(a[:n], b[:n]) {
		return n
	}
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// sameBytes reports whether two readers give the same.
func sameBytes(a, b io.Reader) (bool, error) {
	p, q := make([]byte, chunk), make([]byte, chunk)
	for {
		n, err := io.ReadFull(a, p)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return false, err
		}
		m, last := io.ReadFull(b, q)
		if last != nil && !errors.Is(last, io.EOF) && !errors.Is(last, io.ErrUnexpectedEOF) {
			return false, last
		}
		if !bytes.Equal(p[:n], q[:m]) {
			return false, nil
		}
		if n < len(p) {
			return true, nil
		}
	}
}

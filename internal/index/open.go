package index

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// maxFrames is how many frames an archived segment can have.
const maxFrames = 1 << 17

// Index is an index that was opened. It is safe for concurrent use, [Index.Close] apart.
type Index struct {
	file   durable.File
	header header
	frames []frame
	starts []int64 // of the frames in the raw bytes, and their end
}

// Open opens the index at path and reads what it says of the frames. ErrFormat if it cannot be used,
// fs.ErrNotExist if there is none. Anybody may have written it: it is checked to be in itself what an
// index is, and no more is read than the file has bytes.
func Open(fsys durable.FS, path string) (x *Index, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	x = &Index{file: f}
	if err := x.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return x, nil
}

func (x *Index) open() error {
	info, err := x.file.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, headerSize)
	if _, err := x.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if x.header, err = parseHeader(head); err != nil {
		return err
	}
	if frames := uint64(x.header.frames); !x.header.fits(info.Size) || frames > min(maxFrames, x.header.sizes[sectionFrames]) {
		return fmt.Errorf("%w: it is cut short, or longer than it says", ErrFormat)
	}
	text, err := x.section(sectionFrames)
	if err != nil {
		return err
	}
	return x.parse(text)
}

// section reads a section and checks its sum.
func (x *Index) section(n int) ([]byte, error) {
	b := make([]byte, x.header.sizes[n])
	if got, err := x.file.ReadAt(b, x.header.offset(n)); got < len(b) {
		return nil, err
	}
	if crc32.Checksum(b, castagnoli) != x.header.sums[n] {
		return nil, errDamaged
	}
	return b, nil
}

var (
	errDamaged     = fmt.Errorf("%w: it was damaged", ErrFormat)
	errContradicts = fmt.Errorf("%w: it contradicts itself", ErrFormat)
)

// parse reads what is said of the frames.
func (x *Index) parse(text []byte) error {
	r := reader{in: string(text)}
	x.frames, x.starts = make([]frame, x.header.frames), make([]int64, x.header.frames+1)
	var filters int64
	for i := range x.frames {
		f := frame{size: r.number(math.MaxUint32), rawSize: r.number(2 * (chain.MaxLine + 1)), records: uint32(r.number(chain.MaxLine)), flags: flags(r.number(int64(allFlags))),
			tsMin: r.text(), tsMax: r.text(), filter: uint32(r.number(min(int64(x.header.sizes[sectionFilters]), math.MaxUint32)))}
		if f.filter == 0 && f.records > 0 && f.flags&(unfiltered|broken) == 0 {
			r.bad = true
		}
		x.frames[i] = f
		x.starts[i+1] = x.starts[i] + f.rawSize
		filters += int64(f.filter)
	}
	if r.bad || len(r.in) > 0 || uint64(filters) != x.header.sizes[sectionFilters] {
		return errContradicts
	}
	return nil
}

// names reads where the kinds and actors lie that are wanted.
func (x *Index) names(w Want) (kinds, actors []*posting, err error) {
	text, err := x.section(sectionNames)
	if err != nil {
		return nil, nil, err
	}
	r := reader{in: string(text)}
	for _, list := range []struct {
		to   *[]*posting
		want func(string) bool
	}{{&kinds, w.Kind}, {&actors, w.Actor}} {
		for range r.number(maxNames) {
			name := r.text()
			wanted := func() bool { return list.want != nil && list.want(name) }
			if p := r.posting(x.starts[len(x.frames)], int64(len(x.frames)), wanted); p != nil {
				*list.to = append(*list.to, p)
			}
		}
	}
	if r.bad || len(r.in) > 0 {
		return nil, nil, errContradicts
	}
	return kinds, actors, nil
}

// Of reports whether the index is of the segment with this manifest, by the manifest's checksum: that
// is enough to tell two segments apart, and forging an index takes no more than writing one.
func (x *Index) Of(manifest []byte) bool {
	return x.header.sum == crc32.Checksum(manifest, castagnoli)
}

// Frames is the number of frames that the index is about.
func (x *Index) Frames() int { return len(x.frames) }

// Sizes are the sizes in bytes of frame i: in the archived file and in the segment.
func (x *Index) Sizes(i int) (size, rawSize int64) { return x.frames[i].size, x.frames[i].rawSize }

// Close lets go of the file.
func (x *Index) Close() error { return x.file.Close() }

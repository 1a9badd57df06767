package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// ErrManifest says that a file is no manifest, or one that contradicts itself.
var ErrManifest = errors.New("not a manifest")

// Bounds of a manifest file. The commas bound the values in it, and so the memory it takes.
const (
	maxManifest  = 32 << 20
	maxCommas    = 2 << 20
	manifestDeep = 8
)

// ReadManifest reads the manifest file at path. It is ErrManifest, or chain.ErrUnknownVersion for a
// manifest of a newer format, or an error of the file system.
func ReadManifest(fsys durable.FS, path string) (*Manifest, error) {
	text, err := readManifestFile(fsys, path)
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// readManifestFile gives the bytes of a manifest file, one more than a manifest may have of one that
// is too long.
func readManifestFile(fsys durable.FS, path string) (text []byte, err error) {
	return boundedFile(fsys, path, maxManifest)
}

// boundedFile reads a file up to one byte more than limit.
func boundedFile(fsys durable.FS, path string, limit int64) (text []byte, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text = make([]byte, min(info.Size, limit+1))
	n, err := io.ReadFull(f, text)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // it became shorter
	}
	return text[:n], err
}

// ParseManifest reads a manifest. Members that it does not know are ignored; a member that is there
// twice, a number that is no count, a table of frames that leaves a gap, or counts that do not add
// up make it ErrManifest. Whether it is true of its segment is another question.
func ParseManifest(text []byte) (*Manifest, error) {
	if len(text) > maxManifest || bytes.Count(text, []byte{','}) > maxCommas {
		return nil, fmt.Errorf("%w: larger than a manifest can be", ErrManifest)
	}
	v, odd, err := ecmajson.Parse(text, manifestDeep)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	r := reader{v: v}
	format := r.str("format")
	if r.err == nil && format != ManifestFormat {
		if strings.HasPrefix(format, manifestFamily) {
			return nil, fmt.Errorf("manifest format %.40q: %w", format, chain.ErrUnknownVersion)
		}
		r.note(fmt.Errorf("format is %.40q", format))
	}
	if odd != 0 {
		r.note(errors.New(odd.String()))
	}
	m := r.manifest()
	if r.err == nil {
		r.err = m.consistent()
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, r.err)
	}
	return m, nil
}

func (r *reader) manifest() *Manifest {
	m := &Manifest{LogID: r.hash("log_id"), Incarnation: int(r.num("incarnation")), Segment: r.name(), Index: r.num("index"),
		First: r.edge("first"), Last: r.edge("last"), Records: r.num("records"), Lines: r.num("lines"),
		TSMin: r.str("ts_min"), TSMax: r.str("ts_max"), Bytes: r.num("bytes"), SHA256: r.hash("sha256"),
		Events: r.counts("events"), Actors: r.counts("actors"), Root: r.hash("root")}
	a := r.object("archived")
	m.Archived = Archived{Codec: a.str("codec"), Bytes: a.num("bytes"), SHA256: a.hash("sha256")}
	a.each("frames", func(e *reader) {
		m.Archived.Frames = append(m.Archived.Frames, Frame{Offset: e.num("offset"), Size: e.num("size"), RawOffset: e.num("raw_offset"),
			RawSize: e.num("raw_size"), Records: e.num("records"), TSMin: e.str("ts_min"), TSMax: e.str("ts_max")})
	})
	r.note(a.err)
	if s, ok := r.v.Member("system"); !ok || s.Kind != ecmajson.Null {
		m.System = []SystemRecord{}
		r.each("system", func(e *reader) {
			m.System = append(m.System, SystemRecord{Event: e.str("event"), Hash: e.hash("hash"), Offset: e.num("offset")})
		})
	}
	return m
}

// consistent is what is wrong with a manifest by itself.
func (m *Manifest) consistent() error {
	a := &m.Archived
	switch {
	case m.Incarnation < 1:
		return errors.New("an incarnation of 0")
	case a.Codec != CodecZstd:
		return fmt.Errorf("codec %.40q is none that is known", a.Codec)
	case m.Records > m.Lines:
		return errors.New("more records than lines")
	case (m.First == nil) != (m.Records == 0), (m.Last == nil) != (m.Records == 0):
		return errors.New("the first and last record do not fit the number of records")
	case len(a.Frames) > maxFrames:
		return fmt.Errorf("%d frames", len(a.Frames))
	}
	var next place
	var records int64
	for i := range a.Frames {
		f := &a.Frames[i]
		p := f.place()
		if err := p.plausible(); err != nil {
			return fmt.Errorf("frame %d: %w", i, err)
		}
		if p.offset != next.end() || p.rawOffset != next.rawEnd() {
			return fmt.Errorf("frame %d does not follow the one before it", i)
		}
		next = p
		records += min(f.Records, p.rawSize)
	}
	switch {
	case next.rawEnd() != m.Bytes:
		return fmt.Errorf("the frames hold %d bytes, the segment %d", next.rawEnd(), m.Bytes)
	case next.end() > a.Bytes:
		return fmt.Errorf("the frames end at byte %d of %d", next.end(), a.Bytes)
	case records != m.Records:
		return fmt.Errorf("the frames hold %d records, the segment %d", records, m.Records)
	}
	if err := errors.Join(m.Events.consistent("events", m.Records), m.Actors.consistent("actors", m.Records)); err != nil {
		return err
	}
	at := int64(-1)
	for i, s := range m.System {
		if s.Offset <= at || s.Offset >= m.Bytes || i == MaxSystem {
			return fmt.Errorf("system record %d is at byte %d", i, s.Offset)
		}
		at = s.Offset
	}
	return nil
}

func (c *Counts) consistent(name string, records int64) error {
	if len(c.Top) > TopNames {
		return fmt.Errorf("%s has %d names", name, len(c.Top))
	}
	left := records - c.Other
	for i, n := range c.Top {
		if i > 0 && moreFrequent(c.Top[i-1], n) >= 0 || n.Count < 1 {
			return fmt.Errorf("%s is not in order", name)
		}
		left -= n.Count
	}
	if left != 0 {
		return fmt.Errorf("%s does not add up to %d records", name, records)
	}
	return nil
}

// reader reads the members of one object and keeps the first thing wrong.
type reader struct {
	v   ecmajson.Value
	err error
}

func (r *reader) note(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) member(name string, want ecmajson.Kind) ecmajson.Value {
	m, ok := r.v.Member(name)
	switch {
	case !ok:
		r.note(fmt.Errorf("member %q is absent", name))
	case m.Kind != want:
		r.note(fmt.Errorf("member %q is %v, want %v", name, m.Kind, want))
	default:
		return m
	}
	return ecmajson.Value{}
}

func (r *reader) str(name string) string { return r.member(name, ecmajson.String).Str }

func (r *reader) hash(name string) chain.Hash {
	h, err := chain.ParseHash(r.str(name))
	if err != nil {
		r.note(fmt.Errorf("member %q: %w", name, err))
	}
	return h
}

// num reads a whole number from 0 to 2^53-1.
func (r *reader) num(name string) int64 {
	n := r.member(name, ecmajson.Number).Num
	if n < 0 || n >= 1<<53 || n != math.Trunc(n) {
		r.note(fmt.Errorf("member %q is not a count", name))
		return 0
	}
	return int64(n)
}

func (r *reader) object(name string) *reader {
	return &reader{v: r.member(name, ecmajson.Object)}
}

func (r *reader) each(name string, item func(*reader)) {
	for i, e := range r.member(name, ecmajson.Array).Elems {
		o := &reader{v: e}
		item(o)
		if o.err != nil {
			r.note(fmt.Errorf("%s %d: %w", name, i, o.err))
			return
		}
	}
}

// name reads the segment's name, which must be spelled as the names of files are.
func (r *reader) name() segment.Name {
	text := r.str("segment")
	name, form, ok := segment.ParseName(text)
	if !ok || form != segment.FormPlain || r.str("file") != name.File(segment.FormZstd) {
		r.note(fmt.Errorf("segment %.80q in file %.80q", text, r.str("file")))
	}
	return name
}

func (r *reader) edge(name string) *Edge {
	if m, ok := r.v.Member(name); ok && m.Kind == ecmajson.Null {
		return nil
	}
	o := r.object(name)
	e := &Edge{TS: o.str("ts"), Prev: o.hash("prev_hash"), Hash: o.hash("hash")}
	r.note(o.err)
	return e
}

func (r *reader) counts(name string) Counts {
	o := r.object(name)
	c := Counts{Other: o.num("other")}
	o.each("top", func(e *reader) {
		c.Top = append(c.Top, chain.Count{Name: e.str("name"), Count: e.num("records")})
	})
	r.note(o.err)
	return c
}

package archive

import (
	"bytes"
	"context"
	"errors"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// attestations are the audit.archive records of a log, by the file name of the plain segment, in
// reading order.
type attestations map[string][]chain.Archive

// last is what the chain says last of a segment.
func (a attestations) last(name segment.Name) (chain.Archive, bool) {
	all := a[name.File(segment.FormPlain)]
	if len(all) == 0 {
		return chain.Archive{}, false
	}
	return all[len(all)-1], true
}

// has reports whether the chain vouches for exactly this.
func (a attestations) has(want chain.Archive) bool {
	for _, p := range a[want.Segment] {
		if p.SHA256 == want.SHA256 && p.Archived == want.Archived && p.Manifest == want.Manifest {
			return true
		}
	}
	return false
}

// Vouched is what the audit.archive records of a log say, and what was read to find them.
type Vouched struct {
	Archives []chain.Archive // in reading order
	Frames   int             // of archived segments that were decoded for it
	Whole    []string        // names of the segments of which everything was read
	// Unread is what could not be read. Where it should vouch for something, nothing does.
	Unread []error
}

// ReadVouched reads the audit.archive records of a log, each of which must have its own hash; whether
// it is linked to the others is not looked at. What stands before an audit.adopt is about the files of
// another home and left out. In an archived segment the manifest says where they are, and only those
// frames are decoded; a manifest may say too little, and then less is vouched for. Every other segment
// is read in full.
func ReadVouched(ctx context.Context, sources []segment.Source) (Vouched, error) {
	var v Vouched
	for _, src := range sources {
		if s, ok := src.(*source); ok {
			if m := s.beside(); m != nil && m.System != nil {
				if err := v.readAt(ctx, s, m.System); err != nil {
					return v, err
				}
				continue
			}
		}
		if err := v.readAll(ctx, src); err != nil {
			return v, err
		}
	}
	return v, nil
}

// attested is what ReadVouched finds. What cannot be read vouches for nothing: a segment is then
// attested once more.
func attested(ctx context.Context, sources []segment.Source) (attestations, error) {
	v, err := ReadVouched(ctx, sources)
	return bySegment(v.Archives), err
}

func bySegment(all []chain.Archive) attestations {
	a := attestations{}
	for _, p := range all {
		a[p.Segment] = append(a[p.Segment], p)
	}
	return a
}

// readAt reads the records at these places, each frame once.
func (v *Vouched) readAt(ctx context.Context, s *source, places []SystemRecord) error {
	var frame segment.Chunk
	decoded := -1
	for _, p := range places {
		if p.Event != chain.KindArchive && p.Event != chain.KindAdopt || p.Offset >= s.raw {
			continue
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if i := s.frameAt(p.Offset); i != decoded {
			f := s.frames[i]
			k, err := s.Read(segment.Extent{Offset: f.rawOffset, Size: f.rawSize}, frame.Data[:0])
			v.Frames++
			if err != nil {
				v.Unread = append(v.Unread, err)
				decoded, frame = i, segment.Chunk{Offset: f.rawOffset}
				continue
			}
			decoded, frame = i, k
		}
		line, _, _ := bytes.Cut(frame.Data[min(p.Offset-frame.Offset, int64(len(frame.Data))):], []byte{'\n'})
		v.add(line)
	}
	return s.Close()
}

func (v *Vouched) readAll(ctx context.Context, src segment.Source) error {
	v.Whole = append(v.Whole, src.Name())
	work := func(_ segment.Position, c segment.Chunk) ([][]byte, error) {
		return linesWith(c.Data, archiveOrAdopt), nil
	}
	return segment.Walk(ctx, []segment.Source{src}, segment.WalkOptions{}, work, func(_ segment.Position, lines [][]byte, err error) error {
		if err != nil {
			v.Unread = append(v.Unread, err)
		}
		for _, line := range lines {
			v.add(line)
		}
		return nil
	})
}

// archiveOrAdopt is how the kinds audit.archive and audit.adopt begin; add tells them from others.
const archiveOrAdopt = "audit.a"

// linesWith gives copies of the lines that have the beginning of an event kind anywhere in them. It
// looks for the dot of the kind: the letters of the words are in every hash.
func linesWith(data []byte, kind string) (lines [][]byte) {
	before, after, _ := bytes.Cut([]byte(kind), []byte("."))
	for at := 0; ; at++ {
		n := bytes.IndexByte(data[at:], '.')
		if n < 0 {
			return lines
		}
		at += n
		if !bytes.HasSuffix(data[:at], before) || !bytes.HasPrefix(data[at+1:], after) {
			continue
		}
		line, _, _ := bytes.Cut(data[bytes.LastIndexByte(data[:at], '\n')+1:], []byte("\n"))
		lines = append(lines, bytes.Clone(line))
		if n = bytes.IndexByte(data[at:], '\n'); n < 0 {
			return lines
		}
		at += n
	}
}

func (v *Vouched) add(line []byte) {
	r := chain.ReadLine(line)
	switch {
	case !r.Class.Whole():
		return
	case r.Record.Event == chain.KindAdopt:
		v.Archives = nil // they are about files of the home that was adopted
		return
	case r.Record.Event != chain.KindArchive:
		return
	}
	payload, _, err := ecmajson.Parse(r.Record.Payload, chain.MaxDepth)
	if err != nil {
		return
	}
	if p, err := chain.ParseArchive(payload); err == nil {
		v.Archives = append(v.Archives, p)
	}
}

var errNoLogID = errors.New("nothing says which log this segment is of: neither the rotations after it nor a first record; the segment stays plain")

// identify says which log the i-th segment is of, and in which incarnation it was sealed: as the
// rotation that sealed it has it, or a later one, or the log's first record where no rotation says.
func identify(sources []segment.Source, i int) (identity, error) {
	for _, src := range sources[i+1:] {
		if src.Segment().Number == sources[i].Segment().Number {
			continue
		}
		if r, ok := firstRecord(src); ok && r.Event == chain.KindRotate {
			v, _, err := ecmajson.Parse(r.Payload, chain.MaxDepth)
			if err != nil {
				continue
			}
			if p, err := chain.ParseRotate(r.Event, v); err == nil && p.LogID != (chain.Hash{}) {
				return identity{logID: p.LogID, incarnation: max(1, p.Incarnation)}, nil
			}
		}
	}
	if r, ok := firstRecord(sources[0]); ok && r.Prev == chain.Genesis {
		return identity{logID: r.Hash, incarnation: 1}, nil
	}
	return identity{}, errNoLogID
}

// firstRecord is the record on the first line of a source that is not blank, if that is soon.
func firstRecord(src segment.Source) (chain.Record, bool) {
	c, err := src.Read(segment.Extent{Offset: 0, Size: 4 << 10}, nil)
	if err = errors.Join(err, src.Close()); err != nil {
		return chain.Record{}, false
	}
	for _, line := range c.Lines() {
		if len(line) == 0 {
			continue
		}
		r := chain.ReadLine(line)
		return r.Record, r.Class.Whole()
	}
	return chain.Record{}, false
}

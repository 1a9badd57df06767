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

// attested reads the audit.archive records of a log. In an archived segment the manifest says where
// they are; it may say too little, and then a segment is attested once more. What cannot be read
// vouches for nothing.
func attested(ctx context.Context, sources []segment.Source) (attestations, error) {
	found := attestations{}
	for _, src := range sources {
		if s, ok := src.(*source); ok {
			if m := s.beside(); m != nil && m.System != nil {
				if err := found.readAt(ctx, s, m.System); err != nil {
					return nil, err
				}
				continue
			}
		}
		if err := found.readAll(ctx, src); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (a attestations) readAt(ctx context.Context, s *source, places []SystemRecord) error {
	for _, p := range places {
		if p.Event != chain.KindArchive {
			continue
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		c, err := s.Read(segment.Extent{Offset: p.Offset, Size: 1}, nil)
		if err != nil {
			continue
		}
		for _, line := range c.Lines() {
			a.add(line)
		}
	}
	return s.Close()
}

func (a attestations) readAll(ctx context.Context, src segment.Source) error {
	kind := []byte(chain.KindArchive)
	work := func(_ segment.Position, c segment.Chunk) (lines [][]byte, _ error) {
		for _, line := range c.Lines() {
			if bytes.Contains(line, kind) {
				lines = append(lines, bytes.Clone(line))
			}
		}
		return lines, nil
	}
	return segment.Walk(ctx, []segment.Source{src}, segment.WalkOptions{}, work, func(_ segment.Position, lines [][]byte, _ error) error {
		for _, line := range lines {
			a.add(line)
		}
		return nil
	})
}

func (a attestations) add(line []byte) {
	r := chain.ReadLine(line)
	if !r.Class.Whole() || r.Record.Event != chain.KindArchive {
		return
	}
	v, _, err := ecmajson.Parse(r.Record.Payload, chain.MaxDepth)
	if err != nil {
		return
	}
	if p, err := chain.ParseArchive(v); err == nil {
		a[p.Segment] = append(a[p.Segment], p)
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

// firstRecord is the record on the first line of a source.
func firstRecord(src segment.Source) (chain.Record, bool) {
	c, err := src.Read(segment.Extent{Offset: 0, Size: 1}, nil)
	if err = errors.Join(err, src.Close()); err != nil {
		return chain.Record{}, false
	}
	for _, line := range c.Lines() {
		r := chain.ReadLine(line)
		return r.Record, r.Class.Whole()
	}
	return chain.Record{}, false
}

package search

import (
	"context"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// seamChunk bounds how many hashes of the live log are looked for at once; the first one, which
// mostly settles it, is looked for alone.
const seamChunk = 1 << 16

// SeamEnd gives the offset in the live log before which its records are copies: the leading run of
// records whose hash is in the last sealed segment too (docs/FORMAT.md, "Reading"). A rotation of
// an existing writer that was stopped half-way leaves such a run.
func SeamEnd(ctx context.Context, s *segment.Snapshot) (int64, error) {
	if s.Live == nil || len(s.Sources) < 2 {
		return 0, nil
	}
	last := s.Sources[len(s.Sources)-2]
	if follows(s.Live, last) {
		return 0, nil
	}
	for from, size := int64(0), 1; ; size = seamChunk {
		run, err := leadingHashes(ctx, s.Live, from, size)
		if err != nil {
			return 0, err
		}
		found, err := hashesIn(ctx, last, run)
		if err != nil {
			return 0, err
		}
		for _, l := range run {
			if !found[l.hash] {
				return l.offset, nil
			}
		}
		if len(run) < size {
			return s.Live.Size(), nil
		}
		from = run[len(run)-1].end
	}
}

// follows reports whether the live log's first line is a record with its own hash, and its parent the
// one on the last line of the segment before, as after every rotation. Then it is no copy of a record
// in that segment, which would be its own ancestor, and the segment need not be read to know it. What
// cannot be read shows nothing.
func follows(live, before segment.Source) bool {
	first, err := live.Read(segment.Extent{Size: 1}, nil)
	extents := before.Extents(segment.DefaultExtent)
	if err != nil || len(extents) == 0 {
		return false
	}
	last, err := before.Read(extents[len(extents)-1], nil)
	if err != nil {
		return false
	}
	parent, child := chain.ReadLine(lastLine(last)), chain.ReadLine(lastLine(first))
	return parent.Class.Whole() && child.Class.Whole() && child.Record.Prev == parent.Record.Hash
}

func lastLine(c segment.Chunk) (last []byte) {
	for _, line := range c.Lines() {
		last = line
	}
	return last
}

// hashLine is a record of the live log: where it lies and the hash it states.
type hashLine struct {
	offset, end int64
	hash        string
}

// leadingHashes gives up to size records of src whose lines start at from or later. Lines that are
// not JSON do not end the run.
func leadingHashes(ctx context.Context, src segment.Source, from int64, size int) ([]hashLine, error) {
	var run []hashLine
	var buf []byte
	for _, e := range src.Extents(segment.DefaultExtent) {
		if e.Offset+e.Size <= from {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		chunk, err := src.Read(e, buf)
		if err != nil {
			return nil, err
		}
		for offset, line := range chunk.Lines() {
			hash, ok := statedHash(line)
			if offset < from || !ok {
				continue
			}
			if run = append(run, hashLine{offset, offset + int64(len(line)) + 1, hash}); len(run) == size {
				return run, nil
			}
		}
		buf = chunk.Data[:0]
	}
	return run, nil
}

// hashesIn gives those hashes of run that a record of src states.
func hashesIn(ctx context.Context, src segment.Source, run []hashLine) (map[string]bool, error) {
	wanted := make(map[string]bool, len(run))
	for _, l := range run {
		wanted[l.hash] = true
	}
	found := map[string]bool{}
	err := segment.Walk(ctx, []segment.Source{src}, segment.WalkOptions{},
		func(_ segment.Position, c segment.Chunk) (hits []string, err error) {
			for _, line := range c.Lines() {
				if glance, usual := lastHash(line); usual && !wanted[string(glance)] {
					continue
				}
				if hash, ok := statedHash(line); ok && wanted[hash] {
					hits = append(hits, hash)
				}
			}
			return hits, nil
		},
		func(_ segment.Position, hits []string, err error) error {
			for _, hash := range hits {
				found[hash] = true
			}
			return nil // what cannot be read is reported when it is to be exported
		})
	return found, err
}

// lastHash gives the hash member where it is the last of several in a line, which is how writers spell
// it. Whatever else the line holds, if it is JSON it states that hash and no other: a quote behind a
// comma begins a string, one brace closes the outermost object alone, and of several members of a name
// the last counts.
func lastHash(line []byte) (hash []byte, ok bool) {
	const start, end = `,"hash":"`, `"}`
	i := len(line) - len(end) - chain.HashLen
	if i < len(start) || string(line[i-len(start):i]) != start || string(line[i+chain.HashLen:]) != end {
		return nil, false
	}
	hash = line[i : i+chain.HashLen]
	for _, c := range hash {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return nil, false
		}
	}
	return hash, true
}

// statedHash gives the hash member of a line as existing readers compare it: by value, of whatever
// type, absent or not. ok is false for a line that is not JSON.
func statedHash(line []byte) (hash string, ok bool) {
	if h, err := chain.HeadOf(line); err == nil {
		return h.String(), true
	}
	v, _, err := ecmajson.Parse(line, chain.MaxDepth)
	if err != nil {
		return "", false
	}
	m, ok := v.Member("hash")
	if !ok {
		return "", true
	}
	return string(ecmajson.AppendStringify(nil, m)), true
}

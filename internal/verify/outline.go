package verify

import (
	"context"
	"slices"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// outline is what a segment says of itself without a record of it being recomputed.
type outline struct {
	chain.SourceSummary
	parent chain.Hash // that the first record names
	lastTS string
	read   bool // false if not all of what counts could be read
}

// ofManifest is the outline that a manifest gives.
func ofManifest(name string, m *archive.Manifest) outline {
	o := outline{read: true, SourceSummary: chain.SourceSummary{Name: name, Records: m.Records, Lines: m.Lines, Bytes: m.Bytes, TSMin: m.TSMin, TSMax: m.TSMax}}
	if m.First != nil && m.Last != nil {
		o.parent, o.First, o.Last, o.lastTS = m.First.Prev, m.First.Hash, m.Last.Hash, m.Last.TS
	}
	return o
}

// outlined reads a segment and counts its records.
func (c *check) outlined(ctx context.Context, src segment.Source) (outline, error) {
	all := outline{SourceSummary: chain.SourceSummary{Name: src.Name(), Live: src.State() == segment.StateLive, Bytes: src.Size()}, read: true}
	err := segment.Walk(ctx, []segment.Source{src}, segment.WalkOptions{Workers: c.o.Workers}, outlineChunk,
		func(_ segment.Position, part outline, err error) error {
			if err != nil {
				all.read = false
				c.add(chain.Unreadable, src.Name(), err.Error(), 1)
				return nil
			}
			all.follow(part)
			return nil
		})
	return all, err
}

func outlineChunk(_ segment.Position, k segment.Chunk) (o outline, _ error) {
	var last chain.Outline
	for _, line := range k.Lines() {
		o.Lines++
		r, ok := chain.OutlineOf(line)
		if !ok {
			continue
		}
		if o.Records++; o.Records == 1 {
			o.parent, o.First = r.Prev, r.Hash
		}
		if ts := string(r.TS); ts != "" {
			if o.TSMin == "" || ts < o.TSMin {
				o.TSMin = ts
			}
			o.TSMax = max(o.TSMax, ts)
		}
		last = r
	}
	o.Last, o.lastTS = last.Hash, string(last.TS)
	return o, nil
}

// follow adds what comes next in the same segment.
func (o *outline) follow(next outline) {
	o.Lines += next.Lines
	if next.Records == 0 {
		return
	}
	if o.Records == 0 {
		o.parent, o.First = next.parent, next.First
	}
	o.Records += next.Records
	o.Last, o.lastTS = next.Last, next.lastTS
	if o.TSMin == "" || next.TSMin != "" && next.TSMin < o.TSMin {
		o.TSMin = next.TSMin
	}
	o.TSMax = max(o.TSMax, next.TSMax)
}

// LogID is what the newest rotation that names it says the log's id is, else the hash of the first
// record; Genesis if nothing says. Whoever exchanged an old segment has not thereby made another log of
// it. It reads the beginnings of segments, newest first, until one says.
func LogID(sources []segment.Source) chain.Hash {
	var r chain.Record
	there := false
	for _, src := range slices.Backward(sources) {
		first, ok := firstRecord(src)
		if !ok {
			continue
		}
		if r, there = first, true; r.Event != chain.KindRotate {
			continue
		}
		v, _, err := ecmajson.Parse(r.Payload, chain.MaxDepth)
		if err != nil {
			continue
		}
		if p, err := chain.ParseRotate(r.Event, v); err == nil && p.LogID != chain.Genesis {
			return p.LogID
		}
	}
	if there && r.Prev == chain.Genesis {
		return r.Hash
	}
	return chain.Genesis
}

// firstRecord is the first record of a segment. ok is false if there is none, or none can be read.
func firstRecord(src segment.Source) (r chain.Record, ok bool) {
	defer src.Close() //nolint:errcheck // it was read only, and is opened anew where it is read again
	for _, e := range src.Extents(segment.DefaultExtent) {
		k, err := src.Read(e, nil)
		if err != nil {
			return r, false
		}
		for _, line := range k.Lines() {
			if read := chain.ReadLine(line); read.Class != chain.LineUnreadable {
				return read.Record, true
			}
		}
	}
	return r, false
}

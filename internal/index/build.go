package index

import (
	"crypto/sha256"
	"hash/crc32"
	"maps"
	"slices"
)

const (
	// maxNames bounds the kinds and the actors that a segment's index names: whoever may append can
	// make them up.
	maxNames = 4096
	// rareHits is the number of records up to which an index says where each of a name lies, not
	// only in which frames.
	rareHits = 8192
	// maxPlaces bounds those of all names of a segment.
	maxPlaces = 1 << 20
)

// Builder puts the parts of a segment together. It is not safe for concurrent use.
type Builder struct {
	frames        []frame
	filters       []byte
	kinds, actors map[string]*posting
	places        int
}

// frame is what an index says of a frame.
type frame struct {
	size         int64 // in the archived file
	rawSize      int64
	records      uint32
	flags        flags
	tsMin, tsMax string // both empty: no record in it has a ts that counts
	filter       uint32 // size
}

// posting is where the records of one kind or actor lie: the offsets of their lines if they are few,
// else the numbers of the frames that have some.
type posting struct {
	lines  []int64
	frames []int64
	common bool
}

// NewBuilder begins the index of a segment.
func NewBuilder() *Builder {
	return &Builder{kinds: map[string]*posting{}, actors: map[string]*posting{}}
}

// Add adds the segment's next frame, of size bytes in the archived file and rawSize in the segment.
func (b *Builder) Add(p *Part, size, rawSize int64) {
	n := int64(len(b.frames))
	f := frame{size: size, rawSize: rawSize, records: p.records, flags: p.flags, tsMin: string(p.tsMin), tsMax: string(p.tsMax), filter: uint32(len(p.filter))}
	if b.names(b.kinds, p.kinds, n) {
		f.flags |= moreKinds
	}
	if b.names(b.actors, p.actors, n) {
		f.flags |= moreActors
	}
	b.frames = append(b.frames, f)
	b.filters = append(b.filters, p.filter...)
}

// names adds where the names of frame n lie, and reports whether some could not be added.
func (b *Builder) names(all map[string]*posting, in places, n int64) (more bool) {
	for _, name := range slices.Sorted(maps.Keys(in)) {
		p := all[name]
		if p == nil {
			if len(all) == maxNames {
				more = true
				continue
			}
			p = &posting{}
			all[name] = p
		}
		p.frames = append(p.frames, n)
		if p.common {
			continue
		}
		lines := *in[name]
		if p.common = len(p.lines)+len(lines) > rareHits || b.places+len(lines) > maxPlaces; p.common {
			b.places -= len(p.lines)
			p.lines = nil
			continue
		}
		b.places += len(lines)
		p.lines = append(p.lines, lines...)
	}
	return more
}

// Encode gives the index as its file has it. manifest is the segment's manifest file, to which it ties
// the index.
func (b *Builder) Encode(manifest []byte) []byte {
	var frames, names writer
	for _, f := range b.frames {
		frames.number(f.size)
		frames.number(f.rawSize)
		frames.number(int64(f.records))
		frames.number(int64(f.flags))
		frames.text(f.tsMin)
		frames.text(f.tsMax)
		frames.number(int64(f.filter))
	}
	for _, all := range []map[string]*posting{b.kinds, b.actors} {
		names.number(int64(len(all)))
		for _, name := range slices.Sorted(maps.Keys(all)) {
			names.text(name)
			names.posting(all[name])
		}
	}
	h := header{manifest: sha256.Sum256(manifest), sum: crc32.Checksum(manifest, castagnoli), frames: uint32(len(b.frames))}
	return h.encode([sections][]byte{frames.out, names.out, b.filters})
}

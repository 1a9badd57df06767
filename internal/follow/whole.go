package follow

import (
	"bytes"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// complete is the live log up to its last line end: what is behind that is still being written, or
// will be set aside.
type complete struct {
	segment.Source
	name segment.Name
	size int64
}

func (c *complete) Segment() segment.Name { return c.name }
func (c *complete) State() segment.State  { return segment.StateLive }
func (c *complete) Size() int64           { return c.size }

func (c *complete) Extents(size int) []segment.Extent {
	var es []segment.Extent
	for _, e := range c.Source.Extents(size) {
		if e.Size = min(e.Size, c.size-e.Offset); e.Size > 0 {
			es = append(es, e)
		}
	}
	return es
}

func (c *complete) Read(e segment.Extent, buf []byte) (segment.Chunk, error) {
	chunk, err := c.Source.Read(e, buf)
	if rest := max(c.size-chunk.Offset, 0); int64(len(chunk.Data)) > rest {
		chunk.Data = chunk.Data[:rest]
	}
	return chunk, err
}

// wholeLines makes the live log of a snapshot end at its last line end.
func wholeLines(snap *segment.Snapshot) error {
	if snap.Live == nil {
		return nil
	}
	live, err := completeLines(snap.Live, snap.Live.Segment())
	if err != nil {
		return err
	}
	snap.Live, snap.Sources[len(snap.Sources)-1] = live, live
	return nil
}

// firstLook is the first read back from the end, in bytes.
const firstLook = 64 << 10

func completeLines(src segment.Source, name segment.Name) (*complete, error) {
	size := src.Size()
	c := &complete{Source: src, name: name}
	for look := int64(firstLook); size > 0; look *= 16 {
		look = min(look, size, chain.MaxLine)
		chunk, err := src.Read(segment.Extent{Offset: size - look, Size: look}, nil)
		if err != nil {
			return nil, err
		}
		if len(chunk.Data) == 0 && look < min(size, chain.MaxLine) {
			continue // the last line begins before
		}
		c.size = chunk.Offset + int64(bytes.LastIndexByte(chunk.Data, '\n')) + 1
		break
	}
	return c, nil
}

package search

import (
	"slices"

	"github.com/opscontext/opscontext/segment"
)

// reversed is a source whose pieces are handed out last first, so that a walk joins them in that
// order.
type reversed struct{ segment.Source }

func (r reversed) Extents(size int) []segment.Extent {
	es := slices.Clone(r.Source.Extents(size))
	slices.Reverse(es)
	return es
}

func backwards(srcs []segment.Source) []segment.Source {
	all := make([]segment.Source, len(srcs))
	for i, src := range srcs {
		all[i] = reversed{src}
	}
	return all
}

package segment

import (
	"context"
	"crypto/sha256"
	"iter"

	"github.com/opscontext/opscontext/chain"
)

// Chunks gives the lines of a source piece by piece, one after another, in the memory of one piece:
// for what stops early or compares as it goes. [Walk] reads in parallel.
//
// A piece that cannot be read is an error in its place, and the next one follows; whoever wants all or
// nothing stops there. When ctx ends, so do the pieces, and the last error says so. A chunk holds until
// the next one is asked for. The source is not closed.
func Chunks(ctx context.Context, src Source) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		var buf []byte
		for _, e := range src.Extents(DefaultExtent) {
			if ctx.Err() != nil {
				yield(Chunk{Offset: e.Offset}, context.Cause(ctx))
				return
			}
			c, err := src.Read(e, buf)
			if err != nil {
				c = Chunk{Offset: e.Offset}
			}
			if !yield(c, err) {
				return
			}
			if err == nil {
				buf = c.Data[:0]
			}
		}
	}
}

// RawSum is the SHA-256 of the raw bytes of a source. The source is not closed.
func RawSum(ctx context.Context, src Source) (chain.Hash, error) {
	sum := sha256.New()
	for c, err := range Chunks(ctx, src) {
		if err != nil {
			return chain.Hash{}, err
		}
		sum.Write(c.Data)
	}
	return chain.Hash(sum.Sum(nil)), nil
}

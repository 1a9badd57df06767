package adopt

import (
	"context"
	"fmt"
	"math"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// behind is what the old home holds after the last record that was adopted.
type behind struct {
	found           bool // the last record that was adopted
	records         int64
	file            string // of the first record left behind
	first, last     chain.Hash
	firstTS, lastTS string
}

// after finds what comes after a record, in reading order.
func (o *oldHome) after(ctx context.Context, head chain.Hash) (b behind, err error) {
	for _, src := range o.snap.Sources {
		err := o.read(ctx, src, math.MaxInt64, func(s stretch) error {
			if !s.line || s.data[len(s.data)-1] != '\n' {
				return nil
			}
			out, ok := chain.OutlineOf(s.data[:len(s.data)-1])
			switch {
			case !ok:
			case out.Hash == head:
				b = behind{found: true}
			case b.found:
				b.add(&out, src)
			}
			return nil
		})
		if err != nil {
			return b, err
		}
	}
	return b, nil
}

func (b *behind) add(out *chain.Outline, src segment.Source) {
	if b.records == 0 {
		b.file, b.first, b.firstTS = segment.FileOf(src), out.Hash, string(out.TS)
	}
	b.records++
	b.last, b.lastTS = out.Hash, string(out.TS)
}

func (b *behind) words() string {
	switch {
	case !b.found:
		return "the last record that was adopted is no longer in the old home"
	case b.records == 0:
		return "no record was left behind in the old home"
	case b.records == 1:
		return fmt.Sprintf("1 record was left behind in the old home, in %s: %v of %s", b.file, b.first, b.firstTS)
	}
	return fmt.Sprintf("%d records were left behind in the old home, from %s on: %v of %s to %v of %s",
		b.records, b.file, b.first, b.firstTS, b.last, b.lastTS)
}

func (b *behind) next() string {
	switch {
	case !b.found:
		return "compare both with audit_verify"
	case b.records == 0:
		return "keep the old home as evidence, where no writer finds it"
	}
	return "stop what still writes there, and keep the old home: these records are in it alone"
}

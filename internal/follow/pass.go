package follow

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/recordtext"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/segment"
)

// rewind is how many bytes before the first record to show the pass begins, so that the follower knows
// some records by hash even where few are shown.
const rewind = 64 << 10

// begin shows the last records of a snapshot and goes to its end. What cannot be read is told by the
// search for them, which goes from the end to the first of them.
func (f *follower) begin(ctx context.Context, snap *segment.Snapshot) (search.Summary, error) {
	f.at, f.passed = anchor{}, nil
	view := *snap
	view.Branches = nil // they are no end of the log
	first, sum, err := f.firstOf(ctx, &view)
	if err != nil || len(snap.Sources) == 0 {
		return sum, err
	}
	seam, err := search.SeamEnd(ctx, snap)
	if err != nil && ctx.Err() != nil {
		return sum, context.Cause(ctx)
	}
	i := slices.IndexFunc(snap.Sources, func(src segment.Source) bool { return src.Name() == first.name })
	from := first.offset - rewind
	if i < 0 {
		i = len(snap.Sources) - 1
		from = snap.Sources[i].Size() - rewind
	}
	if from < 0 && i > 0 {
		i--
		from = snap.Sources[i].Size() - rewind
	}
	f.beginning = &beginning{first: first}
	defer func() { f.beginning = nil }()
	return sum, f.pass(ctx, snap.Sources[i:], seam, max(from, 0))
}

// beginning is the pass over what is there already. What cannot be read there was told when the first
// record to show was looked for.
type beginning struct {
	first   spot
	reached bool // first, or what comes after
}

// spot is where a line of a source begins.
type spot struct {
	name   string // of the source; empty: no such line
	offset int64
}

// firstOf gives the place of the first of the last records that are wanted.
func (f *follower) firstOf(ctx context.Context, snap *segment.Snapshot) (first spot, sum search.Summary, err error) {
	if f.o.Last < 1 {
		return first, sum, nil
	}
	sum, err = search.Run(ctx, snap, search.Options{
		Query: f.o.Query, Limit: f.o.Last, Reverse: true, Problem: f.o.Problem,
		Append: func(dst []byte, h search.Hit) []byte { return fmt.Appendf(dst, "%d %s\n", h.Offset, h.Source) },
		Write: func(text []byte) error {
			lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
			offset, name, _ := strings.Cut(lines[len(lines)-1], " ")
			first.name = name
			first.offset, err = strconv.ParseInt(offset, 10, 64)
			return err
		},
	})
	return first, sum, err
}

// pass shows the records of srcs that are wanted, from an offset of the first of them on. Records of
// the live log before seam are copies.
func (f *follower) pass(ctx context.Context, srcs []segment.Source, seam, from int64) error {
	for _, src := range srcs {
		if src.State() == segment.StateLive {
			from = max(from, seam)
		}
		if err := f.passSource(ctx, src, from); err != nil {
			return err
		}
		if err := src.Close(); err != nil {
			f.tell(err.Error())
		}
		from = 0
	}
	return nil
}

func (f *follower) passSource(ctx context.Context, src segment.Source, from int64) error {
	var buf []byte
	for _, e := range src.Extents(segment.DefaultExtent) {
		end := e.Offset + e.Size
		if end <= from {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e.Offset = max(e.Offset, from)
		e.Size = end - e.Offset
		c, err := src.Read(e, buf)
		if err != nil {
			f.tell((&segment.ReadError{Name: src.Name(), Extent: e, Err: err}).Error())
			continue
		}
		for offset, line := range c.Lines() {
			if err := f.take(src, offset, line); err != nil {
				return err
			}
		}
		buf = c.Data[:0]
	}
	return nil
}

// take passes a line.
func (f *follower) take(src segment.Source, offset int64, line []byte) error {
	f.at = anchor{name: src.Segment(), id: src.Info().ID, start: offset, end: offset + int64(len(line)) + 1, sum: sha256.Sum256(line)}
	if len(line) == 0 {
		return nil
	}
	if why, ok := recordtext.IsRecord(line); !ok {
		f.tell(fmt.Sprintf("%s, byte %d: not a record, and not shown: %s", src.Name(), offset, why))
		return nil
	}
	f.told = "" // what is told from here on is news
	if h, err := chain.HeadOf(line); err == nil {
		f.passed.add(h)
	}
	if b := f.beginning; b != nil {
		if b.reached = b.reached || b.first == (spot{src.Name(), offset}); !b.reached {
			return nil
		}
	}
	if !f.o.Query.Wants(line) {
		return nil
	}
	return f.o.Show(search.Hit{Source: src.Name(), State: src.State(), Offset: offset, Line: line})
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// branches judges the branches that are kept beside the log, each by itself, and gives those that are
// whole: every record has its own hash and follows the one before it. What is wrong with the others is
// reported; they heal nothing.
func (c *check) branches(ctx context.Context) (whole []chain.Stretch, err error) {
	for _, src := range c.snap.Branches {
		s, ok, err := c.branch(ctx, src)
		if err = errors.Join(err, src.Close()); err != nil {
			return nil, err
		}
		if ok {
			whole = append(whole, s)
		}
	}
	return whole, nil
}

func (c *check) branch(ctx context.Context, src segment.Source) (s chain.Stretch, whole bool, err error) {
	line := int64(0)
	for k, err := range segment.Chunks(ctx, src) {
		if ctx.Err() != nil {
			return s, false, err
		}
		if err != nil {
			c.put(chain.Unreadable, report.Finding{Segment: src.Name(), Record: -1, Records: 1}, err.Error())
			return s, false, nil
		}
		for at, text := range k.Lines() {
			line++
			if len(text) == 0 {
				continue
			}
			if class, err := s.Add(text); err != nil {
				c.put(branchClass(class), report.Finding{Segment: src.Name(), Line: line, Offset: at, Record: -1, Records: 1},
					"in a branch that is kept beside the log: "+err.Error())
				return s, false, nil
			}
		}
	}
	if s.Records == 0 {
		c.put(chain.Unreadable, report.Finding{Segment: src.Name(), Record: -1, Records: 1}, "a branch without a record")
	}
	return s, s.Records > 0, nil
}

// branchClass is the class of a line that ends a branch too early.
func branchClass(line chain.LineClass) chain.Class {
	switch line {
	case chain.LineUnreadable:
		return chain.Unreadable
	case chain.LineAltered:
		return chain.Altered
	case chain.LineAmbiguous:
		return chain.Ambiguous
	}
	return chain.Missing
}

// unexplained says of branches that no record on the chain tells where they came from.
func (c *check) unexplained() {
	for _, src := range c.snap.Branches {
		named := func(r chain.Restore) bool { return r.Segment == src.Name() }
		if !slices.ContainsFunc(c.v.Restores, named) {
			c.add(chain.UndeclaredFile, segment.ArchiveDir+"/"+src.Name(), fmt.Sprintf("a branch that no %s names", chain.KindRestore), 1)
		}
	}
}

package verify

import (
	"context"
	"fmt"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// remember holds the log against what this machine remembers of it. What an audit.break on the chain
// already says is not said twice: the writer that chained it moved the mark.
func (c *check) remember(ctx context.Context) (err error) {
	if c.cont, err = c.memory.Check(ctx, segment.HomeView{Live: c.snap.Live, Snapshot: c.snap}); err != nil {
		return fmt.Errorf("compare with what this machine remembers: %w", err)
	}
	switch c.cont.Standing {
	case segment.Broken:
		if c.v.Breaking(c.cont.Mark.Head) {
			break
		}
		detail := lostWords(c.cont.Lost, c.cont.Mark.Head)
		if c.cont.Class == chain.Replaced {
			detail = fmt.Sprintf("this is log %s, remembered is %s", c.cont.LogID.Short(), c.cont.Mark.LogID.Short())
		}
		c.add(c.cont.Class, "", detail, 1)
	case segment.Unjudged:
		c.add(chain.Unreadable, "", "the remembered head cannot be looked for: "+c.cont.Why, 1)
	case segment.Unremembered:
		if c.v.Records > 0 && c.o.State != "" {
			c.add(chain.MarkMissing, "", "", 1)
		}
	}
	return c.otherCopies()
}

// otherCopies says where else on this machine the same log is remembered: this home may be the copy.
func (c *check) otherCopies() error {
	if c.v.LogID == chain.Genesis {
		return nil
	}
	marks, err := c.memory.OtherMarks(c.v.LogID)
	if err != nil {
		return fmt.Errorf("look for other copies of this log: %w", err)
	}
	for _, m := range marks {
		detail := "its head there is " + m.Head.Short()
		if m.Head == c.v.Head {
			detail += ", as here"
		}
		c.add(chain.OlderCopy, "", detail, 1)
	}
	return nil
}

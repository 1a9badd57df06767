package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/segment"
)

// manifestsHeld is what a check of manifests alone looked at.
type manifestsHeld struct {
	archived int // segments
	agree    int // of them, with a manifest that nothing contradicts
	looked   string
}

// manifests holds every manifest against its compressed file, whose SHA-256 is taken, against the
// manifests around it, and against what the chain says of both. It finds what the chain says in the
// few frames that hold it and in the segments that have no manifest; those are read, not judged.
func (c *check) manifests(ctx context.Context) error {
	vouched, err := archive.ReadVouched(ctx, c.snap.Sources)
	if err != nil {
		return err
	}
	c.v = &chain.Verdict{LogID: LogID(c.snap.Sources), Incarnation: 1, Archives: vouched.Archives, Compat: chain.NoCompat("no record was checked")}
	looks, err := c.inspect(ctx)
	if err != nil {
		return err
	}
	outlines := make([]outline, len(looks))
	for i, l := range looks {
		name := c.snap.Sources[i].Name()
		if c.snap.Sources[i].State() == segment.StateArchived {
			c.held.archived++
		}
		if m := l.Manifest; m != nil && len(l.Contradictions) == 0 && c.belongs(name, m) {
			c.held.agree++
			outlines[i] = ofManifest(name, m)
		} else {
			if outlines[i], err = c.outlined(ctx, c.snap.Sources[i]); err != nil {
				return err
			}
			if !slices.Contains(vouched.Whole, name) {
				vouched.Whole = append(vouched.Whole, name)
			}
		}
		o := &outlines[i]
		c.v.Sources = append(c.v.Sources, o.SourceSummary)
		c.v.Records += o.Records
		if o.Records > 0 {
			c.v.Head, c.v.HeadTS = o.Last, o.lastTS
		}
	}
	c.held.looked = lookedAt(vouched)
	return c.joints(ctx, outlines)
}

// inspect compares the files of all archived segments, several at a time, and reports what contradicts
// what. There is one result for each source of the snapshot.
func (c *check) inspect(ctx context.Context) ([]archive.Evidence, error) {
	looks, errs := make([]archive.Evidence, len(c.snap.Sources)), make([]error, len(c.snap.Sources))
	var mu sync.Mutex
	var done, total int64
	for _, src := range c.snap.Sources {
		total += src.Info().Size
	}
	err := inParallel(ctx, c.o.Workers, 0, len(looks), func(i int, buf []byte) []byte {
		src := c.snap.Sources[i]
		if src.State() == segment.StateArchived {
			looks[i], errs[i] = archive.Inspect(c.o.FS, src, c.v.Archives)
		}
		mu.Lock()
		defer mu.Unlock()
		if done += src.Info().Size; c.o.Progress != nil {
			c.o.Progress(done, total)
		}
		return buf
	})
	if err != nil {
		return nil, err
	}
	for i, src := range c.snap.Sources {
		switch {
		case src.State() != segment.StateArchived || errors.Is(errs[i], archive.ErrNotArchived):
			// Plain, or no archive at all: reading it says so.
		case errs[i] != nil:
			c.add(chain.Unreadable, src.Name(), errs[i].Error(), 1)
		default:
			c.evidence(src.Name(), looks[i])
		}
	}
	return looks, nil
}

// belongs reports whether a manifest is of this log, and says so if it is not: of the same log id, in
// an incarnation that is no earlier than that of a segment before.
func (c *check) belongs(name string, m *archive.Manifest) bool {
	switch {
	case c.v.LogID != chain.Genesis && m.LogID != c.v.LogID:
		c.add(chain.ManifestMismatch, name, fmt.Sprintf("the manifest is of log %s, this is %s", m.LogID.Short(), c.v.LogID.Short()), 1)
		return false
	case m.Incarnation < c.v.Incarnation:
		c.add(chain.ManifestMismatch, name, fmt.Sprintf("the manifest is of incarnation %d, one before it is of %d", m.Incarnation, c.v.Incarnation), 1)
		return false
	}
	c.v.Incarnation = m.Incarnation
	return true
}

// joints follows the chain from segment to segment where one of the two is archived; where both are
// plain, no manifest has anything to say of it. A parent that is not the end of the segment before is
// looked for: writers that race leave it a little earlier, and that is no gap.
func (c *check) joints(ctx context.Context, outlines []outline) error {
	before := -1
	for i, o := range outlines {
		if o.Records == 0 && o.read {
			continue
		}
		last := before
		before = i
		if !o.read || last >= 0 && !outlines[last].read {
			continue // what cannot be read was said
		}
		archived := c.snap.Sources[i].State() == segment.StateArchived || last >= 0 && c.snap.Sources[last].State() == segment.StateArchived
		if !archived || last < 0 && o.parent == chain.Genesis || last >= 0 && o.parent == outlines[last].Last {
			continue
		}
		if err := c.joint(ctx, last, i, o); err != nil {
			return err
		}
	}
	return nil
}

// joint says why a segment does not follow the one before it, which is at last; -1 if there is none.
func (c *check) joint(ctx context.Context, last, i int, o outline) error {
	if o.parent == chain.Genesis {
		c.add(chain.SecondGenesis, o.Name, "", 1)
		return nil
	}
	for j := last; j >= 0; j-- {
		there, err := holdsRecord(ctx, c.snap.Sources[j], o.parent)
		if err != nil {
			return err
		}
		if there {
			c.add(chain.Fork, o.Name, fmt.Sprintf("it follows a record in %s that is not the last one before it; audit_verify tells a fork from copies", c.snap.Sources[j].Name()), 1)
			return nil
		}
	}
	detail := fmt.Sprintf("it follows %s, which is nowhere before it", o.parent.Short())
	if gone := c.vouchedAndGone(last, i); len(gone) > 0 {
		detail += "; the chain vouches for " + strings.Join(gone, ", ") + ", and no such file is there"
	}
	c.add(chain.Missing, o.Name, detail, 1)
	return nil
}

// holdsRecord reports whether a record with this hash is in a segment.
func holdsRecord(ctx context.Context, src segment.Source, want chain.Hash) (there bool, err error) {
	work := func(_ segment.Position, k segment.Chunk) (bool, error) {
		for _, line := range k.Lines() {
			if h, err := chain.HeadOf(line); err == nil && h == want {
				return true, nil
			}
		}
		return false, nil
	}
	err = segment.Walk(ctx, []segment.Source{src}, segment.WalkOptions{}, work, func(_ segment.Position, found bool, _ error) error {
		there = there || found
		return nil
	})
	return there, err
}

// vouchedAndGone names the segments between two that are there, exclusive, for which the chain vouches.
func (c *check) vouchedAndGone(last, next int) (names []string) {
	for _, a := range c.v.Archives {
		name, form, ok := segment.ParseName(a.Segment)
		if ok && form == segment.FormPlain && name.Compare(c.snap.Sources[next].Segment()) < 0 &&
			(last < 0 || name.Compare(c.snap.Sources[last].Segment()) > 0) {
			names = append(names, a.Segment)
		}
	}
	return names
}

// lookedAt says what was read to find what the chain says.
func lookedAt(v archive.Vouched) string {
	words := fmt.Sprintf("the chain's %s on archives", count(int64(len(v.Archives)), "record", "records"))
	var from []string
	if v.Frames > 0 {
		from = append(from, count(int64(v.Frames), "frame", "frames"))
	}
	const shown = 3
	from = append(from, v.Whole[:min(len(v.Whole), shown)]...)
	if more := len(v.Whole) - shown; more > 0 {
		from = append(from, count(int64(more), "more segment", "more segments"))
	}
	if len(from) > 0 {
		words += ", read from " + strings.Join(from, ", ")
	}
	if n := len(v.Unread); n > 0 {
		words += fmt.Sprintf(" (%s cannot be read)", count(int64(n), "piece of them", "pieces of them"))
	}
	return words
}

// concludeManifests gives the verdict of a check that recomputed no record. It is never passed.
func (c *check) concludeManifests(r *report.Report, worst chain.Severity) {
	r.Exit = exitInconclusive
	const unchecked = "no record checked"
	switch {
	case worst == chain.Damage:
		r.Exit, r.Verdict = exitDamage, "damage: "+classWords(r, chain.Damage)+", "+unchecked
	case worst == chain.Inconclusive:
		r.Verdict = "inconclusive: " + classWords(r, chain.Inconclusive) + ", " + unchecked
	case c.held.agree == 0:
		r.Verdict = "nothing checked: no manifest there"
	default:
		r.Verdict = "manifests agree, " + unchecked
	}
	if more := classWords(r, chain.Warning); more != "" {
		r.Verdict += "; also " + more
	}
}

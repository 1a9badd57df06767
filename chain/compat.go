package chain

import "fmt"

// Compat is the report that existing verifiers of the format give, with their names, counts and
// blind spots (docs/FORMAT.md, "compat"). Indices are positions in reading order.
type Compat struct {
	OK               bool              `json:"ok"`
	Total            int64             `json:"total"`
	BreakAtIndex     *int64            `json:"breakAtIndex"`
	BreakReason      *string           `json:"breakReason"`
	TamperedIndices  []int64           `json:"tamperedIndices"`
	OrphanIndices    []int64           `json:"orphanIndices"`
	ForkIndices      []int64           `json:"forkIndices"`
	DuplicateIndices []int64           `json:"duplicateIndices"`
	Acknowledgements []Acknowledgement `json:"acknowledgements"`
	Unreadable       []UnreadableLine  `json:"unreadable"`
	RedactedIndices  []int64           `json:"redactedIndices"`
}

// Acknowledgement is an audit.redact record that explains altered records.
type Acknowledgement struct {
	Index   int64  `json:"index"`
	TS      string `json:"ts"`
	Actor   string `json:"actor"`
	Reason  string `json:"reason"`
	Records int64  `json:"records"`
}

// UnreadableLine is a line that is not JSON.
type UnreadableLine struct {
	File        string `json:"file"`
	Line        int64  `json:"line"`
	BeforeIndex int64  `json:"beforeIndex"`
}

// NoCompat is the report that counts nothing, for this reason: where existing verifiers fail as a whole,
// or where nobody did what they do.
func NoCompat(reason string) Compat {
	return Compat{BreakReason: &reason, TamperedIndices: []int64{}, OrphanIndices: []int64{}, ForkIndices: []int64{},
		DuplicateIndices: []int64{}, Acknowledgements: []Acknowledgement{}, Unreadable: []UnreadableLine{}, RedactedIndices: []int64{}}
}

// compat derives the report of existing verifiers from the same walk.
func (j *Judge) compat(l *linkage, reds *redactions) Compat {
	for _, it := range j.items {
		if it.null {
			return NoCompat("a line is null, on which existing verifiers fail as a whole")
		}
	}
	if reds.broken {
		return NoCompat("an audit.redact list holds null, on which existing verifiers fail as a whole")
	}
	c := NoCompat("")
	c.BreakReason, c.Total = nil, j.records
	acked := map[int64]int64{}
	for _, it := range j.items {
		src := &j.sources[it.Source]
		switch {
		case !it.json:
			before := it.Record
			if it.seam {
				before = max(before, src.base+j.seam)
			}
			c.Unreadable = append(c.Unreadable, UnreadableLine{src.Name, it.Line, before})
		case it.seam:
		case it.class >= LineAltered:
			if b, ok := reds.binding(it); ok {
				c.RedactedIndices = append(c.RedactedIndices, it.Record)
				acked[b.by.Record]++
				continue
			}
			c.TamperedIndices = append(c.TamperedIndices, it.Record)
		}
	}
	for _, u := range l.follow(func(*item) bool { return false }) {
		if u.known {
			c.ForkIndices = append(c.ForkIndices, u.Record)
		} else {
			c.OrphanIndices = append(c.OrphanIndices, u.Record)
		}
	}
	for _, s := range l.copies {
		for r := s.from; r < s.to; r++ {
			c.DuplicateIndices = append(c.DuplicateIndices, r)
		}
	}
	for _, it := range reds.acks {
		if n := acked[it.Record]; n > 0 {
			c.Acknowledgements = append(c.Acknowledgements, Acknowledgement{Index: it.Record, TS: it.tsText,
				Actor: stringMember(*it.record, "actor"), Reason: stringMember(it.payload(), "reason"), Records: n})
		}
	}
	c.judge()
	return c
}

// judge sets ok and the first break in the order existing verifiers give it.
func (c *Compat) judge() {
	at := func(index int64, format string, args ...any) {
		reason := fmt.Sprintf(format, args...)
		c.BreakAtIndex, c.BreakReason = &index, &reason
	}
	switch {
	case len(c.TamperedIndices) > 0:
		at(c.TamperedIndices[0], "%d record(s) with altered content, first at index %d", len(c.TamperedIndices), c.TamperedIndices[0])
	case len(c.Unreadable) > 0:
		u := c.Unreadable[0]
		at(u.BeforeIndex, "%d line(s) that are not records, first at %s line %d", len(c.Unreadable), u.File, u.Line)
	case len(c.OrphanIndices) > 0:
		at(c.OrphanIndices[0], "%d record(s) whose parent is absent, first at index %d", len(c.OrphanIndices), c.OrphanIndices[0])
	default:
		c.OK = true
	}
}

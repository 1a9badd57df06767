package report

import (
	"encoding/json"
	"fmt"
)

// Last is what this machine keeps of the last check of a whole log, outside the home. It is for
// people who ask how things stand; no check trusts it.
type Last struct {
	Schema    string `json:"schema"`
	CheckedAt string `json:"checked_at"`
	Verdict   string `json:"verdict"`
	Exit      int    `json:"exit"`
	LogID     string `json:"log_id"`
	Head      *Head  `json:"head"`
	Records   int64  `json:"records"`
	Tool      string `json:"tool"`
}

// LastSchema names the form of [Last].
const LastSchema = "opscontext.last/1"

// Summary is what is kept of r.
func (r *Report) Summary() Last {
	return Last{Schema: LastSchema, CheckedAt: r.CheckedAt, Verdict: r.Verdict, Exit: r.Exit, LogID: r.LogID, Head: r.Head,
		Records: r.Records.Total, Tool: r.Tool}
}

// Encode gives the bytes that [ParseLast] reads.
func (l Last) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(l, "", "  ")
	return append(b, '\n'), err
}

// ParseLast reads a kept summary.
func ParseLast(b []byte) (Last, error) {
	var l Last
	if err := json.Unmarshal(b, &l); err != nil {
		return Last{}, fmt.Errorf("the kept verdict: %w", err)
	}
	if l.Schema != LastSchema {
		return Last{}, fmt.Errorf("the kept verdict has schema %q, this version reads %q", l.Schema, LastSchema)
	}
	return l, nil
}

// Package report holds the document that a verification gives: one JSON object whose names are those
// of the flags, the headings and docs/FORMAT.md. It is data only; who checks makes it, who prints
// reads it, and a kept one is evidence for a later check.
package report

import "github.com/opscontext/opscontext/chain"

// Schema names this form of the document. Members are added without a new name; a member that
// changes its meaning gets one.
const Schema = "opscontext.report/1"

// Report is the outcome of a verification.
type Report struct {
	OK          bool           `json:"ok"` // exit is 0
	Schema      string         `json:"schema"`
	Verdict     string         `json:"verdict"` // the headline, one sentence
	Exit        int            `json:"exit"`
	Tool        string         `json:"tool"`
	Command     string         `json:"command"`
	Home        string         `json:"home"`
	LogID       string         `json:"log_id"` // empty if unknown
	Incarnation int            `json:"incarnation"`
	Head        *Head          `json:"head"` // null if there is no record
	CheckedAt   string         `json:"checked_at"`
	Range       *Range         `json:"range"` // null if the whole log was asked for
	Records     Counted        `json:"records"`
	Segments    Counted        `json:"segments"`
	Axes        Axes           `json:"axes"`
	Counts      map[string]int `json:"counts"` // records or places by class
	Findings    []Finding      `json:"findings"`
	Breaks      []Break        `json:"breaks"`
	Anchors     []Anchor       `json:"anchors"`
	Mark        *Mark          `json:"mark"` // null if this machine remembers nothing
	Against     *Against       `json:"against"`
	// FirstDivergence is the first finding of damage, in reading order; null if there is none.
	FirstDivergence *Finding         `json:"first_divergence"`
	Sources         []SegmentSummary `json:"files"`
	Compat          chain.Compat     `json:"compat"`
}

// Head is the last record of the chain.
type Head struct {
	Record  int64  `json:"record"` // position in reading order, from 0
	Segment string `json:"segment"`
	TS      string `json:"ts"`
	Hash    string `json:"hash"`
}

// Range is the part of the log that was asked for. Times are inclusive.
type Range struct {
	Since   string `json:"since"` // empty: from the beginning
	Until   string `json:"until"` // empty: to the end
	Segment int64  `json:"segment,omitempty"`
	First   int64  `json:"first"` // position of the first and last record that was recomputed, -1 if none
	Last    int64  `json:"last"`
	Records int64  `json:"records"` // that lie in the range
}

// Counted is how much of something was checked.
type Counted struct {
	Checked int64 `json:"checked"`
	Total   int64 `json:"total"`
	Copies  int64 `json:"copies,omitempty"` // second copies among the total
}

// Axes are the five things a verdict is about, each in a few words.
type Axes struct {
	Integrity    string `json:"integrity"`    // content has its hashes
	Continuity   string `json:"continuity"`   // records follow one another
	Completeness string `json:"completeness"` // the log has the length that something remembers
	Protection   string `json:"protection"`   // who outside vouches for it
	Coverage     string `json:"coverage"`     // what was not looked at
}

// Finding is one thing to say about a place.
type Finding struct {
	Class    chain.Class    `json:"class"`
	Severity chain.Severity `json:"severity"`
	Segment  string         `json:"segment"` // file name; empty if it is about the log as a whole
	Line     int64          `json:"line"`    // from 1; 0 if it is about a file as a whole
	Offset   int64          `json:"offset"`  // bytes
	Record   int64          `json:"record"`  // position in reading order, -1 if it is about no record
	Records  int64          `json:"records"` // how many, from there on
	Hash     string         `json:"hash"`    // empty if there is none
	Meaning  string         `json:"meaning"`
	Next     string         `json:"next"`
	// DocumentedBy is the hash of the anchor in force that documents the finding, or of an altered
	// record, acknowledges it; empty if none does. Documented findings are not in Counts.
	DocumentedBy string `json:"documented_by,omitempty"`
}

// Break is a place where the machine found another log than the one it remembered.
type Break struct {
	Record   int64       `json:"record"`
	TS       string      `json:"ts"`
	Hash     string      `json:"hash"`
	Found    chain.Class `json:"found"`
	LostMin  *int64      `json:"lost_min"` // records; null where nobody has counted
	LostMax  *int64      `json:"lost_max"`
	LostHead string      `json:"lost_head"`
	// DocumentedBy is the hash of the anchor in force that documents the break, empty if none does.
	DocumentedBy string `json:"documented_by,omitempty"`
}

// Anchor is a break that a person documented on the chain, and what checking it came to.
type Anchor struct {
	Record      int64             `json:"record"` // position of the audit.anchor
	TS          string            `json:"ts"`
	Hash        string            `json:"hash"`
	State       chain.AnchorState `json:"state"`
	Why         string            `json:"why"` // what refutes a contradicted one
	Place       chain.Where       `json:"place"`
	Cause       chain.Cause       `json:"cause"`
	Before      string            `json:"before"`        // hash of the last record before the break
	After       string            `json:"after"`         // of the first after a gap; empty at the tail
	BeforeIndex int64             `json:"before_record"` // position of the record before the break, -1 for none
	LostMin     *int64            `json:"lost_min"`      // records; null where nobody has counted
	LostMax     *int64            `json:"lost_max"`
	LostHead    string            `json:"lost_head"`
	Written     chain.Grade       `json:"written_grade"` // of the number of lost records, as the anchor has it
	Grade       chain.Grade       `json:"grade"`         // as this check has it; empty unless in force
	Operator    string            `json:"operator"`
	Reason      string            `json:"reason"`
	Ticket      string            `json:"ticket"`
	RecordedBy  string            `json:"recorded_by"` // "uid 1000@host"
	Incarnation int               `json:"incarnation"`
}

// Mark is what this machine remembers of the log, and whether the log agrees.
type Mark struct {
	Agrees  bool   `json:"agrees"`
	Head    string `json:"head"`
	Record  *int64 `json:"record"` // position of the remembered head; null where nobody has counted
	Segment int64  `json:"segment"`
	Offset  int64  `json:"offset"`
	LogID   string `json:"log_id"`
}

// Against is the outcome of the comparison with something kept elsewhere.
type Against struct {
	Name   string `json:"name"`
	Agrees bool   `json:"agrees"`
	Detail string `json:"detail"`
	// FirstDifference is where the log leaves what was kept of it; absent if it does not.
	FirstDifference *Difference `json:"first_difference,omitempty"`
}

// Difference is the first record kept elsewhere that the log has not in its place.
type Difference struct {
	Kept  Spot  `json:"kept"`
	Found *Spot `json:"found"` // what the log has there; null if it ends before
}

// Spot is a record in its place.
type Spot struct {
	Segment string `json:"segment"`
	Line    int64  `json:"line"`   // from 1; 0 if it is not known
	Record  int64  `json:"record"` // position in the log's reading order, -1 if it has none there
	TS      string `json:"ts"`     // empty if it is not known
	Hash    string `json:"hash"`   // empty if the line is no record
}

// SegmentSummary is what was counted in a segment.
type SegmentSummary struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Records int64  `json:"records"`
	Bytes   int64  `json:"bytes"`
	First   string `json:"first_hash"`
	Last    string `json:"last_hash"`
	TSMin   string `json:"ts_min"`
	TSMax   string `json:"ts_max"`
}

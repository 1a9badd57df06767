package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/locate"
	"github.com/opscontext/opscontext/internal/recordtext"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

// shown is a record as show gives it.
type shown struct {
	Index     *int64         `json:"index"` // null for a copy and in an abandoned branch
	Segment   string         `json:"segment"`
	File      string         `json:"file"` // relative to the home
	State     string         `json:"state"`
	Abandoned bool           `json:"abandoned"`
	Line      int64          `json:"line"`   // from 1
	Offset    int64          `json:"offset"` // bytes, in the JSON lines
	Bytes     int64          `json:"bytes"`  // of the line without its LF
	Category  kinds.Category `json:"category"`
	OwnHash   string         `json:"own_hash"`
	Link      string         `json:"link"`
	Verdict   string         `json:"verdict"`
	Before    *neighbour     `json:"before"`
	After     *neighbour     `json:"after"`
	Parent    *neighbour     `json:"parent"`   // null: none of the nearest records is
	Children  []neighbour    `json:"children"` // of the nearest
	Siblings  []neighbour    `json:"siblings"`
	Copies    []copyPlace    `json:"copies"`
	Unread    []string       `json:"unread"`

	found  *locate.Found
	result *locate.Result
}

// neighbour is a record near the one shown.
type neighbour struct {
	Index *int64 `json:"index"`
	Hash  string `json:"hash"`
	TS    string `json:"ts"`
	Event string `json:"event"`
}

// copyPlace is where another copy of the record stands.
type copyPlace struct {
	Index   *int64 `json:"index"`
	Segment string `json:"segment"`
	Line    int64  `json:"line"`
	Offset  int64  `json:"offset"`
}

func newShown(r *locate.Result, f *locate.Found) *shown {
	s := &shown{
		Index: indexOf(f.Index), Segment: f.Source.Name(), File: segment.FileOf(f.Source), State: f.Source.State().String(),
		Abandoned: f.Abandoned(), Line: f.Line, Offset: f.Offset, Bytes: int64(len(f.Raw)),
		Category: kinds.CategoryOf(f.Reading.Record.Event), OwnHash: ownHash(f.Reading.Class), Link: linkWords(f),
		Before: neighbourOf(f.Before), After: neighbourOf(f.After), Parent: neighbourOf(f.Parent),
		Children: neighboursOf(f.Children), Siblings: neighboursOf(f.Siblings),
		Copies: []copyPlace{}, Unread: append([]string{}, r.Unread...),
		found: f, result: r,
	}
	for _, p := range r.Places[1:] {
		s.Copies = append(s.Copies, copyPlace{indexOf(p.Index), p.Source.Name(), p.Line, p.Offset})
	}
	if f.Unread != nil {
		s.Unread = append(s.Unread, f.Unread.Error())
	}
	s.Verdict = s.OwnHash + "; " + s.Link + "; position in the whole chain not checked: run audit_verify"
	switch {
	case f.Copy:
		s.Verdict = "a copy that an interrupted rotation left, not counted; " + s.Verdict
	case s.Abandoned:
		s.Verdict = "abandoned: no part of the log's history; " + s.Verdict
	}
	return s
}

func indexOf(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func neighbourOf(n *locate.Neighbour) *neighbour {
	if n == nil {
		return nil
	}
	return &neighbour{indexOf(n.Index), n.Hash.String(), n.TS, n.Event}
}

func neighboursOf(all []locate.Neighbour) []neighbour {
	list := make([]neighbour, 0, len(all))
	for _, n := range all {
		list = append(list, *neighbourOf(&n))
	}
	return list
}

func ownHash(class chain.LineClass) string {
	if class == chain.LineUnreadable {
		return "JSON, but no record"
	}
	return ownWord(class)
}

const linksBefore = "links to the record before"

// linkWords says what the record's parent is.
func linkWords(f *locate.Found) string {
	prev := f.Reading.Record.Prev
	switch {
	case f.Reading.Class == chain.LineUnreadable:
		return "it names no parent"
	case f.Before == nil && f.Unread == nil && prev == chain.Genesis && !f.Abandoned():
		return "the first record of the log"
	case f.Before != nil && f.Before.Hash == prev && prev != chain.Genesis:
		return linksBefore
	case f.Parent != nil:
		return "links to a record further back, as a fork does"
	case prev == chain.Genesis:
		return "names no parent, as a beginning does"
	case f.Unread != nil:
		return "its parent is not among the records near it that could be read"
	case f.Abandoned() && f.Before == nil:
		return "its parent is not in the branch"
	}
	return fmt.Sprintf("none of the %d records before it is its parent", locate.Near)
}

// encode writes all that is known. The record is spelled as JSON.stringify does: as it is, it could be
// no JSON to others.
func (s *shown) encode(w io.Writer) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	text = append(append(text[:len(text)-1], `,"record":`...), recordtext.Canonical(s.found.Raw)...)
	_, err = w.Write(append(text, "}\n"...))
	return err
}

// print writes it for people.
func (s *shown) print(out *terminal.Stream) error {
	f := s.found
	var err error
	field := func(label, safe string) {
		if err == nil {
			err = out.Field(label, safe)
		}
	}
	name := "without an index"
	if s.Index != nil {
		name = "#" + terminal.Count(*s.Index)
	}
	field("record", fmt.Sprintf("%s (%s)", name, s.State))
	field("place", fmt.Sprintf("%s line %s, byte %s", s.File, terminal.Count(s.Line), terminal.Count(s.Offset)))
	record := f.Reading.Record
	if f.Reading.Class != chain.LineUnreadable {
		field("ts", terminal.Escape(record.TS))
		field("event", fmt.Sprintf("%s (%s)", terminal.Escape(record.Event), s.Category))
		field("actor", terminal.Escape(record.Actor))
		field("hash", f.Hash.String())
		field("prev_hash", record.Prev.String())
	}
	payload := record.Payload
	if f.Reading.Class == chain.LineUnreadable {
		payload = recordtext.Canonical(f.Raw)
	}
	if payload != nil {
		lines := terminal.IndentJSON(payload, "  ")
		if len(lines) == 1 {
			field("payload", lines[0])
		} else if err == nil {
			_, err = fmt.Fprintln(out, "payload\n  "+strings.Join(lines, "\n  "))
		}
	}
	field("before", rowOf(s.Before, "nothing: it is the first"))
	field("after", rowOf(s.After, "nothing: it is the last"))
	if s.Parent != nil && (s.Before == nil || s.Parent.Hash != s.Before.Hash) {
		field("parent", rowOf(s.Parent, ""))
	}
	for i := range s.Children {
		if s.After == nil || s.Children[i].Hash != s.After.Hash {
			field("child", rowOf(&s.Children[i], ""))
		}
	}
	for i := range s.Siblings {
		field("sibling", rowOf(&s.Siblings[i], ""))
	}
	for _, p := range s.result.Places[1:] {
		field("copy", standsWords(p))
	}
	if len(s.Unread) > 0 {
		field("unread", "some of the log could not be read: its records are not counted, and may stand around this one")
	}
	colour := terminal.Good
	switch {
	case !f.Reading.Class.Whole():
		colour = terminal.Bad
	case s.Index == nil, s.Before != nil && s.Link != linksBefore:
		colour = terminal.Caution
	}
	verdict, rest, _ := strings.Cut(s.Verdict, "; position")
	field("verdict", paintWords(out, colour, verdict)+"; position"+rest)
	return err
}

// paintWords paints each word, so that the colour does not run on where the line is wrapped.
func paintWords(out *terminal.Stream, c terminal.Colour, safe string) string {
	words := strings.Split(safe, " ")
	for i := range words {
		words[i] = out.Paint(c, words[i])
	}
	return strings.Join(words, " ")
}

// rowOf is a neighbour on one line.
func rowOf(n *neighbour, none string) string {
	if n == nil {
		return none
	}
	row := n.Hash[:12] + "  " + terminal.Escape(n.TS) + "  " + terminal.Escape(n.Event)
	if n.Index != nil {
		row = "#" + terminal.Count(*n.Index) + "  " + row
	}
	return row
}

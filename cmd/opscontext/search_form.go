package main

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/recordtext"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/internal/terminal"
)

// Values of --format that export does not have.
const (
	formatTable = "table"
	formatJSON  = "json"
)

var searchFormats = []string{formatTable, formatJSONL, formatCSV, formatJSON}

// The columns of a table of records; the last one has what is left of a line.
var (
	tableTitles = []string{"ts", "event", "actor", "payload"}
	tableWidths = []int{len("2026-01-02T03:04:05.678Z"), len("vscode.prompt_submit"), len("browser-ext")}
)

// searchForm writes what stands before and behind the hits.
type searchForm struct {
	begin func() error
	end   func(search.Summary) error
}

// searchForm is what --format, --count and --by mean. It sets how o writes hits.
func (c *call) searchForm(o *search.Options) (searchForm, error) {
	name := c.cli.String(flagFormat)
	counts := c.cli.Bool(flagCount)
	if counts || o.By != "" {
		return c.countForm(name, o)
	}
	o.Write = func(text []byte) error {
		_, err := c.stdout.Write(text)
		return err
	}
	nothing := func(search.Summary) error { return nil }
	header := func(text string) func() error {
		return func() error {
			_, err := io.WriteString(c.stdout, text)
			return err
		}
	}
	switch name {
	case formatTable:
		if o.Context > 0 {
			return c.contextTable(o), nil
		}
		lines := c.out.NewLines(tableWidths...)
		o.Append = func(dst []byte, h search.Hit) []byte { return appendRow(dst, lines, h) }
		return searchForm{header(string(lines.Append(nil, tableTitles...))), nothing}, nil
	case formatJSONL:
		o.Append = func(dst []byte, h search.Hit) []byte { return exactForm.append(dst, h.Line) }
		return searchForm{header(""), nothing}, nil
	case formatCSV:
		form, err := c.exportForm()
		o.Append = func(dst []byte, h search.Hit) []byte { return form.append(dst, h.Line) }
		return searchForm{header(form.header), nothing}, err
	case formatJSON:
		return c.documentForm(o), nil
	}
	return searchForm{}, usagef("--%s wants one of %s, not %q", flagFormat, strings.Join(searchFormats, ", "), name)
}

// appendRow appends a hit as people read it.
func appendRow(dst []byte, lines *terminal.Lines, h search.Hit) []byte {
	return lines.Append(dst, rowCells(h)...)
}

// rowCells are the columns of a hit: ts, event, actor and payload. What is to be known of it besides
// stands before its payload.
func rowCells(h search.Hit) []string {
	cells := map[string]string{}
	for name, value := range recordtext.Members(recordtext.Canonical(h.Line)) {
		text, ok := recordtext.TextOf(value)
		if !ok || string(name) == "payload" {
			text = string(value)
		}
		cells[string(name)] = text
	}
	payload := cells["payload"]
	if !h.Own.Whole() {
		payload = "[" + ownWord(h.Own) + "] " + payload
	}
	if h.Abandoned() {
		payload = "[abandoned] " + payload
	}
	return []string{cells["ts"], cells["event"], cells["actor"], payload}
}

// ownWord says what a record's own hash says of it.
func ownWord(class chain.LineClass) string {
	switch {
	case class.Whole():
		return "own hash right"
	case class == chain.LineAmbiguous:
		return "ambiguous"
	}
	return "own hash wrong"
}

// searchHit is where a hit of --format json lies; its record follows.
type searchHit struct {
	Segment   string `json:"segment"`
	State     string `json:"state"`
	Abandoned bool   `json:"abandoned"`
	Offset    int64  `json:"offset"`            // bytes
	Context   bool   `json:"context,omitempty"` // it is no hit, but beside one
	OwnHash   string `json:"own_hash,omitempty"`
}

// searched is what --format json says of the search.
type searched struct {
	Hits        int64  `json:"hits"`
	Abandoned   int64  `json:"abandoned"` // of the hits
	Records     int64  `json:"records"`
	Segments    int64  `json:"segments"`
	Searched    int64  `json:"searched"` // of the segments
	Branches    int64  `json:"branches"`
	Frames      int64  `json:"frames"`    // of archived segments, as far as they are indexed
	Skipped     int64  `json:"skipped"`   // of them, as the index ruled them out
	Unindexed   int64  `json:"unindexed"` // archived segments
	Unreadable  int64  `json:"unreadable"`
	Quarantined int64  `json:"quarantined"` // files, -1 if unknown
	Undecided   int64  `json:"undecided"`   // records that --where could not be evaluated on
	Limited     bool   `json:"limited"`
	Verified    string `json:"verified,omitempty"`
}

func (c *call) searched(s search.Summary) searched {
	v := searched{Hits: s.Hits, Abandoned: s.Abandoned, Records: s.Records, Segments: s.Segments, Searched: s.Searched, Branches: s.Branches,
		Frames: s.Frames, Skipped: s.Skipped, Unindexed: s.Unindexed, Unreadable: s.Unreadable, Quarantined: s.Quarantined, Undecided: s.Undecided, Limited: s.Limited}
	if c.cli.Bool(flagVerify) {
		v.Verified = ownWords(s)
	}
	return v
}

// documentForm writes one JSON document, hit by hit. Records are spelled as JSON.stringify does: as
// they are, one could be no JSON to others.
func (c *call) documentForm(o *search.Options) searchForm {
	verified := o.Verify
	o.Append = func(dst []byte, h search.Hit) []byte {
		at := searchHit{Segment: h.Source, State: h.State.String(), Abandoned: h.Abandoned(), Offset: h.Offset, Context: h.Context}
		if verified && !h.Context {
			at.OwnHash = ownWord(h.Own)
		}
		place, err := json.Marshal(at)
		if err != nil {
			return dst // not reached: words and a number
		}
		dst = append(dst, ",\n"...)
		dst = append(append(dst, place[:len(place)-1]...), `,"record":`...)
		return append(append(dst, recordtext.Canonical(h.Line)...), '}')
	}
	first := true
	o.Write = func(text []byte) error {
		if first {
			text = text[1:] // without the comma
		}
		first = false
		_, err := c.stdout.Write(text)
		return err
	}
	return searchForm{
		func() error {
			_, err := io.WriteString(c.stdout, `{"hits":[`)
			return err
		},
		func(s search.Summary) error {
			if _, err := io.WriteString(c.stdout, "],\n\"searched\":"); err != nil {
				return err
			}
			tail, err := json.Marshal(c.searched(s))
			if err != nil {
				return err
			}
			_, err = c.stdout.Write(append(tail, "}\n"...))
			return err
		},
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/config"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/intake"
	"github.com/opscontext/opscontext/internal/report"
	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

func statusVerb() verb {
	return verb{
		name:  "status",
		usage: "show the state of the log and its settings",
		about: `Shows the end of the log, what this machine remembers of it, the last verdict,
which sealed segments are not archived, each setting with its origin, and what
an operator should put right. It reads a few blocks, however long the log is,
and judges nothing; audit_verify does that.`,
		examples: "opscontext status\nopscontext status --json | jq .mark",
		flags:    []cli.Flag{boolFlag(flagJSON, "as one JSON object")},
		run:      runStatus,
	}
}

// status is what status --json prints. What is not known is null or empty.
type status struct {
	Home        string       `json:"home"`
	Exists      bool         `json:"exists"`
	State       string       `json:"state"`
	LogID       string       `json:"log_id"`
	Head        *headStatus  `json:"head"`
	Bytes       int64        `json:"bytes"`
	Segments    int          `json:"segments"`
	LiveBytes   int64        `json:"live_bytes"`
	Archived    int          `json:"archived"`     // segments
	NotArchived []string     `json:"not_archived"` // sealed segments that archive would compress, by file name
	Mark        *markStatus  `json:"mark"`
	LastVerdict *report.Last `json:"last_verdict"`
	Settings    []setting    `json:"settings"`
	Warnings    []string     `json:"warnings"`
}

type headStatus struct {
	Segment string `json:"segment"`
	TS      string `json:"ts"`
	Hash    string `json:"hash"`
}

// markStatus is what this machine remembers.
type markStatus struct {
	Standing string `json:"standing"` // agrees, broken or unjudged
	Class    string `json:"class"`    // what it is if broken
	Why      string `json:"why"`      // if unjudged
	Hash     string `json:"hash"`
	TS       string `json:"ts"`
	Records  *int64 `json:"records"`
}

// setting is a configured value and where it comes from.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

func runStatus(c *call) error {
	s, err := c.status()
	if err != nil {
		return err
	}
	if c.cli.Bool(flagJSON) {
		return json.NewEncoder(c.stdout).Encode(s)
	}
	return printStatus(c.out, s)
}

func (c *call) status() (*status, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	snap, err := segment.OpenSnapshot(cfg.Home, snapshotOptions())
	if err != nil {
		return nil, err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	s := &status{
		Home: snap.Home, Exists: snap.Exists, State: cfg.State, Segments: len(snap.Sources), NotArchived: []string{}, Warnings: []string{},
	}
	for _, row := range cfg.Settings() {
		s.Settings = append(s.Settings, setting{row.Name, row.Value, string(row.Origin)})
	}
	for _, src := range snap.Sources {
		s.Bytes += src.Size()
	}
	if snap.Live != nil {
		s.LiveBytes = snap.Live.Size()
	}
	for _, f := range snap.Facts {
		s.Warnings = append(s.Warnings, filepath.Join(snap.Home, f.File)+": "+f.Detail)
	}
	s.archives(snap)
	s.imports(snap)
	s.ends(snap)
	return s, s.remembered(c.ctx, cfg, snap)
}

// warn keeps an error that does not keep the rest from being shown. Several errors are a line each.
func (s *status) warn(err error) {
	s.Warnings = append(s.Warnings, strings.ReplaceAll(err.Error(), "\n", "; "))
}

// archives finds out what is archived and what could be: the sealed segment with the highest number stays
// plain.
func (s *status) archives(snap *segment.Snapshot) {
	highest := int64(0)
	for _, src := range snap.Sources {
		if src.State() != segment.StateLive {
			highest = max(highest, src.Segment().Number)
		}
	}
	for _, src := range snap.Sources {
		switch name := src.Segment(); {
		case src.State() == segment.StateArchived:
			s.Archived++
			manifest := filepath.Join(snap.Home, segment.ArchiveDir, name.File(segment.FormManifest))
			if _, err := durable.OS().Stat(manifest); errors.Is(err, fs.ErrNotExist) {
				s.Warnings = append(s.Warnings, manifest+": not there: run archive, which makes it again")
			}
		case src.State() == segment.StateSealed && name.Number < highest:
			s.NotArchived = append(s.NotArchived, src.Name())
		}
	}
}

// imports names the imports that are not complete.
func (s *status) imports(snap *segment.Snapshot) {
	marks, err := intake.ReadBookmarks(durable.OS(), snap.Home)
	if err != nil {
		s.warn(err)
	}
	for _, b := range marks {
		if words := b.Unfinished(); words != "" {
			s.Warnings = append(s.Warnings, words)
		}
	}
}

// ends finds the first and the last record of the log.
func (s *status) ends(snap *segment.Snapshot) {
	for _, src := range snap.Sources {
		line, err := firstLine(src)
		if err != nil {
			s.warn(err)
			break // nothing says which log it is without the first record
		}
		if line != nil {
			s.LogID = chain.ReadLine(line).Record.Hash.String()
			break
		}
	}
	for i := len(snap.Sources) - 1; i >= 0; i-- {
		name := snap.Sources[i].Name()
		line, err := lastLine(snap.Sources[i])
		switch {
		case err != nil:
			s.warn(err)
			return
		case line == nil:
			continue
		}
		r := chain.ReadLine(line)
		if r.Class == chain.LineUnreadable {
			s.Warnings = append(s.Warnings, name+": does not end with a record: "+r.Why)
			return
		}
		s.Head = &headStatus{Segment: name, TS: r.Record.TS, Hash: r.Record.Hash.String()}
		return
	}
}

// remembered holds the log against the memory of this machine.
func (s *status) remembered(ctx context.Context, cfg config.Config, snap *segment.Snapshot) error {
	memory, err := segment.OpenMemory(durable.OS(), cfg.State, cfg.Home)
	if err != nil {
		return err
	}
	found, err := memory.Check(ctx, segment.HomeView{Live: snap.Live, Snapshot: snap})
	if err != nil {
		return err
	}
	if found.Mark.Head != chain.Genesis {
		s.Mark = &markStatus{Hash: found.Mark.Head.String(), TS: found.Mark.TS, Class: string(found.Class), Why: found.Why,
			Standing: map[segment.Standing]string{segment.Agrees: "agrees", segment.Broken: "broken", segment.Unjudged: "unjudged"}[found.Standing]}
		if n := found.Mark.Records; n != chain.UnknownCount {
			s.Mark.Records = &n
		}
	}
	kept, err := memory.Verdict()
	if err != nil || kept == nil {
		return err
	}
	last, err := report.ParseLast(kept)
	if err != nil {
		s.warn(err)
		return nil // it is for people alone, and said
	}
	s.LastVerdict = &last
	return nil
}

// firstLine gives the first line of src that is not empty, nil if there is none.
func firstLine(src segment.Source) ([]byte, error) {
	for _, e := range src.Extents(segment.DefaultExtent) {
		chunk, err := src.Read(e, nil)
		if err != nil {
			return nil, err
		}
		for _, line := range chunk.Lines() {
			if len(line) > 0 {
				return line, nil
			}
		}
	}
	return nil, nil
}

// lastLine gives the last line of src that is not empty, nil if there is none.
func lastLine(src segment.Source) (last []byte, err error) {
	extents := src.Extents(segment.DefaultExtent)
	for i := len(extents) - 1; i >= 0; i-- {
		chunk, err := src.Read(extents[i], nil)
		if err != nil {
			return nil, err
		}
		for _, line := range chunk.Lines() {
			if len(line) > 0 {
				last = line
			}
		}
		if last != nil {
			return last, nil
		}
	}
	return nil, nil
}

func printStatus(out *terminal.Stream, s *status) error {
	p := &printer{out: out}
	p.field("home", terminal.Escape(s.Home))
	switch {
	case !s.Exists:
		p.field("", "not there yet: the first append makes it")
	case s.Head == nil:
		p.field("head", "none")
	default:
		p.field("head", s.Head.Hash)
		p.field("", fmt.Sprintf("%s, of %s", terminal.Escape(s.Head.Segment), terminal.Clip(s.Head.TS, 40)))
	}
	if s.LogID != "" {
		p.field("log id", s.LogID)
	}
	p.field("size", fmt.Sprintf("%s in %s, %s of it live",
		terminal.Bytes(s.Bytes), terminal.Plural(int64(s.Segments), "segment"), terminal.Bytes(s.LiveBytes)))
	p.field("archived", archivesWords(s))
	p.field("remembered", markWords(s))
	if v := s.LastVerdict; v != nil {
		p.field("verified", terminal.Clip(v.CheckedAt, 40)+": "+terminal.Clip(v.Verdict, 400))
	} else {
		p.field("verified", "never on this machine, as far as is known")
	}
	for i, w := range s.Warnings {
		label := ""
		if i == 0 {
			label = "warnings"
		}
		p.field(label, out.Paint(terminal.Caution, terminal.Escape(w)))
	}
	if p.err != nil {
		return p.err
	}
	table := terminal.NewTable(terminal.Column{Title: "setting"}, terminal.Column{Title: "from"}, terminal.Column{Title: "value"})
	for _, row := range s.Settings {
		value := row.Value
		if value == "" {
			value = "-"
		}
		table.Row(row.Name, row.From, value)
	}
	if _, err := io.WriteString(out, "\n"); err != nil {
		return err
	}
	return table.Print(out)
}

// archivesWords says what is archived, and what to do about what is not.
func archivesWords(s *status) string {
	words := terminal.Plural(int64(s.Archived), "segment")
	if n := len(s.NotArchived); n > 0 {
		words += fmt.Sprintf("; %s sealed and not archived: %s; run opscontext archive", are(n), listed(s.NotArchived))
	}
	return words
}

func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

// markWords says how the log stands to what this machine remembers of it.
func markWords(s *status) string {
	m := s.Mark
	if m == nil {
		return "nothing: this machine has no mark of this log"
	}
	words := "head " + short(m.Hash)
	if m.Records != nil {
		words = fmt.Sprintf("head #%s %s", terminal.Count(*m.Records-1), short(m.Hash))
	}
	switch {
	case m.Class != "":
		return words + " is not in this log: " + terminal.Escape(m.Class) + "; run audit_verify"
	case m.Why != "":
		return words + ": nobody can tell: " + terminal.Clip(m.Why, 200)
	case s.Head != nil && s.Head.Hash != m.Hash:
		return words + " is in the log; other writers have gone on since"
	}
	return words + " agrees"
}

// Package corpus reads the damaged logs of testdata/corrupt and lays them out as homes: one damage a
// case, with what every part of this program must make of it. Tests of all packages take their
// damaged logs from it; its own tests make the cases and hold the kept ones against them.
//
// testdata/corrupt/README.md tells the form of a case.
package corpus

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/opscontext/opscontext/chain"
)

// Case is one damage.
type Case struct {
	Name   string
	IDs    []string // of the incidents that it stands for, if it does
	Made   string   // what was done to a sound log
	Why    string   // the expectations are what they are
	Vector string   // the kept log of testdata/vectors that is the home, in place of Entries

	Exit     int // of audit_verify
	Findings []Finding
	Told     []Told
	Plan     Plan
	After    int    // exit of audit_verify once the plan was applied
	Appended string // the same once a record was appended after it, or "refused" if none can be

	Entries []Entry
}

// Title is the name of a case with the ids that it stands for, as tests of it are called.
func (c *Case) Title() string { return strings.Join(append(slices.Clone(c.IDs), c.Name), " ") }

// Finding is a class and its place.
type Finding struct {
	Class   chain.Class
	Segment string // empty: the log as a whole
	Line    int64  // 0: the file as a whole
}

// String is the finding as a case spells it.
func (f Finding) String() string {
	segment := f.Segment
	if segment == "" {
		segment = "-"
	}
	return fmt.Sprintf("%s %s %d", f.Class, segment, f.Line)
}

// Told is what a diagnosis says of a case: its kind, and the command that it ends with.
type Told struct{ Case, Run string }

// Plan is what can be done: "none", "repair", "restore" or "declare" with a cause, or "refuse", where
// nothing that this program has makes it better.
type Plan struct {
	Do    string
	Cause chain.Cause
}

// Entry is a file of the home or, under state/, what the machine remembers of it.
type Entry struct {
	Path string // with slashes: home/audit.log, state/mark
	Mode fs.FileMode
	Data []byte // of a symbolic link, where it leads; of a hard link, the path of the other name
}

// The types of an entry beyond those of fs.FileMode. A hard link has this bit, which no file keeps.
const hardLink = fs.ModeIrregular

// Link is an entry that is a second name of the file at another path.
func Link(path, other string) Entry { return Entry{path, hardLink, []byte(other)} }

// Read reads the cases of a directory, in the order of their names.
func Read(dir string) ([]Case, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+Suffix))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var cases []Case
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		c, err := Parse(strings.TrimSuffix(filepath.Base(name), Suffix), text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// Suffix ends the name of a case's file.
const Suffix = ".case"

// Format writes a case as its file has it.
func (c *Case) Format() []byte {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	field("made", c.Made)
	field("why", c.Why)
	field("ids", strings.Join(c.IDs, ", "))
	field("vector", c.Vector)
	field("exit", strconv.Itoa(c.Exit))
	for _, f := range c.Findings {
		field("finding", f.String())
	}
	for _, t := range c.Told {
		field("case", strings.TrimSpace(t.Case+" "+t.Run))
	}
	field("plan", strings.TrimSpace(c.Plan.Do+" "+string(c.Plan.Cause)))
	field("after", strconv.Itoa(c.After))
	field("appended", c.Appended)
	for _, e := range c.Entries {
		form := formOf(e)
		fmt.Fprintf(&b, "-- %s %#o %s --\n", e.Path, e.Mode.Perm(), form)
		b.WriteString(forms[form].write(e.Data))
	}
	return []byte(b.String())
}

// Parse reads what Format writes.
func Parse(name string, text []byte) (c Case, err error) {
	c.Name = name
	head, body, _ := strings.Cut("\n"+string(text), "\n-- ")
	for line := range strings.Lines(head) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			continue
		}
		key, value, found := strings.Cut(line, ": ")
		if !found {
			return c, fmt.Errorf("%q is no field", line)
		}
		if err := c.set(key, value); err != nil {
			return c, fmt.Errorf("%s: %w", key, err)
		}
	}
	if body == "" {
		return c, nil
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(body, "\n"), "\n-- ") {
		e, err := parseEntry(part + "\n")
		if err != nil {
			return c, err
		}
		c.Entries = append(c.Entries, e)
	}
	return c, nil
}

func (c *Case) set(key, value string) (err error) {
	switch key {
	case "made":
		c.Made = value
	case "why":
		c.Why = value
	case "ids":
		c.IDs = strings.Split(value, ", ")
	case "vector":
		c.Vector = value
	case "exit":
		c.Exit, err = strconv.Atoi(value)
	case "finding":
		var f Finding
		_, err = fmt.Sscanf(value, "%s %s %d", &f.Class, &f.Segment, &f.Line)
		f.Segment = strings.TrimPrefix(f.Segment, "-")
		c.Findings = append(c.Findings, f)
	case "case":
		kind, run, _ := strings.Cut(value, " ")
		c.Told = append(c.Told, Told{kind, run})
	case "plan":
		do, cause, _ := strings.Cut(value, " ")
		c.Plan = Plan{do, chain.Cause(cause)}
	case "after":
		c.After, err = strconv.Atoi(value)
	case "appended":
		c.Appended = value
	default:
		err = fmt.Errorf("there is no such field")
	}
	return err
}

// form is a way to spell the bytes of an entry.
type form struct {
	write func([]byte) string
	read  func(string) ([]byte, error)
}

var forms = map[string]form{
	"text":    {func(b []byte) string { return string(b) }, func(s string) ([]byte, error) { return []byte(s), nil }},
	"quoted":  {writeQuoted, readQuoted},
	"base64":  {writeBase64, readBase64},
	"symlink": {writeQuoted, readQuoted},
	"link":    {writeQuoted, readQuoted},
	"dir":     {func([]byte) string { return "" }, func(string) ([]byte, error) { return nil, nil }},
}

// formOf picks the form that shows most of an entry to whoever reads its case.
func formOf(e Entry) string {
	switch s := string(e.Data); {
	case e.Mode.IsDir():
		return "dir"
	case e.Mode&fs.ModeSymlink != 0:
		return "symlink"
	case e.Mode&hardLink != 0:
		return "link"
	case strings.HasSuffix(e.Path, ".zst"):
		return "base64"
	case strings.HasSuffix(s, "\n") && !strings.Contains("\n"+s, "\n-- ") && !strings.ContainsFunc(s, odd):
		return "text"
	}
	return "quoted"
}

// odd reports whether a character is better quoted.
func odd(r rune) bool { return r != '\n' && !strconv.IsPrint(r) || r == '\ufffd' }

// writeQuoted gives a line per line, each a Go string.
func writeQuoted(b []byte) string {
	var s strings.Builder
	for line := range strings.Lines(string(b)) {
		s.WriteString(strconv.Quote(line) + "\n")
	}
	return s.String()
}

func readQuoted(s string) (b []byte, err error) {
	for line := range strings.Lines(s) {
		text, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("%.40q: %w", line, err)
		}
		b = append(b, text...)
	}
	return b, nil
}

func writeBase64(b []byte) string {
	var s strings.Builder
	for part := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(b)), 100) {
		s.Write(append(part, '\n'))
	}
	return s.String()
}

func readBase64(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.ReplaceAll(s, "\n", ""))
}

// parseEntry reads an entry, from after the dashes of its header on.
func parseEntry(text string) (e Entry, err error) {
	head, body, _ := strings.Cut(text, "\n")
	var word string
	if _, err := fmt.Sscanf(head, "%s %o %s --", &e.Path, &e.Mode, &word); err != nil {
		return e, fmt.Errorf("entry %q: %w", head, err)
	}
	f, ok := forms[word]
	if !ok {
		return e, fmt.Errorf("entry %q: there is no form %s", head, word)
	}
	e.Mode |= map[string]fs.FileMode{"dir": fs.ModeDir, "symlink": fs.ModeSymlink, "link": hardLink}[word]
	if e.Data, err = f.read(body); err != nil {
		return e, fmt.Errorf("entry %q: %w", head, err)
	}
	return e, nil
}

// Package doctest executes the documents: every example in docs/FORMAT.md is parsed, hashed and
// written again by the code, every table is compared with the one in the code, and every command in
// the runbooks is run with the program itself. It holds tests only.
//
// Words behind a fence, which no reader sees, say what is to be done with a block:
//
//	```json example=NAME        an example, compared with the history that all of them come from
//	```sh stage=NAME exit=N     commands; the stage is the home they start in, see stages; without
//	                            one they go on in that of the block before. exit is 0 unless given
//	```sh needs=PROGRAM         commands that want a program besides the usual ones; where it is not
//	                            installed, they and the rest of a runbook are skipped
//	```console stage=NAME exit=N  the same in one block, commands behind "$ ", in an empty home if none
//	                            is named
//	```output                   what the commands before it write; … stands for any text, and on a
//	                            line of its own for any number of lines
package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// document is a Markdown text, cut into the pieces that tests ask for.
type document struct {
	name   string
	text   string
	blocks []block
}

// block is a fenced block.
type block struct {
	lang    string            // first word behind the fence
	attrs   map[string]string // key=value words behind it
	text    string            // with its last LF
	line    int               // of the fence, from 1
	heading string            // the heading it stands under, of whatever level
}

func readDocument(t *testing.T, name string) *document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	d := &document{name: name, text: string(text)}
	var b *block
	var heading string
	for i, line := range strings.SplitAfter(d.text, "\n") {
		fence := strings.HasPrefix(line, "```")
		switch {
		case b == nil && fence:
			words := strings.Fields(strings.TrimPrefix(line, "```"))
			b = &block{attrs: map[string]string{}, line: i + 1, heading: heading}
			for n, w := range words {
				if key, value, ok := strings.Cut(w, "="); ok {
					b.attrs[key] = value
				} else if n == 0 {
					b.lang = w
				} else {
					t.Fatalf("%s:%d: %q behind the fence is no key=value", name, i+1, w)
				}
			}
		case b != nil && fence:
			d.blocks = append(d.blocks, *b)
			b = nil
		case b != nil:
			b.text += line
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
		}
	}
	if b != nil {
		t.Fatalf("%s:%d: the block does not end", name, b.line)
	}
	return d
}

// example gives the one block with example=name.
func (d *document) example(t *testing.T, name string) block {
	t.Helper()
	var found []block
	for _, b := range d.blocks {
		if b.attrs["example"] == name {
			found = append(found, b)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks with example=%s, want 1", d.name, len(found), name)
	}
	return found[0]
}

// at names a place in a document in messages.
func (d *document) at(b block) string { return fmt.Sprintf("%s:%d", d.name, b.line) }

// wants fails unless the document holds the text, a table say, word for word.
func (d *document) wants(t *testing.T, what, text string) {
	t.Helper()
	if !strings.Contains(d.text, text) {
		t.Errorf("%s does not hold the %s as the code has it, which is:\n%s", d.name, what, text)
	}
}

// section gives the text under a heading, up to the next heading of the same or a higher level.
func (d *document) section(t *testing.T, heading string) string {
	t.Helper()
	var out strings.Builder
	depth := 0
	fenced := false
	for _, line := range strings.SplitAfter(d.text, "\n") {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if strings.HasPrefix(line, "#") && !fenced {
			level := len(line) - len(strings.TrimLeft(line, "#"))
			if depth > 0 && level <= depth {
				break
			}
			if strings.TrimSpace(strings.TrimLeft(line, "#")) == heading {
				depth = level
				continue
			}
		}
		if depth > 0 {
			out.WriteString(line)
		}
	}
	if depth == 0 {
		t.Fatalf("%s has no heading %q", d.name, heading)
	}
	return out.String()
}

package terminal

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
)

// ColourMode says when to use colours.
type ColourMode string

// The modes of a --color flag.
const (
	ColourAuto   ColourMode = "auto" // on a terminal, unless the environment says otherwise
	ColourAlways ColourMode = "always"
	ColourNever  ColourMode = "never"
)

// ParseColourMode reads a mode; the empty string is [ColourAuto].
func ParseColourMode(s string) (ColourMode, error) {
	switch m := ColourMode(s); m {
	case "":
		return ColourAuto, nil
	case ColourAuto, ColourAlways, ColourNever:
		return m, nil
	}
	return "", fmt.Errorf("%q is not one of auto, always, never", Clip(s, 40))
}

// wanted decides in this order: what was asked for on this command line, NO_COLOR
// (https://no-color.org), CLICOLOR_FORCE, a terminal that can show colours.
func (m ColourMode) wanted(tty bool, lookup func(string) (string, bool)) bool {
	set := func(name string) bool { v, ok := lookup(name); return ok && v != "" }
	switch {
	case m != ColourAuto:
		return m == ColourAlways
	case set("NO_COLOR"):
		return false
	case set("CLICOLOR_FORCE"):
		v, _ := lookup("CLICOLOR_FORCE")
		return v != "0"
	}
	kind, _ := lookup("TERM")
	return tty && kind != "dumb"
}

// Colour is how a word stands out. Nothing is said by colour alone.
type Colour int

// The colours, by what they mean.
const (
	Plain Colour = iota
	Good
	Caution
	Bad
	Faint
)

var sequences = map[Colour]text.Colors{
	Good:    {text.FgGreen},
	Caution: {text.FgYellow},
	Bad:     {text.FgRed, text.Bold},
	Faint:   {text.Faint},
}

// Paint gives safe in the colour c where the stream shows colours, else unchanged. It does not
// escape: safe is our own text or has been through [Escape].
func (s *Stream) Paint(c Colour, safe string) string {
	colours, ok := sequences[c]
	if !s.colour || !ok || safe == "" {
		return safe
	}
	return colours.EscapeSeq() + safe + text.EscapeReset
}

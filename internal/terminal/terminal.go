// Package terminal writes for people: text that is safe to show, colours where they are wanted,
// tables and labelled lines that fit a screen, and progress of long work. It knows nothing of
// records or logs.
//
// Everything here takes text that may come from an attacker and shows it escaped (see [Escape]);
// what a program writes for other programs does not go through this package.
package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// DefaultWidth is the number of columns that output is laid out for when it does not go to a
// terminal, and the least that a terminal is taken to have is minWidth.
const (
	DefaultWidth = 80
	minWidth     = 40
)

// Stream is an output that a person reads. It is not safe for concurrent use.
type Stream struct {
	w      io.Writer
	tty    bool
	colour bool
	width  int
}

// NewStream describes w: whether it is a terminal, how wide, and whether colours are wanted there.
// lookup reads the environment, as [os.LookupEnv] does.
func NewStream(w io.Writer, mode ColourMode, lookup func(string) (string, bool)) *Stream {
	s := &Stream{w: w, width: DefaultWidth}
	if f, ok := w.(*os.File); ok && IsTerminal(f) {
		s.tty = true
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			s.width = max(columns, minWidth)
		}
	}
	s.colour = mode.wanted(s.tty, lookup)
	return s
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Terminal reports whether the stream goes to a terminal.
func (s *Stream) Terminal() bool { return s.tty }

// Write passes p on unchanged: for text that is safe already.
func (s *Stream) Write(p []byte) (int, error) { return s.w.Write(p) }

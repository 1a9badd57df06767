package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/opscontext/opscontext/internal/terminal"
	"github.com/opscontext/opscontext/segment"
)

// warnings holds what the log has to say while it is locked, to be printed once it no longer is:
// a terminal that does not take more must not keep other writers waiting.
type warnings struct {
	mu   sync.Mutex
	held []segment.Warning
	out  io.Writer
}

func (w *warnings) add(warning segment.Warning) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = append(w.held, warning)
}

// print writes what was held back. Standard error that is gone is no reason to stop.
func (w *warnings) print() {
	w.mu.Lock()
	held := w.held
	w.held = nil
	w.mu.Unlock()
	for _, warning := range held {
		text := warning.Text
		if warning.Path != "" {
			text = warning.Path + ": " + text
		}
		printWarning(w.out, text)
	}
}

// printWarning says something on standard error that an operator should know although the command
// goes on.
func printWarning(out io.Writer, text string) {
	_, _ = fmt.Fprintf(out, "warning: %s\n", terminal.Escape(text))
}

func (c *call) warn(text string) { printWarning(c.stderr, text) }

// progress tells on standard error how far work over total bytes has come, unless that is not
// wanted.
func (c *call) progress(what string, total int64) *terminal.Progress {
	if c.cli.Bool(flagQuiet) {
		return nil
	}
	return c.errs.Progress(what, total)
}

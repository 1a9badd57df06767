package main

import (
	_ "embed"
	"io"
)

// manPage is what the command's own table of verbs and flags makes of itself; a test holds it to
// that. Making it at run time would link a Markdown renderer into every process that appends a
// record, and pay for its start each time: see the build tag in the Makefile.
//
//go:embed opscontext.1
var manPage string

func manVerb() verb {
	return verb{
		name:     "man",
		usage:    "print the manual page",
		about:    "Prints the manual page of all commands, section 1, as troff.",
		examples: "opscontext man | man -l -\nopscontext man > /usr/local/share/man/man1/opscontext.1",
		run: func(c *call) error {
			_, err := io.WriteString(c.stdout, manPage)
			return err
		},
	}
}

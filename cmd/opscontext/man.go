package main

import (
	"io"
)

func manVerb() verb {
	return verb{
		name:     "man",
		usage:    "print the manual page",
		about:    "Prints the manual page of all commands, section 1, as troff.",
		examples: "opscontext man | man -l -\nopscontext man > /usr/local/share/man/man1/opscontext.1",
		run: func(c *call) error {
			page, err := newApp(c.environment).ToManWithSection(1)
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.stdout, page)
			return err
		},
	}
}

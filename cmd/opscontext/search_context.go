package main

import (
	"strconv"

	"github.com/opscontext/opscontext/internal/search"
)

const (
	flagContext = "context"
	// maxContext bounds what has to be looked through beside one hit.
	maxContext = 10_000
)

// contextRecords is what --context says.
func (c *call) contextRecords() (int, error) {
	text := c.cli.String(flagContext)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxContext {
		return 0, usagef("--%s wants a number of records from 1 to %d, not %s", flagContext, maxContext, text)
	}
	switch format := c.cli.String(flagFormat); format {
	case formatJSONL, formatCSV:
		return 0, usagef("--%s cannot be told from hits in %s: use --%s %s or %s", flagContext, format, flagFormat, formatTable, formatJSON)
	}
	return n, nil
}

// contextTable is a table in which hits stand out from the records around them.
func (c *call) contextTable(o *search.Options) searchForm {
	lines := c.out.NewLines(append([]int{1}, tableWidths...)...)
	o.Apart = []byte("--\n")
	o.Append = func(dst []byte, h search.Hit) []byte {
		mark := ">"
		if h.Context {
			mark = ""
		}
		return lines.Append(dst, append([]string{mark}, rowCells(h)...)...)
	}
	return searchForm{
		func() error {
			_, err := c.stdout.Write(lines.Append(nil, append([]string{""}, tableTitles...)...))
			return err
		},
		func(search.Summary) error { return nil },
	}
}

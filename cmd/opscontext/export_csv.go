package main

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opscontext/opscontext/internal/recordtext"
	"github.com/opscontext/opscontext/internal/terminal"
)

// csvColumns are the members of a record that CSV has, in order.
var csvColumns = []string{"ts", "event", "actor", "payload", "prev_hash", "hash"}

var csvHeader = strings.Join(csvColumns, ",") + "\r\n"

// appendCSV appends a record as one row of RFC 4180: text as it is, other values and the whole
// payload as canonical JSON, nothing for a member that is absent.
func appendCSV(dst, line []byte) []byte {
	cells := make([][]byte, len(csvColumns))
	for name, value := range recordtext.Members(recordtext.Canonical(line)) {
		column := slices.Index(csvColumns, string(name))
		if column < 0 {
			continue
		}
		if text, ok := recordtext.TextOf(value); ok && csvColumns[column] != "payload" {
			// What is not UTF-8 here is a surrogate without its partner, which JSON can spell and
			// UTF-8 cannot.
			value = bytes.ToValidUTF8([]byte(text), []byte("\uFFFD"))
		}
		cells[column] = value
	}
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCSVCell(dst, cell)
	}
	return append(dst, "\r\n"...)
}

// appendCSVCell appends a cell, in quotes where it needs them, behind an apostrophe where a
// spreadsheet might compute it. encoding/csv cannot do it: told to end lines in CR LF, it drops
// every CR within a cell and puts one before every LF.
func appendCSVCell(dst, cell []byte) []byte {
	quoted := bytes.ContainsAny(cell, "\",\r\n")
	if quoted {
		dst = append(dst, '"')
	}
	if computed(cell) {
		dst = append(dst, '\'')
	}
	if !quoted {
		return append(dst, cell...)
	}
	for {
		before, after, more := bytes.Cut(cell, []byte{'"'})
		dst = append(dst, before...)
		if !more {
			return append(dst, '"')
		}
		dst, cell = append(dst, `""`...), after
	}
}

// computed reports whether a spreadsheet might take a cell for a formula: it begins with a character
// that starts one, in its ordinary or its full width, or with one after nothing but what spreadsheets
// strip: white space, control and format characters; or it begins with a control character that
// makes some of them drop the quotes.
func computed(cell []byte) bool {
	if len(cell) > 0 && strings.IndexByte("\t\r\n\x00", cell[0]) >= 0 {
		return true
	}
	first, _ := utf8.DecodeRune(bytes.TrimLeftFunc(cell, stripped))
	return strings.ContainsRune("=+-@＝＋－＠", first)
}

func stripped(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf)
}

// appendShownCSV is appendCSV for a terminal, which text must not steer.
func appendShownCSV(dst, line []byte) []byte {
	row := bytes.TrimSuffix(appendCSV(nil, line), []byte("\r\n"))
	return append(append(dst, terminal.Escape(string(row))...), "\r\n"...)
}

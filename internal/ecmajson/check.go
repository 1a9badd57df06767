package ecmajson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Errors of [Parse].
var (
	// ErrSyntax is wrapped by the error that says where a text stops being JSON and why.
	ErrSyntax = errors.New("not JSON")
	// ErrDepth is wrapped by the error that says where a text is nested deeper than allowed.
	ErrDepth = errors.New("nested too deep")
)

// check makes sure that text is one JSON value, nested no deeper than depth levels. It gives the
// number of elements or members of each array and object, in the order in which they are opened, so
// that each can be allocated whole: growing them would take several times the memory.
func check(text []byte, depth int) (sizes []int, err error) {
	// Bytes that are no UTF-8 and names that come twice are JSON.parse's to judge: it lets both pass.
	dec := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	var open []int // places in sizes
	for {
		kind := dec.PeekKind()
		switch kind {
		case '[', '{':
			if len(open) >= depth {
				return nil, fmt.Errorf("%w at byte %d: more than %d levels", ErrDepth, dec.InputOffset(), depth)
			}
		}
		if _, err := dec.ReadToken(); err != nil {
			return nil, syntaxError(text, err)
		}
		switch kind {
		case ']':
			open = open[:len(open)-1]
		case '}':
			last := len(open) - 1
			sizes[open[last]] /= 2 // the names were counted too
			open = open[:last]
		default:
			if len(open) > 0 {
				sizes[open[len(open)-1]]++
			}
			if kind == '[' || kind == '{' {
				open = append(open, len(sizes))
				sizes = append(sizes, 0)
			}
		}
		if len(open) == 0 {
			return sizes, checkEnd(text, int(dec.InputOffset()))
		}
	}
}

// checkEnd makes sure that only white space stands behind the value that ends at end.
func checkEnd(text []byte, end int) error {
	rest := bytes.TrimLeft(text[end:], " \t\r\n")
	if len(rest) == 0 {
		return nil
	}
	at := len(text) - len(rest)
	return fmt.Errorf("%w at byte %d, at %s: the value is over", ErrSyntax, at, quoteAt(text, at))
}

// syntaxError words an error of the decoder.
func syntaxError(text []byte, err error) error {
	at := len(text)
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		at, err = int(s.ByteOffset), s.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w at byte %d: the text ends too early", ErrSyntax, len(text))
	}
	return fmt.Errorf("%w at byte %d, at %s: %w", ErrSyntax, at, quoteAt(text, at), err)
}

// quoteAt quotes the character at an offset of text.
func quoteAt(text []byte, at int) string {
	_, n := utf8.DecodeRune(text[at:])
	return fmt.Sprintf("%q", text[at:at+n])
}

package ecmajson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Errors of [Parse].
var (
	// ErrSyntax is wrapped by the error that says where a text stops being JSON and why.
	ErrSyntax = errors.New("not JSON")
	// ErrDepth is wrapped by the error that says how deep a text may be nested.
	ErrDepth = errors.New("nested too deep")
)

// Parse reads text as JSON.parse reads it once it has been decoded as UTF-8: RFC 8259 to the letter,
// ill-formed bytes read as U+FFFD, numbers as doubles, of members with one name the last. Arrays and
// objects may be nested maxDepth levels, at most [MaxDepth].
//
// The error wraps [ErrSyntax] or [ErrDepth] and gives the offset in bytes. Oddities mean something
// only where the error is nil. Time is linear in the text but for sorting integer-like names; the
// value takes up to about 130 bytes for a byte of text (an array of digits) and shares one copy of text.
func Parse(text []byte, maxDepth int) (Value, Oddities, error) {
	r := reader{
		text:  string(text),
		valid: utf8.Valid(text),
		depth: min(maxDepth, MaxDepth),
		// Names are checked for duplicates and bytes for UTF-8 here, by other rules than jsontext's.
		dec: jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
	}
	if !r.valid {
		r.odd |= IllFormedUTF8
	}
	v, err := r.value()
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return Value{}, 0, err
	}
	return v, r.odd, nil
}

// reader holds one text while it is read.
type reader struct {
	text  string // strings without escapes are cut out of it
	valid bool   // all of text is UTF-8
	depth int    // levels that may still be opened
	odd   Oddities
	dec   *jsontext.Decoder
}

func (r *reader) value() (Value, error) {
	switch r.dec.PeekKind() {
	case '{':
		return r.nested(r.object)
	case '[':
		return r.nested(r.array)
	case '"':
		s, err := r.string()
		return Value{Kind: String, Str: s}, err
	}
	raw, err := r.dec.ReadValue()
	if err != nil {
		return Value{}, r.syntax(err)
	}
	switch raw[0] {
	case 'n':
		return Value{}, nil
	case 't':
		return Value{Kind: Bool, Bool: true}, nil
	case 'f':
		return Value{Kind: Bool}, nil
	}
	f, finite := parseNumber(string(raw))
	if !finite {
		r.odd |= NumberAsNull
	}
	return Value{Kind: Number, Num: f}, nil
}

// nested reads an array or an object, one level further down.
func (r *reader) nested(read func() (Value, error)) (Value, error) {
	if r.depth <= 0 {
		return Value{}, fmt.Errorf("%w at byte %d", ErrDepth, r.dec.InputOffset())
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return Value{}, r.syntax(err)
	}
	r.depth--
	v, err := read()
	if err != nil {
		return Value{}, err
	}
	r.depth++
	if _, err := r.dec.ReadToken(); err != nil {
		return Value{}, r.syntax(err)
	}
	return v, nil
}

func (r *reader) array() (Value, error) {
	v := Value{Kind: Array}
	for {
		if k := r.dec.PeekKind(); k == ']' {
			return v, nil
		}
		elem, err := r.value()
		if err != nil {
			return Value{}, err
		}
		v.Elems = append(v.Elems, elem)
	}
}

// manyMembers is the number of members from which on an object is searched with a map.
const manyMembers = 16

func (r *reader) object() (Value, error) {
	var (
		members []Member
		indexed int
		place   map[string]int
	)
	find := func(name string) int {
		if place == nil {
			return slices.IndexFunc(members, func(m Member) bool { return m.Name == name })
		}
		if i, ok := place[name]; ok {
			return i
		}
		return -1
	}
	for r.dec.PeekKind() != '}' {
		name, err := r.string()
		if err != nil {
			return Value{}, err
		}
		value, err := r.value()
		if err != nil {
			return Value{}, err
		}
		if i := find(name); i >= 0 {
			members[i].Value = value
			r.odd |= DuplicateMember
			continue
		}
		if _, ok := arrayIndex(name); ok {
			indexed++
		}
		members = append(members, Member{Name: name, Value: value})
		if place != nil {
			place[name] = len(members) - 1
		} else if len(members) == manyMembers {
			place = make(map[string]int, 2*manyMembers)
			for i := range members {
				place[members[i].Name] = i
			}
		}
	}
	return Value{Kind: Object, Members: enumerate(members, indexed)}, nil
}

// string reads a string or a member's name.
func (r *reader) string() (string, error) {
	raw, err := r.dec.ReadValue()
	if err != nil {
		return "", r.syntax(err)
	}
	if raw.Kind() != '"' {
		at := int(r.dec.InputOffset()) - len(raw)
		return "", fmt.Errorf("%w at byte %d: want the name of a member, found %s", ErrSyntax, at, found(r.text, at))
	}
	end := int(r.dec.InputOffset())
	return r.unquote(r.text[end-len(raw)+1 : end-1]), nil
}

// end makes sure that nothing but white space follows the value.
func (r *reader) end() error {
	rest := r.dec.UnreadBuffer()
	n := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
	if n == len(rest) {
		return nil
	}
	at := int(r.dec.InputOffset()) + n
	return fmt.Errorf("%w at byte %d: the value is over, but %s follows", ErrSyntax, at, found(r.text, at))
}

// syntax words an error of the decoder.
func (r *reader) syntax(err error) error {
	var s *jsontext.SyntacticError
	switch {
	case errors.As(err, &s) && s.ByteOffset < int64(len(r.text)):
		return fmt.Errorf("%w at byte %d: found %s: %w", ErrSyntax, s.ByteOffset, found(r.text, int(s.ByteOffset)), s.Err)
	case errors.As(err, &s), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w at byte %d: the text ends too early", ErrSyntax, len(r.text))
	}
	return fmt.Errorf("%w: %w", ErrSyntax, err)
}

// found quotes what stands at an offset of a text.
func found(text string, at int) string {
	if at >= len(text) {
		return "the end"
	}
	_, n := utf8.DecodeRuneInString(text[at:])
	return fmt.Sprintf("%q", text[at:at+n])
}

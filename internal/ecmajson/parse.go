package ecmajson

import "unicode/utf8"

// Parse reads text as JSON.parse reads it once it has been decoded as UTF-8: RFC 8259 to the letter,
// ill-formed bytes read as U+FFFD, numbers as doubles, the last of members with one name. Arrays and
// objects may be nested maxDepth levels, at most [MaxDepth].
//
// The error wraps [ErrSyntax] or [ErrDepth] and gives an offset in bytes. Oddities mean something only
// where the error is nil. Time is linear in the text but for sorting array indices. The value keeps
// one copy of the text; with it, it takes up to 45 bytes for a byte of text (an array of digits).
func Parse(text []byte, maxDepth int) (Value, Oddities, error) {
	sizes, err := check(text, min(maxDepth, MaxDepth))
	if err != nil {
		return Value{}, 0, err
	}
	b := builder{text: string(text), sizes: sizes, valid: utf8.Valid(text)}
	if !b.valid {
		b.odd |= IllFormedUTF8
	}
	v := b.value()
	return v, b.odd, nil
}

// builder builds the value of a text that is known to be JSON.
type builder struct {
	text  string // strings without escapes are cut out of it
	at    int    // what comes before it has been read
	sizes []int  // of the arrays and objects to come
	valid bool   // all of text is UTF-8
	odd   Oddities
}

// next passes over white space, commas and colons and gives the byte behind them: in a text that is
// known to be JSON they say no more than where tokens end.
func (b *builder) next() byte {
	for {
		switch c := b.text[b.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			b.at++
		default:
			return c
		}
	}
}

func (b *builder) value() Value {
	switch b.next() {
	case '{':
		return b.object()
	case '[':
		return b.array()
	case '"':
		return Value{Kind: String, Str: b.string()}
	case 'n':
		b.at += len("null")
		return Value{}
	case 't':
		b.at += len("true")
		return Value{Kind: Bool, Bool: true}
	case 'f':
		b.at += len("false")
		return Value{Kind: Bool}
	}
	start := b.at
	for b.at < len(b.text) && inNumber(b.text[b.at]) {
		b.at++
	}
	f, finite := parseNumber(b.text[start:b.at])
	if !finite {
		b.odd |= NumberAsNull
	}
	return Value{Kind: Number, Num: f}
}

// open passes over the bracket or brace of an array or object and gives its size.
func (b *builder) open() int {
	b.at++
	size := b.sizes[0]
	b.sizes = b.sizes[1:]
	return size
}

func (b *builder) array() Value {
	size := b.open()
	v := Value{Kind: Array}
	if size > 0 {
		v.Elems = make([]Value, size)
	}
	for i := range v.Elems {
		v.Elems[i] = b.value()
	}
	b.next()
	b.at++
	return v
}

func (b *builder) object() Value {
	size := b.open()
	p := newProperties(size)
	for range size {
		b.next()
		name := b.string()
		if !p.set(name, b.value()) {
			b.odd |= DuplicateMember
		}
	}
	b.next()
	b.at++
	return Value{Kind: Object, Members: p.enumerate()}
}

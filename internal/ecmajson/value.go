// Package ecmajson reads and writes JSON as ECMAScript does: [Parse] is JSON.parse applied to bytes
// decoded as UTF-8, [AppendStringify] is JSON.stringify. It is how an audit record is read by value:
// whatever one of those two functions does to a text in Node, the one here does too, byte for byte.
//
// [ScanValue] answers the common question without building anything: is this text already the one
// that JSON.stringify would write?
//
// Strings are kept as WTF-8 (https://simonsapin.github.io/wtf-8/): UTF-8 in which a surrogate that
// has no partner stands as the three bytes it would have were it a character. ECMAScript strings may
// hold such surrogates, UTF-8 may not.
//
// All functions are safe for concurrent use. None of them panics, whatever the input.
package ecmajson

import "strings"

// MaxDepth is the deepest nesting of arrays and objects that is read, whatever depth a caller asks
// for. It bounds the stack.
const MaxDepth = 10_000

// Kind says which of the six kinds of JSON value a [Value] is.
type Kind uint8

// The kinds of a [Value].
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String gives the name of the kind in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

var kindNames = [...]string{Null: "null", Bool: "bool", Number: "number", String: "string", Array: "array", Object: "object"}

// Value is one JSON value. The zero Value is null. Only the field that belongs to its Kind means
// anything.
type Value struct {
	Kind    Kind
	Bool    bool
	Num     float64  // ±Inf where the text says more than a double holds
	Str     string   // WTF-8
	Elems   []Value  // of an array, in order
	Members []Member // of an object, in the order ECMAScript enumerates them, each name once
}

// Member is one member of an object.
type Member struct {
	Name  string // WTF-8
	Value Value
}

// Member gives the value of the member called name, exactly as it is spelled. It is false where v
// has no such member or is no object.
func (v Value) Member(name string) (Value, bool) {
	if v.Kind != Object {
		return Value{}, false
	}
	for i := range v.Members {
		if v.Members[i].Name == name {
			return v.Members[i].Value, true
		}
	}
	return Value{}, false
}

// Oddities is the set of things a text holds that ECMAScript reads without complaint although they
// make it mean less, or something else, than it shows.
type Oddities uint8

// The oddities. A lone surrogate is none: it has one spelling and survives reading and writing.
const (
	// DuplicateMember: an object, at any depth, names a member twice; the last value is the one read.
	DuplicateMember Oddities = 1 << iota
	// IllFormedUTF8: bytes that are no UTF-8, read as U+FFFD.
	IllFormedUTF8
	// NumberAsNull: a number beyond the range of a double, read as infinite and written as null.
	NumberAsNull
)

// Has reports whether all of x are in o.
func (o Oddities) Has(x Oddities) bool { return o&x == x }

// String lists the oddities for people, "none" for the empty set.
func (o Oddities) String() string {
	var names []string
	for i, name := range oddityNames {
		if o.Has(1 << i) {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

var oddityNames = [...]string{"duplicate member", "ill-formed UTF-8", "number read as null"}

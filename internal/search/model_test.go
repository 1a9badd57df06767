package search_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A value is what a record says, apart from how a line spells it: nil, a bool, a number, a string (WTF-8),
// a list or an object.
type (
	number struct {
		is     float64
		text   string   // as JSON.stringify writes it
		others []string // further spellings
	}
	list   []any
	object []member
	member struct {
		name  string
		value any
	}
)

// numbers have more spellings than one, or are lost in reading.
var numbers = []any{
	number{7, "7", []string{"7.0", "7e0", "70E-1"}},
	number{0, "0", []string{"-0", "0.0", "0e5"}},
	number{100, "100", []string{"1e2", "1E+2", "100.00"}},
	number{0.5, "0.5", []string{"5e-1", "0.50"}},
	number{9007199254740992, "9007199254740992", []string{"9007199254740993", "9.007199254740992e15"}},
	number{1e21, "1e+21", []string{"1000000000000000000000"}},
	number{-12.25, "-12.25", []string{"-1225e-2"}},
	lost{"1e999"}, lost{"-1e400"},
}

// lost is a number that is read as infinite and written as null.
type lost struct{ spelled string }

// get gives a member of an object; nil where there is none.
func get(v any, name string) any {
	if o, ok := v.(object); ok {
		for _, m := range o {
			if m.name == name {
				if _, ok := m.value.(lost); ok {
					return nil
				}
				return m.value
			}
		}
	}
	return nil
}

// ordered gives the members as ECMAScript enumerates them: array indices come first.
func (o object) ordered() object {
	index := func(m member) int {
		if n, err := strconv.ParseUint(m.name, 10, 31); err == nil && strconv.FormatUint(n, 10) == m.name {
			return int(n)
		}
		return 1 << 32
	}
	sorted := slices.Clone(o)
	slices.SortStableFunc(sorted, func(a, b member) int { return index(a) - index(b) })
	return sorted
}

// write gives a value as JSON, in order, with its strings as say has them.
func write(v any, say func(string) string) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case number:
		return v.text
	case string:
		return say(v)
	case list:
		var all []string
		for _, e := range v {
			all = append(all, write(e, say))
		}
		return "[" + strings.Join(all, ",") + "]"
	case object:
		var all []string
		for _, m := range v.ordered() {
			all = append(all, say(m.name)+":"+write(m.value, say))
		}
		return "{" + strings.Join(all, ",") + "}"
	}
	return "null"
}

// asItReads is a string with nothing escaped, asStringify what JSON.stringify makes of it.
func asItReads(s string) string { return `"` + s + `"` }

var shortEscapes = map[rune]string{'\n': `\n`, '\t': `\t`, '"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\r': `\r`}

// loneSurrogate stands in a string where U+D800 has no partner.
const loneSurrogate = "\xed\xa0\x80"

func asStringify(s string) string {
	var b strings.Builder
	for i, part := range strings.Split(s, loneSurrogate) {
		if i > 0 {
			b.WriteString(`\ud800`)
		}
		for _, r := range part {
			switch {
			case shortEscapes[r] != "":
				b.WriteString(shortEscapes[r])
			case r < 0x20:
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				b.WriteRune(r)
			}
		}
	}
	return `"` + b.String() + `"`
}

// spelling spells values in other ways than JSON.stringify.
type spelling struct{ rnd *rand.Rand }

func (s spelling) gap() string { return pick(s.rnd, []string{"", "", "", " ", "\t", "  "}) }

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func (s spelling) text(text string) string {
	if len(text) > 1000 {
		return asStringify(text) // or reading it takes most of the test's time
	}
	var b strings.Builder
	for i, part := range strings.Split(text, loneSurrogate) {
		if i > 0 {
			b.WriteString(pick(s.rnd, []string{`\ud800`, `\uD800`}))
		}
		for _, r := range part {
			way := s.rnd.IntN(8)
			switch must := r < 0x20 || r == '"' || r == '\\'; {
			case r == utf8.RuneError && way > 3:
				b.WriteByte(0xff) // is read as U+FFFD
			case r == '/' && way == 0:
				b.WriteString(`\/`)
			case !must && way > 1:
				b.WriteRune(r)
			case shortEscapes[r] != "" && way%2 == 0:
				b.WriteString(shortEscapes[r])
			case r > 0xffff:
				high, low := utf16.EncodeRune(r)
				fmt.Fprintf(&b, `\u%04x\u%04X`, high, low)
			default:
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		}
	}
	return `"` + b.String() + `"`
}

// value spells a value. Members stand in the order in which the object has them, wherever ECMAScript
// enumerates them, and may be named before with another value, which does not count.
func (s spelling) value(v any) string {
	switch v := v.(type) {
	case lost:
		return v.spelled
	case number:
		return pick(s.rnd, append(v.others, v.text))
	case string:
		return s.text(v)
	case list:
		var all []string
		for _, e := range v {
			all = append(all, s.gap()+s.value(e)+s.gap())
		}
		return "[" + strings.Join(all, ",") + "]"
	case object:
		var all []string
		for _, m := range v {
			if s.rnd.IntN(12) == 0 {
				all = append(all, s.text(m.name)+":"+s.gap()+`"overwritten"`)
			}
			all = append(all, s.gap()+s.text(m.name)+s.gap()+":"+s.gap()+s.value(m.value))
		}
		return "{" + strings.Join(all, ",") + s.gap() + "}"
	}
	return write(v, asStringify)
}

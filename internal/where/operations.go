package where

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/recordtext"
)

// absent reports whether there is nothing to compute with.
func absent(args []any) bool {
	for _, v := range args {
		if v == nil {
			return true
		}
	}
	return false
}

// ordered compares two numbers, or two texts, byte for byte.
func ordered(holds func(int) bool) operation {
	return func(m *meter, args []any) (any, error) {
		if absent(args) {
			return false, nil
		}
		if a, ok := number(args[0]); ok {
			if b, ok := number(args[1]); ok {
				return (a < b && holds(-1)) || (a == b && holds(0)) || (a > b && holds(1)), nil
			}
		}
		a, ok := args[0].(string)
		b, also := args[1].(string)
		if !ok || !also {
			return nil, fmt.Errorf("%s and %s are in no order", named(args[0]), named(args[1]))
		}
		if err := m.text(a, b); err != nil {
			return nil, err
		}
		return holds(strings.Compare(a, b)), nil
	}
}

// text charges what it costs to look at texts.
func (m *meter) text(texts ...string) error {
	n := 0
	for _, s := range texts {
		n += len(s)
	}
	return m.charge(n / stepText)
}

func equal(m *meter, args []any) (any, error) { return m.equal(args[0], args[1]) }

func unequal(m *meter, args []any) (any, error) {
	same, err := m.equal(args[0], args[1])
	return !same, err
}

// equal compares values of any type. Objects are equal where their members are, in their order too.
func (m *meter) equal(a, b any) (bool, error) {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y, nil
	}
	switch x := a.(type) {
	case nil:
		return b == nil, nil
	case bool:
		y, ok := b.(bool)
		return ok && x == y, nil
	case string:
		y, ok := b.(string)
		return ok && x == y, m.text(x)
	case nested:
		if y, ok := b.(nested); ok {
			return bytes.Equal(x, y), m.charge(len(x) / stepText)
		}
	}
	if typeName(a) != "array" || typeName(b) != "array" {
		return false, nil
	}
	return m.equalLists(a, b)
}

func (m *meter) equalLists(a, b any) (bool, error) {
	x, err := m.elements(a)
	if err != nil {
		return false, err
	}
	y, err := m.elements(b)
	if err != nil || len(x) != len(y) {
		return false, err
	}
	for i := range x {
		if err := m.charge(1); err != nil {
			return false, err
		}
		if same, err := m.equal(x[i], y[i]); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// in looks for an element of a list, or for a member of an object by its name.
func in(m *meter, args []any) (any, error) {
	if v, ok := args[1].(nested); ok && v.object() {
		all, err := m.names(v)
		if err != nil {
			return nil, err
		}
		args = []any{args[0], all}
	}
	all, err := m.elements(args[1])
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if err := m.charge(1); err != nil {
			return nil, err
		}
		if same, err := m.equal(args[0], v); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

func (m *meter) names(object nested) ([]any, error) {
	all := []any{}
	for name := range recordtext.Members(object) {
		v, err := m.value([]byte(`"` + string(name) + `"`))
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, m.charge(len(object) / stepText)
}

// inText is for what holds of two texts.
func inText(holds func(text, part string) bool) operation {
	return func(m *meter, args []any) (any, error) {
		if absent(args) {
			return false, nil
		}
		text, err := asText(args[0])
		if err != nil {
			return nil, err
		}
		part, err := asText(args[1])
		if err != nil {
			return nil, err
		}
		return holds(text, part), m.text(text, part)
	}
}

func asText(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", fmt.Errorf("%s is no text", named(v))
}

func matches(m *meter, args []any) (any, error) {
	if absent(args) {
		return false, nil
	}
	text, err := asText(args[0])
	if err != nil {
		return nil, err
	}
	return args[1].(*regexp.Regexp).MatchString(text), m.text(text, text, text, text)
}

// plus adds numbers and joins texts.
func plus(m *meter, args []any) (any, error) {
	a, ok := args[0].(string)
	b, also := args[1].(string)
	if !ok || !also {
		return arithmetic(args, func(a, b float64) float64 { return a + b })
	}
	if err := m.charge(len(a) + len(b)); err != nil { // each byte: what is joined can be joined again
		return nil, err
	}
	return a + b, nil
}

func minus(_ *meter, args []any) (any, error) {
	return arithmetic(args, func(a, b float64) float64 { return a - b })
}

func times(_ *meter, args []any) (any, error) {
	return arithmetic(args, func(a, b float64) float64 { return a * b })
}

func divided(_ *meter, args []any) (any, error) {
	return arithmetic(args, func(a, b float64) float64 { return a / b })
}

func modulo(_ *meter, args []any) (any, error) { return arithmetic(args, math.Mod) }

func arithmetic(args []any, f func(a, b float64) float64) (any, error) {
	if absent(args) {
		return nil, nil //nolint:nilnil // what is computed from what is absent is absent
	}
	a, ok := number(args[0])
	b, also := number(args[1])
	if !ok || !also {
		return nil, fmt.Errorf("%s and %s cannot be reckoned with", named(args[0]), named(args[1]))
	}
	return f(a, b), nil
}

// onText is for functions that make text of text.
func onText(f func(string) string) operation {
	return func(m *meter, args []any) (any, error) {
		if absent(args) {
			return nil, nil //nolint:nilnil // what is computed from what is absent is absent
		}
		s, err := asText(args[0])
		if err != nil {
			return nil, err
		}
		return f(s), m.charge(len(s))
	}
}

// length counts the characters of a text, the elements of a list, the members of an object.
func length(m *meter, args []any) (any, error) {
	switch v := args[0].(type) {
	case nil:
		return nil, nil //nolint:nilnil // what is computed from what is absent is absent
	case string:
		return len([]rune(v)), m.text(v)
	case nested:
		if v.object() {
			all, err := m.names(v)
			return len(all), err
		}
	}
	all, err := m.elements(args[0])
	if err != nil {
		return nil, fmt.Errorf("%s has no length", named(args[0]))
	}
	return len(all), nil
}

func typeOf(_ *meter, args []any) (any, error) { return typeName(args[0]), nil }

// keys gives the names of an object's members.
func keys(m *meter, args []any) (any, error) {
	if args[0] == nil {
		return nil, nil //nolint:nilnil // what is computed from what is absent is absent
	}
	v, ok := args[0].(nested)
	if !ok || !v.object() {
		return nil, fmt.Errorf("%s has no members", named(args[0]))
	}
	return m.names(v)
}

// toNumber reads a number, also from text.
func toNumber(_ *meter, args []any) (any, error) {
	if s, ok := args[0].(string); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return nil, fmt.Errorf("%s is no number", named(s))
		}
		return f, nil
	}
	return arithmetic([]any{args[0], 0}, func(a, _ float64) float64 { return a })
}

// toWhole does the same, and leaves out what stands behind the point.
func toWhole(m *meter, args []any) (any, error) {
	v, err := toNumber(m, args)
	if f, ok := v.(float64); ok {
		return math.Trunc(f), nil
	}
	return v, err
}

// toText gives a text as it is, and what else there is as JSON.stringify writes it.
func toText(m *meter, args []any) (any, error) {
	switch v := args[0].(type) {
	case nil, string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case nested:
		return string(v), m.charge(len(v))
	}
	if f, ok := number(args[0]); ok {
		return string(ecmajson.AppendStringify(nil, ecmajson.Value{Kind: ecmajson.Number, Num: f})), nil
	}
	return nil, fmt.Errorf("%s has no text", named(args[0]))
}

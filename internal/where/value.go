package where

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/internal/recordtext"
)

// nested is an object or an array of a record, in canonical spelling. It is not read into values, which
// could take many times its length: an expression mostly looks at one member of it.
type nested []byte

func (n nested) object() bool { return n[0] == '{' }

// value gives what an expression has for a JSON value in canonical spelling: nil, a bool, a float64, a
// string, or nested. Besides these an expression has ints, of its own numbers, and lists of all of
// them, as []any.
func (m *meter) value(json []byte) (any, error) {
	if err := m.charge(1 + len(json)/stepText); err != nil {
		return nil, err
	}
	switch json[0] {
	case '"':
		text, _ := recordtext.TextOf(json)
		return text, nil
	case '{', '[':
		return nested(json), nil
	case 'n':
		return nil, nil //nolint:nilnil // null and absent are nil in an expression
	case 't', 'f':
		return json[0] == 't', nil
	}
	return strconv.ParseFloat(string(json), 64)
}

// value is for what an expression makes of an element: it costs a step.
func value(_ *meter, args []any) (any, error) { return args[0], nil }

// truth takes a value for a condition.
func truth(_ *meter, args []any) (any, error) {
	switch v := args[0].(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	}
	return nil, fmt.Errorf("%s is no condition", named(args[0]))
}

// member gives the member of an object, or the element of a list; a negative index counts from its end.
// It is nil where there is none, or where the value has neither.
func member(m *meter, args []any) (any, error) {
	if v, ok := args[0].(nested); ok && v.object() {
		name, ok := args[1].(string)
		if !ok {
			return nil, fmt.Errorf("a member has a name, not %s", named(args[1]))
		}
		return m.member(v, name)
	}
	i, whole := number(args[1])
	if !whole || i != math.Trunc(i) {
		return nil, nil //nolint:nilnil // there is none
	}
	all, err := m.elements(args[0])
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // what is no list has no elements
	}
	if i < 0 {
		i += float64(len(all))
	}
	if i < 0 || i >= float64(len(all)) {
		return nil, nil //nolint:nilnil // there is none
	}
	return all[int(i)], nil
}

func (m *meter) member(object nested, name string) (any, error) {
	if err := m.charge(len(object) / stepText); err != nil {
		return nil, err
	}
	for n, v := range recordtext.Members(object) {
		// Names are compared as they read; most are spelled without an escape.
		if string(n) == name {
			return m.value(v)
		}
		if text, ok := recordtext.TextOf([]byte(`"` + string(n) + `"`)); ok && text == name {
			return m.value(v)
		}
	}
	return nil, nil //nolint:nilnil // it is absent
}

// list takes a value for a list.
func list(m *meter, args []any) (any, error) { return m.elements(args[0]) }

func (m *meter) elements(v any) ([]any, error) {
	switch v := v.(type) {
	case nil:
		return []any{}, nil
	case []any:
		return v, nil
	case nested:
		if !v.object() {
			return m.split(v)
		}
	}
	return nil, fmt.Errorf("%s is no list", named(v))
}

func (m *meter) split(array nested) ([]any, error) {
	all := []any{}
	for i := 1; array[i] != ']'; {
		end := ecmajson.ScanValue(array, i, chain.MaxDepth)
		v, err := m.value(array[i:end])
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		if i = end; array[i] == ',' {
			i++
		}
	}
	return all, nil
}

// number gives what a number is worth. All are doubles, as in JSON.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}

// typeName is the type of a value in the words of JSON.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case bool:
		return "bool"
	case string:
		return "string"
	case int, float64:
		return "number"
	case nested:
		if v.object() {
			return "object"
		}
	}
	return "array"
}

// named says which value it is, in few words.
func named(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		const most = 40
		if utf8.RuneCountInString(v) > most {
			return fmt.Sprintf("the text %q…", string([]rune(v)[:most]))
		}
		return fmt.Sprintf("the text %q", v)
	case int, float64:
		return fmt.Sprintf("the number %v", v)
	case bool:
		return strconv.FormatBool(v)
	}
	return "an " + typeName(v)
}

// Package where decides by an expression whether a record is wanted:
//
//	payload.severity == "critical" and not (actor startsWith "ci")
//
// The grammar is that of https://expr-lang.org, the names are ts, event, actor and payload. Values are
// what JSON.parse reads and JSON.stringify writes, so a number is a double, and text is what a string
// says, however a line escapes it.
//
// Records are not all alike, so what a record does not have is no mistake: a member that is absent is
// nil, whatever it is looked for in. nil equals nil only, every other comparison with it is false, as a
// condition it is false, as a list it is empty, and what is computed from it is nil. A value of another
// type than an operation wants is a mistake: nobody can say then whether the record was meant, and
// [Expr.Match] does not.
//
// An expression reads no file, no clock and no environment, and what it may cost for one record is
// bounded, whatever it says and whatever is in the record.
package where

import (
	"errors"
	"fmt"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/opscontext/opscontext/internal/recordtext"
)

const (
	// maxText and maxNodes bound an expression: parsing one is recursive, and each part of it is
	// evaluated for each record.
	maxText  = 4096 // bytes
	maxNodes = 500
	// maxSteps bounds what one record may cost: an expression can go through a list for each element
	// of a list. A step is an operation, an element, or stepText bytes that were looked at.
	maxSteps = 1_000_000
	stepText = 64
)

// names are what an expression may use of a record.
var names = types.Map{"ts": types.String, "event": types.String, "actor": types.String, "payload": types.Any}

// Expr is an expression over records. It is safe for concurrent use.
type Expr struct {
	program *vm.Program
	uses    map[string]bool // of names
	idle    sync.Pool       // of *evaluation
}

// evaluation is what one goroutine needs to evaluate an expression.
type evaluation struct {
	vm    vm.VM
	meter meter
	env   map[string]any
}

// Compile reads an expression. The error says what is wrong with it and shows where, on several lines.
func Compile(text string) (*Expr, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("it is %d bytes long, and %d is the most", len(text), maxText)
	}
	// First as it was written, so that what is wrong is said in its own words, then as it is evaluated.
	if _, err := expr.Compile(text, append(language(), expr.Env(names), expr.AsBool())...); err != nil {
		return nil, err
	}
	r := &rewriting{uses: map[string]bool{}}
	program, err := expr.Compile(text, append(language(), rewritten(r)...)...)
	switch {
	case r.refused != nil:
		return nil, r.refused.Bind(file.NewSource(text))
	case err != nil:
		return nil, err
	}
	return &Expr{program: program, uses: r.uses}, nil
}

// Match reports whether a record, in canonical spelling (see [recordtext.Canonical]), is one that the
// expression wants. An error means that it cannot be evaluated on this record, and says why on one line.
func (e *Expr) Match(canonical []byte) (bool, error) {
	ev, _ := e.idle.Get().(*evaluation)
	if ev == nil {
		ev = &evaluation{env: map[string]any{}}
		ev.env[meterName] = &ev.meter
	}
	defer e.idle.Put(ev)
	ev.meter = maxSteps
	for name := range e.uses {
		ev.env[name] = nil
	}
	for name, value := range recordtext.Members(canonical) {
		if e.uses[string(name)] {
			v, err := ev.meter.value(value)
			if err != nil {
				return false, err
			}
			ev.env[string(name)] = v
		}
	}
	v, err := ev.vm.Run(e.program, ev.env)
	if err == nil {
		v, err = truth(&ev.meter, []any{v})
	}
	if err != nil {
		if at := (*file.Error)(nil); errors.As(err, &at) {
			return false, fmt.Errorf("%s (at %d:%d)", at.Message, at.Line, at.Column+1)
		}
		return false, err
	}
	return v == true, nil
}

// meter is how many steps a record may still cost.
type meter int

var errCost = errors.New("the expression takes too many steps on this record")

func (m *meter) charge(steps int) error {
	if *m -= meter(steps); *m < 0 {
		return errCost
	}
	return nil
}

package chain

import (
	"errors"
	"fmt"
	"math"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// ErrUnknownVersion says that something was written by a newer program; it is not damage.
var ErrUnknownVersion = errors.New("unknown version")

// The constructors below spell the payloads of system records; UnknownCount becomes null.

func object(ms ...ecmajson.Member) []byte { return ecmajson.AppendStringify(nil, value(ms...)) }

func value(ms ...ecmajson.Member) ecmajson.Value {
	return ecmajson.Value{Kind: ecmajson.Object, Members: ms}
}

func str(name, s string) ecmajson.Member {
	return ecmajson.Member{Name: name, Value: ecmajson.Value{Kind: ecmajson.String, Str: s}}
}

func hash(name string, h Hash) ecmajson.Member { return str(name, h.String()) }

func num(name string, n int64) ecmajson.Member { return ecmajson.Member{Name: name, Value: number(n)} }

func number(n int64) ecmajson.Value {
	if n == UnknownCount {
		return ecmajson.Value{Kind: ecmajson.Null}
	}
	return ecmajson.Value{Kind: ecmajson.Number, Num: float64(n)}
}

// getter reads the members of one object and keeps the first thing wrong.
type getter struct {
	v        ecmajson.Value
	optional bool // an absent member reads as zero
	err      error
}

func (g *getter) note(err error) {
	if g.err == nil {
		g.err = err
	}
}

func (g *getter) member(name string, want ecmajson.Kind) (ecmajson.Value, bool) {
	m, ok := g.v.Member(name)
	if !ok {
		if !g.optional {
			g.note(fmt.Errorf("member %q is absent", name))
		}
		return m, false
	}
	if m.Kind != want {
		g.note(fmt.Errorf("member %q is %v, want %v", name, m.Kind, want))
		return m, false
	}
	return m, true
}

func (g *getter) str(name string) string {
	m, _ := g.member(name, ecmajson.String)
	return m.Str
}

func (g *getter) hash(name string) (h Hash) {
	m, ok := g.member(name, ecmajson.String)
	if ok && !decodeHash(&h, []byte(m.Str)) {
		g.note(fmt.Errorf("member %q is not a hash", name))
	}
	return h
}

// num reads a whole number from 0 to 2^53.
func (g *getter) num(name string) int64 {
	m, ok := g.member(name, ecmajson.Number)
	if !ok {
		return 0
	}
	if m.Num < 0 || m.Num > 1<<53 || m.Num != math.Trunc(m.Num) {
		g.note(fmt.Errorf("member %q is not a count", name))
		return 0
	}
	return int64(m.Num)
}

// count reads a number or null, which is UnknownCount.
func (g *getter) count(name string) int64 {
	if m, ok := g.v.Member(name); ok && m.Kind == ecmajson.Null {
		return UnknownCount
	}
	return g.num(name)
}

func (g *getter) object(name string) *getter {
	m, _ := g.member(name, ecmajson.Object)
	return &getter{v: m}
}

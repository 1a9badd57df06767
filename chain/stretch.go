package chain

import (
	"errors"
	"fmt"
)

// Stretch is a run of records that follow one another without a fork: the first follows Parent, the
// last is Head.
type Stretch struct {
	Parent, First, Head Hash
	FirstTS, LastTS     string
	Records             int64
}

// Why a line does not belong to a stretch.
var (
	// ErrNotWhole: it is no record, or not the record that its hash says.
	ErrNotWhole = errors.New("not a whole record")
	// ErrNotNext: it is a whole record and follows another one.
	ErrNotNext = errors.New("it does not follow the record before it")
)

// Add takes the next line, given without its LF. Anything may be the first record of a stretch; every
// other one must follow the one before. An error leaves s as it was; its class is that of the line.
func (s *Stretch) Add(line []byte) (LineClass, error) {
	r := ReadLine(line)
	switch {
	case r.Class == LineAltered:
		return r.Class, fmt.Errorf("%w: its content is not what its hash says", ErrNotWhole)
	case !r.Class.Whole():
		return r.Class, fmt.Errorf("%w: %s", ErrNotWhole, r.Why)
	case s.Records > 0 && r.Record.Prev != s.Head:
		return r.Class, fmt.Errorf("%w: its parent is %s, the record before it is %s", ErrNotNext, r.Record.Prev.Short(), s.Head.Short())
	}
	if s.Records == 0 {
		s.Parent, s.First, s.FirstTS = r.Record.Prev, r.Record.Hash, r.Record.TS
	}
	s.Head, s.LastTS = r.Record.Hash, r.Record.TS
	s.Records++
	return r.Class, nil
}

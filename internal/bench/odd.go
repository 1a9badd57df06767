package main

import "github.com/opscontext/opscontext/chain"

// oddity is what a record of a log is that is not simply the next one. None of them is damage.
type oddity uint8

const (
	ordinary  oddity = iota
	forked           // its parent is the last record but one
	doubled          // it is there twice
	respelled        // it is spelled in another way, as a program may that read it and wrote it again
)

// oddities says which records of a log are odd: every so many, one kind after the other. Every 0: none.
type oddities struct {
	every int
	kinds []oddity
}

// at says what the record at a place, from 0, is.
func (o oddities) at(i int) oddity {
	if o.every == 0 || i%o.every != o.every-1 {
		return ordinary
	}
	return o.kinds[i/o.every%len(o.kinds)]
}

// parent is the record that one follows, of the last but one and the last.
func (is oddity) parent(last [2]chain.Hash) chain.Hash {
	if is == forked {
		return last[0]
	}
	return last[1]
}

// written is what is in the log for a line, LF included. It may lie in the line's memory.
func (is oddity) written(line []byte) []byte {
	switch is {
	case doubled:
		return append(line, line...)
	case respelled:
		return append([]byte("{ "), line[1:]...)
	}
	return line
}

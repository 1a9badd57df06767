// Package recordtext gives what a record says, however its line spells it: its members, its strings,
// and the text in which a person looks for words. It judges nothing.
package recordtext

import (
	"bytes"
	"iter"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// IsRecord reports whether a line can be read as a record, or why not. Most lines show it without
// being read in full.
func IsRecord(line []byte) (why string, ok bool) {
	if _, err := chain.HeadOf(line); err == nil {
		return "", true
	}
	r := chain.ReadLine(line)
	return r.Why, r.Class != chain.LineUnreadable
}

// Canonical spells a record as JSON.stringify spells what JSON.parse reads from it.
func Canonical(line []byte) []byte {
	if ecmajson.ScanValue(line, 0, chain.MaxDepth) == len(line) {
		return line
	}
	v, _, err := ecmajson.Parse(line, chain.MaxDepth)
	if err != nil {
		return line // not reached: a record is JSON
	}
	return ecmajson.AppendStringify(nil, v)
}

// Members gives the members of a record in canonical spelling (see [Canonical]), each name without its
// quotes and each value as it is spelled. Slices of the line, because a payload may take many times its length once
// it is read into values.
func Members(line []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for i := 1; ; {
			colon := ecmajson.ScanString(line, i)
			if colon < 0 {
				return // behind the last member
			}
			end := ecmajson.ScanValue(line, colon+1, chain.MaxDepth)
			if end < 0 || !yield(line[i+1:colon-1], line[colon+1:end]) {
				return
			}
			i = end + 1
		}
	}
}

// TextOf gives the string that a JSON value in canonical spelling is, if it is one.
func TextOf(value []byte) (text string, ok bool) {
	if value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true
	}
	v, _, err := ecmajson.Parse(value, 0)
	return v.Str, err == nil
}

// AppendShown appends JSON text that is in canonical spelling with its strings as they read. That is
// not JSON any more, but the text in which a person finds what was said, however it was spelled. A
// surrogate without its partner stands as its WTF-8.
func AppendShown(dst, canonical []byte) []byte {
	for len(canonical) > 0 {
		quote := bytes.IndexByte(canonical, '"')
		end := ecmajson.ScanString(canonical, quote)
		if quote < 0 || end < 0 {
			break
		}
		dst = append(dst, canonical[:quote+1]...)
		if s, ok := TextOf(canonical[quote:end]); ok {
			dst = append(dst, s...)
		}
		dst = append(dst, '"')
		canonical = canonical[end:]
	}
	return append(dst, canonical...)
}

// Head gives the ts and the event of a record in canonical spelling that begins with both, a ts of the
// usual length first and nothing escaped in either, as nearly every one does. It looks at no more of
// the line than that.
func Head(line []byte) (ts, event []byte, ok bool) {
	const start, end, next = `{"ts":"`, len(`{"ts":"2026-12-31T23:59:59.999Z`), `","event":"`
	if len(line) < end+len(next) || string(line[:len(start)]) != start || string(line[end:end+len(next)]) != next {
		return nil, nil, false
	}
	ts, event = line[len(start):end], line[end+len(next):]
	n := bytes.IndexByte(event, '"')
	if n < 0 || bytes.IndexByte(event[:n], '\\') >= 0 || bytes.IndexByte(ts, '"') >= 0 || bytes.IndexByte(ts, '\\') >= 0 {
		return nil, nil, false
	}
	return ts, event[:n], true
}

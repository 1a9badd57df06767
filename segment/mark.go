package segment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// Mark is what this machine last saw of a log: a record, and where it lay. Where it lay is a hint
// that rotation by another writer outdates; the hash decides.
type Mark struct {
	LogID       chain.Hash // hash of the log's first record
	Incarnation int        // from 1
	Segment     int64      // number of the segment that holds the head
	Offset      int64      // of the byte after the head's line, LF included, in that segment
	Head        chain.Hash
	Records     int64  // up to the head, chain.UnknownCount where nobody has counted
	TS          string // the head's ts if it has the form that stamp gives, else empty
}

// markSize is the length of a mark's file in bytes: one sector, so that overwriting it in place
// leaves the old mark or the new one.
const markSize = 512

// markVersion is the version of the formats of marks and points.
const markVersion = 1

// errNoMark says that bytes are not a whole mark or point of this version.
var errNoMark = errors.New("not a whole mark of this version")

// encode gives the mark's file: a JSON object, spaces up to markSize-1 bytes, LF.
func (m Mark) encode() []byte {
	text := fmt.Appendf(nil, `{"v":%d,"log_id":"%v","incarnation":%d,"segment":%d,"offset":%d,"head":"%v","records":%s,"ts":"%s"`,
		markVersion, m.LogID, m.Incarnation, m.Segment, m.Offset, m.Head, countText(m.Records), stampOrNone(m.TS))
	text = appendSum(text)
	return fmt.Appendf(nil, "%-*s\n", markSize-1, text)
}

// parseMark reads exactly what encode writes; anything else is errNoMark.
func parseMark(file []byte) (Mark, error) {
	f := fields{}
	f.parse(bytes.TrimRight(file, " \n"))
	m := Mark{LogID: f.hash("log_id"), Incarnation: int(f.num("incarnation")), Segment: f.num("segment"), Offset: f.num("offset"),
		Head: f.hash("head"), Records: f.count("records"), TS: f.text("ts")}
	if f.bad || !bytes.Equal(m.encode(), file) {
		return Mark{}, errNoMark
	}
	return m, nil
}

// appendSum closes the JSON object in text with the member sum: the SHA-256 of all of text, from
// the brace up to and not including the comma before sum. It finds accidents, not forgeries.
func appendSum(text []byte) []byte {
	sum := sha256.Sum256(text)
	text = append(text, `,"sum":"`...)
	text = hex.AppendEncode(text, sum[:])
	return append(text, `"}`...)
}

func countText(n int64) string {
	if n == chain.UnknownCount {
		return "null"
	}
	return strconv.FormatInt(n, 10)
}

// stampOrNone drops a ts of another writer that is no time stamp: it could have any length.
func stampOrNone(ts string) string {
	if !isStamp(ts) {
		return ""
	}
	return ts
}

// fields reads the members of a mark or a point. It is lax: whoever uses it writes the result
// again and compares, which leaves each value one spelling.
type fields struct {
	v   ecmajson.Value
	bad bool
}

func (f *fields) parse(text []byte) {
	v, _, err := ecmajson.Parse(text, 2)
	f.v, f.bad = v, err != nil
}

func (f *fields) member(name string, want ecmajson.Kind) ecmajson.Value {
	m, ok := f.v.Member(name)
	if !ok || m.Kind != want {
		f.bad = true
		return ecmajson.Value{}
	}
	return m
}

func (f *fields) text(name string) string { return f.member(name, ecmajson.String).Str }

func (f *fields) hash(name string) chain.Hash {
	h, err := chain.ParseHash(f.text(name))
	f.bad = f.bad || err != nil
	return h
}

// num reads a whole number from 0 to 2^53.
func (f *fields) num(name string) int64 {
	n := f.member(name, ecmajson.Number).Num
	if !(n >= 0 && n <= 1<<53) {
		f.bad = true
		return 0
	}
	return int64(n)
}

func (f *fields) count(name string) int64 {
	if m, ok := f.v.Member(name); ok && m.Kind == ecmajson.Null {
		return chain.UnknownCount
	}
	return f.num(name)
}

package main

import (
	"bufio"
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/loggen"
)

// perDay is how many events the imaginary team has in a day: 50 million are a year and seven months.
const perDay = 80_000

// firstDay is a Monday so long ago that even the largest log ends in the past.
var firstDay = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// leastRecords have everything that is looked for in them.
const leastRecords = 20_000

// sought is what is looked for in a log: places well inside it.
type sought struct {
	ID     string    `json:"id"`   // of a token, in one record
	Hour   time.Time `json:"hour"` // its beginning
	Index  int64     `json:"index"`
	File   string    `json:"file"` // of a sealed segment
	Offset int64     `json:"offset"`
	Hash   string    `json:"hash"` // of the record there
}

var tokenID = regexp.MustCompile(`"token_id":"([^"]+)"`)

// usual tells whether a time is in an hour with about as many events as the mean one. A log of some days
// has none.
func usual(at time.Time) bool { return at.Weekday() == time.Wednesday && at.Hour() == 19 }

// offer shows the next event of the part of the log in which something is looked for.
func (s *sought) offer(at time.Time, kind string, payload []byte) {
	if usual(at) || !usual(s.Hour) {
		s.Hour = at.Truncate(time.Hour)
	}
	if kind == "bypass_token.used" {
		if found := tokenID.FindSubmatch(payload); found != nil {
			s.ID = string(found[1])
		}
	}
}

// feed writes n events as import reads them, and says what of them is to be looked for.
func feed(to io.Writer, n int64) (s sought, err error) {
	w := bufio.NewWriterSize(to, 1<<20)
	events := loggen.NewWithAccess(1, firstDay, perDay)
	s.Index = n / 100 * 61
	var line []byte
	for i := range n {
		at, kind, actor, payload := events.Next()
		if i < s.Index {
			s.offer(at, kind, payload)
		}
		line = at.AppendFormat(append(line[:0], `{"ts":"`...), chain.TimeLayout)
		line = strconv.AppendQuote(append(line, `","event":`...), kind)
		line = strconv.AppendQuote(append(line, `,"actor":`...), actor)
		line = append(append(append(line, `,"payload":`...), payload...), '}', '\n')
		if _, err := w.Write(line); err != nil {
			return s, err
		}
	}
	return s, w.Flush()
}

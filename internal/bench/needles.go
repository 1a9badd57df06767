package main

import (
	"errors"
	"os"
	"regexp"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// needles are what is looked for in a history: ids that one record has, and two hours.
type needles struct {
	token, uuid, address string
	busy                 time.Time // beginning of the hour of a record, so mostly of one with many; UTC
	usual                time.Time // of one with about as many as the mean hour has
	hash                 string    // the first half of a record's

	hour   time.Time // that the events have come to
	inHour int       // how many of them
}

// The mean number of events in an hour, and how far a usual one is from it at most.
const (
	meanHour = perDay / 24
	usualOff = meanHour / 5
)

// Kinds of which an event carries an id.
const (
	kindToken   = "bypass_token.used"
	kindRequest = "service.error"
	kindSecret  = "auth.bad_secret"
)

// needleOf says where.
var needleOf = map[string]*regexp.Regexp{
	kindToken:   regexp.MustCompile(`"token_id":"([^"]+)"`),
	kindRequest: regexp.MustCompile(`"request_id":"([^"]+)"`),
	kindSecret:  regexp.MustCompile(`"remote":"([^"]+)"`),
}

// halfHash finds the first half of a record's own hash.
var halfHash = regexp.MustCompile(`"hash":"([0-9a-f]{32})`)

// offer shows the next of the events from which the ids are taken: the last that have one.
func (n *needles) offer(at time.Time, kind string, payload []byte) {
	if hour := at.Truncate(time.Hour); hour != n.hour {
		if off := n.inHour - meanHour; -usualOff <= off && off <= usualOff {
			n.usual = n.hour
		}
		n.hour, n.inHour = hour, 0
	}
	n.inHour++
	carries, ok := needleOf[kind]
	if !ok {
		return
	}
	id := string(carries.FindSubmatch(payload)[1])
	switch kind {
	case kindToken:
		n.token = id
	case kindRequest:
		n.uuid = id
	case kindSecret:
		n.address = id
	}
}

// settle ends it: the busy hour is that of the last event, and the usual one, too, if none was.
func (n *needles) settle() error {
	n.busy = n.hour
	if n.usual.IsZero() {
		n.usual = n.busy
	}
	if n.token == "" || n.uuid == "" || n.address == "" {
		return errors.New("in so short a history nothing is to be looked for: -search wants some 20,000 records or more")
	}
	return nil
}

// findHash reads half the hash of a record in the last third of a file.
func (n *needles) findHash(plain string, size int64) (err error) {
	f, err := os.Open(plain)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	part := make([]byte, min(size/3, 1<<20))
	if _, err := f.ReadAt(part, size-size/3); err != nil {
		return err
	}
	found := halfHash.FindSubmatch(part)
	if found == nil {
		return errors.New("no record in the last third of " + plain)
	}
	n.hash = string(found[1])
	return nil
}

// hourText is how the ts of the records of an hour begin.
func hourText(hour time.Time) string { return hour.Format(chain.TimeLayout)[:len("2006-01-02T15:")] }

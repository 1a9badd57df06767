package main

import (
	"errors"
	"os"
	"regexp"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// needles are what is looked for in a history: ids that one record has, and the hour of another.
type needles struct {
	token, uuid, address string
	hour                 time.Time // the beginning of it; UTC
	hash                 string    // the first half of a record's

	settled bool
}

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

// offer shows the next event. Needles are the last ones before the events are late, and the hour that
// of the first late one, which mostly is a busy one.
func (n *needles) offer(late bool, at time.Time, kind string, payload []byte) {
	if n.settled {
		return
	}
	n.settled, n.hour = late, at.Truncate(time.Hour)
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

func (n *needles) missing() error {
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

// hourText is the hour as a record's ts begins.
func (n *needles) hourText() string { return n.hour.Format(chain.TimeLayout)[:len("2006-01-02T15:")] }

package chain_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// reference judges a history as docs/FORMAT.md tells it ("compat"): one pass, every record held in
// memory, a set of all hashes. It shares nothing with the judge but the reading of JSON.
func reference(files []file) chain.Compat {
	type rec struct {
		v     ecmajson.Value
		index int64
	}
	var records []rec
	var unreadable []chain.UnreadableLine
	last := map[string]bool{}
	for _, f := range files {
		var mine []ecmajson.Value
		type bad struct{ line, after int64 }
		var bads []bad
		for i, line := range bytes.Split(f.data, []byte("\n")) {
			if len(line) == 0 {
				continue
			}
			v, _, err := ecmajson.Parse(line, chain.MaxDepth)
			if err != nil {
				bads = append(bads, bad{int64(i + 1), int64(len(mine))})
				continue
			}
			if v.Kind == ecmajson.Null {
				return chain.Compat{}
			}
			mine = append(mine, v)
		}
		skip := 0
		if f.live {
			for skip < len(mine) && last[refKey(mine[skip], "hash")] {
				skip++
			}
		} else {
			last = map[string]bool{}
			for _, v := range mine {
				last[refKey(v, "hash")] = true
			}
		}
		for _, b := range bads {
			unreadable = append(unreadable, chain.UnreadableLine{File: f.name, Line: b.line, BeforeIndex: int64(len(records)) + max(0, b.after-int64(skip))})
		}
		for _, v := range mine[skip:] {
			records = append(records, rec{v, int64(len(records))})
		}
	}
	c := chain.Compat{Total: int64(len(records)), Unreadable: unreadable}
	zero := refString(strings.Repeat("0", 64))
	known, head := map[string]bool{zero: true}, zero
	type ack struct {
		to string
		by int64
	}
	acks := map[string]ack{}
	type alteration struct {
		index          int64
		stored, actual string
	}
	var altered []alteration
	for _, r := range records {
		actual := refDigest(r.v)
		stored := refKey(r.v, "hash")
		if stored != refString(actual) {
			altered = append(altered, alteration{r.index, stored, actual})
		} else if e, _ := r.v.Member("event"); e.Kind == ecmajson.String && e.Str == "audit.redact" {
			p, _ := r.v.Member("payload")
			list, _ := p.Member("redacted")
			if list.Kind == ecmajson.Array {
				for _, e := range list.Elems {
					if e.Kind == ecmajson.Null {
						return chain.Compat{}
					}
					h, _ := e.Member("hash")
					to, _ := e.Member("content_hash")
					if h.Kind == ecmajson.String && to.Kind == ecmajson.String {
						acks[refString(h.Str)] = ack{to.Str, r.index}
					}
				}
			}
		}
		if known[stored] {
			c.DuplicateIndices = append(c.DuplicateIndices, r.index)
			continue
		}
		if prev := refKey(r.v, "prev_hash"); prev != head {
			if known[prev] {
				c.ForkIndices = append(c.ForkIndices, r.index)
			} else {
				c.OrphanIndices = append(c.OrphanIndices, r.index)
			}
		}
		known[stored], head = true, stored
	}
	for _, a := range altered {
		if b, ok := acks[a.stored]; ok && b.to == a.actual {
			c.RedactedIndices = append(c.RedactedIndices, a.index)
		} else {
			c.TamperedIndices = append(c.TamperedIndices, a.index)
		}
	}
	c.OK = len(c.TamperedIndices)+len(c.OrphanIndices)+len(c.Unreadable) == 0
	return c
}

func refString(s string) string { return "string " + s }

// refKey spells a member so that two members compare as existing verifiers compare them.
func refKey(v ecmajson.Value, name string) string {
	m, ok := v.Member(name)
	if !ok {
		return "undefined"
	}
	if m.Kind == ecmajson.String {
		return refString(m.Str)
	}
	return fmt.Sprintf("%v %s", m.Kind, ecmajson.AppendStringify(nil, m))
}

// refDigest is the hash of what a record says.
func refDigest(v ecmajson.Value) string {
	var parts []string
	for _, name := range []string{"prev_hash", "ts", "event", "actor", "payload"} {
		if m, ok := v.Member(name); ok {
			parts = append(parts, fmt.Sprintf("%q:%s", name, ecmajson.AppendStringify(nil, m)))
		}
	}
	return chain.Hash(sha256.Sum256([]byte("{" + strings.Join(parts, ",") + "}"))).String()
}

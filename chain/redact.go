package chain

import (
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// binding says that a record whose stored hash is known now has other content, and who said so.
type binding struct {
	content string // hash of the present content
	ts      string
	event   string
	by      *item
}

// redactions are the acknowledgements in a history.
type redactions struct {
	acks   []*item
	by     map[key]binding // by stored hash; the last in reading order counts
	broken bool            // an entry is null: existing verifiers fail on it
	failed []*item         // the records with such an entry
}

// findRedactions reads the acknowledgements whose own hash is right.
func findRedactions(walk []*item) *redactions {
	r := &redactions{by: map[key]binding{}}
	for _, it := range walk {
		if it.kind != KindRedact || it.class > LineAmbiguous {
			continue
		}
		list, _ := it.payload().Member("redacted")
		if list.Kind != ecmajson.Array {
			continue
		}
		r.acks = append(r.acks, it)
		for _, e := range list.Elems {
			if e.Kind == ecmajson.Null {
				r.broken = true
				r.failed = append(r.failed, it)
				break
			}
			stored, ok1 := e.Member("hash")
			content, ok2 := e.Member("content_hash")
			if ok1 && ok2 && stored.Kind == ecmajson.String && content.Kind == ecmajson.String {
				r.by[memberKey(e, "hash")] = binding{content: content.Str, ts: stringMember(e, "ts"), event: stringMember(e, "event"), by: it}
			}
		}
	}
	return r
}

// binding gives the acknowledgement that explains an altered record's present content.
func (r *redactions) binding(it *item) (binding, bool) {
	b, ok := r.by[it.hash]
	return b, ok && b.content == it.content.String()
}

// contradiction says what speaks against an acknowledged alteration, "" if nothing does. A redaction
// replaces payloads; time and event stay what they were.
func (b binding) contradiction(it *item) string {
	switch {
	case b.ts != it.tsText:
		return "the acknowledgement names another ts than the record has"
	case b.event != it.kind:
		return "the acknowledgement names another event than the record has"
	case it.beforeTS != "" && it.tsText < it.beforeTS:
		return "its ts is before the preceding record's"
	case it.afterTS != "" && it.tsText > it.afterTS:
		return "its ts is after the following record's"
	}
	return ""
}

package corpus

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// rewrite replaces the records of a segment from a position on by ones with a right hash and link.
func (s *site) rewrite(path string, segment, from, to int) (head chain.Record) {
	rs := append([]chain.Record{}, s.h[segment]...)
	for i := from; i < to; i++ {
		prev := s.h[max(segment-1, 0)][4].Hash
		if i > 0 {
			prev = rs[i-1].Hash
		}
		at, err := time.Parse(time.RFC3339, rs[i].TS)
		if err != nil {
			panic(err)
		}
		payload := rs[i].Payload
		if i == from {
			payload = []byte(`{"nothing":"to see"}`)
		}
		rs[i] = seal(prev, at, rs[i].Event, rs[i].Actor, payload)
	}
	s.edit(path, func([]byte) []byte { return text(rs...) })
	return rs[4]
}

// rewriteAll gives a record another payload and hashes everything after it anew, what rotations say
// included. It gives the log that comes of it.
func (s *site) rewriteAll(from chain.Record, other string) history {
	h := s.h
	head, begun := chain.Genesis, false
	for i := range h {
		h[i] = append([]chain.Record{}, s.h[i]...)
		for n, r := range h[i] {
			payload := r.Payload
			switch {
			case r.Hash == from.Hash:
				begun, payload = true, []byte(other)
			case begun && n == 0:
				payload = rotation(h[i-1], i, h[0][0].Hash, day(i))
			}
			h[i][n] = seal(head, day(i).Add(time.Duration(n)*10*time.Second), r.Event, r.Actor, payload)
			head = h[i][n].Hash
		}
		s.edit([]string{first, second, third, live}[i], func([]byte) []byte { return text(h[i]...) })
	}
	return h
}

// spelled is a log in which record 7 was written with one payload and then spelled in another way.
func spelled(payload, old, with string) func(*site) {
	return func(s *site) {
		s.h = s.rewriteAll(s.h[1][2], payload)
		s.remember(s.h[:]...)
		s.replace(second, 3, old, with)
	}
}

// fork is a record that follows an older one than the head, so long after the head.
func fork(parent int, later time.Duration) func(*site) {
	return func(s *site) {
		at := day(3).Add(40 * time.Second).Add(later)
		r := seal(s.h[3][parent].Hash, at, "hook.block", "cli", []byte(`{"n":1}`))
		s.append(live, text(append([]chain.Record{r}, chained(r, 1)...)...))
	}
}

// records are what was done to single records, and to how they follow one another.
var records = []damage{
	{"altered-payload", "A1", "a member of record 7's payload was renamed", "content and hash disagree; the place in the chain is proven", func(s *site) {
		s.replace(second, 3, `"payload":{"`, `"payload":{"x`)
	}},
	{"altered-payload-in-live-log", "A1", "a member of record 17's payload was renamed", "as in a segment; appends go on", func(s *site) { s.replace(live, 3, `"payload":{"`, `"payload":{"x`) }},
	{"altered-first-record", "A1", "the content of the very first record was changed", "the log keeps its id, which is the stored hash", func(s *site) { s.replace(first, 1, `"payload":{"`, `"payload":{"x`) }},
	{"altered-ts", "A1", "the time of record 7 was changed", "the time is hashed, too", func(s *site) { s.replace(second, 3, "2026-03-03T", "2026-03-01T") }},
	{"altered-event", "A1", "the kind of record 7 was changed", "the kind is hashed, too", func(s *site) { s.replace(second, 3, `"event":"`, `"event":"x.`) }},
	{"altered-actor", "A1", "the actor of record 7 was changed", "the actor is hashed, too", func(s *site) { s.replace(second, 3, `"actor":"`, `"actor":"x`) }},
	{"altered-prev-hash", "A1", "the parent of record 7 was changed to another record", "the parent is hashed, too, and no record is missing", func(s *site) {
		s.replace(second, 3, s.h[1][1].Hash.String(), s.h[0][1].Hash.String())
	}},
	{"altered-hash", "A1", "the hash of record 7 was changed", "the record after it names a parent that is nowhere, too", func(s *site) {
		s.replace(second, 3, s.h[1][2].Hash.String(), strings.Repeat("ab", 32))
	}},
	{"altered-last-remembered", "A1", "the content of the last record, which the mark remembers, was changed", "the mark remembers hashes, so it agrees: the content does not", func(s *site) {
		s.replace(live, 5, `"payload":{"`, `"payload":{"x`)
	}},
	{"altered-twice-in-a-row", "A1", "the content of the records 7 and 8 was changed", "neighbours are one finding, and every record of it is a damage", func(s *site) {
		s.replace(second, 3, `"payload":{"`, `"payload":{"x`)
		s.replace(second, 4, `"payload":{"`, `"payload":{"x`)
	}},
	{"altered-and-rehashed", "A1", "record 7 was changed and hashed anew", "its hash is right, and the record after it names the one that was there", func(s *site) { s.rewrite(second, 1, 2, 3) }},
	{"altered-and-rehashed-to-segment-end", "A1", "record 7 was changed, and all after it in the segment hashed anew", "the audit.rotate after the segment names the last record that was there", func(s *site) { s.rewrite(second, 1, 2, 5) }},
	{"rewritten-to-the-end", "A1", "record 17 was changed, and all after it hashed anew", "the chain is in order: only what the machine remembers tells", func(s *site) { s.rewrite(live, 3, 2, 5) }},
	{"rewritten-unremembered", "A1 A4", "record 17 was changed, all after it hashed anew, and the machine remembers nothing", "the limit of a hash chain: nothing outside vouches for these records, and every verdict says so", func(s *site) {
		s.rewrite(live, 3, 2, 5)
		s.forget()
	}},
	{"rewritten-shorter", "A1 A2", "the log was rewritten from record 7 on, rotations and all, with two records fewer", "points disagree with what lies before the new end: it was rewritten, not cut", func(s *site) {
		s.rewriteAll(s.h[1][2], `{"nothing":"to see"}`)
		s.lines(live, func(l [][]byte) [][]byte { return l[:3] })
	}},
	{"white-space-in-line", "B1", "record 7 was written with spaces between its members", "the same values in another spelling", func(s *site) { s.replace(second, 3, `,"event":`, `, "event": `) }},
	{"crlf-in-segment", "B1", "the lines of a sealed segment end in CR LF", "the same values in another spelling", func(s *site) {
		s.edit(second, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) })
	}},
	{"escaped-letters", "B3", "a letter of record 7 was written as an escape", "the same values in another spelling", func(s *site) {
		s.replace(second, 3, `"actor":"`+s.h[1][2].Actor[:1], `"actor":"`+`\u00`+hexOf(s.h[1][2].Actor[0]))
	}},
	{"members-in-another-order", "B3", "prev_hash and hash of record 7 changed places", "the same values in another spelling", func(s *site) {
		p, h := s.h[1][2].Prev.String(), s.h[1][2].Hash.String()
		s.replace(second, 3, `"prev_hash":"`+p+`","hash":"`+h+`"`, `"hash":"`+h+`","prev_hash":"`+p+`"`)
	}},
	{"member-twice", "A26", "record 7 has its actor a second time", "one reader takes the first, another the last", func(s *site) { s.replace(second, 3, `,"actor":"`, `,"actor":"root","actor":"`) }},
	{"member-twice-deep", "A26", "the payload of record 7 has a member a second time", "one reader takes the first, another the last, which has the hash", spelled(`{"k":2}`, `{"k":2}`, `{"k":1,"k":2}`)},
	{"member-too-many", "A26", "record 7 has a seventh member", "what is not hashed must not be on the line", func(s *site) { s.replace(second, 3, `{"ts":`, `{"approved":true,"ts":`) }},
	{"member-in-capitals", "A26", "record 7 has a member HASH beside its hash", "some readers match names without regard to case, and take the last", func(s *site) {
		s.replace(second, 3, `"}`+"\n", `","HASH":"`+strings.Repeat("ab", 32)+`"}`+"\n")
	}},
	{"ill-formed-utf8", "A26 B3", "a letter of record 7 was replaced by a byte that is no UTF-8", "some readers see U+FFFD there, which has the hash", spelled("{\"k\":\"\ufffd\"}", "\ufffd", "\xff")},
	{"number-read-as-null", "B2", "null in record 7 was replaced by a number beyond all bounds", "some readers see null there, which has the hash", spelled(`{"k":null}`, `{"k":null}`, `{"k":1e999}`)},
	{"null-record", "B5", "record 7 was replaced by the word null", "it is JSON and no record; the record after it names the one that was there", func(s *site) {
		s.line(second, 3, func([]byte) []byte { return []byte("null\n") })
	}},
	{"fork-two-writers", "F17 F18 66-FORKS 448-LOSSES F32", "a second writer followed the record before the last, ten seconds later", "writers that stole each other's lock do this: no record is missing, and no content is in doubt", fork(3, 10*time.Second)},
	{"fork-three-writers", "F18 66-FORKS", "two more writers followed the record before the last", "as with two writers", func(s *site) {
		fork(3, 5*time.Second)(s)
		fork(3, 12*time.Second)(s)
	}},
	{"fork-hours-later", "A1", "a record follows the one before the last, three hours later", "no two racing writers explain it", fork(3, 3*time.Hour)},
	{"inserted-backdated-record", "A1", "a record was put after record 6 of a sealed segment, dated an hour back", "it has a right hash and a parent, and is no writer's", func(s *site) {
		r := seal(s.h[1][1].Hash, day(1).Add(-time.Hour), "hook.block", "cli", []byte(`{"n":1}`))
		s.lines(second, func(l [][]byte) [][]byte { return append(l[:3:3], append([][]byte{text(r)}, l[3:]...)...) })
	}},
	{"block-twice-in-segment", "F15 20-RECORDS-TWICE", "a rotation sealed a segment into which three records had been written twice, and counted eight", "appends that landed while it read: counted once, nothing is missing", func(s *site) {
		twice := slices.Concat(s.h[2][:4], s.h[2][1:])
		s.edit(third, func([]byte) []byte { return text(twice...) })
		rotate := seal(s.h[2][4].Hash, day(3), chain.KindRotate, chain.SystemActor, rotation(twice, 3, s.h[0][0].Hash, day(3)))
		s.h[3] = append([]chain.Record{rotate}, chained(rotate, 4)...)
		s.put(live, text(s.h[3]...))
		s.remember(s.h[:]...)
	}},
	{"block-put-twice-in-segment", "A1", "three records were put into a sealed segment a second time", "the rotation record counted five: somebody edited the file after it was sealed", func(s *site) {
		s.lines(second, func(l [][]byte) [][]byte { return append(l[:4:4], l[1:]...) })
	}},
	{"block-twice-in-live-log", "F13", "the last three records are in the live log twice", "counted once; the next record follows the last one", func(s *site) {
		s.lines(live, func(l [][]byte) [][]byte { return append(l, l[2:]...) })
	}},
	{"altered-copy", "A1", "the last record is there a second time, with other content", "a copy that is not the same is an alteration", func(s *site) {
		s.append(live, bytes.Replace(text(s.h[3][4]), []byte(`"payload":{"`), []byte(`"payload":{"x`), 1))
	}},
	{"records-missing-in-segment", "A2", "the records 7 and 8 of a sealed segment were removed", "the record after them names a parent that is nowhere; nobody wrote down how many there were", func(s *site) {
		s.lines(second, func(l [][]byte) [][]byte { return append(l[:2:2], l[4:]...) })
	}},
	{"records-missing-in-live-log", "A2", "the records 17 and 18 were removed from the live log", "the mark's head is there all the same: the gap tells", func(s *site) {
		s.lines(live, func(l [][]byte) [][]byte { return append(l[:2:2], l[4:]...) })
	}},
	{"first-record-missing", "A2", "the first record of the log was removed", "the second names a parent that is nowhere", func(s *site) { s.lines(first, func(l [][]byte) [][]byte { return l[1:] }) }},
	{"segment-end-missing", "A2", "the last two records of a sealed segment were removed", "the audit.rotate after it says how many there were", func(s *site) { s.lines(second, func(l [][]byte) [][]byte { return l[:3] }) }},
	{"records-swapped", "A5", "two neighbours in a sealed segment changed places", "all records are there, out of order", func(s *site) {
		s.lines(second, func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l })
	}},
	{"second-start-in-live-log", "F3 UNREADABLE-HEAD A6", "a writer that took the log for a new one chained on nothing", "a record without a parent, inside a log: the records are there, and nothing says that none is missing between them", func(s *site) {
		r := seal(chain.Genesis, day(3).Add(time.Minute), "server.start", chain.SystemActor, []byte(`{"pid":7}`))
		s.append(live, text(append([]chain.Record{r}, chained(r, 2)...)...))
	}},
	{"rotation-record-wrong", "A5 A12", "an audit.rotate with a right hash names more records than were sealed", "whoever can append can claim anything: the run is looked for by its hashes", func(s *site) {
		p := chain.Rotate{Segment: "audit-0003.jsonl", Records: 9, FirstHash: s.h[2][0].Hash, LastHash: s.h[2][4].Hash, Cutoff: stamp(day(3)), LogID: s.h[0][0].Hash, Incarnation: 1, Reason: chain.ReasonManual, Machine: "ws-01"}
		rotate := seal(s.h[2][4].Hash, day(3), chain.KindRotate, chain.SystemActor, p.Payload())
		s.h[3] = append([]chain.Record{rotate}, chained(rotate, 4)...)
		s.put(live, text(s.h[3]...))
		s.remember(s.h[:]...)
	}},
	{"redaction-acknowledged", "F16 100-OWN-REWRITES F32", "the content of record 7 was replaced, and an audit.redact on the chain names it", "content that somebody answers for is not tampering, nor proof that it was right: a warning", func(s *site) {
		r := s.h[1][2]
		r.Payload = []byte(`{"redacted":true}`)
		now := seal(r.Prev, day(1).Add(20*time.Second), r.Event, r.Actor, r.Payload)
		s.line(second, 3, func([]byte) []byte { return text(r) })
		ack := fmt.Sprintf(`{"reason":"a key was in it","redacted":[{"index":7,"hash":"%v","content_hash":"%v","ts":"%s","event":"%s"}]}`, r.Hash, now.Hash, r.TS, r.Event)
		s.append(live, text(seal(s.h[3][4].Hash, day(3).Add(time.Minute), chain.KindRedact, "ops", []byte(ack))))
	}},
}

func hexOf(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

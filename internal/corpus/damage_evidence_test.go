package corpus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/recovery"
	"github.com/opscontext/opscontext/segment"
)

// onArchived does damage to the log once its first two segments are archived.
func onArchived(do func(*site)) func(*site) {
	return func(s *site) {
		s.archived()
		do(s)
	}
}

// lost is the log after its last two records were lost to a backup, and the machine said so.
func lost(s *site) {
	s.lines(live, func(l [][]byte) [][]byte { return l[:3] })
	s.run(func(home string, o segment.Options) error {
		l, err := segment.Open(home, o)
		if err != nil {
			return err
		}
		if _, err := l.Append(context.Background(), segment.Event{Kind: "server.start", Payload: []byte(`{"pid":9}`)}); err != nil {
			return err
		}
		return l.Close()
	})
}

// lastLive is the last record of the live log.
func (s *site) lastLive() chain.Record {
	lines := bytes.Split(bytes.TrimSpace(s.data(live)), []byte("\n"))
	return chain.ReadLine(lines[len(lines)-1]).Record
}

// declared is what lost left, once a person documented it. The rotation that follows is spelled by
// hand, because a real one names the machine it ran on.
func declared(change func(*chain.Anchor)) func(*site) {
	return func(s *site) {
		lost(s)
		s.anchor(change)
	}
}

// anchor documents the break that a check of the site finds.
func (s *site) anchor(change func(*chain.Anchor)) chain.Record {
	s.t.Helper()
	var payload []byte
	copied := site{t: s.t, h: s.h, files: map[string]Entry{}}
	for path, e := range s.files {
		copied.files[path] = e
	}
	copied.run(func(home string, o segment.Options) error {
		ro := recovery.Options{Home: home, Log: o, Now: at, By: chain.Recorder{UID: 1000, User: "ops", Host: "ws-01", Tool: "opscontext 0.1.0"}}
		p, err := recovery.PlanBreak(context.Background(), ro, recovery.Declaration{Cause: chain.CauseBackupRestore,
			Reason: "disk replaced, restored from Wednesday's backup", Operator: "J. Ortega"})
		if err != nil {
			return err
		}
		return p.Apply(context.Background(), ro)
	})
	for line := range bytes.Lines(copied.data("home/audit-archive/audit-0004.jsonl")) {
		if r := chain.ReadLine(bytes.TrimSuffix(line, []byte("\n"))).Record; r.Event == chain.KindAnchor {
			payload = r.Payload
		}
	}
	a, err := parseAnchor(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	change(&a)
	return s.chain(chain.KindAnchor, a.Payload())
}

// chain appends a system record to the live log, and has the machine remember it.
func (s *site) chain(kind string, payload []byte) chain.Record {
	r := seal(s.lastLive().Hash, at(), kind, chain.SystemActor, payload)
	s.append(live, text(r))
	s.remembers(func(m *segment.Memory) error {
		return m.SetMark(segment.Mark{LogID: s.h[0][0].Hash, Incarnation: 1, Segment: 4, Offset: int64(len(s.data(live))), Head: r.Hash, Records: chain.UnknownCount, TS: r.TS})
	})
	return r
}

func unchanged(*chain.Anchor) {}

// forgedBreak is an audit.break that nothing happened for.
func forgedBreak(s *site, version string) []byte {
	p := chain.Break{Found: chain.RolledBack, LogID: s.h[0][0].Hash, Incarnation: 1,
		Remembered: chain.Remembered{LogID: s.h[0][0].Hash, Incarnation: 1, Segment: 4, Offset: 5000, Head: sha256.Sum256([]byte("nobody")), Records: 30},
		Surviving:  chain.Surviving{File: "audit.log", Bytes: 10, Head: s.h[3][4].Hash}, Lost: chain.Bounds{Min: 10, Max: 10}}
	return bytes.Replace(p.Payload(), []byte(`{"v":1,`), []byte(`{"v":`+version+`,`), 1)
}

// evidence is what was done to archives, manifests, and what the log says about itself.
var evidence = []damage{
	{"archived", "", "the segments 1 and 2 were archived", "sound: what the cases about archives are made of", onArchived(func(*site) {})},
	{"archived-segment-missing", "F25", "the files of an archived segment were removed", "as with a plain one; its audit.archive record says what it hashes to", onArchived(func(s *site) { s.drop(packed2, says2) })},
	{"archive-missing-manifest-left", "F25", "a compressed segment was removed, its manifest was not", "the manifest tells what is gone", onArchived(func(s *site) { s.drop(packed2) })},
	{"manifest-missing", "F24 B9", "the manifest of an archived segment was removed", "it is a function of the archive and its record: made again byte for byte", onArchived(func(s *site) { s.drop(says1) })},
	{"manifest-altered", "A12", "a manifest names another number of records", "the chain has its hash, and the records decide", onArchived(func(s *site) {
		s.edit(says1, func(b []byte) []byte { return bytes.Replace(b, []byte(`"records":5`), []byte(`"records":6`), 1) })
	})},
	{"manifest-cut", "B9", "a manifest was cut in half", "it cannot be read, and the records still can", onArchived(func(s *site) {
		s.edit(says1, func(b []byte) []byte { return b[:len(b)/2] })
	})},
	{"manifest-of-another-segment", "B9 A12", "segment 1 has the manifest of segment 2", "neither the file nor the chain agrees with it", onArchived(func(s *site) {
		s.edit(says1, func([]byte) []byte { return s.data(says2) })
	})},
	{"manifest-of-unknown-version", "F31 B9", "a manifest has a later format", "newer is not corrupt: whoever knows the format must judge", onArchived(func(s *site) {
		s.edit(says1, func(b []byte) []byte { return bytes.Replace(b, []byte(`manifest/1"`), []byte(`manifest/7"`), 1) })
	})},
	{"archive-bit-flipped", "B8 F24", "a bit in the middle of a compressed segment was flipped", "the frame has a checksum: nothing that it gives is believed", onArchived(func(s *site) {
		s.edit(packed1, func(b []byte) []byte { b[len(b)/2] ^= 4; return b })
	})},
	{"archive-cut", "B8", "a compressed segment was cut in half", "a shorter log must never pass for a whole one", onArchived(func(s *site) {
		s.edit(packed1, func(b []byte) []byte { return b[:len(b)/2] })
	})},
	{"archive-empty", "B8 F12", "a compressed segment has no bytes", "nothing to decompress is no empty history", onArchived(func(s *site) {
		s.edit(packed1, func([]byte) []byte { return nil })
	})},
	{"archive-with-garbage-after", "A13 B8", "bytes were added behind the last frame of a compressed segment", "the records are there, and the file is not the one that was archived", onArchived(func(s *site) {
		s.append(packed1, []byte("garbage"))
	})},
	{"archive-declares-4-gib", "A13", "the header of a compressed segment declares a frame of 4 GiB", "it is refused by what it declares, before anything is decompressed", onArchived(func(s *site) {
		head := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0}
		s.edit(packed1, func(b []byte) []byte { return append(binary.LittleEndian.AppendUint32(head, 1<<32-1), b[6:]...) })
	})},
	{"plain-lines-named-zst", "B8", "a compressed segment was replaced by its plain lines", "the name says what it is; it is not guessed", onArchived(func(s *site) {
		s.edit(packed1, func([]byte) []byte { return text(s.h[0]...) })
	})},
	{"archives-exchanged", "A5", "the compressed files of the segments 1 and 2 have each other's names", "the records are out of order, and the manifests contradict the files", onArchived(func(s *site) {
		a, b := s.data(packed1), s.data(packed2)
		s.edit(packed1, func([]byte) []byte { return b })
		s.edit(packed2, func([]byte) []byte { return a })
	})},
	{"plain-and-packed-equal", "F13 B7", "archiving was killed before it removed the plain file", "both hold the same bytes: the next run goes on from there", onArchived(func(s *site) {
		s.files[first] = Entry{first, 0o400, text(s.h[0]...)}
	})},
	{"plain-and-packed-different", "B7 A5", "beside a compressed segment lies a plain file with other content", "the plain one is read, and they contradict each other", onArchived(func(s *site) {
		s.files[first] = Entry{first, 0o400, text(s.h[0]...)}
		s.replace(first, 2, `"payload":{"`, `"payload":{"x`)
	})},
	{"archive-unattested", "F13", "archiving was killed before it chained audit.archive", "nothing on the chain vouches for the file yet: archiving again does", onArchived(func(s *site) {
		s.put(live, text(s.h[3]...))
		s.remember(s.h[:]...)
	})},
	{"archive-temporary-file-left", "F8", "archiving was killed while it compressed", "the plain file is there; the next run removes the rest", func(s *site) {
		s.put("home/audit-archive/.audit-0001.zst.tmp", []byte{0x28, 0xb5})
	}},
	{"break-on-chain", "F26", "the home was put back two records, and the next append said so", "the machine writes down what it found and records on; a person has to document it", lost},
	{"live-log-lost-and-appended-to", "F26 A6", "audit.log was removed, and the next append said so", "a new live log that begins with what the machine found", func(s *site) {
		s.drop(live)
		s.run(func(home string, o segment.Options) error {
			l, err := segment.Open(home, o)
			if err != nil {
				return err
			}
			if _, err := l.Append(context.Background(), segment.Event{Kind: "server.start", Payload: []byte(`{"pid":9}`)}); err != nil {
				return err
			}
			return l.Close()
		})
	}},
	{"break-documented", "F26", "a person documented what the machine had found", "absence that somebody answers for, pinned to its hashes: the log passes, the loss is in the headline", declared(unchanged)},
	{"anchor-claims-too-few", "A3", "an anchor claims that one record was lost, where two were", "a right hash does not make a claim true", declared(func(a *chain.Anchor) { a.Lost.Records = chain.Bounds{Min: 1, Max: 1} })},
	{"anchor-of-another-place", "A3", "an anchor is pinned to another record than the one before the break", "what it documents is not what was found", declared(func(a *chain.Anchor) { a.Before.Hash = sha256.Sum256([]byte("elsewhere")) })},
	{"anchor-calls-present-record-lost", "A3 A5", "two neighbours changed places, and an anchor calls the first of them lost", "an anchor documents absence: what is in the log, in whatever order, is not absent", func(s *site) {
		s.lines(second, func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l })
		says := chain.Claim{Grade: chain.Chained, Source: "prev_hash of the record after the gap"}
		r := s.h[1]
		s.chain(chain.KindAnchor, chain.Anchor{LogID: s.h[0][0].Hash, Incarnation: 2, Where: chain.WhereGap, Cause: chain.CauseCorruption,
			Before: chain.AnchorBefore{Hash: r[1].Hash, TS: r[1].TS, Segment: "audit-0002.jsonl"}, After: chain.AnchorAfter{Hash: r[3].Hash, Prev: r[2].Hash},
			Lost:        chain.Lost{Head: r[2].Hash, HeadClaim: says, Records: chain.Bounds{Min: 1, Max: 1}, RecordClaim: says, TimeClaim: says},
			NextSegment: 4, DetectedAt: stamp(at()), Reason: "gone", Operator: "J. Ortega"}.Payload())
	}},
	{"anchor-edited", "A3 A1", "the payload of an anchor was edited afterwards", "altered, like any record: it documents nothing any more", func(s *site) {
		declared(unchanged)(s)
		s.edit(live, func(b []byte) []byte { return bytes.Replace(b, []byte("Wednesday"), []byte("Thursday"), 1) })
	}},
	{"anchor-corrected", "A3", "a wrong anchor was corrected by a further one", "corrected, not forgotten: never a plain pass again", func(s *site) {
		lost(s)
		wrong := s.anchor(func(a *chain.Anchor) { a.Lost.Records = chain.Bounds{Min: 1, Max: 1} })
		a, err := parseAnchor(wrong.Payload)
		if err != nil {
			s.t.Fatal(err)
		}
		a.Lost.Records, a.Corrects, a.Previous, a.Incarnation = chain.Bounds{Min: 2, Max: 2}, wrong.Hash, wrong.Hash, a.Incarnation+1
		s.chain(chain.KindAnchor, a.Payload())
	}},
	{"break-forged", "A3", "an audit.break was put on the chain, although nothing is gone", "whoever can append can cry wolf: what it says is reported, and no record is in doubt", func(s *site) { s.chain(chain.KindBreak, forgedBreak(s, "1")) }},
	{"break-of-unknown-version", "F31", "an audit.break has a later version", "newer is not corrupt", func(s *site) { s.chain(chain.KindBreak, forgedBreak(s, "9")) }},
	{"anchor-of-unknown-version", "F31", "an audit.anchor has a later version", "newer is not corrupt", func(s *site) { s.chain(chain.KindAnchor, []byte(`{"v":9}`)) }},
	{"archive-record-of-unknown-version", "F31", "an audit.archive has a later version", "newer is not corrupt", func(s *site) { s.chain(chain.KindArchive, []byte(`{"v":9}`)) }},
	{"anchor-without-sense", "A3 B5", "an audit.anchor has a payload that is none", "it can be read in no way that says something", func(s *site) { s.chain(chain.KindAnchor, []byte(`{"v":1,"place":"everywhere"}`)) }},
	{"torn-tail-forged", "A3", "an audit.torn_tail names a kept file that is not there", "the note excuses nothing: no record is missing, and none is made up by it", func(s *site) {
		s.chain(chain.KindTornTail, chain.TornTail{Kept: "audit.torn-nowhere.partial", Bytes: 5, Note: chain.NoteTorn}.Payload())
	}},
	{"record-of-unknown-kind", "F31", "a newer version chained a record of a kind that is not known here", "records are bytes with a hash: what they mean is for whoever asks", func(s *site) { s.chain("audit.notary", []byte(`{"v":3}`)) }},
	{"time-a-year-ahead", "F27 A27", "a record is dated a year ahead", "order comes from the chain; rotation does not follow such a time", func(s *site) {
		s.append(live, text(seal(s.h[3][4].Hash, day(3).Add(366*24*time.Hour), "server.start", chain.SystemActor, fmt.Appendf(nil, `{"pid":%d}`, len(strings.Fields("one two"))))))
	}},
}

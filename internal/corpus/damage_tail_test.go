package corpus

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/opscontext/opscontext/chain"
)

// damage is how a case is made of the sound log.
type damage struct {
	name, ids string
	made, why string
	do        func(*site)
}

// tornAt begins to write the next record and stops after some bytes of it; negative: so many before its end.
func tornAt(n int) func(*site) {
	return func(s *site) {
		line := text(chained(s.h[3][4], 1)...)
		if n < 0 {
			n += len(line)
		}
		s.append(live, line[:n])
	}
}

// tails are what a crash, a full disk or a failing medium leaves at the end of the live log.
var tails = []damage{
	{"sound", "", "nothing", "three sealed segments, a live one and a mark that agrees: what all other cases are made of", func(*site) {}},
	{"torn-0-bytes", "F3", "a writer was killed before the first byte of a record", "nothing was written, so nothing is to be said", tornAt(0)},
	{"torn-1-byte", "F3 TORN-TAIL", "a writer was killed after the first byte of a record", "nobody was told that the record was kept; the fragment is set aside", tornAt(1)},
	{"torn-half", "F3 TORN-TAIL B1-1", "a writer was killed in the middle of a record", "nobody was told that the record was kept; the fragment is set aside", tornAt(120)},
	{"torn-but-2-bytes", "F3 TORN-TAIL", "a writer was killed before the closing brace of a record", "a record without its brace is none, however much of it is there", tornAt(-2)},
	{"torn-in-utf8", "F3 TORN-TAIL", "a record was cut inside the two bytes of a letter", "half a letter must not keep the fragment from being set aside byte for byte", func(s *site) {
		line := text(chained(s.h[3][4], 1)...)
		s.append(live, line[:bytes.Index(line, []byte("ä"))+1])
	}},
	{"record-without-lf", "F5", "a writer was killed before the LF of a record", "the record is whole and has its hash: it is kept, and the next append gives it its LF", tornAt(-1)},
	{"record-without-lf-wrong-hash", "F5 UNREADABLE-HEAD", "the last record lacks its LF and has another hash than its content", "it has the length of a record and is none: chaining upon it would vouch for it", func(s *site) {
		line := text(chained(s.h[3][4], 1)...)
		line[len(line)-4] ^= 1
		s.append(live, line[:len(line)-1])
	}},
	{"torn-remembered-record", "A2", "the last record, which the mark remembers, was cut in half", "a torn write is never remembered: what is cut here had been acknowledged, so a record is lost", func(s *site) {
		s.edit(live, func(b []byte) []byte { return b[:len(b)-100] })
	}},
	{"torn-first-record", "F4", "a rotation sealed segment 3 and the audit.rotate of the live log was cut short", "the head is in the sealed segment: appends go on from it", func(s *site) {
		s.remember(s.h[:3]...)
		s.edit(live, func(b []byte) []byte { return b[:90] })
	}},
	{"garbage-in-fresh-live-log", "F4 F6", "a rotation sealed segment 3, and the live log holds one complete line that is no record", "there is no record to go on from in the live log; the sealed segment has the head", func(s *site) {
		s.remember(s.h[:3]...)
		s.put(live, []byte("Segmentation fault (core dumped)\n"))
	}},
	{"garbage-last-line", "F6 VERIFY-READS-PAST", "a complete line that is no record was added", "nothing can be chained upon it, and every record before it is checked all the same", func(s *site) {
		s.append(live, []byte("Segmentation fault (core dumped)\n"))
	}},
	{"garbage-last-lines", "F6", "three complete lines that are no records were added", "they are set aside together", func(s *site) {
		s.append(live, []byte("kernel: oops\n{\"n\":1}\nnull\n"))
	}},
	{"nul-run-at-end", "F11 F12", "700 NUL bytes follow the last record, as a file system leaves them after a power cut", "nothing of a record is in them; they are set aside", func(s *site) {
		s.append(live, bytes.Repeat([]byte{0}, 700))
	}},
	{"nul-run-before-last-record", "F11", "a record after the mark never reached the medium, and the one after it did", "nothing after a hole was acknowledged: a sync would have brought the hole's bytes along", func(s *site) {
		two := chained(s.h[3][4], 2)
		s.append(live, make([]byte, len(text(two[0]))))
		s.append(live, text(two[1]))
	}},
	{"nul-run-in-live-log", "F11 F24", "record 17, which the mark remembers, reads as NULs", "a disk that lies: what was acknowledged is gone, and the records after it are still read", func(s *site) {
		s.line(live, 3, func(l []byte) []byte { return append(make([]byte, len(l)-1), '\n') })
	}},
	{"nul-run-in-segment", "F24", "record 7 of a sealed segment reads as NULs", "one line is unreadable and its record is missing; everything else is checked", func(s *site) {
		s.line(second, 3, func(l []byte) []byte { return append(make([]byte, len(l)-1), '\n') })
	}},
	{"unreadable-line-in-segment", "F24 VERIFY-READS-PAST", "a brace of record 7 was overwritten", "the line cannot be read, and the record after it names a parent that is nowhere", func(s *site) {
		s.replace(second, 3, `{"ts"`, `#"ts"`)
	}},
	{"unreadable-line-in-live-log", "F6", "a brace of record 17 was overwritten", "as in a segment; the last line is a record, so appends go on", func(s *site) {
		s.replace(live, 3, `{"ts"`, `#"ts"`)
	}},
	{"line-put-in-segment", "F24", "a line that is no record was put between two records", "no record is missing: the ones beside it follow one another", func(s *site) {
		s.lines(second, func(l [][]byte) [][]byte { return append(l[:2:2], append([][]byte{[]byte("#\n")}, l[2:]...)...) })
	}},
	{"suspect-word", "F9", "a sync of another file than the live log failed, and its holder was killed", "the word stands for a file that is gone: it is compared, and cleared", func(s *site) {
		word := "suspect 1 0"
		s.put(flock, fmt.Appendf(nil, "%-63s\n", fmt.Sprintf("%s %08x", word, crc32.Checksum([]byte(word), crc32.MakeTable(crc32.Castagnoli)))))
	}},
	{"suspect-word-broken", "F9", "the suspect word cannot be read", "it counts as set: that costs a comparison, and the other guess could cost a record", func(s *site) {
		s.put(flock, fmt.Appendf(nil, "%-63s\n", "suspect 8 99 ffffffff"))
	}},
	{"refusals-pending", "F7 194875-REFUSALS", "two appends were refused on a full disk, and noted beside the log", "the chain must say how many were refused: the next append counts them", func(s *site) {
		s.put("home/audit-refused.jsonl", []byte(`{"ts":"2026-03-05T10:00:00.000Z","pid":7,"event":"hook.block","error":"no space left on device"}`+"\n"+
			`{"ts":"2026-03-05T10:00:01.000Z","pid":7,"event":"hook.block","error":"no space left on device"}`+"\n"))
	}},
	{"refusals-half-counted", "F7", "a process was killed while it put refused appends on the chain", "the file has another name by then, and is counted all the same", func(s *site) {
		s.put("home/audit-refused.jsonl.7.taking", []byte(`{"ts":"2026-03-05T10:00:00.000Z","pid":7,"event":"hook.block","error":"no space left on device"}`+"\n"))
	}},
	{"fragment-not-on-chain", "F2 F3", "a torn tail was set aside, and the process killed before it said so", "the bytes are out of the log, and the record that names them is still to be written", func(s *site) {
		s.put("home/audit.torn-2026-03-05T09-01-00-000Z.partial.unrecorded", []byte(`{"ts":"2026-03-05T09:0`))
	}},
	{"mark-broken", "F12", "the mark reads as zeros after a power cut", "a broken mark is no mark: nothing is remembered, and that is said", func(s *site) {
		s.put(mark, make([]byte, 512))
	}},
	{"time-goes-back", "F27", "the clock was an hour behind for two records", "order comes from the chain, never from times", func(s *site) {
		back := seal(s.h[3][4].Hash, day(3).Add(-86400e9), "server.start", chain.SystemActor, []byte(`{}`))
		s.append(live, text(back))
	}},
	{"no-final-lf-in-segment", "B1", "the LF of a sealed segment's last record is gone", "the record is whole: lines end at the end of a file, too", func(s *site) {
		s.edit(second, func(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\n")) })
	}},
	{"blank-lines", "B1", "a sealed segment has empty lines between its records", "an empty line holds nothing that could be lost", func(s *site) {
		s.edit(second, func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), "\n", "\n\n")) })
	}},
}

package corpus

import (
	"io/fs"
	"slices"
	"time"

	"github.com/opscontext/opscontext/chain"
)

// other is another log, of the same shape.
func other() history { return newHistory(2) }

// segments are what was done to whole files of the log.
var segments = []damage{
	{"first-segment-missing", "F25 A2", "the first sealed segment was removed", "the log's id is in the rotation record after it, and so is how many records are gone", func(s *site) { s.drop(first) }},
	{"middle-segment-missing", "F25 F14 51174-OVERWRITTEN", "the second sealed segment was removed", "the record after the gap names the last one in it, and its rotation the number", func(s *site) { s.drop(second) }},
	{"last-segment-missing", "F25", "the last sealed segment was removed", "the live log follows a record that is nowhere", func(s *site) { s.drop(third) }},
	{"two-segments-missing", "F25", "the first and the third sealed segment were removed", "two places, each with its range", func(s *site) { s.drop(first, third) }},
	{"neighbours-missing", "F25", "the second and the third sealed segment were removed", "one gap: only the last rotation in it has its number", func(s *site) { s.drop(second, third) }},
	{"middle-segment-empty", "F12", "the second sealed segment has no bytes", "a file without bytes is no history: the segment is gone", func(s *site) { s.edit(second, func([]byte) []byte { return nil }) }},
	{"segment-overwritten", "F14 51174-OVERWRITTEN", "two rotations chose one name: segment 3 was written over segment 2", "segment 2 is gone, and segment 3 is there twice", func(s *site) {
		s.edit(second, func([]byte) []byte { return s.data(third) })
	}},
	{"segments-swapped", "A5", "the segments 1 and 2 have each other's names", "all records are there, out of order", func(s *site) {
		a, b := s.data(first), s.data(second)
		s.edit(first, func([]byte) []byte { return b })
		s.edit(second, func([]byte) []byte { return a })
	}},
	{"segment-renumbered", "A5", "segment 2 was renamed to audit-0007.jsonl", "it is read after segment 3, whose parent is then read only later", func(s *site) { s.rename(second, "home/audit-archive/audit-0007.jsonl") }},
	{"segment-renamed", "B7", "segment 2 was renamed to audit-2.jsonl", "that is no name of a segment: it is not read, and said", func(s *site) { s.rename(second, "home/audit-archive/audit-2.jsonl") }},
	{"segment-of-another-log", "A5", "segment 2 was replaced by another log's", "it begins after a record that is nowhere here", func(s *site) {
		s.edit(second, func([]byte) []byte { return text(other()[1]...) })
	}},
	{"first-segment-of-another-log", "A5", "segment 2 was replaced by another log's first one", "it begins without a parent, inside this log", func(s *site) {
		s.edit(second, func([]byte) []byte { return text(other()[0]...) })
	}},
	{"segment-added-of-another-log", "A5", "another log's first segment was put beside ours as audit-0004.jsonl", "it lies between our last segment and the live log", func(s *site) {
		s.files["home/audit-archive/audit-0004.jsonl"] = Entry{"home/audit-archive/audit-0004.jsonl", 0o400, text(other()[0]...)}
	}},
	{"segment-twice", "F13 70000-ARCHIVED-TWICE", "segment 3 is there a second time, as audit-0004.jsonl", "archived twice: its records are counted once", func(s *site) {
		s.files["home/audit-archive/audit-0004.jsonl"] = Entry{"home/audit-archive/audit-0004.jsonl", 0o400, s.data(third)}
	}},
	{"rotation-left-copies", "F13 ARCHIVE-BEFORE-TRUNCATE", "an existing writer's rotation was killed after it wrote segment 3 and before it cut the live log", "its records are at the start of the live log as well: counted once", func(s *site) {
		s.put(live, append(slices.Clone(s.data(third)), text(chained(s.h[2][4], 3)...)...))
		s.remember(s.h[0], s.h[1], append(slices.Clone(s.h[2]), chained(s.h[2][4], 3)...))
	}},
	{"live-log-missing", "A6 F26", "audit.log was removed", "our rotation leaves no moment without one", func(s *site) { s.drop(live) }},
	{"live-log-empty", "A6 F12", "audit.log has no bytes", "a live log begins with its rotation record", func(s *site) { s.edit(live, func([]byte) []byte { return nil }) }},
	{"live-log-missing-unremembered", "A6", "audit.log was removed, and the machine remembers nothing", "the segments show that there was one; nobody knows how long it was", func(s *site) {
		s.drop(live)
		s.forget()
	}},
	{"live-log-begun-anew", "A6 UNREADABLE-HEAD", "audit.log was removed, and a writer that did not look began a new one", "a second start where the log should go on, and what was remembered is gone", func(s *site) {
		r := seal(chain.Genesis, day(3).Add(time.Hour), "server.start", chain.SystemActor, []byte(`{"pid":7}`))
		s.put(live, text(append([]chain.Record{r}, chained(r, 2)...)...))
	}},
	{"everything-removed", "A6", "all files of the log were removed", "the mark remembers a log: nothing to check is no pass", func(s *site) { s.drop(live, first, second, third) }},
	{"everything-removed-unremembered", "A6", "all files of the log were removed, and the machine remembers nothing", "nothing was checked, which is no pass", func(s *site) {
		s.drop(live, first, second, third)
		s.forget()
	}},
	{"whole-home-restored", "F26 A4", "the home was put back to how it was before the last rotation", "a prefix of what the machine remembers: 7 records are lost", func(s *site) {
		s.put(live, text(s.h[2][:3]...))
		s.drop(third)
	}},
	{"whole-home-restored-same-segment", "F26 A2", "the home was put back to how it was two records earlier", "a cut at a record's end leaves a sound chain: only the mark tells", func(s *site) {
		s.lines(live, func(l [][]byte) [][]byte { return l[:3] })
	}},
	{"whole-home-restored-unremembered", "A2 A4", "the home was put back two records, the machine's memory with it", "the limit of what one machine can know: nothing outside remembers the length, and every verdict says so", func(s *site) {
		s.lines(live, func(l [][]byte) [][]byte { return l[:3] })
		s.remember(s.h[0], s.h[1], s.h[2], s.h[3][:3])
	}},
	{"restored-and-appended-to", "F26", "the home was put back two records, and an existing writer went on", "the log is as long as it was, and not the one remembered", func(s *site) {
		s.lines(live, func(l [][]byte) [][]byte { return l[:3] })
		s.append(live, text(chained(s.h[3][2], 2)...))
	}},
	{"only-live-log-restored", "F26", "audit.log was put back from before the last rotation, the segments were not", "the live log holds what segment 3 has, and what came after is gone", func(s *site) { s.put(live, text(s.h[2][:3]...)) }},
	{"only-live-log-restored-older", "F26", "audit.log was put back from two rotations ago, the segments were not", "as with one rotation", func(s *site) { s.put(live, text(s.h[1][:4]...)) }},
	{"only-segments-restored", "F26", "audit-archive was put back from before the last two rotations", "the live log follows a segment that is not there any more", func(s *site) { s.drop(second, third) }},
	{"log-replaced", "A6 A5", "another log is in the place of this one", "not one record of what the machine remembers is there", func(s *site) {
		o := other()
		for i, path := range []string{first, second, third, live} {
			s.edit(path, func([]byte) []byte { return text(o[i]...) })
		}
	}},
	{"log-replaced-by-a-new-one", "A6", "all files were removed, and a writer that did not look began a new log", "a new log in an old log's place is no continuation until somebody says so", func(s *site) {
		s.drop(first, second, third)
		s.put(live, text(other()[0]...))
	}},
	{"next-live-log-left", "F1", "a rotation was killed while it wrote the next live log", "the log is as it was: the file is taken away, and written anew by the next rotation", func(s *site) {
		s.put("home/.audit.log.next", text(s.h[3][0])[:60])
	}},
	{"rotation-linked", "F1 F13", "a rotation was killed after the live log got its name in the archive", "one file with two names: the second is taken off again", func(s *site) {
		s.files["home/audit-archive/audit-0004.jsonl"] = Link("home/audit-archive/audit-0004.jsonl", live)
	}},
	{"rotation-not-sealed", "F1 F13", "a rotation was killed after the next live log was in place", "complete but for its last syncs, which the write bits on segment 3 show", func(s *site) { s.mode(third, 0o600) }},
	{"link-in-place-of-segment", "A10", "segment 2 is a symbolic link to a file elsewhere", "a link is not followed: what it leads to can change", func(s *site) {
		s.put("home/elsewhere.jsonl", s.data(second))
		s.files[second] = Entry{second, fs.ModeSymlink, []byte("../elsewhere.jsonl")}
	}},
	{"link-in-place-of-live-log", "A10", "audit.log is a symbolic link to a file beside it", "a link is not followed: appends would go to a file that others choose", func(s *site) {
		s.put("home/elsewhere.log", s.data(live))
		s.files[live] = Entry{live, fs.ModeSymlink, []byte("elsewhere.log")}
	}},
	{"directory-in-place-of-segment", "A10", "segment 2 is a directory", "it is not opened", func(s *site) { s.files[second] = Entry{second, 0o700 | fs.ModeDir, nil} }},
	{"two-names-of-live-log", "A10", "audit.log has a second name in the home", "whoever has that name can change the log past its permissions", func(s *site) {
		s.files["home/spare.log"] = Link("home/spare.log", live)
	}},
	{"files-of-others", "B7", "an editor's backup and a note lie among the segments", "they are not read, and said", func(s *site) {
		s.put("home/audit-archive/audit-0002.jsonl~", []byte("x\n"))
		s.put("home/audit-archive/README", []byte("do not touch\n"))
	}},
	{"file-open-to-others", "A16", "audit.log may be read by everybody", "a secret in a record is then no secret; the records are checked all the same", func(s *site) { s.mode(live, 0o644) }},
	{"home-open-to-others", "A16", "everybody may write to the home", "whoever may write here may put a file in place of the log", func(s *site) {
		s.files["home"] = Entry{"home", 0o777 | fs.ModeDir, nil}
	}},
	{"block-restored", "F25", "segment 2 was lost, and its records put back as a block after segment 1", "the block closes the gap", func(s *site) { s.rename(second, "home/audit-archive/audit-0001-r1.jsonl") }},
	{"block-restored-in-wrong-place", "F25", "segment 2 was lost, and its records put back as a block after segment 3", "they are read after the records that follow them", func(s *site) { s.rename(second, "home/audit-archive/audit-0003-r1.jsonl") }},
	{"older-copy", "F26", "the machine remembers a longer log of the same id at another path", "a copy of a log is no roll-back of it", func(s *site) {
		s.lines(live, func(l [][]byte) [][]byte { return l[:3] })
		m := s.data(mark)
		s.forget()
		s.put("state/elsewhere.mark", m)
	}},
	{"mark-missing", "", "the machine remembers nothing of the log", "nothing outside the log remembers its length, and that is said", func(s *site) { s.forget() }},
	{"segment-number-taken-by-mark", "F14", "the last sealed segment and the live log were removed, the mark remembers number 4", "numbers are not used twice: the mark knows the highest", func(s *site) { s.drop(third, live) }},
}

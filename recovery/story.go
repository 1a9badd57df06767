package recovery

import (
	"strings"

	"github.com/opscontext/opscontext/internal/report"
)

// Commands that cases end with. Words in capitals are for whoever runs them to fill in.
const (
	runRepair   = "opscontext recover repair"
	runRestore  = "opscontext recover restore --from BACKUP --reason TEXT --operator NAME"
	runDeclare  = "opscontext recover declare-break --reason TEXT --operator NAME --cause "
	runAgainst  = "opscontext audit_verify --against BACKUP"
	runArchive  = "opscontext archive"
	runManually = ""
)

// story tells a case in one paragraph and gives the one command to run next. What is in curly braces
// is filled in: the place, what verify says of it, and what it says to do next.
func story(k Kind, f report.Finding) (what, run string) {
	s := stories[k]
	what = strings.NewReplacer("{at}", at(f), "{detail}", detail(f), "{next}", f.Next).Replace(s.what)
	return what, s.run
}

// detail is what verify says of a finding beyond what its class means.
func detail(f report.Finding) string {
	info, _ := f.Class.Info()
	if rest, ok := strings.CutPrefix(f.Meaning, info.Meaning+": "); ok {
		return rest
	}
	return f.Meaning
}

var stories = map[Kind]struct{ what, run string }{
	KindTornTail: {"The last line of {at} was cut short while it was being written, by a crash or a full disk. Nobody was told that this record was kept. " +
		"The next append, or repair, moves the fragment to a file of its own and says so on the chain.", runRepair},
	KindTornFirst: {"{at} holds a single line that is no record: what was written first after a rotation was cut short. The segments before it are whole, and " +
		"repair goes on from the last of them.", runRepair},
	KindGhost: {"A sync of the log failed ({at} says so): the last bytes can be read, and may not be on the medium. Nobody was told that they were kept. " +
		"The next append, or repair, compares what is cached with what is on the medium and sets aside what is not.", runRepair},
	KindNotARecord: {"{at} ends with a complete line that is no record ({detail}). Nothing can be chained upon it, so appends are refused until it is set aside; " +
		"repair moves it to audit-quarantine/ and says so on the chain.", runRepair},
	KindUnreadable: {"{at} cannot be read as a record ({detail}). If a backup has the segment, its records can be put back; if none has, the loss is documented.", runRestore},
	KindFrame: {"A part of {at} cannot be read ({detail}). If a backup or an archive copy has the file, its records can be put back; if none has, the loss is documented.",
		runRestore},
	KindAltered: {"The content of {at} is not what its hash says: somebody, or a failing disk, changed it after it was written. Compare it with a backup. Its place in " +
		"the chain is proven, its content is not; it can be acknowledged, and then stays a warning for good.", runAgainst},
	KindAmbiguous: {"{at} can be read in two ways ({detail}): no writer makes such a line. Compare it with a backup.", runAgainst},
	KindFork: {"Two writers followed the same record at {at}, one shortly after the other. No record is missing; it happens where writers do not share a lock.",
		runManually},
	KindForkOdd: {"A branch at {at} begins where no two racing writers explain it ({detail}). Compare both branches with a backup; if it is an old break that cannot be " +
		"explained any more, it is documented as such.", runAgainst},
	KindDuplicate: {"Records at {at} are in the log a second time ({detail}). They are counted once; nothing is missing.", runManually},
	KindSegmentGone: {"Records before {at} are gone: {detail}. It begins after a record that is nowhere before it, so a whole segment, or its end, is missing. If a " +
		"backup has it, it can be put back; if none has, the loss is documented.", runRestore},
	KindRecordsGone: {"Records before {at} are gone: {detail}. If a backup has them, they can be put back; if none has, the loss is documented.", runRestore},
	KindLiveHole: {"Records within audit.log, at {at}, are gone or cannot be read: {detail}. Records cannot be put back between its lines. If a backup has an audit.log that " +
		"begins and ends as this one does, stop the writers and put it in its place. Otherwise document the loss.", runDeclare + "corruption"},
	KindSwapped: {"The segments are out of order at {at}: {detail}. Files have each other's names, or one was renamed. Find out which by their first records, " +
		"with segments, and give them back their names.", "opscontext segments"},
	KindDisorder: {"Records are out of order at {at}: {detail}. They are all there, and no writer puts them so: somebody moved lines. Put the file back from a " +
		"backup that has them in order.", runAgainst},
	KindForeign: {"The file at {at} does not belong here: it begins without a parent, or after a record that this log does not have, and nothing here follows it. " +
		"Compare it with a backup; if it is another log's, move it elsewhere, and put back what was in its place.", runAgainst},
	KindSecondStart: {"Another chain starts at {at}: a writer that no longer saw the live log began anew. The records are all there, and nothing says that none is " +
		"missing between them; that is documented as a break.", runDeclare + "live-lost"},
	KindRolledBack: {"The log was put back to an older state: {detail}. The records written between that state and the restore are not in it. If a newer backup exists, " +
		"stop the writers and restore that one instead, before anything else is written. Otherwise document the loss.", runDeclare + "backup-restore"},
	KindLiveOlder: {"Only audit.log was put back from a backup: it is older than the last rotation, and begins with records that the sealed segments hold as well. " +
		"{detail}. If the newer audit.log still exists anywhere, put that back instead. Otherwise document the loss.", runDeclare + "backup-restore"},
	KindArchiveOlder: {"audit.log does not follow the last sealed segment: {detail}. The last segments are missing: they were removed, or audit-archive/ was put back " +
		"from before they were sealed. If a backup or an archive copy has them, they can be put back; if none has, the loss is documented.", runRestore},
	KindLiveLost: {"The sealed segments are there and audit.log is not. {detail}. If a backup made after the last rotation has it, stop the writers and put it back. " +
		"Otherwise document the loss.", runDeclare + "live-lost"},
	KindBegunAnew: {"audit.log was lost, and a writer that did not look for the segments began a new one: {detail}. If a backup made after the last rotation has the lost " +
		"one, keep both. Otherwise document the loss.", runDeclare + "live-lost"},
	KindGone: {"Nothing is left of the log that this machine remembers: {detail}. If a backup exists, stop the writers, put it back, and diagnose again. If none does, " +
		"document the loss; what is written next begins after it.", runDeclare + "live-lost"},
	KindNotAFile: {"{at} is no file ({detail}), so nothing in it counts. Move it elsewhere, and put the file itself in its place.", runManually},
	KindNames: {"{at} has another name (a hard link), and whoever has that can change the log past its permissions: appends are refused until it is gone. Find the name, " +
		"and remove it.", "find / -xdev -samefile HOME/audit.log"},
	KindReplaced: {"Another log is in the place of the one that this machine remembers: {detail}. Put the log back that was here. If none of its files are left, this one " +
		"is declared its continuation.", runDeclare + "continuation"},
	KindRewritten: {"The history is not the one that this machine remembers: {detail}. That is no loss: records that were there read differently, or are others. It " +
		"cannot be declared away. Keep everything as it is, and compare it with a backup.", runAgainst},
	KindRotation: {"A rotation was interrupted ({at}). Nothing is lost: the next append, or repair, finishes it or takes it back.", runRepair},
	KindRefusals: {"Appends were refused earlier ({at}), and the chain does not say so yet. The next append, or repair, counts them in a record.", runRepair},
	KindAside:    {"Bytes were set aside ({at}), and the record that says so is not on the chain yet. The next append, or repair, writes it.", runRepair},
	KindManifest: {"A manifest contradicts what it stands beside: {detail}. The records decide. What to do: {next}.", runAgainst},
	KindManifestGone: {"{at} has no manifest. It can be made again, byte for byte, from the archive and its audit.archive record.",
		runRepair},
	KindUnattested: {"{at} is compressed, and no record on the chain vouches for it: archiving was interrupted, or the file was put there by somebody else. Archiving " +
		"again finishes what was begun.", runArchive},
	KindRotationWrong: {"A rotation record at {at} names records that are not in the log: {detail}. Compare the segments with a backup.", runAgainst},
	KindAnchorWrong: {"A documented break claims what the log refutes: {detail}. If it was a mistake, a further anchor corrects it; if not, somebody tried to excuse " +
		"what is not excused.", runDeclare + "CAUSE --corrects ANCHOR"},
	KindNewer:       {"{at} was written by a newer version of this program ({detail}). Use that one.", runManually},
	KindStranger:    {"{at} does not belong to the log. It is not read; move it elsewhere.", runManually},
	KindPermissions: {"Others than the owner may read or write here: {detail}.", "chmod -R go= HOME"},
	KindRedacted: {"Content at {at} was replaced, and a later record acknowledges it ({detail}). The acknowledgement is not signed: ask the person it names.",
		runManually},
}

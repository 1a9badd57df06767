package chain

// Class names what a finding is. The set is closed: [Classes] is the one table of it.
type Class string

// The classes of findings.
const (
	Altered            Class = "altered"
	Missing            Class = "missing"
	RolledBack         Class = "rolled-back"
	LiveMissing        Class = "live-missing"
	SecondGenesis      Class = "second-genesis"
	ImplausibleFork    Class = "implausible-fork"
	Diverged           Class = "diverged"
	Replaced           Class = "replaced"
	Ambiguous          Class = "ambiguous"
	RotateMismatch     Class = "rotate-mismatch"
	ManifestMismatch   Class = "manifest-mismatch"
	AnchorContradicted Class = "anchor-contradicted"
	Unreadable         Class = "unreadable"
	TornTailFound      Class = "torn-tail"
	UnknownVersion     Class = "unknown-version"
	Fork               Class = "fork"
	Duplicate          Class = "duplicate"
	Redacted           Class = "redacted"
	MarkMissing        Class = "mark-missing"
	ManifestMissing    Class = "manifest-missing"
	UnattestedArchive  Class = "unattested-archive"
	WidePermissions    Class = "wide-permissions"
	ReEncoded          Class = "re-encoded"
	TimeRegression     Class = "time-regression"
	Imported           Class = "imported"
	OlderCopy          Class = "older-copy"
	UndeclaredFile     Class = "undeclared-file"
	InFlight           Class = "in-flight"
)

// Severity orders classes, worst last.
type Severity int

// The severities. A note is said, not judged; a warning does not fail a check; inconclusive means
// that something could not be checked; damage means that the record of history is not what it was.
const (
	Note Severity = iota
	Warning
	Inconclusive
	Damage
)

var severityNames = [...]string{Note: "note", Warning: "warning", Inconclusive: "inconclusive", Damage: "damage"}

// String is the word for s.
func (s Severity) String() string { return severityNames[s] }

// MarshalText writes the word for s.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ClassInfo is a row of the class table.
type ClassInfo struct {
	Class    Class
	Severity Severity
	Meaning  string // one sentence for people
	Next     string // what to do, a command where there is one
}

// Classes is the table of classes, worst first. It is what verify, its documents and the runbook share.
var Classes = []ClassInfo{
	{Altered, Damage, "content does not match its hash", "keep the file as it is; compare it with a backup or an archive copy"},
	{Missing, Damage, "the parent of a record is not before it: records or a segment are gone, or out of order", "look for the missing segment in a backup"},
	{RolledBack, Damage, "this machine remembers a later head; what is left is an older state of the log", "find out which backup was restored, and when"},
	{LiveMissing, Damage, "sealed segments exist but the live log is gone", "look for audit.log in a backup made after the last rotation"},
	{SecondGenesis, Damage, "another chain starts inside the log", "find out who wrote a record without a parent: a writer that lost the live log does"},
	{ImplausibleFork, Damage, "a branch that no two racing writers explain", "compare both branches with a backup"},
	{Diverged, Damage, "history differs from what this machine remembers of it", "keep the file as it is; compare it with a backup or an archive copy"},
	{Replaced, Damage, "another log is in the place of the one this machine remembers", "find the log that was here before"},
	{Ambiguous, Damage, "two readers could read this line differently", "keep the file as it is; compare it with a backup or an archive copy"},
	{RotateMismatch, Damage, "a rotation or restore record names a run of records that is not in the log", "compare the segments with a backup"},
	{ManifestMismatch, Damage, "a manifest contradicts the records of its segment", "compare the segment with an archive copy"},
	{AnchorContradicted, Damage, "a documented break claims what the evidence refutes", "correct it with a further anchor"},
	{Unreadable, Inconclusive, "these bytes cannot be read as a record", "keep the file as it is; compare it with a backup or an archive copy"},
	{TornTailFound, Inconclusive, "the last line was cut short while it was written", "append: the next append sets the fragment aside and goes on"},
	{UnknownVersion, Inconclusive, "written by a newer version than this one", "use a newer opscontext"},
	{Fork, Warning, "two writers followed the same record; nothing is missing", "no action; keep writers on one locking protocol"},
	{Duplicate, Warning, "a second copy of a record; it is counted once", "no action"},
	{Redacted, Warning, "content was replaced and a later record acknowledges it; the acknowledgement is not signed", "check the acknowledgement with the person it names"},
	{MarkMissing, Warning, "this machine remembers nothing of this log", "no action: the next append writes the mark"},
	{ManifestMissing, Warning, "an archived segment has no manifest", "run archive: it rebuilds a lost manifest"},
	{UnattestedArchive, Warning, "no record on the chain vouches for this archive", "run archive again"},
	{WidePermissions, Warning, "others than the owner may read or write here, or the owner is a stranger", "chmod 0700 the directory and 0600 the files"},
	{ReEncoded, Note, "the same values in another spelling than they were written in", "no action"},
	{TimeRegression, Note, "the clock went back", "no action: order comes from the chain"},
	{Imported, Note, "records were taken over from elsewhere", "no action"},
	{OlderCopy, Note, "this machine remembers the same log at another path", "no action if this is a copy"},
	{UndeclaredFile, Note, "a file that does not belong to the log", "move it elsewhere"},
	{InFlight, Note, "a record was being written during the check", "no action"},
}

var classIndex = func() map[Class]*ClassInfo {
	m := make(map[Class]*ClassInfo, len(Classes))
	for i := range Classes {
		m[Classes[i].Class] = &Classes[i]
	}
	return m
}()

// Info is the row of c in [Classes]; ok is false for a word that is none.
func (c Class) Info() (info ClassInfo, ok bool) {
	p, ok := classIndex[c]
	if !ok {
		return ClassInfo{}, false
	}
	return *p, true
}

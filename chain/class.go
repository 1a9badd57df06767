package chain

import (
	"fmt"
	"slices"
)

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

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	at := slices.Index(severityNames[:], string(text))
	if at < 0 {
		return fmt.Errorf("severity %q is none of %v", clip(string(text)), severityNames)
	}
	*s = Severity(at)
	return nil
}

// ClassInfo is a row of the class table.
type ClassInfo struct {
	Class    Class
	Severity Severity
	Meaning  string // one sentence for people
	Next     string // what to do, a command where there is one
	one      string // how people count it: "1 fork", "2 forks"
	many     string
}

// Counted says how many were found, as people do: "2 forks".
func (c ClassInfo) Counted(n int) string {
	if n == 1 {
		return "1 " + c.one
	}
	return fmt.Sprintf("%d %s", n, c.many)
}

// Classes is the table of classes, worst first. It is what verify, its documents and the runbook share.
var Classes = []ClassInfo{
	{Altered, Damage, "content does not match its hash", "keep the file as it is; compare it with a backup or an archive copy", "record altered", "records altered"},
	{Missing, Damage, "the parent of a record is not before it: records or a segment are gone, or out of order", "look for the missing segment in a backup", "gap with records missing", "gaps with records missing"},
	{RolledBack, Damage, "this machine remembers a later head; what is left is an older state of the log", "find out which backup was restored, and when", "roll-back", "roll-backs"},
	{LiveMissing, Damage, "sealed segments exist but the live log is gone", "look for audit.log in a backup made after the last rotation", "live log missing", "live logs missing"},
	{SecondGenesis, Damage, "another chain starts inside the log", "find out who wrote a record without a parent: a writer that lost the live log does", "second chain start", "further chain starts"},
	{ImplausibleFork, Damage, "a branch that no two racing writers explain", "compare both branches with a backup", "implausible fork", "implausible forks"},
	{Diverged, Damage, "history differs from what this machine remembers of it", "keep the file as it is; compare it with a backup or an archive copy", "divergence from what is remembered", "divergences from what is remembered"},
	{Replaced, Damage, "another log is in the place of the one this machine remembers", "find the log that was here before", "replaced log", "replaced logs"},
	{Ambiguous, Damage, "two readers could read this line differently", "keep the file as it is; compare it with a backup or an archive copy", "ambiguous record", "ambiguous records"},
	{RotateMismatch, Damage, "a rotation or restore record names a run of records that is not in the log", "compare the segments with a backup", "rotation record contradicted", "rotation records contradicted"},
	{ManifestMismatch, Damage, "an archived segment, its manifest and the chain contradict one another", "compare the segment and its manifest with an archive copy", "manifest contradicted", "manifests contradicted"},
	{AnchorContradicted, Damage, "a documented break claims what the evidence refutes", "correct it with a further anchor", "break anchor contradicted", "break anchors contradicted"},
	{Unreadable, Inconclusive, "these bytes cannot be read as a record", "keep the file as it is; compare it with a backup or an archive copy", "unreadable place", "unreadable places"},
	{TornTailFound, Inconclusive, "the last line was cut short while it was written", "append: the next append sets the fragment aside and goes on", "torn tail", "torn tails"},
	{UnknownVersion, Inconclusive, "written by a newer version than this one", "use a newer opscontext", "record of an unknown version", "records of an unknown version"},
	{Fork, Warning, "two writers followed the same record; nothing is missing", "no action; keep writers on one locking protocol", "fork", "forks"},
	{Duplicate, Warning, "a second copy of a record; it is counted once", "no action", "duplicate", "duplicates"},
	{Redacted, Warning, "content was replaced and a later record acknowledges it; the acknowledgement is not signed", "check the acknowledgement with the person it names", "redaction (unsigned)", "redactions (unsigned)"},
	{MarkMissing, Warning, "this machine remembers nothing of this log", "no action: the next append writes the mark", "mark missing", "marks missing"},
	{ManifestMissing, Warning, "an archived segment has no manifest", "run archive: it rebuilds a lost manifest", "manifest missing", "manifests missing"},
	{UnattestedArchive, Warning, "no record on the chain vouches for this archive", "run archive again", "unattested archive", "unattested archives"},
	{WidePermissions, Warning, "others than the owner may read or write here, or the owner is a stranger", "chmod 0700 the directory and 0600 the files", "file or directory open to others", "files and directories open to others"},
	{ReEncoded, Note, "the same values in another spelling than they were written in", "no action", "re-encoded record", "re-encoded records"},
	{TimeRegression, Note, "the clock went back", "no action: order comes from the chain", "step back in time", "steps back in time"},
	{Imported, Note, "records were taken over from elsewhere", "no action", "import", "imports"},
	{OlderCopy, Note, "this machine remembers the same log at another path", "no action if this is a copy", "copy at another path", "copies at other paths"},
	{UndeclaredFile, Note, "a file that does not belong to the log", "move it elsewhere", "undeclared file", "undeclared files"},
	{InFlight, Note, "a record was being written during the check", "no action", "record in flight", "records in flight"},
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

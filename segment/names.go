package segment

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// Names in a home. Everything a log consists of has one of these, or one that [ParseName] reads.
const (
	LiveName       = "audit.log"           // the live segment
	FlockName      = "audit.flock"         // our lock, and in it the suspect word; never removed
	LockName       = "audit.lock"          // the append lock shared with Node writers
	RotateLockName = "audit.rotate.lock"   // the rotation lock shared with Node writers
	RefusedName    = "audit-refused.jsonl" // appends that failed and are not on the chain yet
	ArchiveDir     = "audit-archive"       // sealed segments
	QuarantineDir  = "audit-quarantine"    // bytes set aside that were not a torn tail

	nextName    = ".audit.log.next" // the next live segment, until it is renamed into place
	takenSuffix = ".taking"         // of refusals that are being chained
	keptSuffix  = ".partial"        // of bytes set aside
	openSuffix  = ".unrecorded"     // follows keptSuffix until a record on the chain names the file
	copySuffix  = ".copying"        // follows keptSuffix until the file is complete
	tornPrefix  = "audit.torn-"
	ghostPrefix = "audit.ghost-"
	oddPrefix   = "audit.odd-"

	importPrefix = "import-" // of the file that says how far an import came
	importSuffix = ".json"
)

// Name is a sealed segment's place in reading order: its number and, for a block that was put back
// after it, its restore index from 1. audit-0003, audit-0003-r1 and audit-0004 follow each other.
type Name struct {
	Number   int64
	Restored int64
}

// maxNumber bounds both parts of a name so that existing writers, whose numbers are doubles, count
// on from it exactly.
const maxNumber = 999_999_999_999_999

// Form is what a segment's file holds.
type Form uint8

// The forms of a segment's files.
const (
	FormPlain    Form = iota + 1 // JSON lines
	FormZstd                     // JSON lines, compressed
	FormManifest                 // what the segment holds
	FormIndex                    // search index, disposable
)

var formSuffixes = [...]string{FormPlain: ".jsonl", FormZstd: ".jsonl.zst", FormManifest: ".manifest.json", FormIndex: ".idx"}

// File is the name of the segment's file in the given form: "audit-0003-r1.jsonl.zst".
// [ParseName] reads it back.
func (n Name) File(f Form) string { return n.String() + formSuffixes[f] }

// String is the part of the name that all forms share: "audit-0003-r1".
func (n Name) String() string {
	if n.Restored == 0 {
		return fmt.Sprintf("audit-%04d", n.Number)
	}
	return fmt.Sprintf("audit-%04d-r%d", n.Number, n.Restored)
}

// Compare orders names as segments are read: numbers as numbers, so 9999 before 10000 and r9
// before r10.
func (n Name) Compare(m Name) int {
	return cmp.Or(cmp.Compare(n.Number, m.Number), cmp.Compare(n.Restored, m.Restored))
}

// ParseName reads a file name, which has no directory. Every name has one spelling only: four
// digits or, from 10000 on, as many as it takes; ok is false for any other.
func ParseName(file string) (name Name, form Form, ok bool) {
	for f, suffix := range formSuffixes {
		stem, found := strings.CutSuffix(file, suffix)
		if f == 0 || !found {
			continue
		}
		if name, ok = parseStem(stem); ok && name.String() == stem {
			return name, Form(f), true
		}
	}
	return Name{}, 0, false
}

func parseStem(stem string) (Name, bool) {
	digits, ok := strings.CutPrefix(stem, "audit-")
	if !ok {
		return Name{}, false
	}
	number, restored, block := strings.Cut(digits, "-r")
	n := Name{}
	if n.Number, ok = parseNumber(number); !ok {
		return Name{}, false
	}
	if block {
		if n.Restored, ok = parseNumber(restored); !ok || n.Restored == 0 {
			return Name{}, false
		}
	}
	return n, true
}

func parseNumber(digits string) (int64, bool) {
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n > maxNumber {
		return 0, false
	}
	return int64(n), true
}

// ownHomeName reports whether a name in a home is one that this program or an existing writer
// gives to a file.
func ownHomeName(name string) bool {
	switch name {
	case LiveName, FlockName, LockName, RotateLockName, RefusedName, ArchiveDir, QuarantineDir,
		nextName, "audit-verify.json", "audit-verify.lock", ".audit.log.tmp", ".audit.log.scrub.tmp":
		return true
	}
	if _, ok := takenBy(name); ok {
		return true
	}
	return isTorn(name)
}

// ownArchiveName is [ownHomeName] for a name in [ArchiveDir] that is no segment's.
func ownArchiveName(name string) bool {
	switch name {
	case ".rotate-intent.json", ".restore-intent.json":
		return true
	}
	if _, ok := ParseImportName(name); ok {
		return true
	}
	target := strings.TrimPrefix(strings.TrimRight(name, "0123456789"), ".")
	if durable.Leftover(name, target) {
		if _, form, ok := ParseName(target); ok && (form == FormManifest || form == FormIndex) {
			return true
		}
		if _, ok := ParseImportName(target); ok {
			return true
		}
	}
	return strings.HasPrefix(name, ".audit-") && strings.HasSuffix(name, ".tmp")
}

// ImportName is the name in [ArchiveDir] of the file that says how far the import of a source came,
// by the SHA-256 of the source. [ParseImportName] reads it back.
func ImportName(source chain.Hash) string { return importPrefix + source.String() + importSuffix }

// ParseImportName reads a name that [ImportName] gives; ok is false for any other.
func ParseImportName(file string) (source chain.Hash, ok bool) {
	digits, ok := strings.CutPrefix(file, importPrefix)
	if !ok {
		return source, false
	}
	if digits, ok = strings.CutSuffix(digits, importSuffix); !ok {
		return source, false
	}
	source, err := chain.ParseHash(digits)
	return source, err == nil
}

// isTorn reports whether a name in a home is one of a torn end set aside.
func isTorn(name string) bool { return strings.HasPrefix(name, tornPrefix) && isKept(name) }

// isKept reports whether a name is one of bytes set aside.
func isKept(name string) bool {
	return !strings.Contains(name, "/") && strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(name, copySuffix), openSuffix), keptSuffix)
}

// takenBy reads the name that refusals have while the process pid chains them.
func takenBy(name string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, RefusedName+".")
	if !ok {
		return 0, false
	}
	digits, ok := strings.CutSuffix(rest, takenSuffix)
	if !ok {
		return 0, false
	}
	pid, err := strconv.Atoi(digits)
	return pid, err == nil && pid > 0 && takenName(pid) == name
}

func takenName(pid int) string { return RefusedName + "." + strconv.Itoa(pid) + takenSuffix }

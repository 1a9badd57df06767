package segment

import (
	"cmp"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// BranchName names the file of an abandoned branch: records that followed one of segment Number, were
// lost, and were found after the loss had been documented and the log gone on without them. Index
// counts from 1. No reader takes such a file for a segment, existing ones included.
type BranchName struct{ Number, Index int64 }

// String is the name of the file: "audit-0003-b1.jsonl". [ParseBranchName] reads it back.
func (n BranchName) String() string { return fmt.Sprintf("audit-%04d-b%d.jsonl", n.Number, n.Index) }

// ParseBranchName reads a file name, which has no directory; ok is false for any other name.
func ParseBranchName(file string) (n BranchName, ok bool) {
	stem, plain := strings.CutSuffix(file, formSuffixes[FormPlain])
	digits, ours := strings.CutPrefix(stem, "audit-")
	number, index, branch := strings.Cut(digits, "-b")
	if !plain || !ours || !branch {
		return n, false
	}
	if n.Number, ok = parseNumber(number); !ok {
		return n, false
	}
	if n.Index, ok = parseNumber(index); !ok {
		return n, false
	}
	return n, n.Index > 0 && n.String() == file
}

// compareBranches orders the file names of branches.
func compareBranches(a, b string) int {
	m, _ := ParseBranchName(a)
	n, _ := ParseBranchName(b)
	return cmp.Or(cmp.Compare(m.Number, n.Number), cmp.Compare(m.Index, n.Index))
}

// gone says that a branch which was listed is not there any more. Nothing takes its place.
func gone(base string) error {
	return &fs.PathError{Op: "read", Path: filepath.Join(ArchiveDir, base), Err: fs.ErrNotExist}
}

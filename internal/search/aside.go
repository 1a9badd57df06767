package search

import "github.com/opscontext/opscontext/segment"

// Unknown is a number that could not be found out.
const Unknown = -1

// aside counts the files of bytes that were taken out of the log and kept. They are damaged or were
// replaced, and the chain says so: they are not among what should have been searched, and an answer
// without them is whole. Not to know how many there are is another matter.
func (r *run) aside(snap *segment.Snapshot) {
	files, err := snap.Aside()
	if err != nil {
		r.problem("bytes set aside cannot be counted: " + err.Error())
		r.sum.Quarantined = Unknown
		return
	}
	r.sum.Quarantined = int64(len(files))
}

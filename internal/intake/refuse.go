package intake

import (
	"fmt"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// refusal says why a source that was looked through cannot be imported; nil if it can.
func (v *survey) refusal(name string) error {
	switch {
	case v.nbad > 0:
		return &BadLinesError{Source: name, Lines: v.bad, Count: v.nbad, Partly: v.partly}
	case v.events == 0:
		return &segment.Refusal{Path: name, Offset: -1, Why: "there is no event in it", Next: "give a file with one event a line"}
	}
	return nil
}

// again refuses a source that was imported, or whose start was.
func (i *intake) again(b *Bookmark, size int64) error {
	path := newKeeper(i.fs, i.home, b.SHA256).path
	was := fmt.Sprintf("imported %s: %d records, closed by audit.import %s", b.Closed.TS, b.Events, b.Closed.Hash.Short())
	if b.Bytes < size {
		return &segment.Refusal{Path: i.src.Name, Offset: -1, Why: fmt.Sprintf("its first %d bytes were %s", b.Bytes, was),
			Next: fmt.Sprintf("import the rest alone: tail -c +%d FILE", b.Bytes+1)}
	}
	return &segment.Refusal{Path: i.src.Name, Offset: -1, Why: "it was " + was,
		Next: "no action is needed; to have every record twice all the same, first remove " + path}
}

// otherTimes refuses to go on in another way than the import was begun.
func (i *intake) otherTimes() error {
	why, next := "its import was begun without keeping its times", "run it again without --keep-time"
	if i.mark.KeepTime {
		why, next = "its import was begun keeping its times", "run it again with --keep-time"
	}
	return &segment.Refusal{Path: i.src.Name, Offset: -1, Why: why, Next: next}
}

// gone refuses to go on in a log that lost what it had.
func (i *intake) gone() error {
	return &segment.Refusal{Path: i.home, Offset: -1,
		Why:  fmt.Sprintf("an earlier run had imported %d records of %s, and the log no longer has them", i.mark.Steps[0].Records, i.src.Name),
		Next: "run verify, and put the log back as it was; if that cannot be, remove " + i.keeper.path + " to import the file from its start"}
}

// backDated refuses events of a time before the end of the log.
func backDated(source, first, head string) error {
	return &segment.Refusal{Path: source, Offset: -1, Why: fmt.Sprintf("it begins at %s, and the log has come to %s", first, head),
		Next: "import into an empty home, or accept records out of the order of time with --allow-back-dated"}
}

// later reports whether head, the ts of a record, is a time after first, which has the form of
// chain.TimeLayout. Records may have any ts; one that is no time is not later.
func later(head, first string) bool {
	_, err := time.Parse(chain.TimeLayout, head)
	return err == nil && head > first
}

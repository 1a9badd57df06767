package segment

import (
	"fmt"

	"github.com/opscontext/opscontext/internal/durable"
)

// secondName refuses to write into a file that has other names (hard links): they may be those of a file
// that is none of ours.
func secondName(path string, names uint64) error {
	return &Refusal{Path: path, Offset: -1, Why: fmt.Sprintf("the file has %d names (hard links)", names),
		Next: "find the others with find -samefile and remove them, or put a copy in place of it"}
}

// soleName refuses a live log with a second name that no rotation gave it: whoever has that name can
// change the log past its permissions, and a rotation would seal a file that is still written.
func (w *writer) soleName() error {
	if n := w.live.info.Links; n > 1 {
		return secondName(w.path(LiveName), n)
	}
	return nil
}

// unshared refuses an open file that has a second name.
func unshared(f durable.File) error {
	info, err := f.Stat()
	if err == nil && info.Links > 1 {
		return secondName(f.Name(), info.Links)
	}
	return err
}

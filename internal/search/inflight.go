package search

import (
	"time"

	"github.com/opscontext/opscontext/segment"
)

// A snapshot that is taken while a writer is at work may end within the record that is being written.
// That record was not there yet, and is no damage. What a crash left there looks the same, but stays as it
// is: so the log is looked at again, for up to looks times lookAfter.
const (
	looks     = 5
	lookAfter = 10 * time.Millisecond
)

// unfinished reports whether the live log ends with a line, and the line without its end.
func unfinished(src segment.Source, c segment.Chunk, offset int64, line []byte) bool {
	return src.State() == segment.StateLive && !c.Ended() && offset+int64(len(line)) == src.Size()
}

// inFlight reports whether the live log has gone on since the snapshot was taken.
func (r *run) inFlight() bool {
	for range looks {
		if moved, err := r.snap.Moved(); moved || err != nil {
			return err == nil
		}
		select {
		case <-r.ctx.Done():
			return false
		case <-time.After(lookAfter):
		}
	}
	return false
}

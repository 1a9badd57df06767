package search

import (
	"context"
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

// Unfinished reports whether a line ends the live log without an end of its own. c is the chunk that it
// is in, offset where it begins.
func Unfinished(src segment.Source, c segment.Chunk, offset int64, line []byte) bool {
	return src.State() == segment.StateLive && !c.Ended() && offset+int64(len(line)) == src.Size()
}

// InFlight reports whether the live log has gone on since the snapshot was taken, so that what ends it
// without an end was being written. It may wait for that, for looks times lookAfter.
func InFlight(ctx context.Context, snap *segment.Snapshot) bool {
	for range looks {
		if moved, err := snap.Moved(); moved || err != nil {
			return err == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(lookAfter):
		}
	}
	return false
}

package follow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/search"
	"github.com/opscontext/opscontext/segment"
)

const (
	// DefaultEvery is the time between two looks at the log.
	DefaultEvery = 250 * time.Millisecond
	// patience is how many looks may find no live log before that is told: existing writers move it
	// away for a moment.
	patience = 8
)

// Options says which log to read and what to do with its records.
type Options struct {
	Home     string
	Snapshot segment.SnapshotOptions
	Query    search.Query
	Last     int64 // records wanted to begin with; 0: none
	// Every is the time between two looks; 0: DefaultEvery.
	Every time.Duration
	// Show is given each record that is wanted, in order, by one goroutine. The line holds until it
	// returns. Its error ends all.
	Show func(search.Hit) error
	// Problem is told what could not be read, and what happened to the log that is followed.
	Problem func(text string)
}

// Last shows the last records of the log that are wanted, in reading order. The summary says what was
// searched for them. Memory does not grow with their number.
func Last(ctx context.Context, o Options) (search.Summary, error) {
	snap, err := segment.OpenSnapshot(o.Home, o.Snapshot)
	if err != nil {
		return search.Summary{}, err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	return newFollower(o).begin(ctx, snap)
}

// Follow is Last, and then shows what is appended until ctx ends, whose cause it returns, or Show fails.
// A log that is not there yet is waited for. A last line without its line end is not shown until it
// has one.
func Follow(ctx context.Context, o Options) error {
	f := newFollower(o)
	if err := f.start(ctx); err != nil {
		return err
	}
	every := o.Every
	if every <= 0 {
		every = DefaultEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if err := f.look(ctx); err != nil {
			return err
		}
	}
}

// follower is where in the log a reader has come to.
type follower struct {
	o      Options
	home   string // the real path
	at     anchor
	passed hashes
	live   durable.Info // the live log as it was last read; zero: not yet
	absent int          // looks that found no live log
	told   string       // the last problem, so that one that lasts is told once

	beginning *beginning // nil once the end of the log was reached
}

func newFollower(o Options) *follower {
	if o.Snapshot.FS == nil {
		o.Snapshot.FS = durable.OS()
	}
	return &follower{o: o, home: o.Home}
}

// start shows the last records and finds the end of the log.
func (f *follower) start(ctx context.Context) error {
	snap, err := segment.OpenSnapshot(f.o.Home, f.o.Snapshot)
	if err != nil {
		return err
	}
	defer snap.Close() //nolint:errcheck // it was read only
	f.home = snap.Home
	return f.again(ctx, snap)
}

// again begins with what is there.
func (f *follower) again(ctx context.Context, snap *segment.Snapshot) error {
	if err := wholeLines(snap); err != nil {
		f.tell(err.Error())
		return nil // the next look tries again
	}
	if _, err := f.begin(ctx, snap); err != nil {
		return err
	}
	f.sawLive(snap)
	return nil
}

// look shows what was appended since the last one.
func (f *follower) look(ctx context.Context) error {
	src, err := segment.OpenFile(f.o.Snapshot.FS, filepath.Join(f.home, segment.LiveName))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, durable.ErrNotRegular):
		if f.absent++; f.absent == patience && f.at.set() {
			f.tell(segment.LiveName + " is not there: waiting for it")
		}
		return nil
	case err != nil:
		f.tell(err.Error())
		return nil
	}
	defer src.Close() //nolint:errcheck // it was read only
	f.absent = 0
	info := src.Info()
	if unchanged(info, f.live) {
		return nil
	}
	if info.ID == f.at.id && f.at.in(src) {
		live, err := completeLines(src, f.at.name)
		if err != nil {
			f.tell(err.Error())
			return nil
		}
		f.live = info
		return f.pass(ctx, []segment.Source{live}, 0, f.at.end)
	}
	return f.lookAtAll(ctx)
}

func unchanged(now, before durable.Info) bool {
	return now.ID == before.ID && now.Size == before.Size && now.MTime == before.MTime
}

// lookAtAll finds where to go on in the whole log: the live one is another file, or is not what it was.
func (f *follower) lookAtAll(ctx context.Context) error {
	snap, err := segment.OpenSnapshot(f.home, f.o.Snapshot)
	if err != nil {
		f.tell(err.Error())
		return nil
	}
	defer snap.Close() //nolint:errcheck // it was read only
	if snap.Live == nil {
		return nil // gone again
	}
	if err := wholeLines(snap); err != nil {
		f.tell(err.Error())
		return nil
	}
	seam, err := search.SeamEnd(ctx, snap)
	if err != nil {
		f.tell(err.Error())
		return context.Cause(ctx)
	}
	found, err := f.find(ctx, snap, seam)
	if err != nil {
		return err
	}
	switch {
	case found.unread != nil:
		f.tell(fmt.Sprintf("what was shown last is not found, and not all of the log can be read (%v); beginning again with the last records", found.unread))
		return f.again(ctx, snap)
	case !found.ok:
		f.tell("the log does not have the records shown last: it was cut, or another one took its place; run audit_verify, which says what happened. Beginning again with the last records")
		return f.again(ctx, snap)
	case found.lost > 0:
		f.tell(fmt.Sprintf("the log does not have the last %d of the records passed: it was cut or rolled back; run audit_verify, which says what happened. Going on behind them", found.lost))
	}
	f.sawLive(snap)
	return f.pass(ctx, snap.Sources[found.source:], seam, found.from)
}

// sawLive notes the live log that was read.
func (f *follower) sawLive(snap *segment.Snapshot) {
	f.live = durable.Info{}
	if snap.Live != nil {
		f.live = snap.Live.Info()
	}
}

func (f *follower) tell(text string) {
	if f.beginning != nil || text == f.told {
		return
	}
	if f.told = text; f.o.Problem != nil {
		f.o.Problem(text)
	}
}

// hashes are those of the records passed last, the oldest first.
type hashes []chain.Hash

// remembered is how many there are at most: a log that was rolled back by fewer records is gone on
// with right behind what it has.
const remembered = 1024

func (h *hashes) add(hash chain.Hash) {
	if len(*h) >= 2*remembered {
		*h = append((*h)[:0], (*h)[remembered:]...)
	}
	*h = append(*h, hash)
}

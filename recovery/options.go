package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/verify"
	"github.com/opscontext/opscontext/segment"
)

// Options says which log is looked at, and how it is written to.
type Options struct {
	Home string
	// Log is how the log is written: the plan of a repair settles and appends as any writer does.
	Log   segment.Options
	Store string           // directory of archive copies, "" if none is configured
	By    chain.Recorder   // who runs this
	Now   func() time.Time // nil: time.Now
}

// verifyOptions is the check that every look begins with. Nothing is kept of it.
func (o *Options) verifyOptions() verify.Options {
	return verify.Options{FS: o.Log.FS, Home: o.Home, State: o.Log.State, Sharing: o.Log.Sharing, Now: o.Now, Tool: o.Log.Tool}
}

func (o *Options) examine(ctx context.Context) (*verify.Outcome, error) {
	return verify.Examine(ctx, o.verifyOptions())
}

func (o *Options) snapshot() (*segment.Snapshot, error) {
	return segment.OpenSnapshot(o.Home, segment.SnapshotOptions{FS: o.Log.FS, OpenArchived: archive.Opener(o.Log.FS)})
}

// withDefaults fills in what was left zero.
func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log.FS == nil {
		o.Log.FS = durable.OS()
	}
	return o
}

// refuse is a refusal that names a place and the next step. Nothing was written.
func refuse(path, next, format string, args ...any) error {
	return &segment.Refusal{Path: path, Offset: -1, Why: fmt.Sprintf(format, args...), Next: next}
}

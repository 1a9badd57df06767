// Package adopt brings the log of an old home into a new one: every record, byte for byte, cut into
// segments at the bounds of the new home. The old home is only read.
//
// Look says what there is and what would be made of it; Apply makes it. The live log of the new home
// comes last and whole, with the audit.adopt that closes the adoption: until it is there Apply may be
// killed and run again, over an old home that has grown meanwhile, too; from then on it refuses.
package adopt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// Options says what to adopt and where to.
type Options struct {
	From string          // the old home
	To   string          // the new home; it need not be there
	Log  segment.Options // how the new home is written; its bounds are where segments are cut
	By   chain.Recorder  // who adopts
	// Progress is told how much of what stage is done, in bytes. nil: nobody is.
	Progress func(s Stage, done, total int64)
}

// Stage is a part of the work that takes long.
type Stage string

// The stages, in order.
const (
	Verifying Stage = "verify"
	Reading   Stage = "read"
	Copying   Stage = "copy"
	Archiving Stage = "archive"
)

// Report is what there is to adopt, and what would be made of it.
type Report struct {
	From       string         `json:"from"` // real paths
	To         string         `json:"to"`
	LogID      string         `json:"log_id"` // empty if unknown
	Records    int64          `json:"records"`
	Lines      int64          `json:"other_lines"` // that are no records: blank or unreadable
	Bytes      int64          `json:"bytes"`
	FirstHash  string         `json:"first_hash"`
	LastHash   string         `json:"last_hash"`
	Years      []Year         `json:"years"`
	Verdict    string         `json:"verdict"` // of the old home, as audit_verify has it
	Exit       int            `json:"verdict_exit"`
	Counts     map[string]int `json:"counts"` // findings by class
	Segments   []Segment      `json:"segments"`
	NotBrought []NotBrought   `json:"not_brought"`
	Needed     int64          `json:"needed"` // bytes on the disk of the new home
	Free       int64          `json:"free"`   // bytes; -1 if nobody can tell
	Refused    string         `json:"refused"`
}

// Year is how many records bear a time of a year; "" is those whose time is none.
type Year struct {
	Year    string `json:"year"`
	Records int64  `json:"records"`
}

// Segment is one that would be made of a part of a file of the old home.
type Segment struct {
	File    string `json:"file"` // in the new home, relative to it
	Source  string `json:"source"`
	Offset  int64  `json:"offset"` // in the source, in bytes of its lines
	Records int64  `json:"records"`
	Bytes   int64  `json:"bytes"`
	FirstTS string `json:"first_ts"` // of the first and the last record
	LastTS  string `json:"last_ts"`
	SHA256  string `json:"sha256"`
	There   bool   `json:"there"` // in the new home already
}

// NotBrought is a file of the old home, or a part of one, that stays where it is.
type NotBrought struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"` // of a part of a file
	Why    string `json:"why"`
}

// Result is what Apply did.
type Result struct {
	Report
	Record   chain.Record     // the audit.adopt
	Archived []archive.Result // of the segments that there was something to do for
}

// withDefaults fills in what Apply and Look need of the options of the log.
func (o Options) withDefaults() Options {
	if o.Log.FS == nil {
		o.Log.FS = durable.OS()
	}
	if o.Log.Now == nil {
		o.Log.Now = time.Now
	}
	if o.Log.MaxBytes == 0 {
		o.Log.MaxBytes = segment.DefaultMaxBytes
	}
	if o.Log.OpenArchived == nil {
		o.Log.OpenArchived = archive.Opener(o.Log.FS)
	}
	if o.Log.Warn == nil {
		o.Log.Warn = func(segment.Warning) {}
	}
	if o.Progress == nil {
		o.Progress = func(Stage, int64, int64) {}
	}
	return o
}

// Look says what there is to adopt and what would be made of it. It writes nothing into either home.
// What Apply would refuse is in the report; an error means that one could not look.
func Look(ctx context.Context, o Options) (_ Report, err error) {
	a, err := look(ctx, o.withDefaults())
	if err != nil {
		return Report{}, err
	}
	return a.report(), a.close()
}

// adoption is one look at both homes.
type adoption struct {
	o     Options
	old   *oldHome
	new   *newHome
	plan  *plan
	known known
	// refused is why nothing can be done here; nil if it can.
	refused error
}

func look(ctx context.Context, o Options) (a *adoption, err error) {
	a = &adoption{o: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if a.old, err = openOld(o); err != nil {
		return a, err
	}
	if a.new, err = openNew(o); err != nil {
		return a, err
	}
	if within(a.new.home, a.old.snap.Home) {
		return a, refusal(a.new.home, "it lies within the old home, which is only read", "choose a new home elsewhere")
	}
	if a.refused = a.old.refused(); a.refused != nil && a.old.empty() {
		return a, a.refused
	}
	if a.known, err = a.judgeOld(ctx); err != nil {
		return a, err
	}
	var wanted []chain.Hash
	if a.new.mark != nil {
		wanted = append(wanted, a.new.mark.Head)
	}
	if a.plan, err = a.old.cut(ctx, o, wanted...); err != nil {
		return a, err
	}
	for _, check := range []func(context.Context) error{a.alreadyAdopted, a.chainable, a.unfinished, a.remembered, a.room} {
		if a.refused != nil {
			break
		}
		if err = check(ctx); err == nil {
			continue
		}
		if !errors.Is(err, segment.ErrRefused) {
			return a, err
		}
		a.refused, err = err, nil
	}
	return a, nil
}

func (a *adoption) close() error {
	var err error
	if a.old != nil {
		err = a.old.snap.Close()
	}
	if a.new != nil {
		err = errors.Join(err, a.new.snap.Close())
	}
	return err
}

// within reports whether path is dir or lies in it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

func refusal(path, why, next string) error {
	return &segment.Refusal{Path: path, Offset: -1, Why: why, Next: next}
}

func refusalf(path, next, why string, args ...any) error {
	return refusal(path, fmt.Sprintf(why, args...), next)
}

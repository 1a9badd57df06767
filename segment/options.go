package segment

import (
	"fmt"
	"os"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// Options says how a log is written. The zero value is ready to use.
type Options struct {
	FS  durable.FS       // nil: durable.OS()
	Now func() time.Time // the clock records are stamped with; nil: time.Now
	// State is the directory in which this machine remembers what it last saw of the home, outside
	// it. Empty: nothing is remembered, so that a log put back to an older state is not noticed.
	State string
	// MaxBytes bounds a segment, in bytes; 0: DefaultMaxBytes. A record that is longer has a
	// segment to itself. The bound is soft: where a rotation cannot run, the append still goes on.
	MaxBytes int64
	Period   Period // when a segment ends by the calendar
	// MaxRecord bounds a line, in bytes with its LF; 0: chain.DefaultMaxRecord. A longer record is
	// refused before anything is written.
	MaxRecord int
	// LockTimeout bounds the wait for other writers; 0: DefaultLockTimeout.
	LockTimeout time.Duration
	Sharing     Sharing
	// Warn is told what an operator should know although the append goes on. It is called while
	// the lock is held: it must not block and must not use the Log. nil: nobody is told.
	Warn func(Warning)
	// OpenArchived reads compressed segments, as in SnapshotOptions: a log that is compared with what
	// is remembered of it may have its remembered records there. nil: it cannot be compared then.
	OpenArchived func(path string, name Name) (Source, error)
	Tool         string // name and version of the program, for the notes it leaves in system records
}

// Defaults and bounds of [Options].
const (
	DefaultMaxBytes    = 256 << 20
	MinMaxBytes        = 1 << 10
	DefaultLockTimeout = 15 * time.Second
)

// Sharing says which other programs write to the same home.
type Sharing int

const (
	// ShareWithNode takes the lock files of existing Node writers as well as our own lock.
	ShareWithNode Sharing = iota
	// Exclusive takes our own lock alone: every writer is this program.
	Exclusive
)

// Warning is something an operator should know; what was asked for was done all the same.
type Warning struct {
	Kind WarningKind
	Path string // the file it is about, "" if none
	Text string // one sentence, with the next step where there is one
}

// WarningKind says what a [Warning] is about.
type WarningKind int

// The kinds of warnings.
const (
	WarnBreak       WarningKind = iota + 1 // the log is not the one remembered; audit.break was chained
	WarnSetAside                           // bytes were moved out of the log and kept
	WarnRotation                           // a rotation that was due could not run
	WarnPermissions                        // others than the owner may read or write here
	WarnMemory                             // the mark or a point could not be written
	WarnRefusals                           // refused appends could not be counted, or were chained
	WarnLock                               // a lock could not be given back
)

// Rotation is what a rotation did.
type Rotation struct {
	Segment Name
	Path    string // of the sealed segment
	Bytes   int64
	Reason  string
	Sealed  chain.Rotate // what the audit.rotate record says of it
	Record  chain.Record // the audit.rotate record, the first of the new live segment
}

// withDefaults fills in what was left zero and refuses what cannot be.
func (o Options) withDefaults() (Options, error) {
	if o.FS == nil {
		o.FS = durable.OS()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxRecord == 0 {
		o.MaxRecord = chain.DefaultMaxRecord
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = DefaultLockTimeout
	}
	if o.Warn == nil {
		o.Warn = func(Warning) {}
	}
	switch {
	case o.MaxBytes < MinMaxBytes:
		return o, fmt.Errorf("%w: max_bytes is %d, want %d or more", ErrInvalid, o.MaxBytes, MinMaxBytes)
	case o.MaxRecord < 0 || o.MaxRecord > chain.MaxLine:
		return o, fmt.Errorf("%w: max_record is %d, want 1 to %d", ErrInvalid, o.MaxRecord, chain.MaxLine)
	case o.LockTimeout < 0:
		return o, fmt.Errorf("%w: lock timeout is %v, want more than 0", ErrInvalid, o.LockTimeout)
	case o.Period < PeriodYear || o.Period > PeriodNone:
		return o, fmt.Errorf("%w: period %d is none there is", ErrInvalid, o.Period)
	}
	return o, nil
}

// machine is the name under which this machine stands in rotate records.
func machine() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

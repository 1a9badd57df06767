package segment

import (
	"errors"
	"fmt"
	"time"
)

// What an error means to the caller, to be asked with errors.Is. An error that is none of these is
// the system's: an I/O error, a full disk, a missing permission.
var (
	// ErrInvalid: the call cannot be meant so; nothing was written.
	ErrInvalid = errors.New("invalid")
	// ErrRefused: the log is in a state, or the record has a size, that does not allow it; nothing
	// was written. The error is a *Refusal.
	ErrRefused = errors.New("refused")
	// ErrBusy: another writer held a lock for too long; nothing was written. The error is a
	// *BusyError.
	ErrBusy = errors.New("busy")
	// ErrClosed: the Log was closed.
	ErrClosed = errors.New("the log is closed")
)

// Refusal says what stands in the way, where, and what to do about it.
type Refusal struct {
	Path   string
	Offset int64 // in bytes, where the trouble starts; -1 if it is no place in the file
	Why    string
	Next   string
}

func (r *Refusal) Error() string {
	at := r.Path
	if r.Offset >= 0 {
		at = fmt.Sprintf("%s, byte %d", at, r.Offset)
	}
	return fmt.Sprintf("%s: %s; nothing was written: %s", at, r.Why, r.Next)
}

// Is reports that a Refusal is ErrRefused.
func (r *Refusal) Is(target error) bool { return target == ErrRefused }

// BusyError says which lock could not be had.
type BusyError struct {
	Path   string
	Holder string // what the lock file says of its holder, "" if it does not
	Waited time.Duration
	Left   time.Duration // until the lock counts as left over, should its holder be dead; 0: that is not known
}

func (b *BusyError) Error() string {
	holder := b.Holder
	if holder == "" {
		holder = "another process"
	}
	text := fmt.Sprintf("%s: held by %s, waited %v; nothing was written: try again", b.Path, holder, b.Waited.Round(time.Millisecond))
	if b.Left > 0 {
		text += fmt.Sprintf(", after %v if the holder is dead: the file counts as left over then", b.Left.Round(time.Second))
	}
	return text
}

// Is reports that a BusyError is ErrBusy.
func (b *BusyError) Is(target error) bool { return target == ErrBusy }

// Outcome is what became of an event that is not known to be durable.
type Outcome int

const (
	// OutcomeRefused says that it is not in the log and will not be.
	OutcomeRefused Outcome = iota + 1
	// OutcomeUnknown says that it was written, and that nothing says whether it will be there after a crash.
	OutcomeUnknown
)

// String is the word for o.
func (o Outcome) String() string {
	switch o {
	case OutcomeRefused:
		return "refused"
	case OutcomeUnknown:
		return "unknown"
	}
	return fmt.Sprintf("Outcome(%d)", int(o))
}

// AppendError says where an append stopped.
type AppendError struct {
	// Index is the position, from 0, of the first event that is not known to be durable. All
	// before it are. No event after it is known to be; it is refused or unknown, too.
	Index   int
	Outcome Outcome // of the event at Index
	Err     error
}

func (e *AppendError) Error() string {
	if e.Outcome == OutcomeUnknown {
		return fmt.Sprintf("outcome unknown: %v", e.Err)
	}
	return e.Err.Error()
}

func (e *AppendError) Unwrap() error { return e.Err }

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
)

// ErrCrashed is what every operation of a stopped [Mem] gives, wrapped like any other error.
var ErrCrashed = errors.New("the machine has stopped")

// Op is one operation on a [Mem]. Off and Len are bytes; for a truncation Off is the new size.
type Op struct {
	Kind     OpKind
	Name     string
	New      string // second name of a link or rename
	Off, Len int64
}

// OpKind tells operations apart. [FS.Place] and [FS.Replace] show as the steps they consist of.
type OpKind uint8

// The operations up to OpMkdir change the disk and are what [Mem.CrashAfter] counts; the others
// only look.
const (
	OpCreate OpKind = iota
	OpWrite
	OpTruncate
	OpChmod
	OpSync
	OpSyncDir
	OpLink
	OpRename
	OpRemove
	OpMkdir

	OpOpen
	OpClose
	OpRead
	OpReadMedium
	OpStat
	OpReadDir
)

var opNames = [...]string{
	OpCreate: "create", OpWrite: "write", OpTruncate: "truncate", OpChmod: "chmod", OpSync: "sync",
	OpSyncDir: "syncdir", OpLink: "link", OpRename: "rename", OpRemove: "remove", OpMkdir: "mkdir",
	OpOpen: "open", OpClose: "close", OpRead: "read", OpReadMedium: "read medium", OpStat: "stat",
	OpReadDir: "readdir",
}

// String is the operation's name: "write", "syncdir".
func (k OpKind) String() string {
	if int(k) < len(opNames) {
		return opNames[k]
	}
	return fmt.Sprintf("OpKind(%d)", uint8(k))
}

func (k OpKind) changesDisk() bool { return k <= OpMkdir }

// String is for failure messages: "write audit.log 120+40".
func (o Op) String() string {
	s := o.Kind.String() + " " + o.Name
	switch o.Kind {
	case OpWrite, OpRead, OpReadMedium:
		s += fmt.Sprintf(" %d+%d", o.Off, o.Len)
	case OpTruncate:
		s += fmt.Sprintf(" %d", o.Off)
	case OpLink, OpRename:
		s += " " + o.New
	}
	return s
}

// wrap gives an error its place, as the os package does.
func (o Op) wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case o.New != "":
		return &os.LinkError{Op: o.Kind.String(), Old: o.Name, New: o.New, Err: err}
	default:
		return &fs.PathError{Op: o.Kind.String(), Path: o.Name, Err: err}
	}
}

// Fault makes operations fail. The zero Name and numbers mean: the next such operation, once. What
// fails has no effect, a write or a file's sync apart (see Keep); names that a failing SyncDir left
// pending are synced by a later one, as a journal does.
type Fault struct {
	Op   OpKind
	Name string // pattern of [path.Match] for the last element of either name; "": any
	Skip int    // matching operations that pass first
	For  int    // operations that fail then; 0 means 1, see [Always]
	Err  error  // usually an errno; with ErrCrashed the disk stops, as after CrashAfter

	// Keep is how many bytes get through all the same: of a write, into the file (a short write);
	// of a sync, to the medium, oldest first. The other bytes of a failing sync become ghosts,
	// unless it is StayDirty.
	Keep int64
}

// StayDirty is the [Fault.Keep] of a sync that fails without dropping anything, as when the journal
// could not be written: [FS.ReadMedium] sees the bytes, a power cut may take them all the same,
// and the next sync brings them to the medium.
const StayDirty = -1

// Always is a [Fault.For] without an end.
const Always = math.MaxInt

type armed struct{ Fault }

// Inject adds a fault. Of several that match an operation, the first to be added decides, and the
// others do not count the operation. A pattern that path.Match refuses matches nothing.
func (m *Mem) Inject(f Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.For == 0 {
		f.For = 1
	}
	m.faults = append(m.faults, &armed{f})
}

// ClearFaults removes all faults.
func (m *Mem) ClearFaults() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = nil
}

func (f *Fault) matches(op Op) bool {
	if f.Op != op.Kind || f.For == 0 {
		return false
	}
	if f.Name == "" {
		return true
	}
	for _, name := range []string{op.Name, op.New} {
		if ok, err := path.Match(f.Name, path.Base(name)); err == nil && ok {
			return true
		}
	}
	return false
}

// failure is what stands against an operation: nothing when err is nil.
type failure struct {
	err  error
	keep int64
}

// stop is when and how the disk stops.
type stop struct {
	done    []Op // operations that change the disk
	after   int  // how many of them may be done; never
	landed  int64
	crashed bool
	during  Op // the operation that was refused first
}

const never = math.MaxInt

// begin asks leave for an operation.
func (m *Mem) begin(op Op) failure {
	s := &m.stop
	if s.crashed {
		return failure{err: ErrCrashed}
	}
	if op.Kind.changesDisk() {
		if len(s.done) >= s.after {
			s.crashed, s.during = true, op
			return failure{err: ErrCrashed, keep: s.landed}
		}
		s.done = append(s.done, op)
	}
	for _, f := range m.faults {
		if !f.matches(op) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			break
		}
		f.For--
		if errors.Is(f.Err, ErrCrashed) {
			s.crashed, s.during = true, op
		}
		return failure{err: f.Err, keep: f.Keep}
	}
	return failure{}
}

// dropDirty is a failed sync: of the bytes not yet on the medium the first keep get there, the
// others never will. The length is metadata, which a journal writes again.
func (m *Mem) dropDirty(n *node, keep int64) {
	rest := m.pending[:0:0]
	for _, c := range m.pending {
		switch {
		case c.file != n || c.kind == modeChange:
			rest = append(rest, c)
		case c.kind == writeChange:
			part := *c
			part.data = c.data[:min(keep, int64(len(c.data)))]
			keep -= int64(len(part.data))
			if len(part.data) > 0 {
				part.land()
			}
		default:
			c.land()
		}
	}
	m.pending = rest
}

// room is how many bytes the quota lets a write put at off.
func (m *Mem) room(n *node, off int64) int64 {
	if m.quota < 0 {
		return math.MaxInt64
	}
	files := map[*node]struct{}{}
	var visit func(*node)
	visit = func(n *node) {
		files[n] = struct{}{}
		for _, kid := range n.cache.names {
			visit(kid)
		}
	}
	visit(m.root)
	for f := range m.open {
		files[f.node] = struct{}{}
	}
	free := m.quota
	for f := range files {
		free -= int64(len(f.cache.data))
	}
	end := int64(len(n.cache.data)) + max(free, 0)
	return max(end-off, 0)
}

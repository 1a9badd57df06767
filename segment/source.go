package segment

import (
	"bytes"
	"iter"

	"github.com/opscontext/opscontext/internal/durable"
)

// State says how a segment is kept.
type State uint8

// The states of a segment, in the order it goes through them.
const (
	StateLive      State = iota + 1 // audit.log: still written
	StateSealed                     // renamed, never written again
	StateArchived                   // sealed and compressed
	StateAbandoned                  // a branch: kept beside the log, in no reading order
)

// String is the word for s in reports.
func (s State) String() string {
	switch s {
	case StateLive:
		return "live"
	case StateSealed:
		return "sealed"
	case StateArchived:
		return "archived"
	case StateAbandoned:
		return "abandoned"
	}
	return "unknown"
}

// Source is the raw bytes of one segment, whether it is live, sealed or archived. Offsets and sizes
// count raw bytes: those of the JSON lines, before any compression.
//
// A source takes no descriptor until Extents or Read is called. Extents and Read are safe for
// concurrent use; Close must not run beside them.
type Source interface {
	// Name is the name of the segment's plain file, as findings and reports label it:
	// "audit.log", "audit-0003.jsonl", "audit-0003-r1.jsonl".
	Name() string
	// Segment is the segment's number and restore index. For the live segment it is the number
	// that it will get when it is sealed.
	Segment() Name
	State() State
	// Size is the number of raw bytes in the snapshot. What was appended later is not read.
	Size() int64
	// Extents cuts the raw bytes into adjacent pieces, in order, without a gap. size is a wish
	// for their size in bytes. No pieces: there are no bytes.
	Extents(size int) []Extent
	// Read gives the lines whose first byte lies in e: whole lines, which may end beyond e, and
	// none if no line starts in it. Every line of a source so belongs to exactly one extent.
	// e is one of Extents, or of any other offset and a size not over chain.MaxLine.
	//
	// Only the last line of a source may lack its LF; what was cut off a file since the snapshot
	// was taken is missing from the chunk without an error. A line longer than chain.MaxLine is
	// cut after chain.MaxLine+1 bytes; it is the last of its chunk and has no LF there.
	//
	// The chunk may lie in buf, which is otherwise scratch space; it grows where it must.
	Read(e Extent, buf []byte) (Chunk, error)
	// Info describes the file that holds the segment: mode, owner, size on disk.
	Info() durable.Info
	// Close lets go of what Extents and Read opened. Reading again opens it anew.
	Close() error
}

// FileOf is the file that a source of a home is read from, relative to the home, with slashes.
func FileOf(src Source) string {
	switch src.State() {
	case StateLive:
		return LiveName
	case StateArchived:
		return ArchiveDir + "/" + src.Segment().File(FormZstd)
	}
	return ArchiveDir + "/" + src.Name()
}

// Extent is a run of raw bytes of a source.
type Extent struct{ Offset, Size int64 }

// Chunk is a run of lines of a source.
type Chunk struct {
	Offset int64 // of Data[0] in the raw bytes
	Data   []byte
}

// Ended reports whether the chunk's last line has its LF. It is true of an empty chunk.
func (c Chunk) Ended() bool { return len(c.Data) == 0 || c.Data[len(c.Data)-1] == '\n' }

// Lines gives each line without its LF, and the offset of its first byte. Empty lines are lines;
// what follows the last LF is one only if it is not empty. LF alone ends a line.
func (c Chunk) Lines() iter.Seq2[int64, []byte] {
	return func(yield func(int64, []byte) bool) {
		for at := 0; at < len(c.Data); {
			line := c.Data[at:]
			if n := bytes.IndexByte(line, '\n'); n >= 0 {
				line = line[:n:n]
			}
			if !yield(c.Offset+int64(at), line) {
				return
			}
			at += len(line) + 1
		}
	}
}

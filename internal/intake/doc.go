// Package intake takes history from elsewhere into a log: events as lines of JSON become records, in
// their order, with the times that the source gives them or those of their writing, and one record on
// the chain says what was taken.
//
// A file is looked through as a whole before the first of its events is written, and is taken in
// pieces that each become durable at once; a note beside the archives says how far that came. An
// import that is killed anywhere goes on where it stopped when the same file is given again, whatever
// others appended meanwhile: see [File]. What is read once and gone, like a pipe, is taken by
// [Stream], which cannot go on.
package intake

import (
	"cmp"
	"io"
	"runtime"

	"github.com/opscontext/opscontext/chain"
)

// Source is what is taken in.
type Source struct {
	Name string // of the file, without its directory: it goes on the chain
	Data io.ReaderAt
	Size int64 // about how many bytes Data has, for Options.Progress; it is read to its end
}

// Options says how to take a source in. The zero value is ready to use.
type Options struct {
	Times   Times
	Order   Order
	By      chain.Recorder // goes on the chain
	Workers int            // lines looked at a time; 0: one for each processor Go may use
	// Piece is how much of the source is written and synced at once, in bytes; 0: DefaultPiece.
	// Memory is a few times that, and a few MiB for each worker.
	Piece int64
	// Progress is told how many of total bytes are behind us; every byte of a file counts twice,
	// as it is read twice. nil: nobody is.
	Progress func(done, total int64)
}

// DefaultPiece is how much of a source is synced at once unless said otherwise, in bytes.
const DefaultPiece = 4 << 20

// Times says which times the records bear.
type Times int

const (
	// TimesOfWriting stamps the records as they are written.
	TimesOfWriting Times = iota
	// TimesOfSource keeps the ts of every event.
	TimesOfSource
)

// Order says what to do about a log that ends later than the source begins.
type Order int

const (
	// InOrder refuses it.
	InOrder Order = iota
	// BackDated writes the records all the same, and says so on the chain.
	BackDated
)

func (o Options) withDefaults() Options {
	o.Workers = cmp.Or(max(o.Workers, 0), runtime.GOMAXPROCS(0))
	o.Piece = cmp.Or(max(o.Piece, 0), DefaultPiece)
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	return o
}

// Result says what was taken in.
type Result struct {
	chain.Import               // what the closing record says
	Closed       chain.Record  // that record: audit.import
	Resumed      int64         // records that an earlier run had written
	Renamed      int64         // events whose kind was one of the log's own, now under imported.
	StepsBack    int64         // events with an earlier time than the one before, where times are kept
	Members      []chain.Count // the members left out most often, by lines that had them
	Left         int64         // bytes that the file grew by since the import was begun; they are not in it
}

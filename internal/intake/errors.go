package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opscontext/opscontext/segment"
)

// ErrChanged says that a file was changed while it was being taken in.
var ErrChanged = errors.New("the file was changed while it was being imported")

// BadLinesError refuses a source for lines that cannot be records. Nothing was written.
type BadLinesError struct {
	Source string
	Lines  []BadLine // the first of them
	Count  int64     // of all
	Partly bool      // a line was too long to be read, and nothing behind it was looked at
}

func (e *BadLinesError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", e.Source)
	if e.Count == 1 {
		b.WriteString("one line cannot be imported")
	} else {
		fmt.Fprintf(&b, "%d lines cannot be imported", e.Count)
	}
	if e.Partly {
		b.WriteString(", and nothing after the last of them was looked at")
	}
	return b.String() + "; nothing was written: correct the source and run it again"
}

// Is reports that this is a refusal, segment.ErrRefused.
func (e *BadLinesError) Is(target error) bool { return target == segment.ErrRefused }

// StoppedError says how far an import came that did not end well.
type StoppedError struct {
	Source  string
	Records int64 // of the source, on the medium, from its start on
	Of      int64 // events in the source; 0 where that is not known
	Line    int64 // at which it stopped, 0 if it is not about a line
	Closed  bool  // an audit.import was chained for what there is
	Resumes bool  // the same call again goes on where it stopped
	Err     error
}

func (e *StoppedError) Error() string {
	text := e.Err.Error()
	if errors.Is(e.Err, context.Canceled) {
		text = "interrupted"
	}
	switch {
	case e.Line > 0:
		return fmt.Sprintf("%s: %d imported, line %d: %s", e.Source, e.Records, e.Line, text)
	case e.Of > 0:
		return fmt.Sprintf("%s: %d of %d imported: %s", e.Source, e.Records, e.Of, text)
	}
	return fmt.Sprintf("%s: %d imported: %s", e.Source, e.Records, text)
}

func (e *StoppedError) Unwrap() error { return e.Err }

// Next says how to go on.
func (e *StoppedError) Next() string {
	switch {
	case e.Resumes && errors.Is(e.Err, ErrChanged):
		return "put the file back as it was and run the same command again: it goes on where it stopped"
	case e.Resumes:
		return "run the same command again: it goes on where it stopped"
	case e.Line > 0:
		return fmt.Sprintf("correct that line, then import the rest, from line %d on", e.Line)
	case e.Records > 0:
		return "import the rest of the events: the last record of the log says which was the last"
	}
	return ""
}

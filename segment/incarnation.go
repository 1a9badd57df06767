package segment

import (
	"bytes"
	"errors"
	"io"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

// incarnationOf is the incarnation that a record begins, 0 for any but a break anchor.
func incarnationOf(r *chain.Record) int {
	if r.Event != chain.KindAnchor {
		return 0
	}
	v, _, err := ecmajson.Parse(r.Payload, chain.MaxDepth)
	if err != nil {
		return 0
	}
	a, err := chain.ParseAnchor(v)
	if err != nil {
		return 0 // whoever wrote it, verify says so
	}
	return a.Incarnation
}

// recentIncarnation is the incarnation that a break anchor near the end of a log file begins, 1 if
// there is none. Whoever writes an anchor rotates next, so that it is found in the segment's first
// record; only a kill in between leaves it to be found here.
func recentIncarnation(f io.ReaderAt, size int64) (int, error) {
	from := max(0, size-linkWindow)
	data := make([]byte, size-from)
	if _, err := f.ReadAt(data, from); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	incarnation := 1
	for line := range bytes.Lines(data) {
		if bytes.Contains(line, []byte(chain.KindAnchor)) {
			r := chain.ReadLine(bytes.TrimSuffix(line, lf))
			if r.Class.Whole() {
				incarnation = max(incarnation, incarnationOf(&r.Record))
			}
		}
	}
	return incarnation, nil
}

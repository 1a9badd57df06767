package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// Point is a record that this machine remembers besides the mark: the last of each sealed segment
// and the first of each day. Where the mark's head is gone, points tell what is left from what
// became of it.
type Point struct {
	LogID   chain.Hash
	Segment int64 // as in [Mark]
	Offset  int64
	Hash    chain.Hash
	Records int64 // as in [Mark]
	TS      string
}

// longestPoint bounds a line of the points' file.
const longestPoint = 1 << 10

// encode gives the point's line, LF included.
func (p Point) encode() []byte {
	text := fmt.Appendf(nil, `{"v":%d,"log_id":"%v","segment":%d,"offset":%d,"hash":"%v","records":%s,"ts":"%s"`,
		markVersion, p.LogID, p.Segment, p.Offset, p.Hash, countText(p.Records), stampOrNone(p.TS))
	return append(appendSum(text), '\n')
}

// parsePoint reads exactly what encode writes, without the LF; anything else is errNoMark.
func parsePoint(line []byte) (Point, error) {
	f := fields{}
	f.parse(line)
	p := Point{LogID: f.hash("log_id"), Segment: f.num("segment"), Offset: f.num("offset"), Hash: f.hash("hash"),
		Records: f.count("records"), TS: f.text("ts")}
	if again := p.encode(); f.bad || !bytes.Equal(again[:len(again)-1], line) {
		return Point{}, errNoMark
	}
	return p, nil
}

// A line of the points' file may also say that the log came to another end than was remembered: of
// the points in force before it, only the first kept ones still are.

// encodeCut gives such a line, LF included.
func encodeCut(kept int) []byte {
	return append(appendSum(fmt.Appendf(nil, `{"v":%d,"kept":%d`, markVersion, kept)), '\n')
}

func parseCut(line []byte) (kept int, err error) {
	f := fields{}
	f.parse(line)
	kept = int(f.num("kept"))
	if again := encodeCut(kept); f.bad || !bytes.Equal(again[:len(again)-1], line) {
		return 0, errNoMark
	}
	return kept, nil
}

// parsePoints reads the points in force. Broken lines, and those of a newer version, are skipped.
func parsePoints(file []byte) []Point {
	var points []Point
	for _, line := range (Chunk{Data: file}).Lines() {
		if len(line) > longestPoint {
			continue
		}
		if p, err := parsePoint(line); err == nil {
			points = append(points, p)
		} else if kept, err := parseCut(line); err == nil {
			points = points[:min(kept, len(points))]
		}
	}
	return points
}

// appendLine adds a line to the points' file. A line that a crash cut short before it stays by
// itself.
func appendLine(f durable.File, line []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], info.Size-1); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	_, err = f.Write(line)
	return err
}

// openPoints is how the points' file is opened to add to it.
const openPoints = os.O_RDWR | os.O_APPEND | os.O_CREATE

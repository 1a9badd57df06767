package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/opscontext/opscontext/chain"
)

// survey is what the first look at a file found: all of it is known before any of it is written.
type survey struct {
	tally
	sha256 chain.Hash
	bytes  int64
	pieces []piece
	partly bool // a line is too long to be read; what follows it was not looked at
	// sums are the digests of the file's first bytes, as many as were asked for.
	sums map[int64]chain.Hash
}

// piece is a run of lines that is written and synced at once.
type piece struct {
	offset, size int64
	first        int64     // number, from 0, of its first event
	events       int64     // how many it has
	before       hash.Hash // of the bytes before it, to go on from
	after        chain.Hash
}

// surveyed is a run of lines on its way through the survey.
type surveyed struct {
	data  []byte
	piece int
}

// surveyor reads a file once, from its start.
type surveyor struct {
	lines  lineReader
	size   int64 // of a piece
	sum    hash.Hash
	at     int64
	marks  []int64 // of sums, ascending
	pieces []piece
	sums   map[int64]chain.Hash
}

// look reads the first limit bytes of the source, or all there are. sizes are lengths of earlier
// imports: the digests of so many bytes from the start are taken on the way.
func (i *intake) look(ctx context.Context, limit int64, sizes []int64) (*survey, error) {
	free := make(chan []byte, 2*i.o.Workers)
	s := &surveyor{size: i.o.Piece, sum: sha256.New(), marks: sizes, sums: map[int64]chain.Hash{}}
	s.lines = lineReader{r: io.NewSectionReader(i.src.Data, 0, limit), size: int(min(partSize, i.o.Piece)), buf: func() []byte {
		select {
		case b := <-free:
			return b
		default:
			return nil
		}
	}}
	v := &survey{}
	events := map[int]int64{}
	err := inOrder(ctx, i.o.Workers, s.next, func(run surveyed) surveyedPart {
		p := readPart(i.log, i.o.Times, run.data, wantNothing)
		select {
		case free <- run.data:
		default:
		}
		return surveyedPart{p, run.piece}
	}, func(p surveyedPart) error {
		v.add(&p.part, v.bytes)
		v.bytes += p.size
		events[p.piece] += p.part.tally.events
		i.o.Progress(v.bytes, 2*max(i.src.Size, v.bytes))
		return nil
	})
	if v.partly = errors.Is(err, errLongLine); err != nil && !v.partly {
		return nil, fmt.Errorf("read %s: %w", i.src.Name, err)
	}
	v.sha256, v.pieces, v.sums = chain.Hash(s.sum.Sum(nil)), s.pieces, s.sums
	for n := range v.pieces {
		p := &v.pieces[n]
		p.events = events[n]
		if n > 0 {
			p.first = v.pieces[n-1].first + v.pieces[n-1].events
		}
	}
	return v, nil
}

type surveyedPart struct {
	part
	piece int
}

// next reads and hashes the next lines.
func (s *surveyor) next() (surveyed, error) {
	data, err := s.lines.next()
	if err != nil {
		return surveyed{}, err
	}
	n := len(s.pieces) - 1
	if n < 0 || s.pieces[n].size >= s.size {
		s.pieces = append(s.pieces, piece{offset: s.at, before: clone(s.sum)})
		n++
	}
	for rest := data; ; {
		part := rest
		if len(s.marks) > 0 && s.marks[0]-s.at <= int64(len(rest)) {
			part = rest[:s.marks[0]-s.at]
		}
		_, _ = s.sum.Write(part) // a hash never fails
		s.at += int64(len(part))
		if len(s.marks) > 0 && s.marks[0] == s.at {
			s.sums[s.at] = chain.Hash(s.sum.Sum(nil))
			s.marks = s.marks[1:]
		}
		if rest = rest[len(part):]; len(rest) == 0 {
			break
		}
	}
	s.pieces[n].size += int64(len(data))
	s.pieces[n].after = chain.Hash(s.sum.Sum(nil))
	return surveyed{data, n}, nil
}

// clone is a hash that goes on from where h is.
func clone(h hash.Hash) hash.Hash {
	c, ok := h.(hash.Cloner)
	if !ok {
		panic("intake: SHA-256 of the standard library can be cloned")
	}
	d, err := c.Clone()
	if err != nil {
		panic(fmt.Sprintf("intake: SHA-256 of the standard library can be cloned: %v", err))
	}
	return d
}

// everything is a limit that is none.
const everything = math.MaxInt64

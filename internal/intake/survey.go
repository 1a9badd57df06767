package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
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
	// seed is what the sums of pieces depend on. It is of this process alone, so nobody can change a
	// piece, between the two times that it is read, in a way that leaves its sum.
	seed maphash.Seed
	// sums are the digests of the file's first bytes, as many as were asked for.
	sums map[int64]chain.Hash
}

// piece is a run of lines that is written and synced at once.
type piece struct {
	offset, size int64
	first        int64  // number, from 0, of its first event
	events       int64  // how many it has
	sum          uint64 // of its bytes, under the survey's seed
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
	piece  maphash.Hash
	at     int64
	marks  []int64 // of sums, ascending
	pieces []piece
	sums   map[int64]chain.Hash
}

// look reads the first limit bytes of the source, or all there are. sizes are lengths of earlier
// imports: the digests of so many bytes from the start are taken on the way.
func (i *intake) look(ctx context.Context, limit int64, sizes []int64) (*survey, error) {
	free := make(freeList, 2*i.o.Workers)
	s := &surveyor{size: i.o.Piece, sum: sha256.New(), marks: sizes, sums: map[int64]chain.Hash{}}
	s.lines = lineReader{r: io.NewSectionReader(i.src.Data, 0, limit), size: int(min(partSize, i.o.Piece)), free: free}
	v := &survey{seed: s.piece.Seed()}
	events := map[int]int64{}
	err := inOrder(ctx, i.o.Workers, s.next, func(run surveyed) surveyedPart {
		p := readPart(i.log, i.o.Times, run.data, wantNothing)
		free.put(run.data)
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
		s.pieces = append(s.pieces, piece{offset: s.at})
		s.piece.Reset()
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
	_, _ = s.piece.Write(data)
	s.pieces[n].sum = s.piece.Sum64()
	return surveyed{data, n}, nil
}

// everything is a limit that is none.
const everything = math.MaxInt64

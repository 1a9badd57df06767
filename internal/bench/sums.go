package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// unhashed is how many bytes of a record's line, without its LF, are not hashed: the hash and its name.
const unhashed = len(`,"hash":""`) + chain.HashLen

// writeLengths writes how long the message is that is hashed for each record of a segment.
func writeLengths(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	lines, w := bufio.NewReaderSize(in, 1<<20), bufio.NewWriter(out)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return w.Flush()
		}
		if err == nil && len(line)-1 < unhashed {
			err = fmt.Errorf("%s: a line of %d bytes is no record", from, len(line))
		}
		if err != nil {
			return err
		}
		if err := binary.Write(w, binary.LittleEndian, uint32(len(line)-1-unhashed)); err != nil {
			return err
		}
	}
}

// sums hashes messages of the lengths in a file and does nothing else.
func sums(name string) error {
	lengths, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	message := make([]byte, 1<<20)
	for ; len(lengths) > 0; lengths = lengths[4:] {
		sha256.Sum256(message[:binary.LittleEndian.Uint32(lengths)])
	}
	return nil
}

// linked is a run of records that follow one another.
type linked struct{ parent, last chain.Hash }

// links takes the hash of every line of a segment and follows the chain. What the lines say besides
// it does not look at: that would be no check of a log.
func links(ctx context.Context, name string) error {
	src, err := segment.OpenFile(durable.OS(), name)
	if err != nil {
		return err
	}
	work := func(_ segment.Position, k segment.Chunk) (all linked, _ error) {
		var buf []byte
		first := true
		for at, line := range k.Lines() {
			var r chain.Rehashed
			r, buf = chain.Rehash(line, buf)
			switch {
			case !r.Right:
				return all, fmt.Errorf("%s: the hash of the line at byte %d is not that of a record", name, at)
			case first:
				all.parent, first = r.Prev, false
			case r.Prev != all.last:
				return all, fmt.Errorf("%s: the line at byte %d does not follow the one before it", name, at)
			}
			all.last = r.Hash
		}
		return all, nil
	}
	head := chain.Genesis
	return segment.Walk(ctx, []segment.Source{src}, segment.WalkOptions{}, work, func(p segment.Position, all linked, err error) error {
		if err == nil && all.parent != head {
			err = fmt.Errorf("%s: what follows byte %d does not follow what is before it", name, p.Offset)
		}
		head = all.last
		return err
	})
}

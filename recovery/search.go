package recovery

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// seeker looks for one run of records: from the child of before to head, each following the one
// before it.
type seeker struct {
	before, head chain.Hash
	run          chain.Stretch
	spans        []span
	hashes       map[chain.Hash]bool
	active, done bool
	why          string // why it was not found
}

// span is a part of a file: the lines that begin from one offset to another, both included.
type span struct {
	file     int
	from, to int64
}

// search looks through a supply for several runs at once. Of a single file it also gives the records
// that belong to none of them, by their lines.
func (s *supply) search(ctx context.Context, seekers []*seeker) (strays map[chain.Hash]int64, err error) {
	strays = map[chain.Hash]int64{}
	var unread string
	err = eachLine(ctx, s.files, func(file int, err error) {
		unread = fmt.Sprintf("; a part of %s cannot be read: %v", s.name(s.files[file]), err)
	}, func(l lineAt) error {
		o, ok := chain.OutlineOf(l.text)
		if !ok && s.file {
			return refuse(s.path, "take that line out of a copy of the file, if it does not belong to it", "line %d is no record", l.number)
		}
		for _, k := range seekers {
			if !k.done {
				k.take(s, l, o)
			}
		}
		if _, twice := strays[o.Hash]; s.file && !twice {
			strays[o.Hash] = l.number
		}
		return nil
	})
	for _, k := range seekers {
		switch {
		case k.done:
			for h := range k.hashes {
				delete(strays, h)
			}
		case k.active:
			k.why = fmt.Sprintf("its records after %s end with %s, and %s is the last that is gone", k.before.Short(), k.run.Head.Short(), k.head.Short())
		case k.why == "":
			k.why = fmt.Sprintf("it has no record that follows %s", k.before.Short())
		}
		if !k.done {
			k.why += unread
		}
	}
	return strays, err
}

// take offers a line to the run.
func (k *seeker) take(s *supply, l lineAt, o chain.Outline) {
	if k.active {
		if _, err := k.run.Add(l.text); err != nil {
			k.why = fmt.Sprintf("%s, line %d, is not the next record of what is gone: %v", s.name(s.files[l.file]), l.number, err)
			k.active = false
		}
	}
	if !k.active {
		if o.Hash == chain.Genesis || o.Prev != k.before {
			return
		}
		run := chain.Stretch{}
		if _, err := run.Add(l.text); err != nil {
			k.why = fmt.Sprintf("%s, line %d: %v", s.name(s.files[l.file]), l.number, err)
			return
		}
		k.run, k.spans, k.hashes, k.active = run, nil, map[chain.Hash]bool{}, true
	}
	if n := len(k.spans); n > 0 && k.spans[n-1].file == l.file {
		k.spans[n-1].to = l.offset
	} else {
		k.spans = append(k.spans, span{l.file, l.offset, l.offset})
	}
	k.hashes[k.run.Head] = true
	if k.run.Head == k.head {
		k.done, k.active = true, false
	}
}

// refuseMisplaced refuses runs of which a record is in the log already, and a file with records that
// are neither in a run nor in the log.
func (s *supply) refuseMisplaced(ctx context.Context, home []segment.Source, seekers []*seeker, strays map[chain.Hash]int64) error {
	err := eachLine(ctx, home, func(int, error) {}, func(l lineAt) error {
		o, ok := chain.OutlineOf(l.text)
		if !ok {
			return nil
		}
		delete(strays, o.Hash)
		for _, k := range seekers {
			if k.done && k.hashes[o.Hash] {
				return refuse(s.path, "opscontext recover diagnose", "its record %s is in the log already, in %s line %d: records are in the log, in another order",
					o.Hash.Short(), home[l.file].Name(), l.number)
			}
		}
		return nil
	})
	if err != nil || len(strays) == 0 {
		return err
	}
	first, hash := int64(0), chain.Hash{}
	for h, line := range strays {
		if first == 0 || line < first {
			first, hash = line, h
		}
	}
	return refuse(s.path, "give a file with the lost records alone, or the whole backup as a directory",
		"line %d, the record %s, is neither lost nor in the log: it is on a side branch, of another log, or forged (%d such in %s)",
		first, hash.Short(), len(strays), filepath.Base(s.path))
}

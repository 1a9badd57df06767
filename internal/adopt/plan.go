package adopt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// plan is what the files of the old home are cut into.
type plan struct {
	pieces  []piece // in reading order
	sources []chain.AdoptedFile
	left    *chain.Fragment // what follows the last LF of the live log
	next    int64           // number of the segment after the last piece, if that is sealed

	records, lines, bytes int64
	first, last           chain.Hash
	years                 map[string]int64
	found                 map[chain.Hash]bool // of the hashes that were looked for
	headless              string              // file whose last complete line is no record, if nothing follows
}

// piece is a run of lines of one file that becomes a segment.
type piece struct {
	number          int64
	live            bool // it becomes the live log
	source          segment.Source
	offset, size    int64 // bytes of the source's lines
	records         int64
	firstTS, lastTS string
	sum             chain.Hash
}

// file is the name of the segment in the new home.
func (p *piece) file() string {
	if p.live {
		return segment.LiveName
	}
	return segment.ArchiveDir + "/" + segment.Name{Number: p.number}.File(segment.FormPlain)
}

// cutting is a source on its way into pieces.
type cutting struct {
	*plan
	o      Options
	cutter segment.Cutter
	src    segment.Source
	sum    hash.Hash // of the piece
	whole  hash.Hash // of the source
	at     int64
}

// cut reads every source of the old home and says what it is cut into. No piece holds bytes of two
// files, and a piece keeps its file's number unless earlier cuts have taken it.
func (o *oldHome) cut(ctx context.Context, opts Options, wanted ...chain.Hash) (*plan, error) {
	p := &plan{years: map[string]int64{}, found: map[chain.Hash]bool{}, next: 1}
	for _, h := range wanted {
		p.found[h] = false
	}
	var done, total int64
	for _, s := range o.snap.Sources {
		total += s.Size()
	}
	for _, s := range o.snap.Sources {
		limit := int64(math.MaxInt64)
		if s.State() == segment.StateLive {
			var err error
			if limit, err = o.fragment(p, s); err != nil {
				return nil, err
			}
		}
		c := cutting{plan: p, o: opts, src: s, sum: sha256.New(), whole: sha256.New(),
			cutter: segment.Cutter{MaxBytes: opts.Log.MaxBytes, Period: opts.Log.Period, Now: opts.Log.Now()}}
		p.next = max(p.next, s.Segment().Number)
		records := p.records
		if err := o.read(ctx, s, limit, c.take); err != nil {
			return nil, err
		}
		c.end(s.State() == segment.StateLive)
		p.sources = append(p.sources, chain.AdoptedFile{File: segment.FileOf(s), Records: p.records - records, Bytes: c.at, SHA256: chain.Hash(c.whole.Sum(nil))})
		done += s.Size()
		opts.Progress(Reading, done, total)
	}
	return p, nil
}

// read gives the bytes of a source up to limit, and refuses one that cannot be read.
func (o *oldHome) read(ctx context.Context, s segment.Source, limit int64, each func(stretch) error) (err error) {
	r, err := o.open(s)
	if err == nil {
		err = stretches(ctx, io.LimitReader(r, limit), each)
		err = errors.Join(err, r.Close())
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, segment.ErrReplaced) {
		return err
	}
	return refusalf(o.path(segment.FileOf(s)), "put the segment back from a backup, or take what keeps it from being read out of the way",
		"not all of it can be read, so not all of it can be brought over (%v)", err)
}

// fragment notes what follows the last LF of the live log, and gives the length of what comes before.
func (o *oldHome) fragment(p *plan, live segment.Source) (end int64, err error) {
	f, err := o.plain(live)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size := live.Size()
	if end, err = lastLine(f, size); err != nil || end == size {
		return end, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, end, size-end)); err != nil {
		return 0, err
	}
	p.left = &chain.Fragment{File: segment.LiveName, Bytes: size - end, SHA256: chain.Hash(sum.Sum(nil))}
	return end, nil
}

// take adds a stretch to the piece it belongs to.
func (c *cutting) take(s stretch) error {
	text := bytes.TrimSuffix(s.data, []byte{'\n'})
	var out chain.Outline
	ok := false
	if s.line {
		out, ok = chain.OutlineOf(text)
	}
	var r *chain.Record
	if ok {
		r = &chain.Record{TS: string(out.TS), Event: string(out.Event)}
	}
	if c.cutter.Begins(r, int64(len(s.data))) {
		c.end(false)
	}
	if n := len(c.pieces); n == 0 || c.pieces[n-1].source != c.src || c.pieces[n-1].sum != (chain.Hash{}) {
		c.pieces = append(c.pieces, piece{number: c.next, source: c.src, offset: c.at})
		c.next++
	}
	p := &c.pieces[len(c.pieces)-1]
	p.size += int64(len(s.data))
	c.at += int64(len(s.data))
	c.bytes += int64(len(s.data))
	c.sum.Write(s.data)
	c.whole.Write(s.data)
	if ok {
		c.record(p, &out, r.TS)
		return nil
	}
	ended := len(text) < len(s.data)
	if s.line || ended {
		c.lines++
	}
	if ended && (len(text) > 0 || !s.line) {
		c.headless = segment.FileOf(c.src)
	}
	return nil
}

// record counts a record.
func (c *cutting) record(p *piece, out *chain.Outline, ts string) {
	if c.records == 0 {
		c.first = out.Hash
	}
	if p.records == 0 {
		p.firstTS = ts
	}
	c.headless = ""
	c.records++
	p.records++
	p.lastTS, c.last = ts, out.Hash
	if _, wanted := c.found[out.Hash]; wanted {
		c.found[out.Hash] = true
	}
	c.years[yearOf(ts)]++
}

// end closes the piece under way, if there is one.
func (c *cutting) end(live bool) {
	n := len(c.pieces)
	if n == 0 || c.pieces[n-1].source != c.src || c.pieces[n-1].sum != (chain.Hash{}) {
		return
	}
	c.pieces[n-1].sum, c.pieces[n-1].live = chain.Hash(c.sum.Sum(nil)), live
	c.sum.Reset()
}

// yearOf is the year that a time stamp begins with, "" if it begins with none.
func yearOf(ts string) string {
	const digits = len("2006")
	if len(ts) <= digits || ts[digits] != '-' {
		return ""
	}
	for _, d := range []byte(ts[:digits]) {
		if d < '0' || d > '9' {
			return ""
		}
	}
	return ts[:digits]
}

// report puts what was found into words for people and machines.
func (a *adoption) report() Report {
	p := a.plan
	r := Report{From: a.old.snap.Home, To: a.new.home, LogID: a.known.logID, Records: p.records, Lines: p.lines, Bytes: p.bytes,
		FirstHash: p.first.String(), LastHash: p.last.String(), Verdict: a.known.Verdict, Exit: a.known.exit, Counts: a.known.counts,
		Years: []Year{}, Segments: []Segment{}, NotBrought: a.known.others, Needed: a.needed(), Free: a.new.free}
	for _, year := range slices.Sorted(maps.Keys(p.years)) {
		r.Years = append(r.Years, Year{year, p.years[year]})
	}
	for i := range p.pieces {
		q := &p.pieces[i]
		r.Segments = append(r.Segments, Segment{File: q.file(), Source: segment.FileOf(q.source), Offset: q.offset, Records: q.records, Bytes: q.size,
			FirstTS: q.firstTS, LastTS: q.lastTS, SHA256: q.sum.String(), There: a.new.there[q.file()]})
	}
	if l := p.left; l != nil {
		r.NotBrought = append([]NotBrought{{File: l.File, Bytes: l.Bytes, SHA256: l.SHA256.String(),
			Why: "the last line has no LF: its writer may be in the middle of it"}}, r.NotBrought...)
	}
	if a.refused != nil {
		r.Refused = a.refused.Error()
	}
	return r
}

// needed is the room that the pieces take which are not in the new home yet, and beside them the
// largest one compressed.
func (a *adoption) needed() (n int64) {
	var largest int64
	for i := range a.plan.pieces {
		p := &a.plan.pieces[i]
		if !a.new.there[p.file()] {
			n += p.size
		}
		largest = max(largest, p.size)
	}
	return n + largest
}

func (p *piece) String() string {
	return fmt.Sprintf("%s, bytes %d to %d of %s", p.file(), p.offset, p.offset+p.size, segment.FileOf(p.source))
}

package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// exchange puts a whole segment in the place of its damaged file.
type exchange struct {
	label  string         // of the segment, in findings
	old    string         // name of its damaged file
	base   string         // name of the file that takes its place
	number int            // of the source in the verdict
	info   durable.Info   // of the damaged file
	damage chain.File     // the damaged file, as it goes to quarantine
	src    segment.Source // the damaged segment

	with     int // file of the supply
	fromName string
	sum      chain.Hash // of the file that takes its place
	run      chain.Stretch
	has      map[chain.Hash]bool // its records
}

// keptName is where the damaged file goes.
func (e *exchange) keptName() string { return segment.QuarantineDir + "/" + e.damage.Name }

// keptName gives a damaged file a name in quarantine: its own, with the beginning of its digest.
func keptName(base string, sum chain.Hash) string {
	stem, rest, _ := strings.Cut(base, ".")
	return stem + "." + sum.String()[:16] + "." + rest
}

// parseKeptName gives the file name that keptName was given.
func parseKeptName(name string) (base string, ok bool) {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) != 3 || len(parts[1]) != 16 {
		return "", false
	}
	base = parts[0] + "." + parts[2]
	_, form, ok := segment.ParseName(base)
	return base, ok && (form == segment.FormPlain || form == segment.FormZstd)
}

// damaged lists the sealed segments in which something is damaged, and those whose damaged file an
// interrupted exchange has moved away already.
func (s *restore) damaged(home *segment.Snapshot) (open []*fill, err error) {
	for i, summary := range s.out.Verdict.Sources {
		at := slices.IndexFunc(home.Sources, func(src segment.Source) bool { return src.Name() == summary.Name })
		if summary.Live || at < 0 {
			continue
		}
		src := home.Sources[at]
		e := &exchange{label: summary.Name, old: filepath.Base(fileIn(home.Home, src)), number: i, info: src.Info(), src: src}
		e.base = e.old
		f := &fill{as: chain.PutForSegment, name: summary.Name, where: "the damaged " + summary.Name, exchange: e}
		if at > 0 {
			f.after = home.Sources[at-1].Name()
		}
		if s.isDamaged(i) {
			sum, size, err := digest(s.o.Log.FS, fileIn(home.Home, src))
			if err != nil {
				return nil, err
			}
			e.damage = chain.File{Name: keptName(e.old, sum), Bytes: size, SHA256: sum}
			open = append(open, f)
			continue
		}
		if f.kept, err = s.exchanged(e); err != nil {
			return nil, err
		}
		if f.kept != nil {
			f.there, f.where = true, summary.Name
			open = append(open, f)
		}
	}
	return open, nil
}

// isDamaged reports whether something in the source is damaged, or cannot be read.
func (s *restore) isDamaged(source int) bool {
	v := s.out.Verdict
	return slices.ContainsFunc(v.Findings, func(f chain.Finding) bool {
		switch f.Class {
		case chain.Altered, chain.Ambiguous, chain.Unreadable, chain.TornTailFound:
			return f.Source == source
		case chain.Missing:
			return f.Source == source && fileOf(v, f.Record-1) == fileOf(v, f.Record)
		}
		return false
	})
}

// exchanged finds the file in quarantine that a segment's whole file took the place of, if no record on
// the chain names it.
func (s *restore) exchanged(e *exchange) (*chain.File, error) {
	entries, err := s.o.Log.FS.ReadDir(filepath.Join(s.home, segment.QuarantineDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		base, ok := parseKeptName(entry.Name())
		named := func(r chain.Restore) bool { return r.Kept.Name == segment.QuarantineDir+"/"+entry.Name() }
		if name, _, _ := segment.ParseName(base); !ok || name != e.src.Segment() || slices.ContainsFunc(s.out.Verdict.Restores, named) {
			continue
		}
		sum, size, err := digest(s.o.Log.FS, filepath.Join(s.home, segment.QuarantineDir, entry.Name()))
		return &chain.File{Name: entry.Name(), Bytes: size, SHA256: sum}, err
	}
	return nil, nil
}

// match finds the file of the supply that is a damaged segment, whole. What was archived is proven by
// the digests that the chain vouches for: of the compressed file, or of the plain one. Where it never
// was, hashes prove it.
func (s *restore) match(ctx context.Context, home *segment.Snapshot, f *fill, gaps []*seeker) (ok bool, why string, err error) {
	e := f.exchange
	var vouched *chain.Archive
	for i, a := range s.out.Verdict.Archives {
		if a.Segment == e.label {
			vouched = &s.out.Verdict.Archives[i]
		}
	}
	if e.src.State() == segment.StateArchived && vouched == nil {
		return false, "it is archived, and the chain vouches for no archive of it, so that nothing proves another", nil
	}
	why = "it has no file of this segment"
	for i, with := range s.supply.files {
		packed := with.State() == segment.StateArchived
		if with.State() == segment.StateLive || packed && vouched == nil {
			continue
		}
		reason := ""
		if e.with, e.fromName = i, s.supply.name(with); vouched != nil {
			reason, err = s.vouchedFor(ctx, e, with, vouched)
		} else {
			reason, err = s.proves(ctx, home, e, with, gaps)
		}
		if err == nil && reason == "" {
			reason, err = e.elsewhere(ctx, home)
		}
		switch {
		case err != nil:
			return false, "", err
		case reason == "":
			e.base = e.src.Segment().File(segment.FormPlain)
			if packed {
				e.base = e.src.Segment().File(segment.FormZstd)
			}
			return true, "", nil
		case reason != otherSegment:
			why = fmt.Sprintf("%s: %s", e.fromName, reason)
		}
	}
	return false, why, nil
}

// vouchedFor says why a file is not the one that the chain vouches for, "" if it is.
func (s *restore) vouchedFor(ctx context.Context, e *exchange, with supplied, vouched *chain.Archive) (why string, err error) {
	want := vouched.SHA256
	if with.State() == segment.StateArchived {
		want = vouched.Archived
	}
	sum, _, err := digest(s.o.Log.FS, with.path)
	if err != nil || sum != want {
		return otherSegment, err
	}
	e.sum = sum
	return "", e.count(ctx, with)
}

// count counts the records of a file that the chain vouches for.
func (e *exchange) count(ctx context.Context, src segment.Source) error {
	var unread error
	run := chain.Stretch{}
	e.has = map[chain.Hash]bool{}
	err := eachLine(ctx, []segment.Source{src}, func(_ int, err error) { unread = err }, func(l lineAt) error {
		o, ok := chain.OutlineOf(l.text)
		if !ok {
			return nil
		}
		if run.Records == 0 {
			run.Parent, run.First, run.FirstTS = o.Prev, o.Hash, string(o.TS)
		}
		run.Head, run.LastTS = o.Hash, string(o.TS)
		run.Records++
		e.has[o.Hash] = true
		return nil
	})
	e.run = run
	return errors.Join(err, unread)
}

const otherSegment = "it is another segment"

// proves says why a file is not a damaged plain segment as it was, "" if it is: a run of whole records
// that holds every record of the segment that is whole, so that what precedes those is proven by their
// links; and that ends where the segment does, or with a record that the gap behind it is proven to hold.
func (s *restore) proves(ctx context.Context, home *segment.Snapshot, e *exchange, with supplied, gaps []*seeker) (why string, err error) {
	v := s.out.Verdict
	before := chain.Genesis
	if e.number > 0 {
		before = v.Sources[e.number-1].Last
	}
	sum, err := segment.RawSum(ctx, with)
	if err = errors.Join(err, with.Close()); err != nil {
		return err.Error(), nil //nolint:nilerr // a copy that cannot be read proves nothing
	}
	run, bad := chain.Stretch{}, ""
	e.has = map[chain.Hash]bool{}
	if err := eachLine(ctx, []segment.Source{with}, func(_ int, err error) { bad = err.Error() }, func(l lineAt) error {
		if _, err := run.Add(l.text); err != nil && bad == "" {
			bad = fmt.Sprintf("line %d: %v", l.number, err)
		}
		e.has[run.Head] = true
		return nil
	}); err != nil {
		return "", err
	}
	e.run, e.sum = run, sum
	common := 0
	if err := eachLine(ctx, []segment.Source{e.src}, func(int, error) {}, func(l lineAt) error {
		r := chain.ReadLine(l.text)
		switch {
		case !r.Class.Whole():
		case e.has[r.Record.Hash]:
			common++
		default:
			why = fmt.Sprintf("it does not have the record %s, which is whole in %s, line %d", r.Record.Hash.Short(), e.label, l.number)
		}
		return nil
	}); err != nil {
		return "", err
	}
	ends := run.Head == v.Sources[e.number].Last ||
		slices.ContainsFunc(gaps, func(g *seeker) bool { return g.done && g.hashes[run.Head] })
	if e.number+1 < len(home.Sources) {
		next, err := firstOf(home.Sources[e.number+1])
		if err != nil {
			return "", err
		}
		ends = ends || next.Prev == run.Head
	}
	switch {
	case common == 0 && (run.Records == 0 || run.Parent != before || !ends):
		return otherSegment, nil
	case bad != "":
		return bad, nil
	case why == "" && !ends:
		return "it does not end where the segment does", nil
	}
	return why, nil
}

// elsewhere says which record of the whole segment is in another file of the log, "" if none is.
func (e *exchange) elsewhere(ctx context.Context, home *segment.Snapshot) (why string, err error) {
	err = eachLine(ctx, home.Sources, func(int, error) {}, func(l lineAt) error {
		src := home.Sources[l.file]
		if o, ok := chain.OutlineOf(l.text); ok && why == "" && src.Name() != e.label && e.has[o.Hash] {
			why = fmt.Sprintf("its record %s is in %s already", o.Hash.Short(), src.Name())
		}
		return nil
	})
	return why, err
}

// firstOf is the first record of a source, zero if its first line is none.
func firstOf(src segment.Source) (first chain.Outline, err error) {
	c, err := src.Read(segment.Extent{Offset: 0, Size: 1}, nil)
	if err != nil {
		return first, errors.Join(src.Close())
	}
	for _, line := range c.Lines() {
		if o, ok := chain.OutlineOf(line); ok {
			first = chain.Outline{Prev: o.Prev, Hash: o.Hash}
		}
	}
	return first, src.Close()
}

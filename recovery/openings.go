package recovery

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// archiveNames lists the archive directory.
func (o *Options) archiveNames(home string) (names []string, err error) {
	entries, err := o.Log.FS.ReadDir(filepath.Join(home, segment.ArchiveDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// openings lists what could be filled: files that an interruption left without their record, damaged
// segments, gaps, and tails that a break calls lost.
func (s *restore) openings(ctx context.Context, home *segment.Snapshot) ([]*fill, error) {
	open, kept, err := s.unrecorded(ctx, home)
	if err != nil {
		return nil, err
	}
	damaged, err := s.damaged(home)
	if err != nil {
		return nil, err
	}
	open = append(open, damaged...)
	for _, p := range places(s.out) {
		f := &fill{place: p, where: p.words(), seek: &seeker{before: p.before.Hash, head: p.lost.Head}}
		switch {
		case p.where == chain.WhereTail && (p.class == chain.RolledBack || p.class == chain.LiveMissing) && p.lost.Head != chain.Genesis:
			s.branch(f, home)
			if slices.ContainsFunc(kept, func(k chain.Stretch) bool { return k.Parent == p.before.Hash && k.Head == p.lost.Head }) {
				for _, u := range open {
					if u.as == chain.PutAsBranch && u.seek.head == p.lost.Head {
						u.after = f.after
					}
				}
				continue
			}
		case p.class == chain.Missing:
			if err := s.gap(f, home); err != nil {
				s.cannot = append(s.cannot, err)
				continue // the whole segment may still take its place
			}
		default:
			continue
		}
		open = append(open, f)
	}
	return open, nil
}

// gap says in which file a gap is filled: the next block after the segment that holds the record
// before it. Before the log's first record that is a block of the number below.
func (s *restore) gap(f *fill, home *segment.Snapshot) error {
	v, p := s.out.Verdict, f.place
	before, at := fileOf(v, p.record-1), fileOf(v, p.record)
	f.as = chain.PutInGap
	if before == at {
		return refuse(filepath.Join(s.home, at), "put the whole file back from a backup, with the writers stopped, or declare the break",
			"the gap before record #%d lies within the file: a block is read between two files, so that it can only close a gap between files", p.record)
	}
	if p.line > 1 {
		return refuse(filepath.Join(s.home, at), "put the whole segment back from a backup that has it",
			"the lines before record #%d, at its beginning, cannot be read", p.record)
	}
	next, name := sourceNamed(home, at), segment.Name{}
	if p.record == 0 {
		if next.Number == 0 {
			return refuse(filepath.Join(s.home, at), "put the whole file back", "no segment number is left before it")
		}
		name = segment.Name{Number: next.Number - 1, Restored: 1}
	} else {
		name = sourceNamed(home, before)
		name.Restored++
		f.after = before
	}
	taken := slices.ContainsFunc(s.names, func(base string) bool { n, _, ok := segment.ParseName(base); return ok && n == name })
	if taken || name.Compare(next) >= 0 {
		return refuse(s.home, "find out who put the block after "+before+" there", "the name %s, where the gap would be filled, is taken", name)
	}
	f.name = name.File(segment.FormPlain)
	return nil
}

// sourceNamed is the number and the index of the source with a label.
func sourceNamed(home *segment.Snapshot, label string) segment.Name {
	for _, src := range home.Sources {
		if src.Name() == label {
			return src.Segment()
		}
	}
	return segment.Name{Number: home.Next}
}

// branch says in which file a lost tail is kept: the next branch of the segment that it followed.
func (s *restore) branch(f *fill, home *segment.Snapshot) {
	f.as, f.after = chain.PutAsBranch, fileOf(s.out.Verdict, s.recordOf(f))
	name := segment.BranchName{Number: sourceNamed(home, f.after).Number, Index: 1}
	for slices.Contains(s.names, name.String()) {
		name.Index++
	}
	f.name = name.String()
}

// recordOf is the position of the record that a lost tail followed: the one before the audit.break, or
// the last there is.
func (s *restore) recordOf(f *fill) int64 {
	if f.place.chained != chain.Genesis {
		return f.place.record - 1
	}
	return s.out.Verdict.Records - 1
}

// unrecorded lists the blocks and branches that no audit.restore names, which is what an interrupted
// restoration leaves, and gives the records of every branch.
func (s *restore) unrecorded(ctx context.Context, home *segment.Snapshot) (open []*fill, branches []chain.Stretch, err error) {
	named := func(name string) bool {
		return slices.ContainsFunc(s.out.Verdict.Restores, func(r chain.Restore) bool { return r.Segment == name })
	}
	for i, src := range append(slices.Clone(home.Sources), home.Branches...) {
		branch := src.State() == segment.StateAbandoned
		if !branch && (src.State() != segment.StateSealed || src.Segment().Restored == 0 || named(src.Name())) {
			continue
		}
		run, whole, err := stretchOf(ctx, src)
		if err != nil {
			return nil, nil, err
		}
		if branch && whole {
			branches = append(branches, run)
		}
		if !whole || named(src.Name()) {
			continue
		}
		f := &fill{as: chain.PutInGap, name: src.Name(), there: true, seek: &seeker{before: run.Parent, head: run.Head}, where: src.Name()}
		if branch {
			f.as = chain.PutAsBranch
		} else if i > 0 {
			f.after = home.Sources[i-1].Name()
		}
		if f.sum, _, err = digest(s.o.Log.FS, fileIn(home.Home, src)); err != nil {
			return nil, nil, err
		}
		open = append(open, f)
	}
	return open, branches, nil
}

// stretchOf reads all records of a source; whole is false if they are not one run of whole records.
func stretchOf(ctx context.Context, src segment.Source) (run chain.Stretch, whole bool, err error) {
	whole = true
	err = eachLine(ctx, []segment.Source{src}, func(int, error) { whole = false }, func(l lineAt) error {
		if _, err := run.Add(l.text); err != nil {
			whole = false
		}
		return nil
	})
	return run, whole && run.Records > 0, err
}

// settleFirst comes first where the machine has yet to say what it found.
var settleFirst = Step{Do: "settle the log as any append does: the machine writes down what it found",
	Reads: []string{segment.LiveName, "the mark"}, Writes: []string{chain.KindBreak + " in " + segment.LiveName}}
